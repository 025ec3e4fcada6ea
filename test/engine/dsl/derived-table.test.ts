/** Tables made of others row by row: kept in a store of their own or derived when they are looked up; with state. */

import { describe, expect, test } from 'vitest';
import { type KTable, Stores, StreamsBuilder, serdes, TopologyTestDriver } from '../../../engine/public.ts';

const { int32, string } = serdes;
const numbers = { key: string, value: int32 };
const texts = { key: string, value: string };

type Change = readonly [key: string, value: number | null];

/** Pipes changes to `in` and shows what came out of each. */
const run = <V>(
  build: (table: KTable<string, number>, builder: StreamsBuilder) => KTable<string, V>,
  value: typeof int32 | typeof string,
  changes: readonly Change[],
): { readonly seen: readonly string[]; readonly driver: TopologyTestDriver } => {
  const builder = new StreamsBuilder();
  const built = build(builder.table('in', numbers), builder) as unknown as KTable<string, number>;
  built.toStream().to('out', { value: value as typeof int32 });
  const driver = new TopologyTestDriver(builder.build());
  const seen = changes.map(([key, number], at) => {
    driver.input('in', numbers).pipe(key, number, at);
    const out = driver.output('out', { key: string, value: value as typeof int32 }).readAll();
    return out.map((record) => `${record.key}=${record.value ?? '-'}@${record.timestamp}`).join(' ');
  });
  return { seen, driver };
};

const changes: readonly Change[] = [
  ['a', 1],
  ['a', 20],
  ['a', 30],
  ['b', 2],
  ['a', 3],
  ['a', null],
];

describe('filter', () => {
  const expected = ['', 'a=20@1', 'a=30@2', '', 'a=-@4', ''];

  test('with a store of its own shows what one without shows, and its rows can be read', () => {
    expect(run((table) => table.filter((_key, value) => value > 9), int32, changes).seen).toEqual(expected);
    const { seen, driver } = run(
      (table) => table.filter((_key, value) => value > 9, { store: 'large' }),
      int32,
      changes.slice(0, 4),
    );
    expect(seen).toEqual(expected.slice(0, 4));
    expect(driver.keyValueStore('large', numbers).get('a')).toEqual({ value: 30, timestamp: 2 });
    expect(driver.keyValueStore('large', numbers).get('b')).toBeUndefined();
  });
});

describe('mapValues', () => {
  test('with a store of its own: a row that the function maps to null is absent', () => {
    const { seen, driver } = run(
      (table) => table.mapValues((value) => (value === 20 ? null : `<${value}>`), { value: string, store: 'mapped' }),
      string,
      changes.slice(0, 4),
    );
    expect(seen).toEqual(['a=<1>@0', 'a=-@1', 'a=<30>@2', 'b=<2>@3']);
    expect(driver.keyValueStore('mapped', texts).get('a')).toEqual({ value: '<30>', timestamp: 2 });
  });

  test('a join looks its rows up in that store', () => {
    let calls = 0;
    const { seen } = run(
      (table, builder) =>
        table
          .mapValues(
            (value) => {
              calls++;
              return value * 2;
            },
            { value: int32, store: 'doubled' },
          )
          .leftJoin(builder.table('other', numbers), (own, other) => own + (other ?? 0), { value: int32 }),
      int32,
      changes.slice(0, 2),
    );
    expect(seen).toEqual(['a=2@0', 'a=40@1']);
    expect(calls).toBe(2);
  });

  test('without a serde a store cannot be named', () => {
    const builder = new StreamsBuilder();
    const table = builder.table('in', numbers);
    expect(() => table.mapValues(String, { store: 'mapped' })).toThrow('the store "mapped" has no serde');
  });
});

describe('transformValues', () => {
  /** Numbers the changes of each key. */
  const counted = Stores.keyValue('counted', string, int32);
  const numbered = (table: KTable<string, number>, options: { readonly store?: string } = {}): KTable<string, string> =>
    table.transformValues(
      (context) => {
        const counts = context.getStateStore(counted);
        return (value, key) => {
          const count = (counts.get(key) ?? 0) + 1;
          counts.put(key, count);
          return value === null ? null : `${value}#${count}`;
        };
      },
      { value: string, stores: [counted], ...options },
    );
  const expected = ['a=1#1@0', 'a=20#2@1', 'a=30#3@2', 'b=2#1@3', 'a=3#4@4', 'a=-@5'];

  test('keeps state, and is called once for each change', () => {
    expect(run((table) => numbered(table), string, changes).seen).toEqual(expected);
  });

  test('its results can be kept and read', () => {
    const { seen, driver } = run((table) => numbered(table, { store: 'numbered' }), string, changes.slice(0, 5));
    expect(seen).toEqual(expected.slice(0, 5));
    expect(driver.keyValueStore('numbered', texts).get('a')).toEqual({ value: '3#4', timestamp: 4 });
  });

  // As in the published KTableTransformValuesTest.
  test('makes rows of deletions, also of a key that was never there', () => {
    for (const options of [{}, { store: 'shown' }]) {
      const builder = new StreamsBuilder();
      builder
        .table('in', texts)
        .transformValues(() => (value, key) => `${key}->${value}!`, { value: string, ...options })
        .toStream()
        .to('out');
      const driver = new TopologyTestDriver(builder.build());
      driver.input('in', texts).pipe('A', 'a', 5);
      driver.input('in', texts).pipe('B', 'b', 10);
      driver.input('in', texts).pipe('D', null, 15);
      const seen = driver.output('out', texts).readAll();
      expect(seen.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`)).toEqual([
        'A=A->a!@5',
        'B=B->b!@10',
        'D=D->null!@15',
      ]);
      if (options.store !== undefined)
        expect(driver.keyValueStore('shown', texts).get('D')).toEqual({ value: 'D->null!', timestamp: 15 });
      driver.close();
    }
  });

  test.each([false, true])('a grouping behind it takes out what it has put in, with state: %s', (isStateful) => {
    const builder = new StreamsBuilder();
    builder
      .table('in', texts)
      .transformValues<number>(
        () => {
          let calls = 0;
          return (value) => (isStateful ? ++calls : (value?.length ?? 0));
        },
        { value: int32, ...(isStateful && { store: 'kept' }) },
      )
      .groupBy((_key, value) => ['all', value], { key: string, value: int32 })
      .reduce(
        (sum, value) => sum + value,
        (sum, value) => sum - value,
        { store: 'sums' },
      )
      .toStream()
      .to('out', { value: int32 });
    const driver = new TopologyTestDriver(builder.build());
    for (const value of ['ignored', 'ignored1', 'ignored2']) driver.input('in', texts).pipe('A', value);
    const sums = driver.output('out', numbers).readAll();
    expect(sums.at(-1)?.value).toBe(isStateful ? 3 : 8);
    driver.close();
  });

  test('what stands behind it makes it keep them: a filter retracts what it has shown, without calling it again', () => {
    const { seen } = run((table) => numbered(table).filter((_key, row) => row.startsWith('2')), string, changes);
    expect(seen).toEqual(['', 'a=20#2@1', 'a=-@2', 'b=2#1@3', '', '']);
  });
});

test('toStream with a new key: what follows by key goes through a repartition', () => {
  const builder = new StreamsBuilder();
  builder
    .table('in', numbers)
    .toStream((_key, value) => (value === null ? 'deleted' : value > 9 ? 'large' : 'small'), { key: string })
    .groupByKey()
    .count({ store: 'sizes' });
  const topology = builder.build();
  expect(topology.nodes.map(({ name }) => name).slice(2, 4)).toEqual([
    'KTABLE-TOSTREAM-0000000003',
    'KSTREAM-KEY-SELECT-0000000004',
  ]);
  const driver = new TopologyTestDriver(topology, { partitions: 2 });
  for (const [key, value] of changes) driver.input('in', numbers).pipe(key, value);
  const sizes = driver.keyValueStore('sizes', { key: string, value: serdes.int64 });
  expect([sizes.get('large')?.value, sizes.get('small')?.value]).toEqual([2, 3]);
});

test('a global store is filled by a processor, and read by others that are connected to it', () => {
  const lengths = Stores.keyValue('lengths', string, int32);
  const builder = new StreamsBuilder();
  builder.addGlobalStore(lengths, 'words', texts, (context) => {
    const store = context.getStateStore(lengths);
    return {
      process({ key, value }) {
        if (key === null) return;
        if (value === null) store.delete(key);
        else store.put(key, value.length);
      },
    };
  });
  builder
    .stream('asked', texts)
    .processValues<number, [typeof lengths]>(
      (context) => {
        const store = context.getStateStore(lengths);
        return {
          process: (record) => context.forward(record.withValue(store.get(record.value ?? '') ?? -1)),
        };
      },
      { stores: [lengths], value: int32 },
    )
    .to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions: 3 });
  driver.input('words', texts).pipe('x', 'four');
  driver.input('words', texts).pipe('y', 'seventy');
  driver.input('words', texts).pipe('y', null);
  for (const [key, value] of [
    ['1', 'x'],
    ['2', 'y'],
    ['3', 'z'],
  ] as const)
    driver.input('asked', texts).pipe(key, value);
  expect(driver.output('out', numbers).readTable()).toEqual(
    new Map([
      ['1', 4],
      ['2', -1],
      ['3', -1],
    ]),
  );
  driver.close();
});
