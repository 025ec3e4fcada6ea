import { expect, expectTypeOf, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import {
  type KGroupedStream,
  type KStream,
  type KTable,
  StreamsBuilder,
  TimeWindows,
  timeWindowed,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int64, json, string } = serdes;
const texts = { key: string, value: string };

/** Pipes `key: value @time` lines to topics, prints what a topic got in the same form. */
const play = (topology: Topology, topics: Record<string, readonly string[]>, output: string): string[] => {
  const driver = new TopologyTestDriver(topology);
  for (const [topic, lines] of Object.entries(topics)) {
    const input = driver.input(topic, texts);
    for (const line of lines) {
      const [, key = '', value = '', time = '0'] = /^(\S+): (.*?)(?: @(\d+))?$/.exec(line) ?? [];
      input.pipe(key === '-' ? null : key, value === '-' ? null : value, Number(time));
    }
  }
  const written = driver.take(output).map(({ key, value, timestamp }) => {
    const show = (bytes: Uint8Array | null): string => (bytes === null ? '-' : new TextDecoder().decode(bytes));
    return `${show(key)}: ${show(value)}${timestamp === 0 ? '' : ` @${timestamp}`}`;
  });
  driver.close();
  return written;
};

const number = {
  name: 'number',
  write: (value: number | bigint, out: Parameters<typeof string.write>[1]) => string.write(String(value), out),
  read: (bytes: Uint8Array, start: number, end: number): number | bigint => Number(string.read(bytes, start, end)),
};

test('words are counted', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('words', texts)
    .filter((_key, word) => word !== null && word !== '')
    .groupBy((_key, word) => word, { key: string })
    .count({ store: 'counts', value: number })
    .toStream()
    .to('counted');
  expect(play(builder.build(), { words: ['-: hop', '-: ', '-: on', '-: hop @7'] }, 'counted')).toEqual([
    'hop: 1',
    'on: 1',
    'hop: 2 @7',
  ]);
});

test('flatMapValues makes several records of one, under its key', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .flatMapValues((value, key) => (value === null ? [] : value.split(',').map((word) => `${key}:${word}`)))
    .to('out', { value: string });
  expect(play(builder.build(), { in: ['a: x,y @3', 'b: -'] }, 'out')).toEqual(['a: a:x @3', 'a: a:y @3']);
});

test('stateless operators chain', () => {
  const seen: string[] = [];
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .filterNot((key) => key === 'drop')
    .peek((key, value) => seen.push(`${key}=${value}`))
    .mapValues((value, key) => (value === null ? null : `${key}-${value}`))
    .map((key, value) => [value, key], { key: string, value: string })
    .selectKey((key) => (key === null ? null : key.toUpperCase()), { key: string })
    .to('out', { value: string });
  expect(play(builder.build(), { in: ['a: x @3', 'drop: y', 'b: -', '-: z'] }, 'out')).toEqual([
    'A-X: a @3',
    '-: b',
    'NULL-Z: -',
  ]);
  expect(seen).toEqual(['a=x', 'b=null', 'null=z']);
});

test('a stream is joined with a table, after a repartition where its key changed', () => {
  const build = (left: boolean): Topology => {
    const builder = new StreamsBuilder();
    const airports = builder.table('airports', texts);
    const flights = builder
      .stream('flights', texts)
      .selectKey((_id, origin) => origin, { key: string })
      .mapValues((origin) => origin, { value: string });
    const joined = left
      ? flights.leftJoin(airports, (origin, city) => `${origin} ${city ?? '?'}`, { value: string })
      : flights.join(airports, (origin, city, key) => `${origin} ${city} ${key}`, { value: string });
    joined.to('out');
    return builder.build();
  };
  const topics = { airports: ['ALB: Albany', 'BOS: Boston', 'BOS: -'], flights: ['1: ALB @5', '2: BOS', '3: -'] };
  expect(play(build(false), topics, 'out')).toEqual(['ALB: ALB Albany ALB @5']);
  expect(play(build(true), topics, 'out')).toEqual(['ALB: ALB Albany @5', 'BOS: BOS ?']);
  expect(build(false).subTopologies().length).toBe(2);
});

test('a join sees what the table shows: filtered and mapped rows', () => {
  const builder = new StreamsBuilder();
  const big = builder
    .table('airports', texts)
    .filter((_key, city) => city.length > 5)
    .mapValues((city) => city.toUpperCase());
  builder
    .stream('flights', texts)
    .leftJoin(big, (value, city) => `${value} ${city ?? '-'}`, { value: string })
    .to('out');
  const topics = { airports: ['ALB: Albany', 'BOS: Bos'], flights: ['ALB: 1', 'BOS: 2'] };
  expect(play(builder.build(), topics, 'out')).toEqual(['ALB: 1 ALBANY', 'BOS: 2 -']);
});

test('a filtered table retracts a row that stops matching, once', () => {
  const builder = new StreamsBuilder();
  builder
    .table('in', texts)
    .filterNot((_key, value) => value.startsWith('x'))
    .toStream()
    .to('out');
  expect(play(builder.build(), { in: ['a: 1', 'a: x1', 'a: x2', 'b: x', 'a: 2', 'a: -'] }, 'out')).toEqual([
    'a: 1',
    'a: -',
    'a: 2',
    'a: -',
  ]);
});

test('toTable keeps the last value of each key, brought together where the key changed', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .selectKey((key) => (key === null ? null : key.slice(0, 1)), { key: string })
    .toTable({ store: 'last' })
    .toStream()
    .to('out');
  const topology = builder.build();
  expect(topology.repartitions.length).toBe(1);
  const driver = new TopologyTestDriver(topology);
  const input = driver.input('in', texts);
  input.pipe('a1', 'x', 3);
  input.pipe('a2', 'y', 5);
  input.pipe('b', 'z', 6);
  input.pipe('b', null, 7);
  const last = driver.keyValueStore('last', texts);
  expect([last.get('a'), last.get('b')]).toEqual([{ value: 'y', timestamp: 5 }, undefined]);
});

test('aggregates per key and per window', () => {
  const builder = new StreamsBuilder();
  const grouped = builder.stream('in', texts).groupByKey();
  grouped
    .aggregate(
      () => ({ all: [] as string[] }),
      (_key, value, list) => {
        list.all.push(value);
        return list;
      },
      { store: 'lists', value: json<{ all: string[] }>() },
    )
    .mapValues(({ all }) => all.join('+'), { value: string })
    .toStream()
    .to('lists');
  grouped
    .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
    .count({ store: 'windows', value: number, retentionMs: 100 })
    .filter(({ start }) => start > 0)
    .toStream()
    .to('windows');
  const driver = new TopologyTestDriver(builder.build());
  const input = driver.input('in', texts);
  for (const [value, time] of [
    ['x', 3],
    ['y', 12],
    ['z', 14],
    ['late', 2],
    ['later', 25],
    ['too late', 4],
  ] as const) {
    input.pipe('a', value, time);
  }
  expect(driver.output('lists', texts).readAll().at(-1)?.value).toBe('x+y+z+late+later+too late');
  const windows = driver.output('windows', { key: timeWindowed(string, 10), value: number }).readAll();
  expect(windows.map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([
    [{ key: 'a', start: 10, end: 20 }, 1, 12],
    [{ key: 'a', start: 10, end: 20 }, 2, 14],
    [{ key: 'a', start: 20, end: 30 }, 1, 25],
  ]);
  expect(driver.drops.map(({ reason, offset }) => [reason, offset])).toEqual([['late', 5]]);
  const store = driver.windowStore('windows', { key: string, value: number });
  expect(store.windows()).toEqual([0, 10, 20]);
  expect(store.get('a', 0)).toEqual({ value: 2, timestamp: 3 });
});

test('all windows of a key go to the partition of the key', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
    .count({ value: number })
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions: 7 });
  const input = driver.input('in', texts);
  const partitions = new Set<number>();
  for (let at = 0; at < 20; at++) {
    input.pipe('k', 'v', at * 10);
    for (const { partition } of driver.take('out')) partitions.add(partition);
  }
  expect([...partitions]).toEqual([driver.take('in')[0]?.partition]);
});

test('nodes are named as in Kafka, by one counter, unless they are named by hand', () => {
  const builder = new StreamsBuilder();
  const table = builder.table('airports', texts);
  builder
    .stream('flights', texts)
    .filter(() => true, { name: 'only-good' })
    .selectKey(() => 'x', { key: string })
    .join(table, (value) => value, { name: 'enrich', value: string })
    .groupByKey()
    .count()
    .toStream()
    .to('out');
  expect(builder.build().describe()).toBe(`Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000001 (topics: [airports])
      --> KTABLE-SOURCE-0000000002
    Processor: KTABLE-SOURCE-0000000002 (stores: [airports-STATE-STORE-0000000000])
      --> none
      <-- KSTREAM-SOURCE-0000000001
    Source: KSTREAM-SOURCE-0000000006 (topics: [enrich-left-repartition])
      --> enrich
    Processor: enrich (stores: [airports-STATE-STORE-0000000000])
      --> KSTREAM-AGGREGATE-0000000008
      <-- KSTREAM-SOURCE-0000000006
    Processor: KSTREAM-AGGREGATE-0000000008 (stores: [KSTREAM-AGGREGATE-STATE-STORE-0000000007])
      --> KTABLE-TOSTREAM-0000000009
      <-- enrich
    Processor: KTABLE-TOSTREAM-0000000009 (stores: [])
      --> KSTREAM-SINK-0000000010
      <-- KSTREAM-AGGREGATE-0000000008
    Sink: KSTREAM-SINK-0000000010 (topic: out)
      <-- KTABLE-TOSTREAM-0000000009

   Sub-topology: 1
    Source: KSTREAM-SOURCE-0000000003 (topics: [flights])
      --> only-good
    Processor: only-good (stores: [])
      --> KSTREAM-KEY-SELECT-0000000004
      <-- KSTREAM-SOURCE-0000000003
    Processor: KSTREAM-KEY-SELECT-0000000004 (stores: [])
      --> KSTREAM-SINK-0000000005
      <-- only-good
    Sink: KSTREAM-SINK-0000000005 (topic: enrich-left-repartition)
      <-- KSTREAM-KEY-SELECT-0000000004

`);
});

test('a table keeps rows only where somebody asks for them', () => {
  const builder = new StreamsBuilder();
  builder
    .table('in', texts)
    .mapValues((value) => value, { value: string })
    .toStream()
    .to('out');
  expect(builder.build().stores).toEqual([]);
  builder
    .table('other', texts)
    .filter(() => true)
    .toStream()
    .to('out2');
  expect(builder.build().stores.map(({ name }) => name)).toEqual(['other-STATE-STORE-0000000006']);
});

test('what cannot be written or cannot work is said when it is asked for', () => {
  const stream = new StreamsBuilder().stream('in', texts);
  expect(() => stream.mapValues(() => 1).to('out')).toThrow('to("out") has no serde to write the value with');
  expect(() =>
    stream
      .map(() => ['a', 1], { key: string })
      .groupByKey({ name: 'g' })
      .count(),
  ).toThrow('the repartition "g" has no serde to write the value with');
  expect(() => TimeWindows.ofSizeAndGrace(0, 1)).toThrow('a window cannot have the size 0 ms');
  expect(() => TimeWindows.ofSizeAndGrace(10, -1)).toThrow('a window cannot have a grace of -1 ms');
  const windowed = stream.groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(10, 5));
  expect(() => windowed.count({ retentionMs: 14 })).toThrow(
    'a retention of 14 ms is shorter than the window and its grace, 15 ms',
  );
});

test('a type guard as predicate narrows the type of values, as that of an array does', () => {
  interface Cat {
    readonly kind: 'cat';
    readonly lives: number;
  }
  interface Dog {
    readonly kind: 'dog';
  }
  const pet = json<Cat | Dog>();
  const isCat = (_key: string | null, value: Cat | Dog | null): value is Cat => value?.kind === 'cat';
  const builder = new StreamsBuilder();
  const pets = builder.stream('pets', { key: string, value: pet });
  const cats = pets.filter(isCat);
  expectTypeOf(cats).toEqualTypeOf<KStream<string, Cat>>();
  expectTypeOf(pets.filterNot(isCat)).toEqualTypeOf<KStream<string, Dog>>();
  expectTypeOf(pets.filter(isCat, { name: 'named' })).toEqualTypeOf<KStream<string, Cat>>();
  // The compiler knows what is a guard by itself.
  expectTypeOf(pets.filter((_key, value) => value?.kind === 'dog')).toEqualTypeOf<KStream<string, Dog>>();
  expectTypeOf(pets.filter((_key, value) => value !== null)).toEqualTypeOf<KStream<string, Cat | Dog>>();
  // Nulls are no part of the type: records without a value stay what they were.
  expectTypeOf(pets.filter((_key, value) => value === null)).toEqualTypeOf<KStream<string, Cat | Dog>>();
  expectTypeOf(pets.filterNot((_key, value) => value !== null)).toEqualTypeOf<KStream<string, Cat | Dog>>();
  expectTypeOf(pets.filter((key) => key === 'a')).toEqualTypeOf<KStream<string, Cat | Dog>>();

  // A branch too, and those behind it get what it leaves.
  const { kept, others } = pets.split().branch('kept', isCat).defaultBranch('others');
  expectTypeOf(kept).toEqualTypeOf<KStream<string, Cat>>();
  expectTypeOf(others).toEqualTypeOf<KStream<string, Dog>>();
  const branches = pets
    .split()
    .branch('a', (key) => key === 'a')
    .branch('cats', (_key, value) => value?.kind === 'cat')
    .branch('rest', (_key, value) => value?.kind === 'dog')
    .noDefaultBranch();
  expectTypeOf(branches.a).toEqualTypeOf<KStream<string, Cat | Dog>>();
  expectTypeOf(branches.cats).toEqualTypeOf<KStream<string, Cat>>();
  expectTypeOf(branches.rest).toEqualTypeOf<KStream<string, Dog>>();
  expectTypeOf<keyof typeof branches>().toEqualTypeOf<'a' | 'cats' | 'rest'>();

  const table = builder.table('pet-table', { key: string, value: pet });
  const rowIsCat = (_key: string, value: Cat | Dog): value is Cat => value.kind === 'cat';
  expectTypeOf(table.filter(rowIsCat)).toEqualTypeOf<KTable<string, Cat>>();
  expectTypeOf(table.filter(rowIsCat, { store: 'cats' })).toEqualTypeOf<KTable<string, Cat>>();
  expectTypeOf(table.filterNot(rowIsCat)).toEqualTypeOf<KTable<string, Dog>>();
  expectTypeOf(table.filter((key) => key === 'a')).toEqualTypeOf<KTable<string, Cat | Dog>>();

  cats.groupByKey().reduce((a, b) => (a.lives > b.lives ? a : b));
  cats.mapValues((cat) => cat && `${cat.lives}`, { value: string }).to('lives');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('pets', { key: string, value: pet }).pipeText(`
    tom: {"kind":"cat","lives":9}
    rex: {"kind":"dog"}
    eve: -`);
  expect(driver.output('lives', { key: string, value: string }).readText()).toBe('tom: 9');
});

test('types follow the operators', () => {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', { key: string, value: json<{ n: number }>() });
  expectTypeOf(stream).toEqualTypeOf<KStream<string, { n: number }>>();
  expectTypeOf(stream.mapValues((value) => value?.n ?? null)).toEqualTypeOf<KStream<string, number>>();
  expectTypeOf(stream.selectKey((_key, value) => value?.n ?? null, { key: serdes.int32 })).toEqualTypeOf<
    KStream<number, { n: number }>
  >();
  expectTypeOf(stream.map((key, value) => [value?.n ?? null, key], { key: serdes.int32 })).toEqualTypeOf<
    KStream<number, string>
  >();
  const grouped = stream.groupByKey();
  expectTypeOf(grouped).toEqualTypeOf<KGroupedStream<string, { n: number }>>();
  expectTypeOf(grouped.count()).toEqualTypeOf<KTable<string, number | bigint>>();
  expectTypeOf(
    grouped.aggregate(
      () => 0,
      (key, value, sum) => {
        expectTypeOf(key).toEqualTypeOf<string>();
        expectTypeOf(value).toEqualTypeOf<{ n: number }>();
        return sum + value.n;
      },
      { value: serdes.float64 },
    ),
  ).toEqualTypeOf<KTable<string, number>>();
  expectTypeOf(grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(1)).count()).toEqualTypeOf<
    KTable<Windowed<string>, number | bigint>
  >();
  const table = builder.table('table', { key: string, value: int64 });
  stream.leftJoin(table, (value, row, key) => {
    expectTypeOf(value).toEqualTypeOf<{ n: number }>();
    expectTypeOf(row).toEqualTypeOf<number | bigint | null>();
    expectTypeOf(key).toEqualTypeOf<string | null>();
    return value;
  });
  expectTypeOf(stream.join(table, (_value, row) => row)).toEqualTypeOf<KStream<string, number | bigint>>();
  const other = builder.table('other', { key: serdes.float64, value: string });
  // @ts-expect-error: a table whose keys are of another type cannot be joined
  expect(() => stream.join(other, (value) => value)).toThrow('written as string and as float64');
  // @ts-expect-error: a count may be a bigint
  grouped.count().toStream().to('out', { value: serdes.int32 });
  grouped.count().toStream().to('out', { value: int64 });
});
