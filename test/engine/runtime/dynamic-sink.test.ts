/** Sinks whose records name their topics: existing ones are found while the query runs, others are reported. */

import { describe, expect, test } from 'vitest';
import { dynamicSink, StreamRecord, serdes, source, Topology } from '../../../engine/index.ts';
import { BufferConfig, StreamsBuilder, Suppressed, TimeWindows } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { consume, logKinds, newRuntime, openLog, produce, type Row } from './support.ts';

const { string } = serdes;
const texts = { key: string, value: string };

/** Each record goes to the topic that its key names. */
const sorting = (): Topology => {
  const builder = new StreamsBuilder();
  builder.stream('in', texts).to((key) => key ?? '');
  return builder.build();
};

const rows = (...pairs: readonly (readonly [string, string])[]): Row[] =>
  pairs.map(([key, value]) => ({ key, value, timestamp: 5 }));

describe.each(logKinds)('over a %s log', (kind) => {
  test('records go to their topics, in order; those for a topic that is missing are reported until it is there', async () => {
    const log = await openLog(kind);
    for (const name of ['in', 'even', 'odd', 'problems']) await log.createTopic({ name, partitions: 1 });
    const runtime = newRuntime(log, { processingLog: 'problems' });
    await produce(log, 'in', 0, rows(['even', '0'], ['odd', '1'], ['later', 'lost'], ['even', '2'], ['odd', '3']));
    await runtime.start({ id: 'app', topology: sorting() });
    await runtime.awaitIdle();
    await produce(log, 'in', 0, rows(['even', '4'], ['later', 'lost too']));
    await runtime.awaitIdle();
    await log.createTopic({ name: 'later', partitions: 2 });
    await produce(log, 'in', 0, rows(['later', 'found'], ['even', '6']));
    await runtime.awaitIdle();
    const valuesOf = async (topic: string): Promise<(string | null)[]> =>
      (await consume(log, topic)).map(({ value }) => value);
    expect(await valuesOf('even')).toEqual(['0', '2', '4', '6']);
    expect(await valuesOf('odd')).toEqual(['1', '3']);
    expect(await valuesOf('later')).toEqual(['found']);
    const problems = (await valuesOf('problems')).map((text) => JSON.parse(text ?? '') as Record<string, unknown>);
    expect(problems).toMatchObject([
      { reason: 'serialization', detail: 'the topic "later" does not exist (the record is in/0 offset 2)', offset: 2 },
      { reason: 'serialization', detail: 'the topic "later" does not exist (the record is in/0 offset 6)', offset: 6 },
    ]);
    expect(runtime.counters('app').drops).toEqual({ serialization: 2 });
    await runtime.close();
    await log.close();
  });
});

test('a record that is made while the transaction ends may name a topic, too', async () => {
  const log = await openLog('memory');
  for (const name of ['in', 'late', 'problems']) await log.createTopic({ name, partitions: 1 });
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
    .count({ store: 'counts' })
    .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
    .toStream()
    .map((window, count) => [window?.key ?? null, String(count)], texts)
    .to((key) => key ?? '');
  const runtime = newRuntime(log, { processingLog: 'problems' });
  await runtime.start({ id: 'app', topology: builder.build() });
  const at = (key: string, timestamp: number): Row => ({ key, value: 'x', timestamp });
  await produce(log, 'in', 0, [at('late', 1), at('late', 2), at('never', 3), at('late', 15)]);
  await runtime.awaitIdle();
  await produce(log, 'in', 0, [at('never', 21), at('late', 35), at('late', 55)]);
  await runtime.awaitIdle();
  expect((await consume(log, 'late')).map(({ value }) => value)).toEqual(['2', '1', '1']);
  expect(
    (await consume(log, 'problems')).map(({ value }) => (JSON.parse(value ?? '') as { detail: string }).detail),
  ).toEqual([
    expect.stringContaining('the topic "never" does not exist'),
    expect.stringContaining('the topic "never" does not exist'),
  ]);
  await runtime.close();
  await log.close();
});

test('one that a flush makes ends the run, and the next one knows its topic', async () => {
  const log = await openLog('memory');
  for (const name of ['in', 'out', 'problems']) await log.createTopic({ name, partitions: 1 });
  const topology = new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addProcessor<string, string>(
      'hold',
      (_context, forward) => {
        const held: string[] = [];
        return {
          process: ({ value }) => void held.push(value ?? ''),
          flush() {
            const record = new StreamRecord<string>();
            for (record.value of held.splice(0)) forward(record);
          },
          rollback: () => void held.splice(0),
        };
      },
      ['in'],
    )
    .addDynamicSink('sink', {
      parents: ['hold'],
      supplier: dynamicSink<string>({ value: string, topic: ({ value }) => value ?? '' }),
    });
  const runtime = newRuntime(log, { processingLog: 'problems' });
  await runtime.start({ id: 'app', topology });
  for (const value of ['out', 'nowhere', 'out']) {
    await produce(log, 'in', 0, [{ key: null, value }]);
    await runtime.awaitIdle();
  }
  expect((await consume(log, 'out')).map(({ value }) => value)).toEqual(['out', 'out']);
  expect(runtime.counters('app')).toMatchObject({ restarts: 2, drops: { serialization: 1 } });
  await runtime.close();
  await log.close();
});

test('the internal topics of the application are not written so', async () => {
  const log = await openLog('memory');
  for (const name of ['in', 'problems']) await log.createTopic({ name, partitions: 1 });
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', texts);
  stream.toTable({ store: 'rows' });
  stream.to(() => 'app-rows-changelog');
  const runtime = newRuntime(log, { processingLog: 'problems' });
  await runtime.start({ id: 'app', topology: builder.build() });
  await produce(log, 'in', 0, rows(['a', '1']));
  await runtime.awaitIdle();
  expect(runtime.counters('app').drops).toEqual({ serialization: 1 });
  await runtime.close();
  await log.close();
});

test('the function sees time, headers and place; what it answers has to be a text', () => {
  const seen: unknown[] = [];
  const builder = new StreamsBuilder();
  builder.stream('in', texts).to((key, value, { timestamp, headers, metadata }) => {
    seen.push([key, value, timestamp, headers.size, metadata]);
    return (value === 'bad' ? undefined : `to-${value}`) as string;
  });
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('k', 'x', 7);
  expect(seen).toEqual([['k', 'x', 7, 0, { topic: 'in', partition: 0, offset: 0 }]]);
  expect(driver.output('to-x', texts).readAll()).toMatchObject([{ key: 'k', value: 'x', timestamp: 7 }]);
  expect(() => driver.input('in', texts).pipe('k', 'bad')).toThrow('undefined is not the name of a topic');
});
