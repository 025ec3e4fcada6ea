/** Origins in the runtime: what outlives a restart, and chains of queries, where the reader of a derived topic waits
 *  for who still writes it. */

import { expect, test } from 'vitest';
import {
  byValue as accumulatedByValue,
  serdes,
  sink,
  source,
  Topology,
  toStream,
  tumbling,
  windowAggregate,
} from '../../../engine/index.ts';
import { StreamsBuilder, TimeWindows } from '../../../engine/public.ts';
import { consume, lastOf, newRuntime, openLog, produce } from './support.ts';

const { string, float64 } = serdes;

const ROWS = 60_000;
/** The copy asks for a commit each time that it has written so many. */
const ROWS_OF_COMMIT = 5_000;
const COMMIT_MS = 5;

/** Counts the rows of `derived` and of `live` in windows of 10 ms, kept for 20 ms; every update to `counts`. */
const counting = (): Topology =>
  new Topology()
    .addSource('derived', { topic: 'derived', kind: 'stream', supplier: source({ value: string }) })
    .addSource('live', { topic: 'live', kind: 'stream', supplier: source({ value: string }) })
    .addStore({ name: 'windows', kind: 'window', retentionMs: 20 })
    .addProcessor(
      'count',
      windowAggregate({
        store: 'windows',
        windows: tumbling(10),
        graceMs: 0,
        retentionMs: 20,
        accumulation: accumulatedByValue(
          float64,
          () => 0,
          (count) => count + 1,
        ),
      }),
      ['derived', 'live'],
      { stores: ['windows'] },
    )
    .addProcessor('changes', toStream<number>(), ['count'])
    .addSink('counts', {
      topic: 'counts',
      parents: ['changes'],
      supplier: sink({ topic: 'counts', value: float64, windowBytes: 8 }),
    });

test('history that another query is still writing is not overtaken by rows of today', async () => {
  const log = await openLog('memory');
  for (const topic of ['history', 'derived', 'live', 'counts']) await log.createTopic({ name: topic, partitions: 2 });
  const runtime = newRuntime(log, { limits: { commitIntervalMs: COMMIT_MS } });
  try {
    for (let from = 0; from < ROWS; from += 1000) {
      await produce(
        log,
        'history',
        0,
        Array.from({ length: 1000 }, (_, i) => ({ key: 'a', value: 'x', timestamp: 1000 + from + i })),
      );
    }
    await runtime.start({ id: 'count', topology: counting() });
    const builder = new StreamsBuilder();
    let copied = 0;
    builder
      .stream('history', { key: string, value: string })
      .processValues<string>((context) => ({
        process(record) {
          context.forward(record);
          if (++copied % ROWS_OF_COMMIT === 0) context.commit();
        },
      }))
      .to('derived', { key: string, value: string });
    await runtime.start({ id: 'copy', topology: builder.build() });
    let live = 0;
    while (runtime.counters('copy').recordsOut < ROWS) {
      await produce(log, 'live', 0, [{ key: 'a', value: 'x', timestamp: 10_000_000 + live++ }]);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await runtime.awaitIdle();
    // There was something to be overtaken by.
    expect(runtime.counters('copy').commits).toBeGreaterThan(3);
    expect(live).toBeGreaterThan(3);
    expect(runtime.counters('count').drops).toEqual({});
    expect((await consume(log, 'counts')).length).toBe(ROWS + live);
  } finally {
    await runtime.close();
    await log.close();
  }
});

/** Counts by value in windows of 10 ms without grace, behind a repartition; every update to `counts`. */
const byValue = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('history', { key: string, value: string })
    .groupBy((_key, value) => value, { key: string, name: 'by-value' })
    .windowedBy(TimeWindows.ofSizeAndGrace(10, 0))
    .count({ store: 'windows', retentionMs: 1_000_000 })
    .toStream()
    .map((window, count) => [`${window?.key}@${window?.start}`, `${count}`], { key: string, value: string })
    .to('counts');
  return builder.build();
};

test('a task knows after a restart how far its partition had come', async () => {
  const log = await openLog('memory');
  for (const topic of ['history', 'counts']) await log.createTopic({ name: topic, partitions: 2 });
  const at = (timestamp: number) => [{ key: 'k', value: 'a', timestamp }];
  try {
    for (const timestamp of [1000, 5, 1001]) {
      const runtime = newRuntime(log);
      await runtime.start({ id: 'count', topology: byValue() });
      await produce(log, 'history', 0, at(timestamp));
      await runtime.awaitIdle();
      expect(runtime.counters('count').drops).toEqual(timestamp === 5 ? { late: 1 } : {});
      await runtime.close();
    }
    expect(lastOf(await consume(log, 'counts'))).toEqual({ 'a@1000': '2' });
  } finally {
    await log.close();
  }
});
