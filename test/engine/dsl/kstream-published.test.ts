/** Published tests of streams (KStreamImplTest): merged, sent by their records, joined with a global table. */

import { expect, test } from 'vitest';
import { type KStream, StreamsBuilder, serdes, TopologyTestDriver } from '../../../engine/public.ts';

const { string } = serdes;
const texts = { key: string, value: string };

/** Shows the records of a stream as they come. */
const watched = (stream: KStream<string, string>): string[] => {
  const seen: string[] = [];
  stream.peek((key, value) => seen.push(`${key}=${value}`)).to('seen');
  return seen;
};

test('four streams are merged in the order in which their records come, whatever their times', () => {
  const builder = new StreamsBuilder();
  const [first, ...others] = ['t1', 't2', 't3', 't4'].map((topic) => builder.stream(topic, texts));
  if (first === undefined) throw new Error('there is a first one');
  const seen = watched(others.reduce((merged, other) => merged.merge(other), first));
  const driver = new TopologyTestDriver(builder.build());
  for (const [topic, key, time] of [
    ['t1', 'A', 1],
    ['t2', 'B', 9],
    ['t3', 'C', 2],
    ['t4', 'D', 8],
    ['t4', 'E', 3],
    ['t3', 'F', 7],
    ['t2', 'G', 4],
    ['t1', 'H', 6],
  ] as const)
    driver.input(topic, texts).pipe(key, key.toLowerCase(), time);
  expect(seen).toEqual(['A=a', 'B=b', 'C=c', 'D=d', 'E=e', 'F=f', 'G=g', 'H=h']);
  driver.close();
});

test('records that name their topics by key, value and source are read where they arrive', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .to((key, value, { metadata }) => `${metadata?.topic}-${key}-${value?.slice(0, 1)}`, texts);
  const a = watched(builder.stream('in-a-v', texts));
  const b: string[] = [];
  builder.stream('in-b-v', texts).foreach((key, value) => b.push(`${key}=${value}`));
  const driver = new TopologyTestDriver(builder.build());
  for (const [key, value] of [
    ['a', 'v1'],
    ['a', 'v2'],
    ['b', 'v1'],
  ] as const)
    driver.input('in', texts).pipe(key, value);
  expect([a, b]).toEqual([['a=v1', 'a=v2'], ['b=v1']]);
  driver.close();
});

test('a stream with a new key that is joined with a global table is still brought together before it is counted', () => {
  const builder = new StreamsBuilder();
  const table = builder.globalTable('global', texts);
  builder
    .stream('in', texts)
    .selectKey((_key, value) => value, { key: string })
    .join(
      table,
      (key, value) => `${key}${value}`,
      (value, row) => `${value}${row}`,
      { value: string },
    )
    .groupByKey()
    .count();
  expect(builder.build().describe()).toMatch(/-repartition/);
});
