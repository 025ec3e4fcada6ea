/** Internal topics do not grow for ever: repartitions are trimmed, changelogs compacted, and every restart still finds
 *  what it needs. */

import { expect, test } from 'vitest';
import type { Clock } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import type { RuntimeEvent } from '../../../engine/index.ts';
import type { Log, TopicConfigs } from '../../../storage/index.ts';
import { until } from '../../support/until.ts';
import { consume, lastOf, newRuntime, openLog, produce, type Row, Shards, utf8 } from './support.ts';
import { enriched, wordCount } from './topologies.ts';

/** Minutes pass within milliseconds: what happens rarely happens often. */
const fastClock: Clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() * 2000 };

/** As the runtime makes them, but with segments so small that a test fills many. */
const small = { 'segment.bytes': '4096', 'max.message.bytes': '2048' };
const repartition: TopicConfigs = { ...small, 'retention.ms': '-1' };
const changelog: TopicConfigs = {
  ...small,
  'cleanup.policy': 'compact',
  'delete.retention.ms': '9223372036854775807',
};

const words = (count: number, from = 0): Row[] =>
  Array.from({ length: count }, (_, i) => ({ key: `${from + i}`, value: `word-${(from + i) % 20}` }));

const startOf = async (log: Log, topic: string): Promise<number> => (await log.offsets({ topic, partition: 0 })).start;

const sizeOf = async (log: Log, topic: string): Promise<number> => (await consume(log, topic)).length;

test('a repartition topic is trimmed behind what its query has committed, and a crash loses nothing', async () => {
  const log = await openLog('file');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const topology = wordCount({ repartition: true });
  const topic = 'count-by-word-repartition';
  await log.createTopic({ name: topic, partitions: 1, configs: repartition });
  const first = newRuntime(log, { clock: fastClock, openShard: new Shards().open });
  await first.start({ id: 'count', topology });
  for (let round = 0; round < 30; round++) {
    await produce(log, 'words', 0, words(100, round * 100));
    await first.awaitIdle();
  }
  const committed = (await log.committed('count')).find((position) => position.topic === topic)?.offset ?? 0;
  const start = await startOf(log, topic);
  expect(start).toBeGreaterThan(2000);
  expect(start).toBeLessThanOrEqual(committed);
  // Nothing of `first` is closed, and its state is gone.
  const second = newRuntime(log, { clock: fastClock, openShard: new Shards().open });
  await second.start({ id: 'count', topology });
  await produce(log, 'words', 0, words(20));
  await second.awaitIdle();
  const counts = lastOf(await consume(log, 'counted'));
  expect(new Set(Object.values(counts))).toEqual(new Set(['151']));
  await second.close();
  await log.close();
});

test('a changelog is compacted while its query runs; a store that lost its checkpoint is rebuilt from it', async () => {
  const log = await openLog('file');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const topology = wordCount({ repartition: false });
  await log.createTopic({ name: 'count-counts-changelog', partitions: 1, configs: changelog });
  const first = newRuntime(log, { clock: fastClock, openShard: new Shards().open });
  await first.start({ id: 'count', topology });
  for (let round = 0; round < 100; round++) {
    const rows = Array.from({ length: 20 }, (_, i) => ({ key: `key ${i}`, value: 'x' }));
    await produce(log, 'words', 0, [...rows, { key: `once ${round}`, value: 'x' }]);
    await first.awaitIdle();
  }
  // Of 2,100 entries 120 are the last of their keys. Compaction leaves what is dirty when it is half of the bytes at
  // most: up to 580 entries, depending on when it ran.
  // Compaction looks for work every 5 s when no segment was closed.
  await expect.poll(() => sizeOf(log, 'count-counts-changelog')).toBeLessThan(700);
  await first.close();
  const second = newRuntime(log, { openShard: new Shards().open });
  await second.start({ id: 'count', topology });
  expect(second.counters('count').replayed).toBeLessThan(700);
  const asked = ['key 0', 'key 19', 'once 3', 'once 99'];
  await produce(
    log,
    'words',
    0,
    asked.map((key) => ({ key, value: 'x' })),
  );
  await second.awaitIdle();
  const counts = lastOf(await consume(log, 'counted'));
  expect(asked.map((key) => counts[key])).toEqual(['101', '101', '2', '2']);
  await second.close();
  await log.close();
});

test('deletions stay in the changelog until a checkpoint has them; a checkpoint older than that is not used', async () => {
  const log = await openLog('file');
  for (const name of ['customers', 'orders', 'enriched']) await log.createTopic({ name, partitions: 1 });
  const topology = enriched(true);
  const topic = 'join-customers-changelog';
  await log.createTopic({ name: topic, partitions: 1, configs: changelog });
  const old = new Shards();
  const customers = (value: string | null) =>
    Array.from({ length: 20 }, (_, i) => ({ key: `customer ${i}`, value: i === 0 ? 'kept' : value }));
  const run = async (shards: Shards, rows: readonly Row[], rounds: number, compacted?: () => Promise<boolean>) => {
    const events: RuntimeEvent[] = [];
    const runtime = newRuntime(log, {
      clock: fastClock,
      openShard: shards.open,
      onEvent: (event) => events.push(event),
    });
    await runtime.start({ id: 'join', topology });
    const found = (await runtime.read('join', 'customers', utf8('customer 7'))).length;
    for (let round = 0; round < rounds; round++) {
      await produce(log, 'customers', 0, rows);
      await runtime.awaitIdle();
    }
    if (compacted !== undefined) await until(compacted);
    const rebuilt = events.some((event) => event.kind === 'note' && event.note.about === 'rebuilt');
    await runtime.close();
    return { found, rebuilt };
  };
  const keptFrom = () => log.deletionsKeptFrom({ topic, partition: 0 });
  await run(old, customers('here'), 1);
  // Another store of the same query, made from the changelog: it deletes, and gives the deletions free.
  const other = new Shards();
  await run(other, customers(null), 1);
  expect(await keptFrom()).toBe(0);
  const fill = Array.from({ length: 20 }, (_, i) => ({ key: `fill ${i}`, value: 'x' }));
  expect(await run(other, fill, 60, async () => (await keptFrom()) > 0)).toEqual({ found: 0, rebuilt: false });
  // The old checkpoint has customer 7, and nothing in the changelog tells that it was deleted.
  expect((await consume(log, topic)).some(({ key }) => key?.includes('customer 7') === true)).toBe(false);
  expect(await run(old, [], 0)).toEqual({ found: 0, rebuilt: true });
  await log.close();
});
