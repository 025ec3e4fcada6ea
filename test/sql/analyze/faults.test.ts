/** What is wrong with a query: which fault, where, in which words, and what to do. */

import { describe, expect, test } from 'vitest';
import { faultOf } from '../support/planning.ts';

const csas = (select: string): string => faultOf(`CREATE STREAM s AS ${select};`);
const ctas = (select: string): string => faultOf(`CREATE TABLE t AS ${select};`);

describe('names', () => {
  test('an unknown column is named with its clause, and what is close to it', () => {
    expect(csas('SELECT id, amout FROM orders')).toBe(
      'SQL_UNKNOWN_COLUMN at 1:31: the column "AMOUT" in SELECT does not exist in stream "ORDERS" | Did you mean "AMOUNT"?',
    );
    expect(csas('SELECT * FROM orders WHERE zzz > 1')).toMatch(
      /^SQL_UNKNOWN_COLUMN at 1:47: the column "ZZZ" in WHERE .* \| The columns are ID, CUSTOMER/,
    );
    expect(csas('SELECT * FROM orders WHERE o.id > 1')).toBe(
      'SQL_UNKNOWN_SOURCE at 1:47: "O" is not the name or alias of a source of this query | The query reads ORDERS.',
    );
  });

  test('an unknown source too', () => {
    expect(csas('SELECT * FROM ordres')).toBe(
      'SQL_UNKNOWN_SOURCE at 1:34: there is no stream or table called "ORDRES" | Did you mean "ORDERS"?',
    );
  });

  test('a column of both sources must be qualified', () => {
    expect(csas('SELECT rowtime AS t, o.id FROM orders o JOIN customers c ON o.customer = c.name')).toMatch(
      /^SQL_AMBIGUOUS_COLUMN at 1:27: the column "ROWTIME" in SELECT could be O.ROWTIME or C.ROWTIME \| Write O.ROWTIME/,
    );
  });

  test('reserved names need an alias, and are none', () => {
    expect(csas('SELECT id, ROWTIME FROM orders')).toMatch(
      /^SQL_RESERVED_NAME at 1:31: "ROWTIME" is a reserved column name/,
    );
    expect(csas('SELECT id, amount AS rowoffset FROM orders')).toMatch(
      /^SQL_RESERVED_NAME at 1:41: "ROWOFFSET" is a reserved/,
    );
  });

  test('names like those of object prototypes are ordinary names', () => {
    expect(csas('SELECT id, constructor FROM orders')).toMatch(/^SQL_UNKNOWN_COLUMN at 1:31: the column "CONSTRUCTOR"/);
    expect(csas('SELECT id, toString(amount) FROM orders')).toMatch(/^SQL_UNKNOWN_FUNCTION at 1:31/);
    expect(csas('SELECT id, amount AS `__proto__`, amount AS constructor FROM orders')).toBe('no fault');
  });

  test('a name stands once in the list', () => {
    expect(csas('SELECT id, amount AS x, ts AS x FROM orders')).toMatch(
      /^SQL_DUPLICATE_COLUMN at 1:44: the column name "X"/,
    );
  });
});

describe('types', () => {
  test('a comparison names both types', () => {
    expect(csas("SELECT * FROM orders WHERE amount > 'a'")).toMatch(
      /^SQL_TYPE_MISMATCH at 1:47: .*DOUBLE.*STRING.* \| Make both the same type, for example with CAST/,
    );
    expect(csas('SELECT * FROM orders WHERE ARRAY[1] < ARRAY[2]')).toMatch(
      /^SQL_TYPE_MISMATCH at 1:47: .* \| Its values have no order: only = and <> compare them\./,
    );
  });

  test('arithmetic with a text shows how to convert it', () => {
    expect(csas('SELECT id, customer + 1 AS x FROM orders')).toMatch(
      /^SQL_TYPE_MISMATCH at 1:31: .* \| CAST\(… AS BIGINT\) makes a number of a text/,
    );
  });

  test('a text that is no time shows the form of one', () => {
    expect(csas("SELECT * FROM orders WHERE FROM_UNIXTIME(ts) > '31.1.2024'")).toMatch(
      /^SQL_BAD_TEXT at 1:67: .* \| Write it as '2024-01-31T12:30:00'/,
    );
  });

  test('a condition must be a BOOLEAN', () => {
    expect(csas('SELECT * FROM orders WHERE amount')).toMatch(
      /^SQL_TYPE_MISMATCH at 1:47: the condition of WHERE .*DOUBLE/,
    );
  });

  test('->* takes a struct', () => {
    expect(csas('SELECT id, customer->* FROM orders')).toMatch(/^SQL_NOT_A_STRUCT at 1:31: .*STRING/);
  });
});

describe('keys', () => {
  test('the key must be selected, once', () => {
    expect(csas('SELECT amount FROM orders')).toBe(
      'SQL_MISSING_KEY_COLUMN at 1:20: the SELECT list of "S" must name the key column ID | Write SELECT ID, …',
    );
    expect(csas('SELECT id, id AS again, amount FROM orders')).toMatch(
      /^SQL_DUPLICATE_KEY_COLUMN at 1:31: .*"ID" and "AGAIN" \| .*AS_VALUE\(ID\) AS AGAIN/,
    );
    expect(csas('SELECT id FROM orders')).toMatch(/^SQL_NO_VALUE_COLUMNS/);
    expect(csas('SELECT a, v FROM pairs')).toMatch(/key column B/);
  });

  test('the new key of PARTITION BY and GROUP BY too', () => {
    expect(csas('SELECT id, amount FROM orders PARTITION BY customer')).toMatch(/^SQL_MISSING_KEY_COLUMN .*CUSTOMER/);
    expect(ctas('SELECT COUNT(*) AS n FROM orders GROUP BY customer')).toMatch(/^SQL_MISSING_KEY_COLUMN .*CUSTOMER/);
    expect(csas('SELECT * FROM orders PARTITION BY customer, customer')).toMatch(/^SQL_DUPLICATE_EXPRESSION at 1:64/);
    expect(csas('SELECT * FROM orders PARTITION BY NULL, customer')).toMatch(/^SQL_PARTITION_BY_NULL/);
    expect(csas('SELECT * FROM windows PARTITION BY n')).toMatch(/^SQL_WINDOWED_SOURCE/);
    expect(ctas('SELECT * FROM customers PARTITION BY city')).toMatch(/^SQL_PARTITION_BY_TABLE/);
  });

  test('several key columns need a format that holds them', () => {
    expect(ctas('SELECT customer, ts, COUNT(*) AS n FROM orders GROUP BY customer, ts')).toMatch(
      /^SQL_FORMAT_COLUMNS.*KAFKA.*exactly one column/,
    );
  });
});

describe('aggregates', () => {
  test('what is selected is grouped or inside an aggregate', () => {
    expect(ctas('SELECT customer, amount, COUNT(*) AS n FROM orders GROUP BY customer')).toBe(
      'SQL_NOT_GROUPED at 1:36: the column "AMOUNT" in SELECT is neither grouped nor inside an aggregate | Add it to GROUP BY, or use an aggregate, such as LATEST_BY_OFFSET(AMOUNT).',
    );
    expect(ctas('SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer HAVING amount > 1')).toMatch(
      /^SQL_NOT_GROUPED.*HAVING/,
    );
  });

  test('a misspelt aggregate is named, and not the column in it', () => {
    for (const other of ['', ', COUNT(*) AS n']) {
      expect(ctas(`SELECT customer, SUMM(amount) AS total${other} FROM orders GROUP BY customer`)).toMatch(
        /^SQL_UNKNOWN_FUNCTION at 1:36: there is no function called "SUMM"/,
      );
    }
  });

  test('aggregates have their place', () => {
    expect(ctas('SELECT customer, SUM(COUNT(*)) AS n FROM orders GROUP BY customer')).toMatch(/^SQL_NESTED_AGGREGATE/);
    expect(csas('SELECT * FROM orders WHERE COUNT(*) > 1')).toMatch(
      /^SQL_AGGREGATE_NOT_ALLOWED at 1:47: .*WHERE \| .*HAVING/,
    );
    expect(ctas('SELECT COUNT(*) AS n FROM orders')).toMatch(/^SQL_AGGREGATE_WITHOUT_GROUP_BY/);
    expect(ctas('SELECT 1 AS one, COUNT(*) AS n FROM orders')).toMatch(/^SQL_AGGREGATE_WITHOUT_GROUP_BY/);
    expect(ctas('SELECT customer, COUNT(*) AS n FROM orders')).toMatch(/^SQL_NOT_GROUPED.*"CUSTOMER" in SELECT/);
    expect(ctas('SELECT amount + COUNT(*) AS n FROM orders')).toMatch(/^SQL_NOT_GROUPED.*"AMOUNT" in SELECT/);
    expect(ctas('SELECT COUNT(*) AS n FROM orders HAVING id > 1')).toMatch(/^SQL_NOT_GROUPED.*"ID" in HAVING/);
    expect(ctas('SELECT NOPE(id), COUNT(*) AS n FROM orders')).toMatch(/^SQL_UNKNOWN_FUNCTION/);
    expect(ctas('SELECT customer, 1 AS one FROM orders GROUP BY customer')).toMatch(/^SQL_GROUP_BY_WITHOUT_AGGREGATE/);
    expect(csas('SELECT * FROM orders HAVING COUNT(*) > 1')).toMatch(/^SQL_AGGREGATE_WITHOUT_GROUP_BY at 1:48/);
    expect(csas('SELECT * FROM orders HAVING customer > 1')).toMatch(/^SQL_TYPE_MISMATCH at 1:48/);
  });

  test('windows group, and their bounds are known in SELECT only', () => {
    expect(csas('SELECT * FROM orders WINDOW TUMBLING (SIZE 1 DAY)')).toMatch(/^SQL_WINDOW_WITHOUT_GROUP_BY at 1:41/);
    expect(
      ctas('SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 DAY) GROUP BY customer, WINDOWSTART'),
    ).toMatch(/^SQL_WINDOW_BOUNDS/);
    expect(ctas('SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 0 DAYS) GROUP BY customer')).toMatch(
      /^SQL_WINDOW_SIZE/,
    );
    expect(
      ctas(
        'SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 DAY, RETENTION 1 HOUR) GROUP BY customer',
      ),
    ).toMatch(/^SQL_WINDOW_RETENTION/);
    const kept = (more: string): string =>
      ctas(
        `SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 2 HOURS, RETENTION ${more}) GROUP BY customer`,
      );
    // Without GRACE PERIOD a window is open for a day in all.
    expect(kept('24 HOURS')).toBe('no fault');
    expect(kept('23 HOURS')).toMatch(
      /^SQL_WINDOW_RETENTION at 1:103: .* 86400000 ms, but RETENTION is 82800000 ms \| .*GRACE/,
    );
    expect(kept('2 HOURS, GRACE PERIOD 0 SECONDS')).toBe('no fault');
  });

  test('each kind of window has its own limits', () => {
    const counted = (window: string, more = ''): string =>
      ctas(`SELECT customer, COUNT(*) AS n FROM orders WINDOW ${window} GROUP BY customer${more}`);
    expect(counted('HOPPING (SIZE 1 DAY, ADVANCE BY 1 HOUR)')).toBe('no fault');
    expect(counted('HOPPING (SIZE 1 DAY, ADVANCE BY 0 HOURS)')).toMatch(/^SQL_WINDOW_SIZE at 1:\d+: the advance/);
    expect(counted('HOPPING (SIZE 1 HOUR, ADVANCE BY 2 HOURS)')).toMatch(/^SQL_WINDOW_ADVANCE at 1:\d+: .* 7200000 ms/);
    expect(counted('HOPPING (SIZE 1 DAY, ADVANCE BY 863 MILLISECONDS)')).toMatch(
      /^SQL_WINDOW_ADVANCE at 1:\d+: .* more than 100000 windows/,
    );
    expect(counted('SESSION (1 HOUR)')).toBe('no fault');
    expect(counted('SESSION (0 SECONDS)')).toBe('no fault');
    expect(counted('SESSION (1 HOUR, RETENTION 1 HOUR)')).toMatch(/^SQL_WINDOW_RETENTION .* for their gap .*last row/);
    expect(counted('SESSION (1 HOUR, RETENTION 1 HOUR, GRACE PERIOD 0 SECONDS)')).toBe('no fault');
    // A result that waits for the close of its window does not wait for a day more, unless that is asked for.
    expect(counted('TUMBLING (SIZE 1 HOUR, RETENTION 1 HOUR)', ' EMIT FINAL')).toBe('no fault');
  });

  test('EMIT FINAL needs windows', () => {
    expect(ctas('SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer EMIT FINAL')).toMatch(
      /^SQL_EMIT_FINAL at 1:\d+: .* without windows no result is ever final/,
    );
    expect(csas('SELECT * FROM orders EMIT FINAL')).toMatch(/^SQL_EMIT_FINAL/);
  });

  test('a kind that does not fit names the other statement', () => {
    expect(csas('SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer')).toBe(
      'SQL_WRONG_KIND at 1:1: the query of CREATE STREAM "S" delivers a table | Write CREATE TABLE S AS SELECT ….',
    );
    expect(ctas('SELECT * FROM orders')).toMatch(/^SQL_WRONG_KIND.*CREATE STREAM/);
  });
});

describe('joins', () => {
  const joined = (rest: string): string => csas(`SELECT o.id, c.city FROM ${rest}`);

  test('what can be joined, and how', () => {
    expect(joined('customers c JOIN orders o ON o.customer = c.name')).toMatch(/^SQL_JOIN_ORDER.*Put the stream first/);
    expect(joined('orders o RIGHT JOIN customers c ON o.customer = c.name')).toMatch(/^SQL_JOIN_TYPE.*RIGHT JOIN/);
    expect(joined('orders o JOIN customers c WITHIN 1 DAY ON o.customer = c.name')).toMatch(/^SQL_JOIN_WITHIN/);
    expect(joined('orders o JOIN pairs c ON o.id = c.a')).toMatch(/^SQL_JOIN_WITHIN.*needs WITHIN/);
    expect(joined('orders o JOIN orders c ON o.id = c.id')).toMatch(/^SQL_SELF_JOIN/);
  });

  test('the condition is one equality with the key of the table', () => {
    expect(joined('orders o JOIN customers c ON o.customer = c.city')).toMatch(
      /^SQL_JOIN_CONDITION.*primary key C.NAME/,
    );
    expect(joined('orders o JOIN customers c ON o.customer > c.name')).toMatch(/^SQL_JOIN_CONDITION.*one equality/);
    expect(joined("orders o JOIN customers c ON 'x' = c.name")).toMatch(/^SQL_JOIN_CONDITION.*names no column/);
    expect(joined('orders o JOIN customers c ON o.id = c.name')).toMatch(/^SQL_JOIN_TYPES.*BIGINT.*STRING.*CAST/);
  });

  test('values without an envelope cannot be joined or grouped', () => {
    expect(ctas('SELECT v, COUNT(*) AS n FROM bare GROUP BY v')).toMatch(/^SQL_KAFKA_VALUES/);
  });
});

test.each([
  // A name of another language, or a slip of the pen, is followed by what was probably meant.
  ['SELECT LOWER(customer) AS c FROM orders', 'there is no function called "LOWER" | Use LCASE.'],
  ['SELECT customer, CONT(*) AS n FROM orders GROUP BY customer', 'called "CONT" | Did you mean "COUNT"?'],
  ['SELECT id, FOO(amount) AS f FROM orders GROUP BY id', 'no function called "FOO" | SHOW FUNCTIONS lists them all.'],
  [
    'SELECT * FROM orders WHERE customer = "a"',
    `If it is a string, write 'a': double quotes and backticks are for names.`,
  ],
  ['SELECT id, place.city AS c FROM orders', '"PLACE" is a column; a field of it is PLACE->name.'],
  [
    'SELECT id, x.city AS c FROM orders o',
    '"X" is not the name or alias of a source of this query | The query reads O.',
  ],
  [
    'SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer HAVING n > 1',
    'N is a name that SELECT gives, and HAVING is worked out before: write the expression again.',
  ],
  [
    "SELECT id, customer AS c FROM orders WHERE c = 'a'",
    'C is a name that SELECT gives, and WHERE is worked out before: write the expression again.',
  ],
])('%s', (select, fault) => {
  expect(csas(select)).toContain(fault);
});

test.each([
  ['VARCAHR', 'Did you mean VARCHAR?'],
  ['TEXT', 'Write STRING.'],
  ['DATETIME', 'Write TIMESTAMP.'],
  ['FLOAT', 'Write DOUBLE.'],
  ['ARRAY', 'Write ARRAY<…>, with the type of its elements.'],
  ['MONEY', 'The types are BOOLEAN, INTEGER, BIGINT, DECIMAL,'],
])('the type %s', (type, hint) => {
  const text = `CREATE STREAM s (v ${type}) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`;
  expect(faultOf(text)).toContain(`there is no type called "${type}" | ${hint}`);
});
