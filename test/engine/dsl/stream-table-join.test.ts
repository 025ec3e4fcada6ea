/** Joins of a stream with a table by the DSL, by the script and tables that Kafka Streams is tried with. */

import { describe, expect, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { dashed, fullScript, orderedScript, play, texts } from './join-script.ts';

const { string } = serdes;

interface Plan {
  readonly left: boolean;
  readonly historyMs?: number;
  readonly graceMs?: number;
  readonly rekey?: boolean;
}

const joined = ({ left, historyMs, graceMs, rekey = false }: Plan): Topology => {
  const builder = new StreamsBuilder();
  const read = builder.stream('left', texts);
  const stream = rekey ? read.map((key, value) => [key, value], texts) : read;
  const table = builder.table('right', {
    ...texts,
    store: 'rows',
    ...(historyMs === undefined ? {} : { versioned: { historyMs } }),
  });
  const options = { value: string, ...(graceMs === undefined ? {} : { graceMs }) };
  (left ? stream.leftJoin(table, dashed, options) : stream.join(table, dashed, options)).to('out');
  return builder.build();
};

const fiveMinutes = 300_000;

/** The script with what some of its steps bring out, by their number. */
const expected = (script: string, results: Readonly<Record<number, string>>): string =>
  `\n${script
    .split('\n')
    .slice(1)
    .map((line, i) => (results[i + 1] === undefined ? line : `${line} => ${results[i + 1]}`))
    .join('\n')}`;

describe.each([false, true])('the full script, repartitioned: %s', (rekey) => {
  test('a plain table: the row that it has when the record comes', () => {
    expect(play(joined({ left: false, rekey }), fullScript)).toBe(
      expected(fullScript, { 5: 'B-a@5', 15: 'D-d@6', 19: 'E-e@15' }),
    );
    expect(play(joined({ left: true, rekey }), fullScript)).toBe(
      expected(fullScript, {
        3: 'A-null@3',
        5: 'B-a@5',
        9: 'C-null@9',
        15: 'D-d@6',
        19: 'E-e@15',
        22: 'F-null@4',
      }),
    );
  });

  test('a versioned table: the row that it had at the time of the record', () => {
    const historyMs = fiveMinutes;
    expect(play(joined({ left: false, historyMs, rekey }), fullScript)).toBe(
      expected(fullScript, { 5: 'B-a@5', 15: 'D-b@6', 19: 'E-e@15', 22: 'F-a@4' }),
    );
    expect(play(joined({ left: true, historyMs, rekey }), fullScript)).toBe(
      expected(fullScript, {
        3: 'A-null@3',
        5: 'B-a@5',
        9: 'C-null@9',
        15: 'D-b@6',
        19: 'E-e@15',
        22: 'F-a@4',
      }),
    );
  });

  test('with a grace of 2 ms: records wait for it', () => {
    const plan = { historyMs: fiveMinutes, graceMs: 2, rekey };
    expect(play(joined({ left: false, ...plan }), fullScript)).toBe(
      expected(fullScript, { 9: 'B-a@5', 15: 'D-b@6', 22: 'F-a@4' }),
    );
    expect(play(joined({ left: true, ...plan }), fullScript)).toBe(
      expected(fullScript, { 5: 'A-null@3', 9: 'B-a@5', 15: 'D-b@6', 19: 'C-null@9', 22: 'F-a@4' }),
    );
  });

  test('a record without a key stays in a left join, and does not wait', () => {
    const plan = { left: true, historyMs: fiveMinutes, graceMs: 2, rekey };
    expect(play(joined(plan), orderedScript)).toContain('L E @16 without key => -:E-null@16');
    expect(play(joined(plan), '\n  L E @16 without key')).toBe('\n  L E @16 without key => -:E-null@16');
    expect(play(joined({ ...plan, left: false }), '\n  L E @16 without key')).toBe('\n  L E @16 without key');
  });
});

test('rows that come late within the grace are found', () => {
  expect(
    play(
      joined({ left: true, historyMs: 100, graceMs: 10 }),
      `
  L A @20
  R old @5
  R new @18
  L B @29
  R later @21
  L C @30`,
    ),
  ).toBe(`
  L A @20
  R old @5
  R new @18
  L B @29
  R later @21
  L C @30 => A-new@20`);
});

test('beyond its history a versioned table shows rows that are still valid, or were until then', () => {
  expect(
    play(
      joined({ left: true, historyMs: 10 }),
      `
  R a @1
  R b @5
  R x @1 of other
  R c @15
  L at5 @5
  L at4 @4
  L other @4 of other
  R late @4
  R z @16 of z
  L at5 @5
  R y @26 of z
  L at5 @5
  L at15 @15`,
    ),
  ).toBe(`
  R a @1
  R b @5
  R x @1 of other
  R c @15
  L at5 @5 => at5-b@5
  L at4 @4 => at4-null@4
  L other @4 of other => other:other-x@4
  R late @4
  R z @16 of z
  L at5 @5 => at5-b@5
  R y @26 of z
  L at5 @5 => at5-null@5
  L at15 @15 => at15-c@15`);
});

test('a filtered and mapped table is as versioned as the one it is made of', () => {
  const builder = new StreamsBuilder();
  const table = builder
    .table('right', { ...texts, versioned: { historyMs: fiveMinutes } })
    .filter((_key, value) => value !== 'hidden')
    .mapValues((value) => value.toUpperCase());
  builder.stream('left', texts).leftJoin(table, dashed, { value: string }).to('out');
  expect(
    play(
      builder.build(),
      `
  R a @1
  R hidden @5
  R c @9
  L x @2
  L x @5
  L x @9`,
    ),
  ).toBe(`
  R a @1
  R hidden @5
  R c @9
  L x @2 => x-A@2
  L x @5 => x-null@5
  L x @9 => x-C@9`);
});

test('what comes out of order shows in the stream of a versioned table, and does not reach its joins', () => {
  const plan = (versioned: boolean): Topology => {
    const builder = new StreamsBuilder();
    const left = builder.table('left', { ...texts, ...(versioned && { versioned: { historyMs: 100 } }) });
    const right = builder.table('right', { ...texts, store: 'right' });
    left.join(right, dashed, { value: string }).toStream().to('out');
    left.toStream().to('out');
    return builder.build();
  };
  const script = `
  R r @1
  L a @5
  L b @3`;
  expect(play(plan(true), script)).toBe(`
  R r @1
  L a @5 => a-r@5 a@5
  L b @3 => b@3`);
  expect(play(plan(false), script)).toContain('L b @3 => b-r@3 b@3');
});

test('nor its groups, its joins by a foreign key, or what is kept of it', () => {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { ...texts, versioned: { historyMs: 100 } });
  const right = builder.table('right', { ...texts, versioned: { historyMs: 100 } });
  left
    .groupBy((_key, value) => [value, value], texts)
    .count()
    .toStream()
    .mapValues((count, key) => `${key}=${count}`, { value: string })
    .to('out');
  left
    .leftJoin(
      right,
      (value) => value,
      (value, row) => `${value}/${row}`,
      { value: string },
    )
    .toStream()
    .to('out');
  const script = `
  L a @5
  R x @6 of a
  L b @3
  R y @2 of a
  L c @4 of other`;
  expect(play(builder.build(), script)).toBe(`
  L a @5 => a:a=1@5 a/null@5
  R x @6 of a => a/x@6
  L b @3
  R y @2 of a
  L c @4 of other => c:c=1@4 other:c/null@4`);
});

test('a grace needs a history as long', () => {
  const refused = (plan: Plan, code: string): void =>
    expect(() => joined(plan)).toThrow(expect.objectContaining({ code }));
  refused({ left: true, graceMs: 10 }, 'DSL_JOIN_INVALID');
  refused({ left: true, historyMs: 9, graceMs: 10 }, 'DSL_JOIN_INVALID');
  refused({ left: true, historyMs: 9, graceMs: -1 }, 'DSL_WINDOW_INVALID');
  refused({ left: true, historyMs: 0 }, 'DSL_HISTORY_INVALID');
  expect(() => joined({ left: true, historyMs: 10, graceMs: 10 })).not.toThrow();
});
