/** What is read behind a repartition: values only where something looks at them, keys where a function is shown
 *  them. */

import { expect, test } from 'vitest';
import { type Serde, serdes } from '../../../engine/index.ts';
import { type KGroupedStream, StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int64, string } = serdes;

/** A serde of text that counts what it reads. */
const counted = (): Serde<string> & { reads: number } => {
  const serde = {
    ...string,
    reads: 0,
    read(bytes: Uint8Array, start: number, end: number): string {
      serde.reads++;
      return string.read(bytes, start, end);
    },
  };
  return serde;
};

/** Groups three records by their value behind a repartition; answers how often a value and a key were read there. */
const readsOf = (use: (grouped: KGroupedStream<string, string>) => void): string => {
  const key = counted();
  const value = counted();
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  use(
    builder
      .stream('in', texts)
      .selectKey((_key, text) => text, { key })
      .groupByKey({ value, name: 'by-text' }),
  );
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipeAll([
    { key: 'a', value: 'x' },
    { key: 'b', value: 'y' },
    { key: 'c', value: 'x' },
    { key: 'd', value: null },
  ]);
  driver.close();
  return `values ${value.reads}, keys ${key.reads}`;
};

test('a count behind a repartition reads neither values nor keys', () => {
  expect(readsOf((grouped) => void grouped.count())).toBe('values 0, keys 0');
});

test('a reduce beside it, over the same repartition, reads the values: once for both', () => {
  const reduce = (grouped: KGroupedStream<string, string>): void =>
    void grouped.reduce((one, other) => one + other, { value: string });
  const count = (grouped: KGroupedStream<string, string>): void => void grouped.count();
  for (const uses of [
    [count, reduce],
    [reduce, count],
  ]) {
    expect(readsOf((grouped) => uses.forEach((use) => use(grouped)))).toBe('values 3, keys 0');
  }
});

test('what has no value is not counted, although values are not read', () => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  builder
    .stream('in', texts)
    .groupBy((key) => key?.slice(0, 1) ?? null, { key: string })
    .count()
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  for (const value of ['x', null, '']) driver.input('in', texts).pipe('a1', value);
  expect(driver.output('out', { key: string, value: int64 }).readAll()).toMatchObject([
    { key: 'a', value: 1 },
    { key: 'a', value: 2 },
  ]);
  driver.close();
});
