/** The soak in miniature: queries of every kind over few keys, on a real disk, for as long as it takes to see that
 *  nothing grows. */

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Clock, Random } from '../../../base/index.ts';
import { nodeFiles, systemClock } from '../../../base/node/index.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { newRuntime, produce, Shards } from './support.ts';
import { explained, minuteSums, wordCount } from './topologies.ts';

const fastClock: Clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() * 2000 };

const sizeOf = (directory: string): number =>
  readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
  }, 0);

test('disk levels off under queries with repartitions, windows and a join', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bounded-'));
  const log = await openFileLog({
    directory,
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random: new Random(1),
    rotateBytes: 30_000,
  });
  const small = { 'segment.bytes': '8192', 'max.message.bytes': '8192' };
  const kept = { ...small, 'retention.bytes': '30000' };
  for (const name of ['words', 'amounts', 'counted', 'sums', 'explained']) {
    await log.createTopic({ name, partitions: 1, configs: kept });
  }
  const compacted = { ...small, 'cleanup.policy': 'compact', 'delete.retention.ms': '9223372036854775807' };
  await log.createTopic({ name: 'meanings', partitions: 1, configs: compacted });
  for (const name of ['count-counts-changelog', 'sum-minutes-changelog', 'explain-meanings-changelog']) {
    await log.createTopic({ name, partitions: 1, configs: compacted });
  }
  for (const name of ['count-by-word-repartition', 'explain-explain-left-repartition']) {
    await log.createTopic({ name, partitions: 1, configs: { ...small, 'retention.ms': '-1' } });
  }
  const runtime = newRuntime(log, { clock: fastClock, openShard: new Shards().open });
  await runtime.start({ id: 'count', topology: wordCount({ repartition: true }) });
  await runtime.start({ id: 'sum', topology: minuteSums() });
  await runtime.start({ id: 'explain', topology: explained() });
  // The internal topics are those that were made here.
  expect((await log.describeTopics()).filter(({ name }) => name.includes('-'))).toHaveLength(6);
  const sizes: number[] = [];
  for (let round = 0; round < 120; round++) {
    const rows = Array.from({ length: 40 }, (_, i) => ({
      key: `key ${i % 20}`,
      value: `word ${i % 20}`,
      timestamp: round * 1000,
    }));
    await produce(log, 'meanings', 0, rows);
    await produce(log, 'words', 0, rows);
    await produce(
      log,
      'amounts',
      0,
      rows.map((row, i) => ({ ...row, value: `${i}` })),
    );
    await runtime.awaitIdle();
    await log.housekeeping.run();
    sizes.push(sizeOf(directory));
  }
  const most = (from: number, to: number): number => Math.max(...sizes.slice(from, to));
  expect(most(80, 120)).toBeLessThan(1.25 * most(40, 80));
  expect(most(80, 120)).toBeLessThan(3 * most(15, 25));
  for (const { id, name } of await log.describeTopics()) {
    expect(`${name} ${sizeOf(join(directory, 'topics', id)) < 70_000}`).toBe(`${name} true`);
  }
  await runtime.close();
  await log.close();
  rmSync(directory, { recursive: true, force: true });
});
