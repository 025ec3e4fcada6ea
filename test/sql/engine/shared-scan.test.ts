/** A hundred queries over one topic decode each batch once and parse each column once: the counters show it. */

import { afterEach, expect, test } from 'vitest';
import { ScanRegistry } from '../../../sql/index.ts';
import { produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

test('a hundred filters over one topic share its blocks and its parsed columns', async () => {
  const scans = new ScanRegistry();
  const { engine, log, runtime } = await openWorld({ engine: { scans } });
  await engine.execute(
    `CREATE STREAM events (id BIGINT KEY, a INT, b VARCHAR, c DOUBLE, d INT) WITH (KAFKA_TOPIC='events', VALUE_FORMAT='JSON', PARTITIONS=1);`,
  );
  const filters = Array.from(
    { length: 100 },
    (_, i) => `CREATE STREAM f${i} AS SELECT id, b, c FROM events WHERE a = ${i};`,
  );
  await engine.execute(filters.join('\n'));
  const inserter = await engine.inserter('events');
  let batches = 0;
  for (let round = 0; round < 20; round++) {
    const rows = Array.from({ length: 500 }, (_, i) => ({
      id: round * 500 + i,
      a: i % 100,
      b: `b${i}`,
      c: i / 2,
      d: 7,
    }));
    await inserter.insert(rows);
    batches++;
  }
  await engine.awaitIdle();

  const counters = (await runtime.threadCounters()).get(0);
  expect(counters?.recordsDecoded).toBe(10_000);
  expect(counters?.batchesDecoded).toBe(batches);
  // One pass over each block, for all queries together; three columns are read, the fourth is skipped.
  expect(scans.counters.recordsScanned).toBe(10_000);
  expect(scans.counters.columnsParsed).toBe(scans.counters.passes * 3);
  expect(await topicOf(log, 'F7')).toHaveLength(100);
});

test('a bad column of a neighbour decides nothing', async () => {
  const { engine, log } = await openWorld();
  await engine.execute(`
    CREATE STREAM events (a INT, b INT) WITH (KAFKA_TOPIC='events', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM raw (text VARCHAR) WITH (KAFKA_TOPIC='events', VALUE_FORMAT='KAFKA');
    CREATE STREAM reads_a AS SELECT a FROM events;
    CREATE STREAM reads_b AS SELECT b FROM events;`);
  for (const text of ['{"a":1,"b":"bad"}', '{"a":2,"b":3}', 'no json', '{"a":[],"b":4}']) {
    await engine.execute(`INSERT INTO raw VALUES ('${text}');`);
  }
  await engine.awaitIdle();
  expect(await topicOf(log, 'READS_A')).toEqual(['-={"A":1}', '-={"A":2}']);
  expect(await topicOf(log, 'READS_B')).toEqual(['-={"B":3}', '-={"B":4}']);
  expect((await engine.queries()).map(({ dropped }) => dropped)).toEqual([
    { deserialization: 2 },
    { deserialization: 2 },
  ]);
});

test('a bad column of a neighbour does not change the order of two inputs', async () => {
  const { engine, log } = await openWorld();
  await engine.execute(`
    CREATE STREAM clicks (id INT KEY, at_ms BIGINT, n INT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='at_ms');
    CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM neighbour AS SELECT id, n FROM clicks;`);
  const producer = await log.producer();
  const key = Uint8Array.of(0, 0, 0, 1);
  const sent = { acks: 'durable', now: 0 } as const;
  // Its time is that of its column, behind that of the table's row.
  await produceRecords(log, producer, 'clicks', [{ key, value: '{"AT_MS":100,"N":"bad"}', timestamp: 1 }], sent);
  await produceRecords(log, producer, 'people', [{ key, value: '{"NAME":"Ada"}', timestamp: 50 }], sent);
  await producer.close();
  await engine.execute('CREATE STREAM joined AS SELECT c.id, p.name FROM clicks c JOIN people p ON c.id = p.id;', {
    properties: { 'auto.offset.reset': 'earliest' },
  });
  await engine.awaitIdle();
  expect((await topicOf(log, 'JOINED')).map((line) => line.slice(line.indexOf('=') + 1))).toEqual(['{"NAME":"Ada"}']);
});
