/** Columns that read headers: the last header with a key, or all headers. */

import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { TopologyTestDriver } from '../../engine/test-driver.ts';
import { builtInFunctions, compileTopology, ScanRegistry } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { encodeHeaders, produceRecords, type RecordHeader } from '../../storage/index.ts';
import { session } from './support/planning.ts';
import { closeWorlds, openWorld, rowsOf } from './support/world.ts';

afterEach(closeWorlds);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const streams = `
  CREATE STREAM s (k VARCHAR KEY, v INT, a BYTES HEADER('a'), é BYTES HEADER('é')) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM every (k VARCHAR KEY, h ARRAY<STRUCT<key VARCHAR, value BYTES>> HEADERS) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');`.replaceAll(
  ' é ',
  ' `é` ',
);

const fill = async (records: readonly (readonly RecordHeader[])[]) => {
  const world = await openWorld();
  await world.engine.execute(streams);
  const producer = await world.log.producer();
  await produceRecords(
    world.log,
    producer,
    't',
    records.map((headers, i) => ({ key: `k${i}`, value: JSON.stringify({ V: i }), headers })),
    { acks: 'durable', now: 2_000_000 },
  );
  await producer.close();
  return world;
};

const sorted = (rows: readonly unknown[][]): unknown[][] =>
  [...rows].sort((x, y) => (String(x[0]) < String(y[0]) ? -1 : 1));

describe('what a query sees', () => {
  const header = fc.record({
    key: fc.constantFrom('a', 'é', 'b', '', 'aa'),
    value: fc.option(fc.uint8Array({ maxLength: 4 })),
  });

  test('is what the records have, for pull queries, push queries and persistent ones', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(header, { maxLength: 4 }), { minLength: 1, maxLength: 6 }),
        async (records) => {
          const { engine } = await fill(records);
          const last = (headers: readonly RecordHeader[], key: string) =>
            headers.findLast((one) => one.key === key)?.value ?? null;
          const expected = records.map((headers, i) => [`k${i}`, i, last(headers, 'a'), last(headers, 'é')]);
          expect(sorted(await rowsOf(engine, 'SELECT * FROM s;'))).toEqual(expected);
          await engine.execute('CREATE STREAM copied AS SELECT * FROM s;', {
            properties: { 'auto.offset.reset': 'earliest' },
          });
          await engine.awaitIdle();
          expect(sorted(await rowsOf(engine, 'SELECT * FROM copied;'))).toEqual(expected);
          const all = records.map((headers, i) => [`k${i}`, headers.map(({ key, value }) => [key, value])]);
          expect(sorted(await rowsOf(engine, 'SELECT k, h FROM every;'))).toEqual(all);
          await closeWorlds();
        },
      ),
      { numRuns: 15 },
    );
  });

  test('can be a condition, a group, a new key and a part of a join', async () => {
    const { engine } = await fill([
      [{ key: 'a', value: bytes('x') }],
      [{ key: 'a', value: bytes('y') }],
      [{ key: 'a', value: bytes('x') }],
      [],
    ]);
    await engine.execute(
      `CREATE TABLE names (id VARCHAR PRIMARY KEY, name VARCHAR) WITH (KAFKA_TOPIC='names', VALUE_FORMAT='JSON', PARTITIONS=2);
       INSERT INTO names VALUES ('k0', 'zero');
       CREATE TABLE counts AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;
       CREATE STREAM some AS SELECT a, v FROM s WHERE a IS NOT NULL AND v <> 1 PARTITION BY a;
       CREATE STREAM joined AS SELECT s.k AS k, s.a AS a, names.name AS name FROM s JOIN names ON s.k = names.id;`,
      { properties: { 'auto.offset.reset': 'earliest' } },
    );
    await engine.awaitIdle();
    expect(sorted(await rowsOf(engine, 'SELECT * FROM counts;'))).toEqual([
      [bytes('x'), 2],
      [bytes('y'), 1],
    ]);
    expect((await rowsOf(engine, 'SELECT v FROM some;')).map(([v]) => v).sort()).toEqual([0, 2]);
    expect(await rowsOf(engine, 'SELECT * FROM joined;')).toEqual([['k0', bytes('x'), 'zero']]);
  });

  test('a header may have an empty name', async () => {
    const { engine } = await fill([[{ key: '', value: bytes('x') }], [{ key: 'a', value: bytes('y') }]]);
    await engine.execute(
      "CREATE STREAM unnamed (k VARCHAR KEY, h BYTES HEADER('')) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');",
    );
    expect(sorted(await rowsOf(engine, "SELECT k, FROM_BYTES(h, 'utf8') FROM unnamed;"))).toEqual([
      ['k0', 'x'],
      ['k1', null],
    ]);
  });

  test('of a source table is kept with its rows', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(
      "CREATE SOURCE TABLE p (k VARCHAR PRIMARY KEY, v INT, h BYTES HEADER('a')) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON', PARTITIONS=1);",
    );
    const producer = await log.producer();
    const headers = [{ key: 'a', value: bytes('x') }];
    expect(encodeHeaders(headers).length).toBeGreaterThan(0);
    await produceRecords(log, producer, 'p', [{ key: 'k', value: '{"V":1}', headers }], { acks: 'durable', now: 1 });
    await producer.close();
    await engine.awaitIdle();
    expect(await rowsOf(engine, 'SELECT * FROM p;')).toEqual([['k', 1, bytes('x')]]);
    expect(await rowsOf(engine, "SELECT h, v FROM p WHERE k = 'k';")).toEqual([[bytes('x'), 1]]);
  });
});

test.each([
  'SELECT a, COUNT(*) AS n FROM s GROUP BY a;',
  'SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY k;',
  'SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (1 SECOND) GROUP BY k;',
  'SELECT b, COUNT(*) AS n FROM t GROUP BY b;',
  'SELECT t.id AS id, t.v AS v, u.v AS w FROM t LEFT JOIN u ON t.v = u.id;',
  'SELECT t.id AS id, t.v AS v, u.v AS w FROM t LEFT JOIN u ON t.id = u.id;',
])('of a record go with what it changes: %s', (query) => {
  const functions = builtInFunctions();
  const own = session({}, functions);
  const sources = `
    CREATE STREAM s (k VARCHAR KEY, v VARCHAR, a BYTES HEADER('a')) WITH (KAFKA_TOPIC='in', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE t (id VARCHAR PRIMARY KEY, v VARCHAR, b BYTES HEADER('a')) WITH (KAFKA_TOPIC='in', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE u (id VARCHAR PRIMARY KEY, v VARCHAR) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', PARTITIONS=1);`;
  const planned = parseStatements(`${sources} CREATE TABLE o AS ${query}`).map(
    (statement) => own.plan(statement).planned,
  );
  const last = planned.at(-1);
  if (last?.kind !== 'command' || last.command.kind !== 'create-as') throw new Error('the query was planned');
  const topology = compileTopology(last.command.query.plan, {
    functions,
    context: { now: () => 0, random: () => 0 },
    scans: new ScanRegistry(),
  });
  const driver = new TopologyTestDriver(topology, { applicationId: 'query' });
  const headers = [{ key: 'a', value: bytes('x') }];
  driver.pipe('in', [{ key: bytes('k'), value: bytes('{"V":"z"}'), timestamp: 0, headers }]);
  expect(driver.take('O').map((record) => record.headers)).toEqual([headers]);
  driver.close();
});
