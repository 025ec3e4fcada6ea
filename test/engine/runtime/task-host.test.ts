/** What a host reports of a run. */

import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import { StreamsBuilder, serdes, type Topology } from '../../../engine/public.ts';
import { defaultLimits } from '../../../engine/runtime/host-options.ts';
import type { FromHost } from '../../../engine/runtime/protocol.ts';
import { TaskHost } from '../../../engine/runtime/task-host.ts';
import { openLog, produce, soon } from './support.ts';
import { wordCount } from './topologies.ts';

const { string } = serdes;
const texts = { key: string, value: string };

/** So many records of a partition, all of one time. */
interface Input {
  readonly topic: string;
  readonly partition: number;
  readonly records: number;
  readonly time: number;
}

interface Reported {
  readonly topology: Topology;
  readonly subTopology: number;
  /** Each partition is a task, which reads all of them. */
  readonly partitions: number;
  readonly inputs: readonly Input[];
  readonly outputs: readonly string[];
  /** Each record's key is one of so many, in turns. */
  readonly keys: number;
}

interface Report {
  readonly behind: boolean;
  readonly mayLast: boolean;
  /** What was left to read then. */
  readonly left: number;
}

/** How a host reports that a run is behind, each change once, until all is read. */
const reportsOf = async ({ topology, subTopology, partitions, inputs, outputs, keys }: Reported): Promise<Report[]> => {
  const log = await openLog('memory');
  for (const name of new Set([...inputs.map(({ topic }) => topic), ...outputs]))
    await log.createTopic({ name, partitions });
  for (const { topic, partition, records, time } of inputs) {
    for (let from = 0; from < records; from += 1000) {
      const rows = Array.from({ length: Math.min(1000, records - from) }, (_, i) => ({
        key: `${(from + i) % keys}`,
        value: 'v',
        timestamp: time,
      }));
      await produce(log, topic, partition, rows);
    }
  }
  const reports: Report[] = [];
  const { promise: allRead, resolve, reject } = Promise.withResolvers<void>();
  const post = (message: FromHost): void => {
    if (message.kind === 'assigned') host.receive({ kind: 'go', run: 1 });
    else if (message.kind === 'batch') host.receive({ kind: 'acknowledged', run: 1, bytes: message.bytes });
    else if (message.kind === 'progress') {
      const { pending, behind, mayLast, counters } = message;
      if (pending && behind !== reports.at(-1)?.behind) reports.push({ behind, mayLast, left: counters.lag });
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
      topology: { kind: 'inline', topology, onError: {} },
      tasks: Array.from({ length: partitions }, (_, partition) => ({
        id: `${subTopology}_${partition}`,
        subTopology,
        partition,
        shard: 0,
        positions: inputs
          .filter((input) => input.partition === partition)
          .map(({ topic }) => ({ topic, partition, offset: 0 })),
      })),
      outputs: outputs.map((topic) => ({ topic, id: topic, partitions, maxBatchBytes: 1_000_000 })),
      topicIds: {},
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
      cache: undefined,
    },
  });
  await allRead;
  host.receive({ kind: 'close' });
  await log.close();
  return reports;
};

/** Words are counted; partition `i` has `records[i]` of them. */
const counted = (records: readonly number[]): Reported => ({
  topology: wordCount({ repartition: false }),
  subTopology: 0,
  partitions: records.length,
  inputs: records.map((count, partition) => ({ topic: 'words', partition, records: count, time: 0 })),
  outputs: ['counted', 'app-counts-changelog'],
  keys: 7,
});

/** Tables of so many keys each, joined into one. */
const joined = (tables: readonly string[], keys: number): Reported => {
  const builder = new StreamsBuilder();
  tables
    .map((topic) => builder.table(topic, { ...texts, store: topic }))
    .reduce((left, right) => left.outerJoin(right, (a, b) => `${a}${b}`, { value: string }))
    .toStream()
    .to('joined');
  return {
    topology: builder.build(),
    subTopology: 0,
    partitions: 1,
    inputs: tables.map((topic) => ({ topic, partition: 0, records: keys, time: 0 })),
    outputs: ['joined', ...tables.map((topic) => `app-${topic}-changelog`)],
    keys,
  };
};

/** What is reported when the run is not behind any more: the share left to read of what there was, and whether the
 *  transaction may last. */
const caughtUp = async (run: Reported): Promise<{ readonly share: number; readonly mayLast: boolean | undefined }> => {
  const reports = await reportsOf(run);
  expect(reports.some(({ behind }) => behind)).toBe(true);
  const last = reports.at(-1);
  expect(last?.behind).toBe(false);
  const share = (last?.left ?? 0) / run.inputs.reduce((sum, { records }) => sum + records, 0);
  return { share, mayLast: last?.mayLast };
};

const nearlyNothing = 1 / 17;

test('a run is behind until it has read nearly all of what there was', async () => {
  const { share, mayLast } = await caughtUp(counted([100_000]));
  expect(share).toBeLessThanOrEqual(nearlyNothing);
  expect(mayLast).toBe(true);
});

test('a run is not behind while one of its tasks has little left to read', async () => {
  const reports = await reportsOf(counted([100, 20_000]));
  expect(reports.map(({ behind }) => behind)).toEqual([false]);
});

test('a run is not behind when its transaction has changed very many entries of one store, and it must not last', async () => {
  const one = await caughtUp(joined(['rows'], 180_000));
  expect(one.share).toBeGreaterThan(nearlyNothing);
  expect(one.mayLast).toBe(false);
  const two = await caughtUp(joined(['left', 'right'], 90_000));
  expect(two.share).toBeLessThanOrEqual(nearlyNothing);
  expect(two.mayLast).toBe(true);
});

describe('with a topic of its own beside another one', () => {
  /** Reads the topic of the repartition first, or last; it has what the transaction has written. */
  const of = async (first: 'repartition' | 'source', records: { repartition: number; source: number }) => {
    const builder = new StreamsBuilder();
    builder.stream('in', texts).repartition({ name: 'again' }).merge(builder.stream('source', texts)).to('out');
    const topics = { repartition: 'app-again-repartition', source: 'source' };
    const input = (name: 'repartition' | 'source'): Input => ({
      topic: topics[name],
      partition: 0,
      records: records[name],
      time: name === first ? 0 : 1,
    });
    const reports = await reportsOf({
      topology: builder.build(),
      subTopology: 1,
      partitions: 1,
      inputs: [input('repartition'), input('source')],
      outputs: ['out'],
      keys: 7,
    });
    return reports.map(({ behind }) => behind);
  };

  test('a run is not behind by what is left of its own topic', async () => {
    expect(await of('source', { source: 100, repartition: 20_000 })).toEqual([false]);
    expect(await of('repartition', { source: 0, repartition: 20_000 })).toEqual([false]);
  });

  test('it is behind by the other one, however much of its own it has read', async () => {
    expect(await of('source', { source: 20_000, repartition: 100 })).toEqual([true, false]);
    expect(await of('repartition', { source: 20_000, repartition: 30_000 })).toEqual([false, true, false]);
  });
});
