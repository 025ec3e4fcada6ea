/** What statements have done is the same after a restart: from the statement log alone, nothing is planned again. */

import { afterEach, expect, test } from 'vitest';
import { LocalRegistry, type SqlEngine, statementTopic } from '../../../sql/index.ts';
import { consumeRecords, produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, topicOf, type World } from '../support/world.ts';

afterEach(closeWorlds);

const earliest = { properties: { 'auto.offset.reset': 'earliest' } };

const again = async (world: World): Promise<World> => {
  await world.stop();
  return openWorld({ log: world.log });
};

/** All that SHOW and DESCRIBE show. */
const shown = async (engine: SqlEngine): Promise<unknown> => {
  const answers = await engine.execute('SHOW TYPES; DESCRIBE STREAMS; DESCRIBE TABLES; SHOW QUERIES; SHOW ALL TOPICS;');
  return answers.map(({ commandSequenceNumber: _, ...answer }: Record<string, unknown>) => answer);
};

test('types, columns that were added, replaced queries, source tables and paused queries are what they were', async () => {
  const first = await openWorld();
  await first.engine.execute(
    `CREATE TYPE address AS STRUCT<street VARCHAR, zip INT>;
     CREATE TYPE gone AS INT;
     DROP TYPE gone;
     CREATE STREAM s (k VARCHAR KEY, v INT, home address) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
     ALTER STREAM s ADD COLUMN w BIGINT;
     CREATE STREAM big AS SELECT k, v FROM s WHERE v > 10;
     CREATE OR REPLACE STREAM big AS SELECT k, v, w FROM s WHERE v > 20;
     CREATE TABLE sums AS SELECT k, SUM(v) AS total FROM s GROUP BY k;
     CREATE SOURCE TABLE kept (k VARCHAR PRIMARY KEY, total INT) WITH (KAFKA_TOPIC='SUMS', VALUE_FORMAT='JSON');
     CREATE SOURCE STREAM watched (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
     PAUSE CTAS_SUMS_7;
     PAUSE CSAS_BIG_5;
     RESUME CSAS_BIG_5;`,
    earliest,
  );
  await first.engine.execute("INSERT INTO s (k, v, w) VALUES ('a', 30, 7); INSERT INTO s (k, v) VALUES ('a', 15);");
  await first.engine.awaitIdle();
  const before = await shown(first.engine);
  const second = await again(first);
  await second.engine.awaitIdle();
  expect(await shown(second.engine)).toEqual(before);
  expect(await second.engine.queries()).toMatchObject([
    { id: 'CSAS_BIG_5', state: 'RUNNING' },
    { id: 'CTAS_SUMS_7', state: 'PAUSED' },
    { id: 'CST_KEPT_8', state: 'RUNNING' },
  ]);
  expect(await topicOf(second.log, 'BIG')).toEqual(['a={"V":30,"W":7}']);
  expect(await topicOf(second.log, 'SUMS')).toEqual([]);
  await second.engine.execute('RESUME ALL;');
  await second.engine.awaitIdle();
  expect(await topicOf(second.log, 'SUMS')).toEqual(['a={"TOTAL":30}', 'a={"TOTAL":45}']);
  expect(await rowsOf(second.engine, 'SELECT * FROM kept;')).toEqual([['a', 45]]);
  await second.engine.execute("INSERT INTO s (k, v, w, home) VALUES ('b', 21, 8, STRUCT(street := 'x', zip := 1));");
  await second.engine.awaitIdle();
  const third = await again(second);
  expect(await rowsOf(third.engine, 'SELECT * FROM big;')).toEqual([
    ['a', 30, 7],
    ['b', 21, 8],
  ]);
  expect(await rowsOf(third.engine, "SELECT total FROM kept WHERE k = 'b';")).toEqual([[21]]);
});

test('a replaced query goes on where the former one was, with its state, and its readers run on', async () => {
  const first = await openWorld();
  const { engine } = first;
  await engine.execute(
    `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
     CREATE TABLE sums AS SELECT k, SUM(v) AS total FROM s GROUP BY k;
     CREATE TABLE doubled AS SELECT k, total * 2 AS twice FROM sums;`,
    earliest,
  );
  await engine.execute("INSERT INTO s VALUES ('a', 1);");
  await engine.awaitIdle();
  const [replaced] = await engine.execute(
    'CREATE OR REPLACE TABLE sums AS SELECT k, SUM(v) AS total, SUM(v) * 10 AS tens FROM s WHERE v > 5 GROUP BY k;',
    earliest,
  );
  expect(replaced).toMatchObject({ warnings: [], commandStatus: { queryId: 'CTAS_SUMS_1' } });
  await engine.execute("INSERT INTO s VALUES ('a', 2); INSERT INTO s VALUES ('a', 10);");
  await engine.awaitIdle();
  expect(await topicOf(first.log, 'SUMS')).toEqual(['a={"TOTAL":1}', 'a={"TOTAL":11,"TENS":110}']);
  expect(await rowsOf(engine, 'SELECT * FROM sums;')).toEqual([['a', 11, 110]]);
  expect(await rowsOf(engine, 'SELECT * FROM doubled;')).toEqual([['a', 22]]);
  const second = await again(first);
  expect(await rowsOf(second.engine, 'SELECT * FROM sums;')).toEqual([['a', 11, 110]]);
  await second.engine.awaitIdle();
  expect(await second.engine.queries()).toMatchObject([
    { id: 'CTAS_SUMS_1', state: 'RUNNING' },
    { id: 'CTAS_DOUBLED_2', state: 'RUNNING' },
  ]);
});

test('a crash between the statement and its effects: the replaced query runs, the paused one is held', async () => {
  const before = `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM a AS SELECT k, v FROM s;
    CREATE STREAM b AS SELECT k, v FROM s;`;
  const twin = await openWorld();
  await twin.engine.execute(before, earliest);
  await twin.engine.execute('CREATE OR REPLACE STREAM a AS SELECT k, v, v + 1 AS w FROM s; PAUSE CSAS_B_2;', earliest);
  const entries: (Uint8Array | null)[] = [];
  for await (const { value } of consumeRecords(twin.log, statementTopic, { untilEnd: true })) entries.push(value);

  const first = await openWorld();
  await first.engine.execute(before, earliest);
  await first.engine.execute("INSERT INTO s VALUES ('a', 1);");
  await first.engine.awaitIdle();
  await first.stop();
  // The statements are on the disk, and nothing of them has happened.
  const producer = await first.log.producer();
  const records = entries.slice(3).map((value) => ({ value }));
  expect(records).toHaveLength(2);
  await produceRecords(first.log, producer, statementTopic, records, { acks: 'durable', now: 1 });
  await producer.close();

  const second = await openWorld({ log: first.log });
  await second.engine.execute("INSERT INTO s VALUES ('b', 2);");
  await second.engine.awaitIdle();
  expect(await topicOf(second.log, 'A')).toEqual(['a={"V":1}', 'b={"V":2,"W":3}']);
  expect(await topicOf(second.log, 'B')).toEqual(['a={"V":1}']);
});

test('a query that is made behind PAUSE ALL is not paused', async () => {
  const { engine, log } = await openWorld();
  await engine.execute(
    `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
     CREATE STREAM a AS SELECT k, v FROM s;
     PAUSE ALL;
     INSERT INTO a SELECT k, v * 10 AS v FROM s;`,
    earliest,
  );
  await engine.execute("INSERT INTO s VALUES ('a', 1);");
  await engine.awaitIdle();
  expect(await topicOf(log, 'A')).toEqual(['a={"V":10}']);
});

test('a topic is deleted while the registry is away, now or at a start; what stays registered is named', async () => {
  const registry = new LocalRegistry();
  const { latest } = registry;
  const engine = { registry };
  const first = await openWorld({ engine });
  await first.engine.execute(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1);
    CREATE STREAM t (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO', PARTITIONS=1);`);
  registry.latest = () => Promise.reject(new Error('it is away'));
  const deletes = first.log.deleteTopic.bind(first.log);
  const [one] = await first.engine.execute('DROP STREAM s DELETE TOPIC;');
  expect(one?.warnings).toEqual(['the schemas of the topic s are still registered: it is away']);
  first.log.deleteTopic = () => Promise.reject(new Error('the disk is full'));
  const [other] = await first.engine.execute('DROP STREAM t DELETE TOPIC;');
  expect(other?.warnings).toEqual([
    'the schemas of the topic t are still registered: it is away',
    'the topic t could not be deleted, and is at the next start: the disk is full',
  ]);
  first.log.deleteTopic = deletes;
  await first.stop();
  const second = await openWorld({ log: first.log, engine });
  expect(second.engine.report.failedStatements).toEqual([
    {
      statement: 'DROP STREAM t DELETE TOPIC',
      message: 'the schemas of the topic t are still registered: it is away',
    },
  ]);
  expect((await second.log.describeTopics()).map(({ name }) => name)).toEqual([statementTopic]);
  registry.latest = latest;
  expect(await registry.subjects()).toEqual(['s-value', 't-value']);
});
