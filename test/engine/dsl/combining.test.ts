/** What cannot be combined is refused when the method is called: parts of two builders, keys of two serdes. */

import { describe, expect, test } from 'vitest';
import { serdes } from '../../../engine/index.ts';
import { JoinWindows, StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int32, int64, json, safeInt64, string } = serdes;
const texts = { key: string, value: string };
const numbered = { key: safeInt64, value: string };
const briefly = { key: int32, value: string };
const windows = JoinWindows.ofTimeDifferenceWithNoGrace(10);
const both = (left: string, right: string): string => left + right;

describe('two builders', () => {
  const one = new StreamsBuilder();
  const other = new StreamsBuilder();
  const stream = one.stream('a', texts);
  const table = one.table('b', texts);
  const strangers = other.stream('a', texts);
  const strange = other.table('b', texts);
  const everywhere = other.globalTable('c', texts);

  test.each<[string, () => unknown]>([
    ['merge', () => stream.merge(strangers)],
    ['a join of streams', () => stream.join(strangers, both, windows, { value: string })],
    ['a join with a table', () => stream.join(strange, both)],
    ['a left join with a table', () => stream.leftJoin(strange, (text) => text)],
    ['a join with a global table', () => stream.join(everywhere, (_key, text) => text, both)],
    ['a join of tables', () => table.join(strange, both)],
    ['an outer join of tables', () => table.outerJoin(strange, (left, right) => left ?? right)],
    ['a join by a foreign key', () => table.join(strange, (text) => text, both)],
    [
      'cogroup',
      () =>
        stream
          .groupByKey()
          .cogroup<string>((_key, text) => text)
          .cogroup(strangers.groupByKey(), (_key, text) => text)
          .aggregate(() => '', { value: string }),
    ],
  ])('%s', (_what, combine) => {
    expect(combine).toThrow(expect.objectContaining({ code: 'DSL_BUILDERS_DIFFER' }));
  });
});

describe('keys that are written in two forms', () => {
  const builder = new StreamsBuilder();
  const stream = builder.stream('a', briefly);
  const table = builder.table('b', briefly);
  const longer = builder.stream('c', numbered);
  const longerRows = builder.table('d', numbered);

  test.each<[string, () => unknown]>([
    ['merge', () => stream.merge(longer)],
    ['a join of streams', () => stream.join(longer, both, windows, { value: string })],
    ['a join with a table', () => stream.join(longerRows, both)],
    ['a join of tables', () => table.join(longerRows, both)],
    [
      'cogroup',
      () =>
        stream
          .groupByKey()
          .cogroup<string>((_key, text) => text)
          .cogroup(longer.groupByKey(), (_key, text) => text)
          .aggregate(() => '', { value: string }),
    ],
  ])('%s', (_what, combine) => {
    expect(combine).toThrow(expect.objectContaining({ code: 'DSL_KEY_SERDES_DIFFER' }));
  });

  test('the message names both', () => {
    expect(() => stream.merge(longer)).toThrow('merge combines keys that are written as int32 and as int64');
  });

  test('a global table and a foreign key have keys of their own', () => {
    stream.join(builder.globalTable('e', numbered), (key) => key, both, { value: string });
    table.join(longerRows, (text) => text.length, both, { value: string });
  });

  test('repartition writes keys in another form', () => {
    const other = new StreamsBuilder();
    other
      .stream('a', briefly)
      .repartition({ key: safeInt64, name: 'longer' })
      .merge(other.stream('c', numbered))
      .to('out');
    const driver = new TopologyTestDriver(other.build());
    driver.input('a', briefly).pipe(1, 'one');
    driver.input('a', briefly).pipe(null, 'none');
    driver.input('c', numbered).pipe(2, 'two');
    expect(driver.output('out', { key: int64, value: string }).readText()).toBe('1: one\n-: none\n2: two');
  });
});

test('a stream that is joined with a table is repartitioned by the serde of its own values', () => {
  const builder = new StreamsBuilder();
  const names = builder.table('names', texts);
  builder
    .stream('orders', texts)
    .mapValues((text) => ({ text }))
    .selectKey((_key, order) => order?.text ?? null, { key: string })
    .join(names, ({ text }, name) => `${text} ${name}`, { left: json<{ text: string | null }>(), value: string })
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('names', texts).pipe('a', 'ann');
  driver.input('orders', texts).pipe('1', 'a');
  expect(driver.output('out', texts).readText()).toBe('a: a ann');
});

test('where that serde is missing, the error names the option', () => {
  const builder = new StreamsBuilder();
  const names = builder.table('names', texts);
  const orders = builder
    .stream('orders', texts)
    .mapValues((text) => ({ text }))
    .selectKey((_key, order) => order?.text ?? null, { key: string });
  expect(() => orders.join(names, (_order, name) => name, { value: string })).toThrow(
    expect.objectContaining({ code: 'DSL_SERDE_MISSING', hint: expect.stringContaining('{ left: … }') }),
  );
});

test('a repartition of its own shares its topic with no other', () => {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', texts).selectKey((_key, text) => text, { key: string });
  stream.groupByKey({ name: 'by-text' }).count().toStream().to('counts');
  // Its records without a key would be dropped there.
  stream.repartition({ name: 'by-text', partitions: 2 }).to('out');
  expect(() => builder.build()).toThrow('two repartitions are called "by-text"');
});
