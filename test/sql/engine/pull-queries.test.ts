/** What pull queries have beyond look-ups and scans: groups, order, DISTINCT, OFFSET, joins, subqueries, UNION. */

import { afterEach, describe, expect, test } from 'vitest';
import type { SqlEngine } from '../../../sql/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const sources = `
  SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM orders (id INT KEY, customer VARCHAR, amount INT, ts BIGINT)
    WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='ts');
  CREATE STREAM customers (name VARCHAR KEY, city VARCHAR, age INT)
    WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE people AS SELECT name, LATEST_BY_OFFSET(city) AS city, LATEST_BY_OFFSET(age) AS age
    FROM customers GROUP BY name;
  CREATE TABLE spent AS SELECT customer, SUM(amount) AS total, COUNT(*) AS n FROM orders GROUP BY customer;
  CREATE TABLE hourly AS SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY customer;`;

const hour = 3_600_000;

const filled = async (): Promise<SqlEngine> => {
  const { engine } = await openWorld();
  await engine.execute(sources);
  await (await engine.inserter('orders')).insert([
    { id: 1, customer: 'ann', amount: 30, ts: 0 },
    { id: 2, customer: 'bob', amount: 10, ts: 1000 },
    { id: 3, customer: 'ann', amount: null, ts: hour },
    { id: 4, customer: 'cid', amount: 20, ts: hour + 1 },
    { id: 5, customer: null, amount: 5, ts: hour + 2 },
    { id: 6, customer: 'bob', amount: 10, ts: 2 * hour },
  ]);
  await (await engine.inserter('customers')).insert([
    { name: 'ann', city: 'Rome', age: 30 },
    { name: 'bob', city: 'Oslo', age: null },
    { name: 'dee', city: 'Rome', age: 40 },
  ]);
  await engine.awaitIdle();
  return engine;
};

/** One engine for all: nothing is changed. */
const answers = (cases: readonly (readonly [sql: string, rows: readonly (readonly unknown[])[]])[]): void => {
  test.each(cases)('%s', async (sql, wanted) => {
    expect(await rowsOf(await filled(), sql)).toEqual(wanted);
  });
};

describe('ORDER BY', () => {
  answers([
    ['SELECT id FROM orders ORDER BY amount, id DESC;', [[5], [6], [2], [4], [1], [3]]],
    ['SELECT id FROM orders ORDER BY amount DESC, id;', [[3], [1], [4], [2], [6], [5]]],
    ['SELECT id FROM orders ORDER BY amount DESC NULLS LAST, id LIMIT 2;', [[1], [4]]],
    ['SELECT id FROM orders ORDER BY amount ASC NULLS FIRST, 1 LIMIT 2 OFFSET 1;', [[5], [2]]],
    [
      'SELECT id, amount * -1 AS less FROM orders WHERE amount > 5 ORDER BY less, id;',
      [
        [1, -30],
        [4, -20],
        [2, -10],
        [6, -10],
      ],
    ],
    ['SELECT id FROM orders ORDER BY ROWTIME DESC LIMIT 2;', [[6], [5]]],
    ['SELECT customer FROM spent ORDER BY total + n DESC;', [['ann'], ['bob'], ['cid']]],
    [
      'SELECT * FROM spent ORDER BY 2, 1 DESC;',
      [
        ['cid', 20, 1],
        ['bob', 20, 2],
        ['ann', 30, 2],
      ].slice(0, 3),
    ],
    [
      'SELECT customer, WINDOWSTART FROM hourly ORDER BY WINDOWSTART DESC, customer LIMIT 3;',
      [
        ['bob', 2 * hour],
        ['ann', hour],
        ['cid', hour],
      ],
    ],
    ['SELECT id FROM orders ORDER BY id LIMIT 0;', []],
    ['SELECT id FROM orders ORDER BY id OFFSET 4;', [[5], [6]]],
    ['SELECT id FROM orders WHERE id > 4 OFFSET 9;', []],
  ]);
});

describe('GROUP BY', () => {
  answers([
    [
      'SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer ORDER BY n DESC, customer;',
      [
        ['ann', 2],
        ['bob', 2],
        ['cid', 1],
        [null, 1],
      ],
    ],
    [
      'SELECT customer, SUM(amount) AS s FROM orders GROUP BY customer HAVING COUNT(*) > 1 ORDER BY s;',
      [
        ['bob', 20],
        ['ann', 30],
      ],
    ],
    [
      'SELECT city, COUNT(*), ARRAY_SORT(COLLECT_LIST(name)) FROM people GROUP BY city ORDER BY city;',
      [
        ['Oslo', 1, ['bob']],
        ['Rome', 2, ['ann', 'dee']],
      ],
    ],
    [
      'SELECT n, COUNT(*) AS customers FROM spent GROUP BY n ORDER BY n;',
      [
        [1, 1],
        [2, 2],
      ],
    ],
    ['SELECT customer FROM orders GROUP BY customer ORDER BY MAX(amount) DESC;', [['ann'], ['cid'], ['bob'], [null]]],
    [
      'SELECT WINDOWSTART AS w, SUM(n) AS n FROM hourly GROUP BY WINDOWSTART ORDER BY w;',
      [
        [0, 2],
        [hour, 2],
        [2 * hour, 1],
      ],
    ],
    [
      'SELECT amount / 10 AS tens, COUNT(*) FROM orders GROUP BY amount / 10 ORDER BY tens;',
      [
        [0, 1],
        [1, 2],
        [2, 1],
        [3, 1],
        [null, 1],
      ],
    ],
    ['SELECT 1 AS one, COUNT(*) FROM orders GROUP BY 1;', [[1, 6]]],
    ['SELECT COUNT(*) FROM orders WHERE id > 100 GROUP BY customer;', []],
    [
      'SELECT customer, customer AS again, COUNT(*) FROM spent GROUP BY customer ORDER BY 1 LIMIT 1;',
      [['ann', 'ann', 1]],
    ],
    ['SELECT COUNT(*) FROM orders ORDER BY 1 LIMIT 5 OFFSET 1;', []],
  ]);
});

describe('DISTINCT', () => {
  answers([
    ['SELECT DISTINCT city FROM people ORDER BY city DESC;', [['Rome'], ['Oslo']]],
    [
      'SELECT DISTINCT customer, amount FROM orders ORDER BY customer NULLS FIRST, amount;',
      [
        [null, 5],
        ['ann', 30],
        ['ann', null],
        ['bob', 10],
        ['cid', 20],
      ],
    ],
    ['SELECT DISTINCT amount FROM orders ORDER BY amount LIMIT 2 OFFSET 1;', [[10], [20]]],
    ['SELECT DISTINCT COUNT(*) AS n FROM orders GROUP BY customer ORDER BY n;', [[1], [2]]],
  ]);
});

describe('joins', () => {
  answers([
    [
      'SELECT o.id, p.city FROM orders o JOIN people p ON o.customer = p.name ORDER BY o.id;',
      [
        [1, 'Rome'],
        [2, 'Oslo'],
        [3, 'Rome'],
        [6, 'Oslo'],
      ],
    ],
    [
      'SELECT o.id, p.city FROM orders o LEFT JOIN people p ON o.customer = p.name ORDER BY o.id;',
      [
        [1, 'Rome'],
        [2, 'Oslo'],
        [3, 'Rome'],
        [4, null],
        [5, null],
        [6, 'Oslo'],
      ],
    ],
    [
      'SELECT s.customer, p.name, s.total FROM spent s FULL JOIN people p ON s.customer = p.name ORDER BY s.customer, p.name;',
      [
        ['ann', 'ann', 30],
        ['bob', 'bob', 20],
        ['cid', null, 20],
        [null, 'dee', null],
      ],
    ],
    ['SELECT p.name FROM spent s RIGHT JOIN people p ON s.customer = p.name WHERE s.customer IS NULL;', [['dee']]],
    [
      'SELECT p.city, SUM(o.amount) AS s FROM orders o JOIN people p ON p.name = o.customer AND o.amount > 5 GROUP BY p.city ORDER BY s DESC;',
      [
        ['Rome', 30],
        ['Oslo', 20],
      ],
    ],
    ['SELECT a.id, b.id FROM orders a JOIN orders b ON a.amount = b.amount WHERE a.id < b.id;', [[2, 6]]],
    ["SELECT s.total, p.age FROM spent s JOIN people p ON s.customer = p.name WHERE s.customer = 'ann';", [[30, 30]]],
    [
      'SELECT * FROM people p JOIN spent s ON s.customer = p.name ORDER BY 1 LIMIT 1;',
      [['ann', 'Rome', 30, 'ann', 30, 2]],
    ],
    [
      'SELECT o.id, s.total, p.city FROM orders o JOIN spent s ON o.customer = s.customer LEFT JOIN people p ON p.name = s.customer ORDER BY o.id;',
      [
        [1, 30, 'Rome'],
        [2, 20, 'Oslo'],
        [3, 30, 'Rome'],
        [4, 20, null],
        [6, 20, 'Oslo'],
      ],
    ],
    ['SELECT COUNT(*) FROM hourly h JOIN people p ON h.customer = p.name WHERE h.WINDOWSTART > 0;', [[2]]],
  ]);
});

describe('subqueries and UNION', () => {
  answers([
    ['SELECT MAX(n) AS most FROM (SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer) AS t;', [[2]]],
    [
      'SELECT t.id FROM (SELECT id, amount FROM orders ORDER BY id LIMIT 3) t WHERE t.amount > 5 ORDER BY id;',
      [[1], [2]],
    ],
    ['SELECT id + 1 AS next FROM (SELECT id FROM orders WHERE id < 3) ORDER BY next;', [[2], [3]]],
    [
      'SELECT p.name, t.n FROM people p JOIN (SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer) t ON t.customer = p.name ORDER BY p.name;',
      [
        ['ann', 2],
        ['bob', 2],
      ],
    ],
    ['SELECT name FROM people UNION SELECT customer FROM spent ORDER BY name;', [['ann'], ['bob'], ['cid'], ['dee']]],
    [
      'SELECT name FROM people UNION ALL SELECT customer FROM spent ORDER BY name LIMIT 3 OFFSET 1;',
      [['ann'], ['bob'], ['bob']],
    ],
    ['SELECT COUNT(*) FROM (SELECT name FROM people UNION ALL SELECT customer FROM spent) t;', [[6]]],
    [
      'SELECT id FROM orders WHERE id < 3 UNION ALL SELECT 9000000000 FROM spent ORDER BY id LIMIT 3;',
      [[1], [2], [9000000000]],
    ],
    [
      'SELECT 1.5 AS a FROM spent UNION SELECT 2.25 FROM spent UNION SELECT id FROM orders WHERE id < 2 ORDER BY a;',
      [[100n], [150n], [225n]],
    ],
    ['SELECT 1 AS a FROM spent UNION SELECT 1E0 FROM spent;', [[1]]],
    [
      'SELECT ARRAY[1] AS a FROM spent UNION SELECT ARRAY[CAST(2 AS BIGINT)] FROM spent UNION SELECT NULLIF(ARRAY[1], ARRAY[1]) FROM spent;',
      [[[1]], [[2]], [null]],
    ],
    ['SELECT 1 AS a FROM people WHERE age = 30 UNION ALL SELECT 2 AS b FROM people WHERE age = 40;', [[1], [2]]],
  ]);
});

describe('what means nothing is refused with a sentence', () => {
  test.each([
    ['SELECT id FROM orders ORDER BY 2;', 'SQL_ORDER_BY', 'the SELECT list has no column 2'],
    ['SELECT DISTINCT id FROM orders ORDER BY amount;', 'SQL_ORDER_BY', 'AMOUNT in ORDER BY is not in the SELECT list'],
    ['SELECT ARRAY[id] AS a FROM orders ORDER BY a;', 'SQL_ORDER_BY', 'collections have no order'],
    ['SELECT id FROM orders ORDER BY nothing;', 'SQL_UNKNOWN_COLUMN', 'in ORDER BY does not exist'],
    ['SELECT id, COUNT(*) FROM orders GROUP BY customer;', 'SQL_NOT_GROUPED', '"ID"'],
    ['SELECT customer, COUNT(*) FROM orders GROUP BY customer ORDER BY amount;', 'SQL_NOT_GROUPED', '"AMOUNT"'],
    ['SELECT * FROM orders o JOIN people p ON o.id > p.age;', 'SQL_JOIN_CONDITION', 'needs an equality'],
    [
      'SELECT o.id FROM orders o JOIN people p WITHIN 1 DAY ON o.customer = p.name;',
      'SQL_PULL_QUERY',
      'without WITHIN',
    ],
    ['SELECT ROWTIME FROM (SELECT id FROM orders) t;', 'SQL_UNKNOWN_COLUMN', 'does not exist in subquery "T"'],
    ['SELECT * FROM (SELECT id FROM orders EMIT CHANGES) t;', 'SQL_PULL_QUERY', 'a subquery cannot have EMIT'],
    ['SELECT id FROM orders UNION SELECT name, age FROM people;', 'SQL_UNION', '1 and 2 columns'],
    ['SELECT TRUE FROM orders UNION SELECT 1 FROM people;', 'SQL_UNION', 'BOOLEAN in the first query'],
    ['SELECT id FROM orders UNION SELECT name FROM people;', 'SQL_UNION', 'column 1 of a UNION is "ID" INTEGER'],
    // Not each text is a time.
    ['SELECT name FROM people UNION SELECT FROM_UNIXTIME(0) FROM people;', 'SQL_UNION', 'is "NAME" STRING'],
    ['SELECT PARSE_DATE(name, name) FROM people UNION SELECT name FROM people;', 'SQL_UNION', 'and "NAME" STRING here'],
    ['SELECT ARRAY[name] FROM people UNION SELECT ARRAY[FROM_DAYS(1)] FROM people;', 'SQL_UNION', 'ARRAY<STRING>'],
    [
      'SELECT STRUCT(x := name) FROM people UNION SELECT STRUCT(x := FROM_DAYS(1)) FROM people;',
      'SQL_UNION',
      'STRUCT<',
    ],
    ['SELECT id FROM orders ORDER BY id EMIT CHANGES;', 'SQL_PULL_ONLY', 'cannot have ORDER BY'],
    ['SELECT DISTINCT id FROM orders EMIT CHANGES;', 'SQL_PULL_ONLY', 'cannot have SELECT DISTINCT'],
    ['SELECT id FROM orders EMIT CHANGES LIMIT 1 OFFSET 2;', 'SQL_PULL_ONLY', 'cannot have OFFSET'],
    ['SELECT id FROM orders UNION SELECT id FROM orders EMIT CHANGES;', 'SQL_PULL_ONLY', 'cannot have UNION'],
    ['SELECT * FROM (SELECT id FROM orders) t EMIT CHANGES;', 'SQL_PULL_ONLY', 'cannot have a subquery'],
    ['SELECT * FROM orders PARTITION BY id;', 'SQL_PULL_QUERY', 'PARTITION BY'],
    [
      'SELECT 1 FROM (SELECT id, id AS b_c FROM orders) a JOIN (SELECT id, id AS c FROM orders) a_b ON a.id = a_b.id;',
      'SQL_DUPLICATE_COLUMN',
      'would be called "A_B_C"',
    ],
  ])('%s', async (sql, code, message) => {
    const engine = await filled();
    await expect(engine.query(sql)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test('in queries that write too', async () => {
    const engine = await filled();
    await expect(engine.execute('CREATE STREAM x AS SELECT * FROM orders ORDER BY id;')).rejects.toMatchObject({
      code: 'SQL_PULL_ONLY',
    });
  });
});

describe('names like the new words', () => {
  test('stay names where they were', async () => {
    const { engine } = await openWorld();
    await engine.execute(`
      CREATE STREAM union (offset INT KEY, order INT, nulls INT, first INT, last INT, asc INT, desc INT)
        WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1);
      INSERT INTO union (offset, order, nulls, first, last, asc, desc) VALUES (1, 2, 3, 4, 5, 6, 7);`);
    expect(
      await rowsOf(engine, 'SELECT order, nulls union, first AS last FROM union offset WHERE offset.desc = 7;'),
    ).toEqual([[2, 3, 4]]);
    expect(await rowsOf(engine, 'SELECT order.asc FROM union order ORDER BY order DESC;')).toEqual([[6]]);
  });
});

describe('memory', () => {
  const many = async (): Promise<SqlEngine> => {
    const { engine } = await openWorld();
    await engine.execute(sources);
    const inserter = await engine.inserter('orders');
    await inserter.insert(
      Array.from({ length: 20_000 }, (_, i) => ({ id: i, customer: `c${i}`, amount: i % 100, ts: i })),
    );
    return engine;
  };

  test('is limited: a query past it ends with an error that names the property', async () => {
    const engine = await many();
    const limit = { 'millrace.query.memory.bytes': '500000' };
    for (const sql of [
      'SELECT id FROM orders ORDER BY amount;',
      'SELECT customer, COUNT(*) FROM orders GROUP BY customer;',
      'SELECT DISTINCT customer FROM orders;',
      'SELECT COLLECT_LIST(customer) FROM orders;',
      'SELECT COUNT(*) FROM orders a JOIN orders b ON a.id = b.id;',
      'SELECT customer FROM orders UNION SELECT customer FROM orders;',
    ]) {
      await expect(rowsOf(engine, sql, limit), sql).rejects.toMatchObject({
        code: 'SQL_PULL_TOO_LARGE',
        hint: expect.stringContaining('millrace.query.memory.bytes') as string,
      });
    }
  });

  test('is not needed for few groups, or the first rows of many', async () => {
    const engine = await many();
    const limit = { 'millrace.query.memory.bytes': '2000000' };
    const groups = await rowsOf(engine, 'SELECT amount, COUNT(*) FROM orders GROUP BY amount;', {
      'millrace.query.memory.bytes': '100000',
    });
    expect(groups).toHaveLength(100);
    const first = await rowsOf(engine, 'SELECT id FROM orders ORDER BY amount DESC, id DESC LIMIT 3 OFFSET 2;', limit);
    expect(first).toEqual([[19_799], [19_699], [19_599]]);
  });
});

test('EXPLAIN shows the steps', async () => {
  const engine = await filled();
  const [result] = await engine.execute(
    "EXPLAIN SELECT p.city, COUNT(*) AS n FROM spent s JOIN people p ON s.customer = p.name WHERE s.customer = 'ann' GROUP BY p.city ORDER BY n DESC LIMIT 2;",
  );
  if (result?.kind !== 'queryDescription') throw new Error('no description');
  expect(result.queryDescription.executionPlan.split('Steps\n')[1]).toMatchInlineSnapshot(`
    "Limit 2
      Sort by N DESC NULLS FIRST, the first 2
        Aggregate by P_CITY AS P_CITY: COUNT() AS KSQL_AGG_VARIABLE_0
          Select P_CITY AS  group 0
            Hash join inner on S_CUSTOMER = P_NAME
              Look up 1 key of table SPENT: CUSTOMER AS CUSTOMER where (CUSTOMER = 'ann')
              Scan table PEOPLE: NAME AS NAME, CITY AS CITY
    "
  `);
});
