/** Sinks whose records name their topics: existing ones are found while the query runs, others are reported. */

import { describe, expect, test } from 'vitest';
import { StreamsBuilder, serdes, type Topology } from '../../../engine/index.ts';
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
