/** What a host reports of a run. */

import { expect, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import { defaultLimits } from '../../../engine/runtime/host-options.ts';
import type { EmitCache, FromHost } from '../../../engine/runtime/protocol.ts';
import { TaskHost } from '../../../engine/runtime/task-host.ts';
import { openLog, produce, soon } from './support.ts';
import { wordCount } from './topologies.ts';

/** How a host reports that a run is behind, each change once, with what is left to read then, until all is read;
 *  partition `i` of `words` has `records[i]` records. */
const reportsOf = async (
  records: readonly number[],
  cache?: EmitCache,
): Promise<{ readonly behind: boolean; readonly left: number }[]> => {
  const log = await openLog('memory');
  const partitions = records.length;
  for (const name of ['words', 'counted', 'app-counts-changelog']) await log.createTopic({ name, partitions });
  for (const [partition, count] of records.entries()) {
    for (let from = 0; from < count; from += 100) {
      const rows = Array.from({ length: Math.min(100, count - from) }, (_, i) => ({ key: `${i % 7}`, value: 'v' }));
      await produce(log, 'words', partition, rows);
    }
  }
  const reports: { behind: boolean; left: number }[] = [];
  const { promise: allRead, resolve, reject } = Promise.withResolvers<void>();
  const post = (message: FromHost): void => {
    if (message.kind === 'assigned') host.receive({ kind: 'go', run: 1 });
    else if (message.kind === 'batch') host.receive({ kind: 'acknowledged', run: 1, bytes: message.bytes });
    else if (message.kind === 'progress') {
      const { pending, behind, counters } = message;
      if (pending && behind !== reports.at(-1)?.behind) reports.push({ behind, left: counters.lag });
      if (message.drained && message.pending) resolve();
    } else if (message.kind === 'failed') reject(message.error);
  };
  const host = new TaskHost({
    log,
    clock: systemClock,
    timers: systemClock,
    soon,
    openShard: undefined,
    build: undefined,
    hashSeed: 1,
    limits: { ...defaultLimits, blockBytes: 4096 },
    memory: { shared: new Int32Array(2), thread: 0 },
    post,
  });
  host.receive({
    kind: 'assign',
    assignment: {
      run: 1,
      queryId: 'q',
      applicationId: 'app',
      topology: { kind: 'inline', topology: wordCount({ repartition: false }), onError: {} },
      tasks: records.map((_, partition) => ({
        id: `0_${partition}`,
        subTopology: 0,
        partition,
        shard: 0,
        positions: [{ topic: 'words', partition, offset: 0 }],
      })),
      outputs: ['counted', 'app-counts-changelog'].map((topic) => ({
        topic,
        id: topic,
        partitions,
        maxBatchBytes: 1_000_000,
      })),
      globalTopics: [],
      partitionCounts: [partitions],
      producerId: 1,
      window: undefined,
      offsetReset: 'earliest',
      maxTaskIdleMs: 0,
      namedTopics: [],
      closing: { by: 'stream time' },
      low: undefined,
      processingLog: undefined,
      deadLetters: undefined,
      guarantee: 'exactly once',
      cache,
    },
  });
  await allRead;
  host.receive({ kind: 'close' });
  await log.close();
  return reports;
};

const behindOf = async (records: readonly number[]): Promise<boolean[]> =>
  (await reportsOf(records)).map(({ behind }) => behind);

test('a run is behind until it has read half of what there was', async () => {
  expect(await behindOf([20_000])).toEqual([true, false]);
});

test('a run with an emit cache is behind until it has read nearly all', async () => {
  const [first, last, ...others] = await reportsOf([100_000], { bytes: 1e9 });
  expect([first?.behind, last?.behind, others]).toEqual([true, false, []]);
  expect(last?.left).toBeLessThanOrEqual(100_000 / 9);
});

test('a run is not behind while one of its tasks has little left to read', async () => {
  expect(await behindOf([100, 20_000])).toEqual([false]);
});
