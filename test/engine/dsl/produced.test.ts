/** Sinks: serdes of their own and partitioners. */

import { expect, test } from 'vitest';
import { serdes } from '../../../engine/index.ts';
import { type Produced, StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int32, string } = serdes;
const texts = { key: string, value: string };

const writing = (how: Produced<string, string>, partitions = 3): TopologyTestDriver => {
  const builder = new StreamsBuilder();
  builder.stream('in', texts).to('out', how);
  return new TopologyTestDriver(builder.build(), { partitions });
};

test('key and value are written by serdes of the sink', () => {
  const upper = {
    ...string,
    write: (value: string, out: Parameters<typeof string.write>[1]) => string.write(value.toUpperCase(), out),
  };
  const driver = writing({ key: upper, value: upper }, 1);
  driver.input('in', texts).pipe('k', 'v');
  driver.input('in', texts).pipe(null, null);
  expect(driver.output('out', texts).readAll()).toMatchObject([
    { key: 'K', value: 'V' },
    { key: null, value: null },
  ]);
});

test('a partitioner picks one partition, several, none, or leaves it to the default', () => {
  const driver = writing({
    partition(_key, value, count) {
      expect(count).toBe(3);
      if (value === 'default') return undefined;
      return value === '' ? [] : (value ?? '').length > 1 ? (value ?? '').split('').map(Number) : Number(value);
    },
  });
  const input = driver.input('in', texts);
  for (const value of ['2', '', '02', '11', 'default', 'default']) input.pipe(null, value);
  expect(
    driver
      .output('out', texts)
      .readAll()
      .map(({ value, partition }) => `${value} in ${partition}`),
  ).toEqual(['2 in 2', '02 in 0', '02 in 2', '11 in 1', 'default in 0', 'default in 1']);
  expect(driver.drops).toEqual([]);
});

test('a partition that the topic does not have is a failure of the record', () => {
  for (const value of ['3', '-1', '0.5', 'x']) {
    const driver = writing({ partition: (_key, given) => Number(given) });
    expect(() => driver.input('in', texts).pipe(null, value)).toThrow(
      `the partitioner picked the partition ${Number(value)} of out, which has 3`,
    );
  }
});

test('a repartition asks its partitioner, and keeps the times', () => {
  const asked: string[] = [];
  const builder = new StreamsBuilder();
  builder
    .stream('in', { key: int32, value: string })
    .repartition({
      name: 'parted',
      partition(key, value, count) {
        asked.push(`${key}=${value} of ${count}`);
        return 1;
      },
    })
    .to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions: 3 });
  const input = driver.input('in', { key: int32, value: string });
  for (const key of [0, 1]) input.pipe(key, `v${key}`, key + 10);
  expect(asked).toEqual(['0=v0 of 3', '1=v1 of 3']);
  const through = driver.output('test-parted-repartition', { key: int32, value: string }).readAll();
  expect(through.map(({ key, value, partition, timestamp }) => [key, value, partition, timestamp])).toEqual([
    [0, 'v0', 1, 10],
    [1, 'v1', 1, 11],
  ]);
  driver.close();
});

test('a sink of another type does not compile', () => {
  const builder = new StreamsBuilder();
  // @ts-expect-error: the values are texts
  builder.stream('in', texts).to('out', { value: int32 });
  // @ts-expect-error: the keys are texts
  builder.stream('in', texts).to('out', { key: int32 });
});
