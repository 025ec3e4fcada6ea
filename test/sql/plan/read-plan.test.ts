/** Plans from the statement log: those of version 1 are upgraded, what is not a plan is refused. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileTopology, type PhysicalPlan, readPlan, ScanRegistry } from '../../../sql/index.ts';
import { allSteps } from '../../../sql/plan/plan.ts';
import { storeHashesOf } from '../../../sql/plan/store-schema.ts';
import { context, functions } from '../evaluate/support.ts';
import { commandOf } from '../support/planning.ts';

const version1 = join(import.meta.dirname, 'version-1');
const golden = join(import.meta.dirname, 'golden');
const jsonOf = (directory: string, name: string): { version: number } & Record<string, unknown> =>
  JSON.parse(readFileSync(join(directory, name), 'utf8'));

const planOf = (statement: string): PhysicalPlan => {
  const command = commandOf(statement);
  if (command.kind !== 'create-as') throw new Error(`the statement is not a query but ${command.kind}`);
  return command.query.plan;
};

const compile = (plan: PhysicalPlan) => compileTopology(plan, { functions, context, scans: new ScanRegistry() });

const clone = (plan: PhysicalPlan): PhysicalPlan => JSON.parse(JSON.stringify(plan));

describe('version 1', () => {
  test.each(readdirSync(version1))('%s becomes the plan that is made today', (name) => {
    const old = jsonOf(version1, name);
    expect(old.version).toBe(1);
    const plan = readPlan(old);
    expect(plan).toEqual(jsonOf(golden, name));
    compile(plan);
  });

  const calls: readonly string[] = [
    'COUNT(*), COUNT(id), SUM(amount), SUM(id), SUM(zip), AVG(amount), AVG(id), AVG(zip)',
    'MAX(amount), MIN(customer), COLLECT_LIST(id), COLLECT_SET(customer), TOPK(amount, 3), TOPK(amount, id, 2)',
    'TOPKDISTINCT(customer, 2), HISTOGRAM(customer), ATTR(customer), SUM_LIST(items)',
    'LATEST_BY_OFFSET(id), LATEST_BY_OFFSET(id, 3), LATEST_BY_OFFSET(id, FALSE)',
    'EARLIEST_BY_OFFSET(id), EARLIEST_BY_OFFSET(id, 3), EARLIEST_BY_OFFSET(id, FALSE), EARLIEST_BY_OFFSET(id, 3, FALSE)',
    'STDDEV_SAMP(amount), STDDEV_SAMPLE(id), CORRELATION(amount, amount)',
  ];
  test.each(calls)('the state of %s is what it was', (list) => {
    const named = list
      .replaceAll('zip', 'place->zip')
      .split(/, (?=[A-Z_]+\()/)
      .map((call, i) => `${call} AS c${i}`);
    const plan = planOf(`CREATE TABLE o AS SELECT customer, ${named.join(', ')} FROM orders GROUP BY customer;`);
    const old = JSON.parse(JSON.stringify({ ...plan, version: 1, stores: undefined }), (key, value: unknown) =>
      key === 'slots' ? undefined : value,
    );
    expect(readPlan(old)).toEqual(plan);
  });

  /** Those that came when plans had version 2. */
  const later = ['COUNT_DISTINCT'];

  test('every aggregate that there was is among them', () => {
    const then = functions.list().filter(({ kind, name }) => kind === 'aggregate' && !later.includes(name));
    for (const { name } of then) expect(calls.join()).toContain(`${name}(`);
  });
});

test.each<[string, unknown, string]>([
  ['no object', 'nothing', 'SQL_PLAN_UNREADABLE: the entry of the statement log holds no plan'],
  ['no version', {}, 'SQL_PLAN_UNREADABLE: the entry of the statement log holds no plan'],
  [
    'a later version',
    { version: 99 },
    'SQL_PLAN_VERSION: the plan has version 99, and this build reads versions 1 to 2',
  ],
  ['no root', { version: 2, stores: {} }, 'SQL_PLAN_UNREADABLE: a step of the plan is missing'],
  [
    'no schema',
    { version: 2, root: { kind: 'streamSink', id: 'Sink' } },
    'SQL_PLAN_UNREADABLE: a streamSink of the plan has no id or no schema',
  ],
  [
    'no input',
    { version: 2, root: { kind: 'streamSink', id: 'Sink', schema: { key: [], value: [] } } },
    'SQL_PLAN_UNREADABLE: a step of the plan is missing',
  ],
  [
    'no hash of a store',
    { ...jsonOf(golden, 'count-by-key.json'), stores: {} },
    'SQL_PLAN_UNREADABLE: the plan has no schema hash of its store "Aggregate"',
  ],
])('%s is refused', (_, data, fault) => {
  try {
    readPlan(data);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    expect(`${code}: ${message}`).toBe(fault);
    return;
  }
  throw new Error('it was read');
});

describe('state that this build would misread', () => {
  const counting = planOf('CREATE TABLE o AS SELECT customer, AVG(id) AS mean FROM orders GROUP BY customer;');

  test('other slots of an aggregate are refused when the plan is compiled', () => {
    const other = clone(counting);
    for (const step of allSteps(other.root)) {
      if ('aggregates' in step)
        for (const call of step.aggregates) Object.assign(call, { slots: [{ kind: 'DOUBLE' }] });
    }
    expect(() => compile({ ...other, stores: storeHashesOf(other.root) })).toThrow(
      'this build would misread the state of the query: for AVG(BIGINT) -> DOUBLE the plan keeps the types DOUBLE, and this build BIGINT, BIGINT',
    );
  });

  test('another hash of a store is refused when the plan is compiled', () => {
    expect(() => compile({ ...counting, stores: { Aggregate: '000000000001' } })).toThrow(
      /misread the state of the query: the store "Aggregate" has the schema hash 000000000001 in the plan, and [0-9a-f]{12} in this build/,
    );
  });

  test('each part of keys and rows counts for the hash', () => {
    const hashes = [
      'CREATE TABLE o AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;',
      'CREATE TABLE o AS SELECT customer, COUNT(*) AS n, COUNT(id) AS m FROM orders GROUP BY customer;',
      'CREATE TABLE o AS SELECT customer, SUM(id) AS n FROM orders GROUP BY customer;',
      'CREATE TABLE o AS SELECT id, COUNT(*) AS n FROM orders GROUP BY id;',
      "CREATE TABLE o WITH (KEY_FORMAT='JSON') AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;",
      'CREATE TABLE o AS SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY customer;',
      'CREATE TABLE o AS SELECT name, city FROM customers;',
      'CREATE TABLE o AS SELECT name, city AS town FROM customers;',
      'CREATE TABLE o AS SELECT name, since FROM customers;',
    ].map((statement) => Object.values(planOf(statement).stores).join());
    expect(new Set(hashes).size).toBe(hashes.length);
    // What is done with the results does not count.
    const again = planOf(
      'CREATE TABLE p AS SELECT customer, COUNT(*) * 2 AS twice FROM orders GROUP BY customer HAVING COUNT(*) > 3;',
    );
    expect(Object.values(again.stores).join()).toBe(hashes[0]);
  });
});
