/** Published tests of streams (KStreamImplTest): merged, sent by their records, joined with a global table, made a
 *  table; which serdes they keep. (Arguments that are missing: `given.test.ts`.) */

import { describe, expect, test } from 'vitest';
import {
  JoinWindows,
  type KStream,
  type KTable,
  StreamsBuilder,
  serdes,
  TopologyTestDriver,
} from '../../../engine/public.ts';
import { nodesOf } from './nodes-of.ts';

const { int32, int64, string } = serdes;
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

describe('toTable', () => {
  const played = (
    builder: StreamsBuilder,
    records: readonly (readonly [key: string, value: string, time: number])[],
  ) => {
    const driver = new TopologyTestDriver(builder.build());
    for (const [key, value, time] of records) driver.input('in', texts).pipe(key, value, time);
    return driver;
  };
  const updates = [
    ['A', '01', 5],
    ['B', '02', 100],
    ['C', '03', 1],
    ['A', '04', 10],
    ['A', '05', 8],
  ] as const;

  test('keeps no rows where nothing asks for them, and passes each update on', () => {
    const builder = new StreamsBuilder();
    builder.stream('in', texts).toTable().toStream().to('out');
    expect(nodesOf(builder.build())).toEqual([
      'KSTREAM-SOURCE-0, KSTREAM-TOTABLE-1, KTABLE-TOSTREAM-3, KSTREAM-SINK-4',
    ]);
    const driver = played(builder, updates);
    expect(driver.output('out', texts).readText()).toBe('A: 01 @5\nB: 02 @100\nC: 03 @1\nA: 04 @10\nA: 05 @8');
    driver.close();
  });

  test('keeps them in a store that is named, also where nothing follows', () => {
    const builder = new StreamsBuilder();
    builder.stream('in', texts).toTable({ store: 'rows' });
    expect(nodesOf(builder.build())).toEqual(['KSTREAM-SOURCE-0, KSTREAM-TOTABLE-1 (rows)']);
    const driver = played(builder, updates);
    expect(driver.keyValueStore('rows', texts).get('A')).toEqual({ value: '05', timestamp: 8 });
    driver.close();
  });

  test('a stream with a new key is brought together first', () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .map((key, value) => [(key ?? 'A').charCodeAt(0), value], { key: int32, value: string })
      .toTable()
      .toStream()
      .to('out');
    expect(nodesOf(builder.build())).toEqual([
      'KSTREAM-SOURCE-0, KSTREAM-MAP-1, KSTREAM-SINK-4',
      'KSTREAM-SOURCE-5, KSTREAM-TOTABLE-2, KTABLE-TOSTREAM-6, KSTREAM-SINK-7',
    ]);
    const driver = played(builder, updates);
    expect(driver.output('out', { key: int32, value: string }).readText()).toBe(
      '65: 01 @5\n66: 02 @100\n67: 03 @1\n65: 04 @10\n65: 05 @8',
    );
    driver.close();
  });

  test('two such tables are joined, and a stream with one: then rows are kept', () => {
    const of = (join: (left: KStream<string, string>, right: KTable<string, string>) => KStream<string, string>) => {
      const builder = new StreamsBuilder();
      const left = builder.stream('in', texts);
      join(left, builder.stream('right', texts).toTable()).to('out', texts);
      const nodes = nodesOf(builder.build());
      const driver = new TopologyTestDriver(builder.build());
      const right = driver.input('right', texts);
      for (const key of ['a', 'b', 'c']) right.pipe(key, `${key}R`);
      for (const [key, value] of [
        ['a', 'L1'],
        ['x', 'L2'],
        ['c', 'L3'],
        ['a', 'L4'],
      ] as const)
        driver.input('in', texts).pipe(key, value);
      const results = driver.output('out', texts).readText();
      driver.close();
      return { nodes, results };
    };
    const joined = 'a: L1+aR\nc: L3+cR\na: L4+aR';
    expect(of((left, right) => left.join(right, (a, b) => `${a}+${b}`))).toEqual({
      nodes: [
        'KSTREAM-SOURCE-0, KSTREAM-SOURCE-1, KSTREAM-TOTABLE-2 (KSTREAM-TOTABLE-STATE-STORE-3), ' +
          'KSTREAM-JOIN-4 (KSTREAM-TOTABLE-STATE-STORE-3), KSTREAM-SINK-5',
      ],
      results: joined,
    });
    const tables = of((left, right) =>
      left
        .toTable()
        .join(right, (a, b) => `${a}+${b}`)
        .toStream(),
    );
    expect(tables.results).toBe(joined);
    expect(tables.nodes[0]).toMatch(/JOINTHIS-\d \(KSTREAM-TOTABLE-STATE-STORE-\d\)/);
  });

  test('joined by a foreign key: a deletion of the left row deletes the result', () => {
    const builder = new StreamsBuilder();
    const left = builder.stream('in', texts).toTable();
    const right = builder.stream('right', texts).toTable();
    left
      .join(
        right,
        (value) => value.split('|')[1] ?? null,
        (a, b) => `(${a},${b})`,
        { value: string },
      )
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    const out = driver.output('out', texts);
    for (const key of ['r1', 'r2', 'r3']) driver.input('right', texts).pipe(key, `of ${key}`);
    expect(out.readText()).toBe('');
    driver.input('in', texts).pipe('l1', 'v1|r1');
    driver.input('in', texts).pipe('l2', 'v2|r2');
    expect(out.readTable()).toEqual(
      new Map([
        ['l1', '(v1|r1,of r1)'],
        ['l2', '(v2|r2,of r2)'],
      ]),
    );
    driver.input('in', texts).pipe('l3', 'v3|r1');
    driver.input('in', texts).pipe('l1', null);
    expect(out.readText()).toBe('l3: (v3|r1,of r1)\nl1: -');
    driver.close();
  });

  test('grouped by value and counted, with the times of what made the change', () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .toTable()
      .groupBy((_key, value) => [value, value], texts)
      .count()
      .toStream()
      .to('out');
    const driver = played(builder, [
      ['A', 'green', 10],
      ['B', 'green', 9],
      ['A', 'blue', 12],
      ['C', 'yellow', 15],
      ['D', 'green', 11],
    ]);
    expect(driver.output('out', { key: string, value: int64 }).readText()).toBe(
      'green: 1 @10\ngreen: 2 @10\ngreen: 1 @12\nblue: 1 @12\nyellow: 1 @15\ngreen: 2 @12',
    );
    driver.close();
  });

  test('what is made of it is kept where that is named, without rows of its own', () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .toTable()
      .mapValues((value) => value.length, { store: 'lengths', value: int32 })
      .toStream()
      .to('out');
    expect(nodesOf(builder.build())[0]).toMatch(
      /^KSTREAM-SOURCE-0, KSTREAM-TOTABLE-1, KTABLE-MAPVALUES-3 \(lengths\),/,
    );
    const driver = played(builder, updates);
    expect(driver.keyValueStore('lengths', { key: string, value: int32 }).get('A')).toEqual({ value: 2, timestamp: 8 });
    driver.close();
  });
});

describe('serdes', () => {
  const within = JoinWindows.ofTimeDifferenceWithNoGrace(10);
  type Make = (stream: KStream<string, string>, builder: StreamsBuilder) => KStream<string, string>;
  const kept: readonly (readonly [string, Make])[] = [
    ['filter', (stream) => stream.filter(() => true)],
    ['filterNot', (stream) => stream.filterNot(() => false)],
    ['selectKey', (stream) => stream.selectKey((key) => key, { key: string })],
    ['peek', (stream) => stream.peek(() => undefined)],
    ['merge', (stream) => stream.merge(stream)],
    ['repartition', (stream) => stream.repartition()],
    ['a branch', (stream) => stream.split().defaultBranch('all').all],
    ['toTable and toStream', (stream) => stream.toTable().toStream()],
    ['map, which is given them', (stream) => stream.map((key, value) => [key, value], texts)],
  ];
  const lost: readonly (readonly [string, Make])[] = [
    ['mapValues', (stream) => stream.mapValues((value) => value)],
    ['flatMapValues', (stream) => stream.flatMapValues((value) => [value])],
    ['map', (stream) => stream.map((key, value) => [key, value], { key: string })],
    ['flatMap', (stream) => stream.flatMap((key, value) => [[key, value]], { key: string })],
    ['process', (stream) => stream.process<string>(() => ({ process: () => undefined }))],
    ['processValues', (stream) => stream.processValues<string>(() => ({ process: () => undefined }))],
    ['a join with a stream', (stream) => stream.join(stream, (value) => value, within)],
    ['an outer join', (stream) => stream.outerJoin(stream, (value) => value, within)],
    ['a join with a table', (stream, builder) => stream.join(builder.table('table', texts), (value) => value)],
    [
      'a join with a global table',
      (stream, builder) =>
        stream.join(
          builder.globalTable('global', texts),
          (key) => key,
          (value) => value,
        ),
    ],
  ];
  const written = (make: Make): string => {
    const builder = new StreamsBuilder();
    make(builder.stream('in', texts), builder).to('out');
    return builder.build().describe();
  };

  test.each(kept)('are kept by %s', (_name, make) => {
    expect(written(make)).toMatch(/topic: out/);
  });

  test.each(lost)('of values are not known behind %s, which may make others', (_name, make) => {
    expect(() => written(make)).toThrow(expect.objectContaining({ code: 'DSL_SERDE_MISSING' }));
  });
});

test('a repartition keeps the times of records, however their source had read them', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { ...texts, timestamp: (record) => Number(record.value ?? 0) })
    .repartition({ name: 'again' })
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('a', '77', 5);
  driver.input('in', texts).pipe('a', '33', 6);
  expect(driver.output('out', texts).readText()).toBe('a: 77 @77\na: 33 @33');
  driver.close();
});

test('streams of two patterns and of a topic are merged', () => {
  const builder = new StreamsBuilder();
  const numbered = builder.stream(/^topic-\d$/, texts);
  const lettered = builder.stream(/^topic-[A-Z]$/, texts);
  const seen = watched(numbered.merge(lettered).merge(builder.stream('plain', texts)));
  const driver = new TopologyTestDriver(builder.build().over(['topic-3', 'topic-4', 'topic-A', 'topic-Z']));
  for (const [topic, key] of [
    ['topic-3', 'a'],
    ['topic-4', 'b'],
    ['topic-A', 'c'],
    ['topic-Z', 'd'],
    ['plain', 'e'],
  ] as const)
    driver.input(topic, texts).pipe(key, key);
  expect(seen).toEqual(['a=a', 'b=b', 'c=c', 'd=d', 'e=e']);
  driver.close();
});
