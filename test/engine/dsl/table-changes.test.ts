/**
 * What tables send on, row before and row after, where a child asks for the row before: after the tables of Kafka's
 * tests of its operators on tables.
 *
 * A line is one record, piped to `left` or `right`, and behind the colon what came of it: the row, or
 * `before -> after`, and its time. `-` is an absent row.
 */

import { describe, expect, test } from 'vitest';
import { readUtf8 } from '../../../base/index.ts';
import { type Operator, serdes, unknown } from '../../../engine/index.ts';
import { type KTable, StreamsBuilder, TopologyTestDriver } from '../../../engine/public.ts';

const { string } = serdes;
const texts = { key: string, value: string };

type Build = (left: KTable<string, string>, right: KTable<string, string>) => KTable<string, string>;

interface How {
  /** Whether a child asks for the row before. Default true. */
  readonly asked?: boolean;
  readonly left?: { readonly store?: string; readonly versioned?: { readonly historyMs: number } };
}

/** Plays the records of a script again, without what came of them, and prints both. */
const replay = (build: Build, script: string, { asked = true, left = {} }: How = {}): string => {
  const builder = new StreamsBuilder();
  const tables = [
    builder.table('left', { ...texts, ...left }),
    builder.table('right', { ...texts, name: 'right' }),
  ] as const;
  build(...tables)
    .toStream({ name: 'end' })
    .to('out', texts);
  const topology = builder.build();
  const end = topology.nodes.find(({ name }) => name === 'end');
  if (end?.node !== 'processor') throw new Error('no node "end"');
  let sent: string[] = [];
  topology.addProcessor<string, never>(
    'changes',
    (): Operator<string> => ({
      process({ keyBytes, keyStart, keyEnd, before, value, timestamp }) {
        const row = before === unknown ? `${value ?? '-'}` : `${before ?? '-'} -> ${value ?? '-'}`;
        sent.push(`${readUtf8(keyBytes, keyStart, keyEnd)} ${row} @${timestamp}`);
      },
    }),
    end.parents,
    asked ? { before: 'needed' } : {},
  );
  const driver = new TopologyTestDriver(topology);
  const inputs = { L: driver.input('left', texts), R: driver.input('right', texts) };
  let played = '';
  for (const [, side, key = '', value = '', time] of script.matchAll(/([LR]) (\S+) (\S+) @(\d+)/g)) {
    sent = [];
    inputs[side as 'L' | 'R'].pipe(key === '-' ? null : key, value === '-' ? null : value, Number(time));
    played += `\n    ${side} ${key} ${value} @${time}:${sent.map((each) => ` ${each}`).join(',')}`;
  }
  driver.close();
  return played;
};

const even = (_key: string, value: string): boolean => Number(value) % 2 === 0;

test('a table of a topic', () => {
  const script = `
    L a 1 @10: a - -> 1 @10
    L b 1 @20: b - -> 1 @20
    L a 2 @8: a 1 -> 2 @8
    L b 2 @22: b 1 -> 2 @22
    L a - @12: a 2 -> - @12
    L b - @20: b 2 -> - @20
    L - 3 @30:`;
  expect(replay((table) => table, script, { left: { store: 'kept' } })).toBe(script);
});

describe('filter', () => {
  const script = `
    L a 1 @5:
    L a 2 @15: a - -> 2 @15
    L a 4 @8: a 2 -> 4 @8
    L a 3 @20: a 4 -> - @20
    L a - @10:
    L b 2 @11: b - -> 2 @11
    L b - @20: b 2 -> - @20
    L b - @21:`;

  test('sends on what matches now or did before', () => {
    expect(replay((table) => table.filter(even), script)).toBe(script);
    expect(replay((table) => table.filter(even, { store: 'even' }), script)).toBe(script);
    expect(replay((table) => table.filter(even), script, { left: { store: 'kept' } })).toBe(script);
  });

  test('the rows that do not match are the other way round', () => {
    const others = `
    L a 1 @5: a - -> 1 @5
    L a 2 @15: a 1 -> - @15
    L a 3 @20: a - -> 3 @20
    L a - @10: a 3 -> - @10`;
    expect(replay((table) => table.filterNot(even), others)).toBe(others);
  });

  test('behind a filter is quiet about what neither shows', () => {
    const both = `
    L a 2 @1:
    L a 12 @2: a - -> 12 @2
    L a 14 @3: a 12 -> 14 @3
    L a 13 @4: a 14 -> - @4
    L a 4 @5:`;
    expect(replay((table) => table.filter(even).filter((_key, value) => value.length > 1), both)).toBe(both);
  });

  test('retracts a row once, also where nothing asks for the row before', () => {
    const once = `
    L a 1 @5:
    L a 2 @15: a 2 @15
    L a 3 @20: a - @20
    L a 5 @21:
    L a - @22:`;
    expect(replay((table) => table.filter(even), once, { asked: false })).toBe(
      once.replace('a 2 @15: a 2 @15', 'a 2 @15: a - -> 2 @15').replace('@20: a - @20', '@20: a 2 -> - @20'),
    );
  });
});

describe('mapValues', () => {
  const script = `
    L a 1 @5: a - -> <1> @5
    L a 2 @10: a <1> -> <2> @10
    L a 3 @8: a <2> -> <3> @8
    L a - @30: a <3> -> - @30`;

  test('maps both rows', () => {
    const build: Build = (table) => table.mapValues((value) => `<${value}>`, { value: string });
    expect(replay(build, script, { left: { store: 'kept' } })).toBe(script);
  });

  test('with a store of its own has the row before from there', () => {
    let calls = 0;
    const mapped = replay(
      (table) =>
        table.mapValues(
          (value) => {
            calls++;
            return `<${value}>`;
          },
          { value: string, store: 'mapped' },
        ),
      script,
    );
    expect(mapped).toBe(script);
    expect(calls).toBe(3);
  });
});

/** The steps that Kafka's tests of the three joins share. */
const steps = {
  inner: `
    L 0 X0 @5:
    L 1 X1 @6:
    L - no @42:
    R 0 Y0 @0: 0 - -> X0+Y0 @5
    R 1 Y1 @10: 1 - -> X1+Y1 @10
    R - no @73:
    L 0 XX0 @7: 0 X0+Y0 -> XX0+Y0 @7
    L 1 XX1 @7: 1 X1+Y1 -> XX1+Y1 @10
    L 2 XX2 @7:
    L 3 XX3 @7:
    R 0 YY0 @0: 0 XX0+Y0 -> XX0+YY0 @7
    R 1 YY1 @5: 1 XX1+Y1 -> XX1+YY1 @7
    R 2 YY2 @10: 2 - -> XX2+YY2 @10
    R 3 YY3 @15: 3 - -> XX3+YY3 @15
    L 0 XXX0 @6: 0 XX0+YY0 -> XXX0+YY0 @6
    L 2 XXX2 @6: 2 XX2+YY2 -> XXX2+YY2 @10
    R 0 - @5: 0 XXX0+YY0 -> - @6
    R 1 - @8: 1 XX1+YY1 -> - @8
    L 0 XXXX0 @13:
    L 2 XXXX2 @13: 2 XXX2+YY2 -> XXXX2+YY2 @13
    L 0 - @0:
    L 1 - @42:
    L 2 - @5: 2 XXXX2+YY2 -> - @10
    L 3 - @20: 3 XX3+YY3 -> - @20`,
  left: `
    L 0 X0 @5: 0 - -> X0+null @5
    L 1 X1 @6: 1 - -> X1+null @6
    L - no @42:
    R 0 Y0 @0: 0 X0+null -> X0+Y0 @5
    R 1 Y1 @10: 1 X1+null -> X1+Y1 @10
    R - no @73:
    L 0 XX0 @7: 0 X0+Y0 -> XX0+Y0 @7
    L 1 XX1 @7: 1 X1+Y1 -> XX1+Y1 @10
    L 2 XX2 @7: 2 - -> XX2+null @7
    L 3 XX3 @7: 3 - -> XX3+null @7
    R 0 YY0 @0: 0 XX0+Y0 -> XX0+YY0 @7
    R 1 YY1 @5: 1 XX1+Y1 -> XX1+YY1 @7
    R 2 YY2 @10: 2 XX2+null -> XX2+YY2 @10
    R 3 YY3 @15: 3 XX3+null -> XX3+YY3 @15
    L 0 XXX0 @6: 0 XX0+YY0 -> XXX0+YY0 @6
    L 2 XXX2 @6: 2 XX2+YY2 -> XXX2+YY2 @10
    R 0 - @5: 0 XXX0+YY0 -> XXX0+null @6
    R 1 - @8: 1 XX1+YY1 -> XX1+null @8
    L 0 XXXX0 @13: 0 XXX0+null -> XXXX0+null @13
    L 2 XXXX2 @13: 2 XXX2+YY2 -> XXXX2+YY2 @13
    L 0 - @0: 0 XXXX0+null -> - @0
    L 1 - @42: 1 XX1+null -> - @42
    L 2 - @5: 2 XXXX2+YY2 -> - @10
    L 3 - @20: 3 XX3+YY3 -> - @20`,
  outer: `
    L 0 X0 @5: 0 - -> X0+null @5
    R 0 Y0 @0: 0 X0+null -> X0+Y0 @5
    R 1 Y1 @10: 1 - -> null+Y1 @10
    L 0 XX0 @7: 0 X0+Y0 -> XX0+Y0 @7
    L 1 XX1 @7: 1 null+Y1 -> XX1+Y1 @10
    R 1 YY1 @5: 1 XX1+Y1 -> XX1+YY1 @7
    R 0 - @5: 0 XX0+Y0 -> XX0+null @7
    L 0 XXX0 @13: 0 XX0+null -> XXX0+null @13
    L 0 - @0: 0 XXX0+null -> - @0
    L 1 - @42: 1 XX1+YY1 -> null+YY1 @42
    R 1 - @3: 1 null+YY1 -> - @3
    R 1 - @4:
    L 1 - @5:`,
};

const joiner = (left: string | null, right: string | null): string => `${left}+${right}`;
const joins: { readonly [Kind in keyof typeof steps]: (options: { readonly store?: string }) => Build } = {
  inner: (options) => (left, right) => left.join(right, joiner, { value: string, ...options }),
  left: (options) => (left, right) => left.leftJoin(right, joiner, { value: string, ...options }),
  outer: (options) => (left, right) => left.outerJoin(right, joiner, { value: string, ...options }),
};

describe.each(['inner', 'left', 'outer'] as const)('join: %s', (kind) => {
  test('has the row before joined with what the other side has', () => {
    expect(replay(joins[kind]({}), steps[kind])).toBe(steps[kind]);
  });

  test('with a store of its own has it from there', () => {
    expect(replay(joins[kind]({ store: 'joined' }), steps[kind])).toBe(steps[kind]);
  });

  test('does not send it where nothing asks for it', () => {
    expect(replay(joins[kind]({}), steps[kind], { asked: false })).toBe(
      steps[kind].replace(/: (\d) \S+ -> /g, ': $1 '),
    );
  });

  test('of filtered and mapped tables', () => {
    const build: Build = (left, right) =>
      joins[kind]({})(
        left.filter((_key, value) => value !== 'out').mapValues((value) => value.toUpperCase(), { value: string }),
        right.mapValues((value) => value, { value: string }).filterNot((_key, value) => value === 'out'),
      );
    expect(replay(build, steps[kind])).toBe(steps[kind]);
  });
});

describe('groupBy', () => {
  const parted: Build = (table) =>
    table
      .groupBy((_key, value) => (value === 'none' ? null : [value, value]), { key: string, value: string, name: 'by' })
      .aggregate(
        () => '0',
        (_key, value, sum) => `${sum}+${value}`,
        (_key, value, sum) => `${sum}-${value}`,
        { value: string },
      );

  test('subtracts from the former group, then adds to the present one', () => {
    const script = `
    L A 1 @10: 1 - -> 0+1 @10
    L A - @15: 1 0+1 -> 0+1-1 @15
    L A 1 @12: 1 0+1-1 -> 0+1-1+1 @15
    L B 2 @20: 2 - -> 0+2 @20
    L C none @25:
    L B 4 @23: 2 0+2 -> 0+2-2 @23, 4 - -> 0+4 @23
    L B 7 @22: 4 0+4 -> 0+4-4 @23, 7 - -> 0+7 @22`;
    expect(replay(parted, script)).toBe(script);
  });

  test('of a versioned table passes over what is out of order', () => {
    const script = `
    L A 1 @10: 1 - -> 0+1 @10
    L A - @15: 1 0+1 -> 0+1-1 @15
    L A 1 @12:
    L B 2 @20: 2 - -> 0+2 @20
    L B 4 @23: 2 0+2 -> 0+2-2 @23, 4 - -> 0+4 @23
    L B 7 @22:`;
    expect(replay(parted, script, { left: { store: 'rows', versioned: { historyMs: 60_000 } } })).toBe(script);
  });
});
