/** What SHOW TOPICS EXTENDED and DESCRIBE EXTENDED tell of a topic: sizes, retention, lag. */

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Millrace, open } from '../../../millrace.ts';
import { closeWorlds, openWorld } from '../support/world.ts';

let directory: string;
let millrace: Millrace;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-figures-'));
  millrace = await open({ data: directory });
});

afterEach(async () => {
  await closeWorlds();
  await millrace.close();
  rmSync(directory, { recursive: true, force: true });
});

const segmentBytes = async (topic: string): Promise<number> => {
  let bytes = 0;
  for (const partition of [0, 1]) {
    const folder = await millrace.partitionDirectory(topic, partition);
    for (const name of readdirSync(folder)) if (name.endsWith('.log')) bytes += statSync(join(folder, name)).size;
  }
  return bytes;
};

test('bytes are those of the segment files, and a query that is paused has a lag', async () => {
  await millrace.sql(
    `CREATE STREAM sold (item VARCHAR KEY, n INT)
       WITH (kafka_topic='sold', partitions=2, value_format='JSON', retention_ms=3600000);
     CREATE TABLE totals AS SELECT item, SUM(n) AS n FROM sold GROUP BY item;`,
  );
  const rows = Array.from({ length: 100 }, (_, i) => ({ item: `item ${i}`, n: i }));
  await millrace.insert('sold', rows);
  await millrace.awaitIdle();
  await millrace.sql('PAUSE CTAS_TOTALS_1;');
  await millrace.insert('sold', rows.slice(0, 30));
  const bytes = await segmentBytes('sold');
  expect(bytes).toBeGreaterThan(1000);
  // Offsets: each of the two inserts is a transaction, with a marker in each partition.
  const figures = {
    offsets: 134,
    bytes,
    retentionMs: 3_600_000,
    cleanupPolicy: 'delete',
    groups: [{ group: expect.stringContaining('CTAS_TOTALS_1') as unknown, lag: 32 }],
  };
  const [topics] = await millrace.sql('SHOW TOPICS EXTENDED;');
  expect(topics?.kind === 'kafka_topics_extended' && topics.topics.find(({ name }) => name === 'sold')).toEqual({
    name: 'sold',
    replicaInfo: [1, 1],
    consumerCount: 1,
    consumerGroupCount: 1,
    millrace: figures,
  });
  const [described] = await millrace.sql('DESCRIBE sold EXTENDED;');
  const source = described?.kind === 'sourceDescription' ? described.sourceDescription : undefined;
  expect(source?.millrace).toEqual(figures);
  expect(source?.statistics).toMatch(
    new RegExp(
      `^offsets held: 134, bytes: ${bytes}, cleanup: delete, retention: 3600000 ms, lag of \\S*CTAS_TOTALS_1\\S*: 32$`,
    ),
  );
  const [plain] = await millrace.sql('DESCRIBE sold;');
  expect(plain?.kind === 'sourceDescription' && plain.sourceDescription).toMatchObject({ statistics: '' });
  expect(plain?.kind === 'sourceDescription' && plain.sourceDescription).not.toHaveProperty('millrace');
});

test('a topic that is deleted meanwhile holds nothing; groups are read once for all topics', async () => {
  const { engine, log } = await openWorld();
  for (const name of ['a', 'b', 'c']) {
    await engine.execute(`CREATE STREAM ${name} (v INT) WITH (KAFKA_TOPIC='${name}', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM of_${name} AS SELECT * FROM ${name};`);
  }
  await engine.awaitIdle();
  const { offsets, committed } = log;
  log.offsets = async (target) => {
    log.offsets = offsets;
    await log.deleteTopic('OF_B');
    return log.offsets(target);
  };
  const asked: string[] = [];
  log.committed = (group) => {
    asked.push(group);
    return committed.call(log, group);
  };
  const [answer] = await engine.execute('SHOW TOPICS EXTENDED;');
  const topics = answer?.kind === 'kafka_topics_extended' ? answer.topics : [];
  expect(topics.find(({ name }) => name === 'OF_B')?.millrace).toMatchObject({ offsets: 0, bytes: 0 });
  expect(asked).toHaveLength(new Set(asked).size);
});
