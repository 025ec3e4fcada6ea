/**
 * Golden plans: what the planner makes of a statement, byte for byte as it goes to the statement log, and readable
 * back.
 *
 * A plan that runs is never made again, so a change here means that new queries get other plans than the old ones:
 * review the difference, then write the files anew with `MILLRACE_UPDATE_GOLDEN=1 npx vitest run
 * test/sql/plan/golden.test.ts`. Files of plans that are no longer made stay: they must be read for ever.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInFunctions, compileTopology, printPlan, readPlan, ScanRegistry, writePlan } from '../../../sql/index.ts';
import { commandOf } from '../support/planning.ts';

const directory = join(import.meta.dirname, 'golden');
const update = process.env['MILLRACE_UPDATE_GOLDEN'] === '1';

const statements: Readonly<Record<string, string>> = {
  'filter-project': `CREATE STREAM big AS SELECT id, customer, amount * 2 AS twice FROM orders WHERE amount > 100 AND customer IS NOT NULL;`,
  'star-with-formats': `CREATE STREAM copy WITH (KAFKA_TOPIC='copied', KEY_FORMAT='JSON', TIMESTAMP='ts') AS SELECT * FROM orders;`,
  'partition-by': `CREATE STREAM by_city AS SELECT place->city AS city, id, amount FROM orders PARTITION BY place->city;`,
  'partition-by-null': `CREATE STREAM keyless AS SELECT * FROM orders PARTITION BY NULL;`,
  'count-by-key': `CREATE TABLE counts AS SELECT id, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY id;`,
  'group-by-expression': `CREATE TABLE by_customer AS SELECT UCASE(customer) AS who, COUNT(*) AS n, MAX(amount) AS most FROM orders WHERE amount > 0 GROUP BY UCASE(customer) HAVING COUNT(*) > 2;`,
  'group-by-two': `CREATE TABLE by_two WITH (KEY_FORMAT='JSON') AS SELECT customer, place->zip AS zip, AVG(amount) AS mean FROM orders GROUP BY customer, place->zip;`,
  tumbling: `CREATE TABLE per_minute AS SELECT customer, WINDOWSTART AS ws, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 10 SECONDS) GROUP BY customer;`,
  'inner-join': `CREATE STREAM enriched AS SELECT o.customer AS customer, o.id AS id, c.city AS city FROM orders o JOIN customers c ON o.customer = c.name WHERE o.amount > 10 AND c.city <> 'x';`,
  'left-join-all': `CREATE STREAM everything AS SELECT * FROM orders o LEFT JOIN customers c ON o.customer = c.name;`,
  'table-filter': `CREATE TABLE old AS SELECT name, city FROM customers WHERE since < 1000;`,
  'table-group-by': `CREATE TABLE cities AS SELECT city, COUNT(*) AS n, SUM(since) AS total FROM customers GROUP BY city;`,
  'windowed-source': `CREATE STREAM unwindowed AS SELECT k, n + 1 AS more FROM windows;`,
  'insert-as': `INSERT INTO pairs SELECT a, b, UCASE(v) AS v FROM pairs;`,
  'join-of-key-formats': `CREATE STREAM visits (name VARCHAR KEY, page VARCHAR) WITH (KAFKA_TOPIC='visits', FORMAT='JSON', PARTITIONS=4); CREATE STREAM visitors AS SELECT v.name AS name, v.page AS page, c.city AS city FROM visits v JOIN customers c ON v.name = c.name;`,
  'stream-stream-join': `CREATE STREAM payments (order_id BIGINT KEY, sum DOUBLE) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=4); CREATE STREAM paid AS SELECT o.id AS id, o.customer AS customer, p.sum AS sum FROM orders o JOIN payments p WITHIN 1 HOUR ON o.id = p.order_id WHERE o.amount > 10 AND p.sum > 10;`,
  'stream-stream-full-join': `CREATE STREAM visits (name VARCHAR KEY, page VARCHAR) WITH (KAFKA_TOPIC='visits', FORMAT='JSON', PARTITIONS=4); CREATE STREAM both AS SELECT ROWKEY AS who, o.customer AS customer, v.name AS name, page FROM orders o FULL JOIN visits v WITHIN (1 MINUTE, 2 MINUTES) GRACE PERIOD 10 SECONDS ON o.customer = v.name;`,
  'table-table-join': `CREATE TABLE cities (name VARCHAR PRIMARY KEY, people INT) WITH (KAFKA_TOPIC='cities', FORMAT='JSON', PARTITIONS=4); CREATE TABLE wide AS SELECT c.name AS name, since, people FROM customers c RIGHT JOIN cities d ON c.name = d.name;`,
  'foreign-key-join': `CREATE TABLE cities (name VARCHAR PRIMARY KEY, people INT) WITH (KAFKA_TOPIC='cities', VALUE_FORMAT='JSON', PARTITIONS=1); CREATE TABLE sized AS SELECT c.name AS name, since, people FROM customers c LEFT JOIN cities d ON UCASE(c.city) = d.name WHERE people > 10;`,
  lambda: `CREATE STREAM sums AS SELECT id, REDUCE(TRANSFORM(items, x => x * 2), 0, (s, y) => s + y) AS total FROM orders;`,
  'table-function': `CREATE STREAM lines AS SELECT id, EXPLODE(items) + 1 AS item, customer FROM orders WHERE amount > 100;`,
  'source-table': `CREATE SOURCE TABLE kept (id BIGINT PRIMARY KEY, v VARCHAR) WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='JSON');`,
  literals: `CREATE STREAM literals AS SELECT a, b, 1 + 2 AS three, CAST('7' AS BIGINT) AS seven, 9223372036854775807 AS huge, CASE WHEN v = 'x' THEN 1.5E0 ELSE 2E0 END AS c, ARRAY[1, 2] AS l, MAP('k' := v) AS m, STRUCT(\`__proto__\` := v) AS s FROM pairs;`,
};

describe('golden plans', () => {
  test.each(Object.entries(statements))('%s is planned as it was', (name, sql) => {
    const command = commandOf(sql);
    if (!('query' in command) || command.query === undefined) throw new Error('a query was expected');
    const written = writePlan(command.query.plan);
    const path = join(directory, `${name}.json`);
    if (update || !existsSync(path)) writeFileSync(path, written);
    expect(written).toBe(readFileSync(path, 'utf8'));
  });

  test.each(readdirSync(directory).filter((name) => name.endsWith('.json')))(
    '%s is read back and makes a topology',
    (name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      const plan = readPlan(JSON.parse(text));
      expect(writePlan(plan)).toBe(text);
      const topology = compileTopology(plan, {
        functions: builtInFunctions(),
        context: { now: () => 0, random: () => 0 },
        scans: new ScanRegistry(),
      });
      expect(topology.describe()).toContain('Sub-topology: 0');
      expect(printPlan(plan.root)).toMatch(/Sink|Store/);
    },
  );

  test('a plan of a version that this build does not know is refused', () => {
    expect(() => readPlan({ version: 99, root: {} })).toThrow(
      'the plan has version 99, and this build reads versions 1 to 2',
    );
    expect(() => readPlan('nothing')).toThrow('the entry of the statement log holds no plan');
  });
});
