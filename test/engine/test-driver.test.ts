import { expect, test } from 'vitest';
import { serdes } from '../../engine/index.ts';
import { StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };

const counting = () => {
  const builder = new StreamsBuilder();
  builder.stream('in', texts).groupByKey().count({ store: 'counts' }).toStream().to('out');
  return builder.build();
};

test('what follows from a record is there when pipe returns, committed', () => {
  const driver = new TopologyTestDriver(counting(), { now: 42 });
  const input = driver.input('in', texts);
  const output = driver.output('out', { key: string, value: int64 });
  expect(output.isEmpty).toBe(true);
  input.pipe('a', 'x');
  expect(output.read()).toEqual({ key: 'a', value: 1, timestamp: 42, headers: [], partition: 0, offset: 0 });
  expect(output.read()).toBeUndefined();
  expect(driver.keyValueStore('counts', { key: string, value: int64 }).get('a')).toEqual({ value: 1, timestamp: 42 });
  expect(driver.counters.recordsRead).toBe(1);
});

test('the clock stands still until it is told to go on', () => {
  const driver = new TopologyTestDriver(counting());
  const input = driver.input('in', texts);
  input.pipe('a', 'x');
  driver.clock.advance(1000);
  input.pipe('a', 'y');
  expect(
    driver
      .output('out', { key: string, value: int64 })
      .readAll()
      .map(({ timestamp }) => timestamp),
  ).toEqual([0, 1000]);
});

test('records piped as a batch are one transaction: the changelog gets each key once', () => {
  const driver = new TopologyTestDriver(counting());
  driver.input('in', texts).pipeAll(['x', 'y', 'z'].map((value) => ({ key: 'a', value })));
  // And the store's schema hash.
  expect(driver.take('test-counts-changelog').length).toBe(1 + 1);
  expect(driver.output('out', { key: string, value: int64 }).readTable()).toEqual(new Map([['a', 3]]));
  expect(driver.topics()).toEqual(['in', 'out', 'test-counts-changelog']);
});

test('a topic that is written and read loops back', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .filter((_key, value) => value !== null && value.length < 4)
    .mapValues((value) => `${value}+`, { value: string })
    .to('in');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('a', 'x');
  expect(
    driver
      .output('in', texts)
      .readAll()
      .map(({ value }) => value),
  ).toEqual(['x', 'x+', 'x++', 'x+++']);
});

test('sources by pattern read the topics that the topology is made over', () => {
  const builder = new StreamsBuilder();
  builder
    .stream(/^source-\d$/, texts)
    .mapValues((value) => `digit ${value}`, { value: string })
    .to('out');
  builder
    .stream(/^source-[A-Z]$/, texts)
    .mapValues((value) => `letter ${value}`, { value: string })
    .to('out');
  builder.stream('plain', texts).to('out');
  const topology = builder.build();
  expect(() => new TopologyTestDriver(topology)).toThrow(
    expect.objectContaining({
      code: 'DSL_TOPICS_MISSING',
      message: 'which topics match /^source-\\d$/ is not known yet',
    }),
  );
  const driver = new TopologyTestDriver(topology.over(['source-1', 'source-2', 'source-Z', 'other']));
  for (const topic of ['source-Z', 'source-2', 'plain', 'source-1']) driver.input(topic, texts).pipe('a', topic);
  expect(driver.output('out', texts).readValues()).toEqual([
    'letter source-Z',
    'digit source-2',
    'plain',
    'digit source-1',
  ]);
  expect(() => driver.input('other', texts)).toThrow('the topology does not read the topic "other"');
});

test('an output that is read by another serde than it was written with names the record', () => {
  const driver = new TopologyTestDriver(counting());
  driver.input('in', texts).pipe('a', 'x');
  expect(() => driver.output('out', { key: string, value: serdes.int32 }).read()).toThrow(
    expect.objectContaining({
      code: 'TEST_OUTPUT_UNREADABLE',
      message: expect.stringMatching(/^the value of the record out\/0 offset 0 cannot be read as int32: /u),
    }),
  );
});
