/** Joins of two tables through the DSL: Kafka's script, results that are kept, chains of joins. */

import { describe, expect, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import { type KTable, StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { joinStepsInOrder, runJoin } from '../../support/join-script.ts';

const { int32, string } = serdes;
const kinds = ['inner', 'left', 'outer'] as const;
type Kind = (typeof kinds)[number];

const joiner = (left: string | null, right: string | null): string => `${left}-${right}`;
const joined = (
  kind: Kind,
  left: KTable<string, string>,
  right: KTable<string, string>,
  options: { readonly store?: string } = {},
): KTable<string, string> => {
  const all = { value: string, ...options };
  if (kind === 'inner') return left.join(right, joiner, all);
  return kind === 'left' ? left.leftJoin(right, joiner, all) : left.outerJoin(right, joiner, all);
};

const tables = (builder: StreamsBuilder) =>
  ['left', 'right'].map((topic) => builder.table(topic, { key: string, value: string })) as [
    KTable<string, string>,
    KTable<string, string>,
  ];

const topologyOf = (kind: Kind, options: { readonly store?: string } = {}): Topology => {
  const builder = new StreamsBuilder();
  joined(kind, ...tables(builder), options)
    .toStream()
    .to('out');
  return builder.build();
};

const expected: Record<Kind, string> = {
  inner: `
    L -@1
    R -@2
    L A@3
    R a@4: A-a@4
    L B@5: B-a@5
    R b@6: B-b@6
    L -@7: -@7
    R -@8
    L C@9
    R c@10: C-c@10
    R -@11: -@11
    L -@12
    R -@13
    R d@7
    L D@6: D-d@7
    L -@2: -@7
    R -@3
    R e@14
    L E@15: E-e@15
    L -@10: -@14
    R -@9
    L F@4
    R f@3: F-f@4`,
  left: `
    L -@1
    R -@2
    L A@3: A-null@3
    R a@4: A-a@4
    L B@5: B-a@5
    R b@6: B-b@6
    L -@7: -@7
    R -@8
    L C@9: C-null@9
    R c@10: C-c@10
    R -@11: C-null@11
    L -@12: -@12
    R -@13
    R d@7
    L D@6: D-d@7
    L -@2: -@7
    R -@3
    R e@14
    L E@15: E-e@15
    L -@10: -@14
    R -@9
    L F@4: F-null@4
    R f@3: F-f@4`,
  outer: `
    L -@1
    R -@2
    L A@3: A-null@3
    R a@4: A-a@4
    L B@5: B-a@5
    R b@6: B-b@6
    L -@7: null-b@7
    R -@8: -@8
    L C@9: C-null@9
    R c@10: C-c@10
    R -@11: C-null@11
    L -@12: -@12
    R -@13
    R d@7: null-d@7
    L D@6: D-d@7
    L -@2: null-d@7
    R -@3: -@3
    R e@14: null-e@14
    L E@15: E-e@15
    L -@10: null-e@14
    R -@9: -@9
    L F@4: F-null@4
    R f@3: F-f@4`,
};

describe.each(kinds)('the script of Kafka: %s', (kind) => {
  test('the result is joined when it is looked up', () => {
    expect(runJoin(topologyOf(kind))).toBe(expected[kind]);
  });

  test('the result is kept', () => {
    expect(runJoin(topologyOf(kind, { store: 'joined' }))).toBe(expected[kind]);
  });
});

describe('versioned tables: what comes out of order does not change the result', () => {
  const run = (kind: Kind, versioned: readonly string[]): string => {
    const builder = new StreamsBuilder();
    const [left, right] = ['left', 'right'].map((topic) =>
      builder.table(topic, {
        ...{ key: string, value: string },
        ...(versioned.includes(topic) ? { versioned: { historyMs: 300_000 } } : {}),
      }),
    ) as [KTable<string, string>, KTable<string, string>];
    joined(kind, left, right).toStream().to('out');
    return runJoin(builder.build());
  };
  /** The first 13 steps are in order: as without versions. */
  const outOfOrder: readonly (readonly [versioned: string, kind: Kind, results: string])[] = [
    ['left right', 'inner', 'Rd@7 LD@6 L-@2 R-@3 Re@14 LE@15: E-e@15 L-@10 R-@9 LF@4 Rf@3'],
    ['left right', 'left', 'Rd@7 LD@6 L-@2 R-@3 Re@14 LE@15: E-e@15 L-@10 R-@9 LF@4 Rf@3'],
    ['left right', 'outer', 'Rd@7 LD@6 L-@2 R-@3 Re@14: null-e@14 LE@15: E-e@15 L-@10 R-@9 LF@4 Rf@3'],
    ['left', 'inner', 'Rd@7 LD@6 L-@2 R-@3 Re@14 LE@15: E-e@15 L-@10 R-@9: -@15 LF@4 Rf@3: E-f@15'],
    ['left', 'left', 'Rd@7 LD@6 L-@2 R-@3 Re@14 LE@15: E-e@15 L-@10 R-@9: E-null@15 LF@4 Rf@3: E-f@15'],
    [
      'left',
      'outer',
      'Rd@7: null-d@7 LD@6 L-@2 R-@3: -@3 Re@14: null-e@14 LE@15: E-e@15 L-@10 R-@9: E-null@15 LF@4 Rf@3: E-f@15',
    ],
    ['right', 'inner', 'Rd@7 LD@6 L-@2 R-@3 Re@14 LE@15: E-e@15 L-@10: -@14 R-@9 LF@4: F-e@14 Rf@3'],
    ['right', 'left', 'Rd@7 LD@6: D-null@6 L-@2: -@2 R-@3 Re@14 LE@15: E-e@15 L-@10: -@14 R-@9 LF@4: F-e@14 Rf@3'],
    [
      'right',
      'outer',
      'Rd@7 LD@6: D-null@6 L-@2: -@2 R-@3 Re@14: null-e@14 LE@15: E-e@15 L-@10: null-e@14 R-@9 LF@4: F-e@14 Rf@3',
    ],
  ];

  test.each(outOfOrder)('%s, %s', (versioned, kind, results) => {
    const lines = run(kind, versioned.split(' ')).split('\n');
    expect(lines.slice(0, 14)).toEqual(expected[kind].split('\n').slice(0, 14));
    const last = lines.slice(14).map((line) => line.trim().replace(/^([LR]) /, '$1'));
    expect(last.join(' ')).toBe(results);
  });
});

test('a kept result has row and time of the last one', () => {
  for (const kind of kinds) {
    const driver = new TopologyTestDriver(topologyOf(kind, { store: 'joined' }));
    const forms = { key: string, value: string };
    driver.input('left', forms).pipe('k', 'A', 9);
    driver.input('right', forms).pipe('k', 'a', 4);
    expect(driver.keyValueStore('joined', forms).get('k')).toEqual({ value: 'A-a', timestamp: 9 });
    driver.close();
  }
});

describe('nodes and stores', () => {
  test('are called as in Kafka Streams', () => {
    expect(topologyOf('inner').describe()).toBe(`Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000001 (topics: [left])
      --> KTABLE-SOURCE-0000000002
    Processor: KTABLE-SOURCE-0000000002 (stores: [left-STATE-STORE-0000000000])
      --> KTABLE-JOINTHIS-0000000007
      <-- KSTREAM-SOURCE-0000000001
    Source: KSTREAM-SOURCE-0000000004 (topics: [right])
      --> KTABLE-SOURCE-0000000005
    Processor: KTABLE-SOURCE-0000000005 (stores: [right-STATE-STORE-0000000003])
      --> KTABLE-JOINOTHER-0000000008
      <-- KSTREAM-SOURCE-0000000004
    Processor: KTABLE-JOINTHIS-0000000007 (stores: [right-STATE-STORE-0000000003])
      --> KTABLE-MERGE-0000000006
      <-- KTABLE-SOURCE-0000000002
    Processor: KTABLE-JOINOTHER-0000000008 (stores: [left-STATE-STORE-0000000000])
      --> KTABLE-MERGE-0000000006
      <-- KTABLE-SOURCE-0000000005
    Processor: KTABLE-MERGE-0000000006 (stores: [])
      --> KTABLE-TOSTREAM-0000000009
      <-- KTABLE-JOINTHIS-0000000007, KTABLE-JOINOTHER-0000000008
    Processor: KTABLE-TOSTREAM-0000000009 (stores: [])
      --> KSTREAM-SINK-0000000010
      <-- KTABLE-MERGE-0000000006
    Sink: KSTREAM-SINK-0000000010 (topic: out)
      <-- KTABLE-TOSTREAM-0000000009

`);
  });
});

/** (left ⋈ right) ⋈ right: nine kinds, as Kafka's tests of two levels. */
const chain = (first: Kind, second: Kind): Topology => {
  const builder = new StreamsBuilder();
  const [left, right] = tables(builder);
  joined(second, joined(first, left, right), right)
    .toStream()
    .to('out');
  return builder.build();
};

test('a join of a join: each change of the right side comes through both, the last result is the right one', () => {
  const last: Record<string, string> = {};
  for (const first of kinds) {
    for (const second of kinds) {
      const lines = runJoin(chain(first, second), joinStepsInOrder).split('\n');
      last[`${first}, ${second}`] = lines
        .slice(-4)
        .map((line) => line.trim().split(': ')[1] ?? 'nothing')
        .join(' | ');
    }
  }
  expect(last).toEqual({
    'inner, inner': 'nothing | D-d-d@15 | nothing | nothing',
    'inner, left': 'nothing | D-d-d@15 | nothing | nothing',
    'inner, outer': 'null-d@14 | D-d-d@15 | nothing | nothing',
    'left, inner': 'nothing | D-d-d@15 | nothing | nothing',
    'left, left': 'nothing | D-d-d@15 | nothing | nothing',
    'left, outer': 'null-d@14 | D-d-d@15 | nothing | nothing',
    'outer, inner': 'null-d-d@14 null-d-d@14 | D-d-d@15 | nothing | nothing',
    'outer, left': 'null-d-d@14 null-d-d@14 | D-d-d@15 | nothing | nothing',
    'outer, outer': 'null-d-d@14 null-d-d@14 | D-d-d@15 | nothing | nothing',
  });
});

test('a join of two tables that stem from one keeps its result where that is needed, and needs a serde then', () => {
  const storesOf = (kind: Kind, grouped: boolean, options: { readonly value?: typeof string } = {}): number => {
    const builder = new StreamsBuilder();
    const [left] = tables(builder);
    const upper = left.mapValues((value) => value.toUpperCase());
    const result =
      kind === 'inner' ? left.join(upper, joiner, options) : left.leftJoin(upper, (a, b) => `${a}-${b}`, options);
    if (grouped) result.filter(() => true);
    else result.toStream();
    return builder.build().stores.length;
  };
  expect(storesOf('left', false)).toBe(1);
  expect(storesOf('left', true, { value: string })).toBe(2);
  expect(storesOf('inner', false, { value: string })).toBe(2);
  expect(() => storesOf('inner', false)).toThrow('which is kept since one record changes both sides');
});

test('a filter behind a join retracts what it has shown, also where one record changes both sides', () => {
  const builder = new StreamsBuilder();
  const numbers = builder.table('numbers', { key: string, value: int32 });
  const doubled = numbers.mapValues((value) => 2 * value, { value: int32 });
  numbers
    .join(doubled, (value, twice) => value + twice, { value: int32 })
    .filter((_key, sum) => sum > 10)
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  const forms = { key: string, value: int32 };
  const seen = [1, 5, 6, 2, 3].map((value) => {
    driver.input('numbers', forms).pipe('k', value);
    return driver
      .output('out', forms)
      .readAll()
      .map((record) => record.value);
  });
  // The store of the joined rows tells that 3 was never shown, and that 15 was.
  expect(seen).toEqual([[], [15, 15], [18, 18], [null], []]);
  driver.close();
});

test('a stream is joined with a joined table, which is kept nowhere', () => {
  const builder = new StreamsBuilder();
  const [left, right] = tables(builder);
  const both = left.leftJoin(right, joiner).filter((_key, row) => row !== 'hidden-null');
  builder
    .stream('stream', { key: string, value: string })
    .leftJoin(both, (value, row) => `${value}/${row}`, { value: string })
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  const forms = { key: string, value: string };
  const at = (): (string | null)[] => {
    driver.input('stream', forms).pipe('k', 'x');
    return driver
      .output('out', forms)
      .readAll()
      .map(({ value }) => value);
  };
  const seen = [at()];
  driver.input('left', forms).pipe('k', 'hidden');
  seen.push(at());
  driver.input('right', forms).pipe('k', 'a');
  seen.push(at());
  driver.input('left', forms).pipe('k', null);
  seen.push(at());
  expect(seen.flat()).toEqual(['x/null', 'x/null', 'x/hidden-a', 'x/null']);
  driver.close();
});
