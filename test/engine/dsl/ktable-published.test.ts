/** Published tests of tables (KTableImplTest). (Arguments that are missing: `given.test.ts`.) */

import { describe, expect, test } from 'vitest';
import { type KTable, StreamsBuilder, serdes, TopologyTestDriver } from '../../../engine/public.ts';

const { int32, string } = serdes;
const texts = { key: string, value: string };

const storesOf = (builder: StreamsBuilder): string[] =>
  builder
    .build()
    .description()
    .subTopologies.flatMap(({ stores }) => stores.map(({ name }) => name));

test.each([
  ['in no store that is named', {}],
  ['in a store', { store: 'fred' }],
])('a table %s, one of its values, a filtered one, and a table of what it sends', (_where, options) => {
  const builder = new StreamsBuilder();
  const seen: string[][] = [];
  const watch = (table: KTable<string, string | number>): void => {
    const changes: string[] = [];
    seen.push(changes);
    table.toStream().process(() => ({
      process: ({ key, value, timestamp }) => changes.push(`${key}=${value ?? '-'}@${timestamp}`),
    }));
  };
  const rows = builder.table('in', { ...texts, ...options });
  const numbers = rows.mapValues<string | number>(Number);
  watch(rows.mapValues<string | number>((value) => value));
  watch(numbers);
  watch(numbers.filter((_key, value) => Number(value) % 2 === 0));
  rows.toStream().to('copy');
  watch(builder.table('copy', texts).mapValues<string | number>((value) => value));
  const driver = new TopologyTestDriver(builder.build());
  for (const [key, value, time] of [
    ['A', '01', 5],
    ['B', '02', 100],
    ['C', '03', 1],
    ['D', '04', 1],
    ['A', '05', 10],
    ['A', '06', 8],
  ] as const)
    driver.input('in', texts).pipe(key, value, time);
  const all = ['A=01@5', 'B=02@100', 'C=03@1', 'D=04@1', 'A=05@10', 'A=06@8'];
  expect(seen).toEqual([
    all,
    ['A=1@5', 'B=2@100', 'C=3@1', 'D=4@1', 'A=5@10', 'A=6@8'],
    // Nothing is deleted that was not sent (Kafka Streams without a store sends a deletion for each odd number).
    ['B=2@100', 'D=4@1', 'A=6@8'],
    all,
  ]);
  driver.close();
});

describe('rows are kept where they are asked for', () => {
  test('not for their values alone', () => {
    const builder = new StreamsBuilder();
    builder
      .table('a', texts)
      .mapValues(Number)
      .toStream()
      .foreach(() => undefined);
    builder.table('b', texts);
    expect(storesOf(builder)).toEqual([]);
  });

  test('for a join, those of both sides', () => {
    const builder = new StreamsBuilder();
    const numbers = builder.table('a', texts).mapValues(Number);
    builder.table('b', texts).join(
      numbers.filter((_key, value) => value % 2 === 0),
      (text, number) => text + number,
    );
    expect(storesOf(builder)).toEqual(['a-STATE-STORE-0000000000', 'b-STATE-STORE-0000000004']);
  });

  test('of a table that is joined with itself also the results, so that their deletions come out', () => {
    const builder = new StreamsBuilder();
    const table = builder.table('a', texts);
    table
      .join(table, (one, other) => one + other, { name: 'twice', value: string })
      .toStream()
      .to('out');
    expect(storesOf(builder)).toEqual(['a-STATE-STORE-0000000000', 'twice-STATE-STORE']);
    const driver = new TopologyTestDriver(builder.build());
    for (const value of ['v', null]) driver.input('a', texts).pipe('k', value);
    expect(driver.output('out', texts).readTable()).toEqual(new Map());
    driver.close();
  });
});

test('two groupings of a table have a repartition each', () => {
  const builder = new StreamsBuilder();
  const table = builder.table('in', { ...texts, store: 'rows' });
  const swapped = () => table.groupBy((key, value) => [value, key], texts);
  swapped().aggregate(
    () => '0',
    (_key, value, sum) => `${sum}+${value}`,
    (_key, value, sum) => `${sum}-${value}`,
    { store: 'one', value: string },
  );
  swapped().reduce(
    (sum, value) => `${sum}+${value}`,
    (sum, value) => `${sum}-${value}`,
    { store: 'two' },
  );
  expect(storesOf(builder)).toEqual(['rows', 'one', 'two']);
  const names = builder.build().nodes.map(({ name }) => name);
  for (const name of ['SINK-0000000003', 'SOURCE-0000000004', 'SINK-0000000007', 'SOURCE-0000000008'])
    expect(names).toContain(`KSTREAM-${name}`);
  const driver = new TopologyTestDriver(builder.build());
  for (const [key, value] of [
    ['a', 'x'],
    ['b', 'x'],
    ['a', 'y'],
  ] as const)
    driver.input('in', texts).pipe(key, value);
  expect(driver.keyValueStore('one', texts).get('x')?.value).toBe('0+a+b-a');
  expect(driver.keyValueStore('two', texts).get('x')?.value).toBe('a+b-a');
  expect(driver.keyValueStore('two', texts).get('y')?.value).toBe('a');
  driver.close();
});

describe('serdes', () => {
  type Written = { toStream(): { to(topic: string): void } };
  type Make = (table: KTable<string, string>, other: KTable<string, string>) => Written;
  const written = (make: Make): string => {
    const builder = new StreamsBuilder();
    make(builder.table('in', texts), builder.table('other', texts)).toStream().to('out');
    return builder.build().describe();
  };
  test.each<readonly [string, Make]>([
    ['filter', (table) => table.filter(() => true)],
    ['filterNot', (table) => table.filterNot(() => true)],
    ['mapValues, which is given one', (table) => table.mapValues(Number, { value: int32 })],
    ['transformValues, which is given one', (table) => table.transformValues(() => Number, { value: int32 })],
    ['a join that is given one', (table, other) => table.join(other, (value) => value, { value: string })],
    ['toStream with a new key', (table) => table.toStream((key) => key, { key: string }).toTable()],
  ] as const)('are kept by %s', (_name, make) => {
    expect(written(make)).toMatch(/topic: out/);
  });

  test.each<readonly [string, Make]>([
    ['mapValues', (table) => table.mapValues(Number)],
    ['transformValues', (table) => table.transformValues(() => Number)],
    ['join', (table, other) => table.join(other, (value) => value)],
    ['leftJoin', (table, other) => table.leftJoin(other, (value) => value)],
    ['outerJoin', (table, other) => table.outerJoin(other, (value) => value)],
  ] as const)('of values are not known behind %s', (_name, make) => {
    expect(() => written(make)).toThrow(expect.objectContaining({ code: 'DSL_SERDE_MISSING' }));
  });
});
