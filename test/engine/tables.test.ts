/**
 * Joins and groupings of tables against what a plain loop over the last rows computes: all orders of six events, and
 * histories at random; with one partition and with several; record by record, and in batches that let answers overtake
 * each other.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serdes, type Topology } from '../../engine/index.ts';
import { type KTable, StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { string } = serdes;
const forms = { key: string, value: string };
type Side = 'left' | 'right';
type Tables = Record<Side, ReadonlyMap<string, string>>;

/** A join, and what it is: the result of all rows. */
interface Join {
  build(left: KTable<string, string>, right: KTable<string, string>): KTable<string, string>;
  compute(tables: Tables): Map<string, string>;
}

const pair = (a: string | null | undefined, b: string | null | undefined): string => `${a ?? '-'}+${b ?? '-'}`;
const value = { value: string };
/** The key that a left row names: `value|key`. */
const foreignKey = (row: string): string | null => row.split('|')[1] ?? null;

const byKey = (keeps: (a: string | undefined, b: string | undefined) => boolean): Join['compute'] => {
  return ({ left, right }) => {
    const keys = [...left.keys(), ...right.keys()].filter((key) => keeps(left.get(key), right.get(key)));
    return new Map(keys.map((key) => [key, pair(left.get(key), right.get(key))]));
  };
};

const byForeignKey = (alone: boolean): Join['compute'] => {
  return ({ left, right }) => {
    const rows = [...left].map(([key, row]) => ({ key, row, partner: right.get(foreignKey(row) ?? '') }));
    return new Map(
      rows.flatMap(({ key, row, partner }) => (partner === undefined && !alone ? [] : [[key, pair(row, partner)]])),
    );
  };
};

const joins: Record<string, Join> = {
  inner: {
    build: (left, right) => left.join(right, pair, value),
    compute: byKey((a, b) => a !== undefined && b !== undefined),
  },
  left: { build: (left, right) => left.leftJoin(right, pair, value), compute: byKey((a) => a !== undefined) },
  outer: { build: (left, right) => left.outerJoin(right, pair, value), compute: byKey(() => true) },
  'by foreign key, inner': {
    build: (left, right) => left.join(right, foreignKey, pair, value),
    compute: byForeignKey(false),
  },
  'by foreign key, left': {
    build: (left, right) => left.leftJoin(right, foreignKey, pair, value),
    compute: byForeignKey(true),
  },
  'by foreign key, of a table and itself, twice': {
    build: (left, right) =>
      left
        .join(left, foreignKey, pair, value)
        .leftJoin(right, (row) => row.split('|')[1]?.charAt(0) ?? null, pair, value),
    compute: ({ left, right }) => {
      const once = byForeignKey(false)({ left, right: left });
      return new Map([...once].map(([key, row]) => [key, pair(row, right.get(row.split('|')[1]?.charAt(0) ?? ''))]));
    },
  },
  'inner, of an inner join and one of its sides': {
    build: (left, right) => left.join(right, pair, value).join(right, pair, value),
    compute: ({ left, right }) => {
      const inner = byKey((a, b) => a !== undefined && b !== undefined)({ left, right });
      return new Map([...inner].map(([key, row]) => [key, pair(row, right.get(key))]));
    },
  },
  'of a join and one of its sides': {
    build: (left, right) =>
      left
        .outerJoin(right, pair)
        .filter((_key, row) => row !== 'b-')
        .leftJoin(left, pair, value),
    compute: ({ left, right }) => {
      const inner = byKey(() => true)({ left, right });
      return new Map([...inner].map(([key, row]) => [key, pair(row, left.get(key))]));
    },
  },
};

/** The result goes to `out`; grouped by its rows, the keys of each are kept in `groups`. */
const topologyOf = ({ build }: Join): Topology => {
  const builder = new StreamsBuilder();
  const joined = build(builder.table('left', forms), builder.table('right', forms));
  joined.toStream().to('out');
  joined
    .groupBy((key, row) => [row, key], forms)
    .aggregate(
      () => '',
      (_row, key, keys) => [...keys.split(' '), key].sort().join(' ').trim(),
      (_row, key, keys) => {
        const left = keys.split(' ');
        const at = left.indexOf(key);
        // What was never added cannot be taken out.
        left.splice(at, 1, ...(at < 0 ? ['MISSING'] : []));
        return left.length === 0 ? null : left.join(' ');
      },
      { store: 'groups', value: string },
    );
  return builder.build();
};

interface Event {
  readonly side: Side;
  readonly key: string;
  readonly row: string | null;
}

/** Pipes the batches; events of a batch that are of one side go together. */
const run = (join: Join, batches: readonly (readonly Event[])[], partitions: number): void => {
  const driver = new TopologyTestDriver(topologyOf(join), { partitions });
  const tables = { left: new Map<string, string>(), right: new Map<string, string>() };
  let time = 0;
  for (const batch of batches) {
    for (const side of ['left', 'right'] as const) {
      const own = batch.filter((event) => event.side === side);
      if (own.length === 0) continue;
      driver.input(side, forms).pipeAll(own.map(({ key, row }) => ({ key, value: row, timestamp: time++ })));
    }
    for (const { side, key, row } of batch) {
      if (row === null) tables[side].delete(key);
      else tables[side].set(key, row);
    }
  }
  const expected = join.compute(tables);
  const result = driver.output('out', forms).readTable();
  expect(Object.fromEntries(result)).toEqual(Object.fromEntries(expected));
  const groups = new Map<string, string[]>();
  for (const [key, row] of expected) groups.set(row, [...(groups.get(row) ?? []), key].sort());
  const kept = driver.keyValueStore('groups', forms);
  for (const [row, keys] of groups) expect(kept.get(row)?.value, row).toBe(keys.join(' '));
  driver.close();
};

const orders = <T>(items: readonly T[]): T[][] =>
  items.length <= 1
    ? [[...items]]
    : items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));

/** Six events of one left key, and of two right keys where it names them; each order has keys of its own. */
const sixEvents = (foreign: boolean): readonly ((order: number) => Event)[] => {
  const event =
    (side: Side, key: string, row: string | null) =>
    (order: number): Event => ({ side, key: `${key}${order}`, row: row?.endsWith('|') ? `${row}${key}` : row });
  if (!foreign)
    return [
      event('left', 'k', 'a'),
      event('left', 'k', null),
      event('left', 'k', 'b'),
      event('right', 'k', '1'),
      event('right', 'k', null),
      event('right', 'k', '2'),
    ];
  const names = (row: string, key: string) => (order: number) => ({
    side: 'left' as const,
    key: `k${order}`,
    row: `${row}|${key}${order}`,
  });
  return [
    names('a', 'x'),
    names('b', 'y'),
    event('left', 'k', null),
    event('right', 'x', '1'),
    event('right', 'x', null),
    event('right', 'y', '2'),
  ];
};

describe.each(Object.entries(joins))('%s', (name, join) => {
  const events = sixEvents(name.startsWith('by foreign'));
  const all = orders(events);

  test.each([1, 3])('one in six of all orders of six events, one after the other; %i partitions', (partitions) => {
    const batches = all.flatMap((order, at) => (at % 6 === 0 ? order.map((event) => [event(at)]) : []));
    run(join, batches, partitions);
  });

  test.each([1, 3])('all orders of six events, all of them side by side; %i partitions', (partitions) => {
    run(
      join,
      events.map((_, step) => all.flatMap((order, at) => order[step]?.(at) ?? [])),
      partitions,
    );
  });

  const event = fc.record({
    side: fc.constantFrom<Side>('left', 'right'),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    row: fc.option(fc.constantFrom('1', '2', '3|a', '4|a', '4|b', '5|c', '5|e'), { freq: 4 }),
  });
  test.each([1, 4])('any history; %i partitions', (partitions) => {
    fc.assert(
      fc.property(fc.array(fc.array(event, { maxLength: 12 }), { maxLength: 8 }), (batches) => {
        run(join, batches, partitions);
      }),
      { numRuns: 60 },
    );
  });
});
