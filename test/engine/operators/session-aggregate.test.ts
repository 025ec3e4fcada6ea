import { describe, expect, test } from 'vitest';
import {
  type InPlace,
  type MergingAccumulation,
  type Serde,
  type SessionAggregation,
  sessionAggregate,
  sessions,
} from '../../../engine/index.ts';
import { sessionKey as key, lineValue, type RunOptions, run } from '../../support/changes.ts';

const byValue: MergingAccumulation<number, number, number> = {
  form: 'by value',
  accumulator: lineValue as Serde<number>,
  initialize: () => 0,
  add: (total, { value }) => total + (value ?? 0),
  result: (total) => total,
  merge: (total, other) => total + other,
};
const inPlace: MergingAccumulation<number, number, number> & InPlace<number, number> = {
  form: 'in place',
  width: 8,
  initialize: (view, at) => view.setFloat64(at, 0),
  add: (view, at, { value }) => view.setFloat64(at, view.getFloat64(at) + (value ?? 0)),
  result: (view, at) => view.getFloat64(at),
  merge: (view, at, other, otherAt) => {
    view.setFloat64(at, view.getFloat64(at) + other.getFloat64(otherAt));
    return true;
  },
};

type Sum = SessionAggregation<number, number, number>;

/** Runs lines through sums over sessions with a gap of 10 ms, no grace, kept for 30 ms. */
const sum = (
  accumulation: MergingAccumulation<number, number, number>,
  text: string,
  { asked = false, ...options }: Partial<Sum> & Pick<RunOptions, 'asked'> = {},
): string => {
  const aggregation: Sum = { store: 's', windows: sessions(10), graceMs: 0, retentionMs: 30, accumulation, ...options };
  const stores = [{ name: 's', kind: 'ordered' as const, retentionMs: aggregation.retentionMs }];
  return run(sessionAggregate(aggregation), text, { stores, key, asked });
};

describe.each([byValue, inPlace])('accumulators $form:', (accumulation) => {
  test('records within a gap are of one session; the session of before is retracted first', () => {
    expect(
      sum(
        accumulation,
        `
    a: 1 @0
    a: 2 @10
    a: 4 @21
    b: 8 @22`,
      ),
    ).toBe(`
    a@[0,0]: 1
    a@[0,0]: -
    a@[0,10]: 3 @10
    a@[21,21]: 4 @21
    b@[22,22]: 8 @22`);
  });

  test('a record between two sessions makes them one, the earlier one is retracted first', () => {
    expect(
      sum(
        accumulation,
        `
    a: 1 @0
    a: 2 @15
    a: 4 @7`,
        { asked: true },
      ),
    ).toBe(`
    a@[0,0]: - -> 1
    a@[15,15]: - -> 2 @15
    a@[0,0]: 1 -> -
    a@[15,15]: 2 -> - @15
    a@[0,15]: - -> 7 @15`);
  });

  test('a session that keeps its bounds is retracted too, but for a single point in time', () => {
    expect(
      sum(
        accumulation,
        `
    a: 1 @0
    a: 2 @0
    a: 4 @5
    a: 8 @3
    a: 16 @5`,
        { asked: true },
      ),
    ).toBe(`
    a@[0,0]: - -> 1
    a@[0,0]: 1 -> 3
    a@[0,0]: 3 -> -
    a@[0,5]: - -> 7 @5
    a@[0,5]: 7 -> - @5
    a@[0,5]: - -> 15 @5
    a@[0,5]: 15 -> - @5
    a@[0,5]: - -> 31 @5`);
  });

  test('a late record does not join a session that is kept and begins more than a gap behind it', () => {
    const lines = `
    a: 1 @30
    a: 1 @40
    a: 1 @50
    a: 1 @15`;
    expect(sum(accumulation, lines, { retentionMs: 10 })).toBe(`
    a@[30,30]: 1 @30
    a@[30,30]: - @30
    a@[30,40]: 2 @40
    a@[30,40]: - @40
    a@[30,50]: 3 @50
    ! late a`);
  });

  test('a record is late when its session ended before stream time - gap - grace', () => {
    const lines = `
    x: 1 @0
    a: 1 @0
    x: 1 @11
    a: 1 @0
    x: 1 @12
    a: 1 @1
    a: 1 @0`;
    expect(sum(accumulation, lines)).toBe(`
    x@[0,0]: 1
    a@[0,0]: 1
    x@[11,11]: 1 @11
    ! late a
    x@[11,11]: - @11
    x@[11,12]: 2 @12
    ! late a
    ! late a`);
    expect(sum(accumulation, lines, { graceMs: 1 })).toBe(`
    x@[0,0]: 1
    a@[0,0]: 1
    x@[11,11]: 1 @11
    a@[0,0]: 2
    x@[11,11]: - @11
    x@[11,12]: 2 @12
    a@[0,0]: -
    a@[0,1]: 3 @1
    a@[0,1]: - @1
    a@[0,1]: 4 @1`);
  });

  test('the end of the joined session counts: a record in the past may join one that is open', () => {
    expect(
      sum(
        accumulation,
        `
    a: 1 @20
    a: 1 @9
    a: 1 @10`,
      ),
    ).toBe(`
    a@[20,20]: 1 @20
    ! late a
    a@[20,20]: - @20
    a@[10,20]: 2 @20`);
  });

  test('a closed session is joined while it is kept, and not found from then on, whenever commits were', () => {
    const lines = (commit: string): string => `
    a: 1 @0
    a: 2 @11
    ${commit}
    a: 4 @5
    b: 1 @40
    ${commit}
    a: 8 @30
    b: 1 @46
    ${commit}
    a: 16 @36`;
    const expected = `
    a@[0,0]: 1
    a@[11,11]: 2 @11
    a@[0,0]: -
    a@[11,11]: - @11
    a@[0,11]: 7 @11
    b@[40,40]: 1 @40
    a@[30,30]: 8 @30
    b@[40,40]: - @40
    b@[40,46]: 2 @46
    a@[30,30]: - @30
    a@[30,36]: 24 @36`;
    expect(sum(accumulation, lines(''))).toBe(expected);
    expect(sum(accumulation, lines('commit'))).toBe(expected);
    const least = `
    a@[0,0]: 1
    a@[11,11]: 2 @11
    a@[11,11]: - @11
    a@[5,11]: 6 @11
    b@[40,40]: 1 @40
    a@[30,30]: 8 @30
    b@[40,40]: - @40
    b@[40,46]: 2 @46
    a@[36,36]: 16 @36`;
    expect(sum(accumulation, lines(''), { retentionMs: 10 })).toBe(least);
    expect(sum(accumulation, lines('commit'), { retentionMs: 10 })).toBe(least);
  });

  test('a rollback takes back sessions and stream time', () => {
    expect(
      sum(
        accumulation,
        `
    a: 1 @0
    commit
    a: 2 @5
    a: 4 @100
    rollback
    a: 8 @6`,
      ),
    ).toBe(`
    a@[0,0]: 1
    a@[0,0]: -
    a@[0,5]: 3 @5
    a@[100,100]: 4 @100
    a@[0,0]: -
    a@[0,6]: 9 @6`);
  });

  test('a record without a key is left out and does not move stream time; one without a value is given to the aggregate, or left out', () => {
    const lines = `
    -: 1 @1000
    a: - @3`;
    expect(sum(accumulation, lines)).toBe(`
    ! null-key
    a@[3,3]: 0 @3`);
    expect(sum(accumulation, lines, { nullValues: 'dropped' })).toBe(`
    ! null-key
    ! null-value a`);
  });
});

test('a result that is deleted retracts the sessions it was made of', () => {
  const text: MergingAccumulation<number, number, number> = {
    ...byValue,
    form: 'by value',
    accumulator: lineValue as Serde<number>,
    initialize: () => 0,
    add: (total, { value }) => (value === 0 ? null : total + (value ?? 0)),
    result: (total) => total,
    merge: (total, other) => total + other,
  };
  expect(
    sum(
      text,
      `
    a: 1 @0
    a: 0 @5
    a: 2 @6
    a: 0 @6`,
      { asked: true },
    ),
  ).toBe(`
    a@[0,0]: - -> 1
    a@[0,0]: 1 -> -
    a@[0,5]: - -> - @5
    a@[6,6]: - -> 2 @6
    a@[6,6]: 2 -> - @6`);
});

test('a result that is too large for its store leaves everything as it was', () => {
  const text: MergingAccumulation<number, string, string> = {
    form: 'by value',
    accumulator: lineValue as Serde<string>,
    initialize: () => '',
    add: (all, { value }) => all + 'x'.repeat(Number(value)),
    result: (all) => `${all.length}`,
    merge: (all, other) => all + other,
  };
  const stores = [{ name: 's', kind: 'ordered' as const, retentionMs: 30 }];
  const large = 16 << 20;
  expect(
    run(
      sessionAggregate({ store: 's', windows: sessions(10), graceMs: 0, retentionMs: 30, accumulation: text }),
      `
    a: 1 @0
    a: ${large} @5
    a: 2 @6`,
      { stores, key },
    ),
  ).toBe(`
    a@[0,0]: 1
    ! serialization a
    a@[0,0]: -
    a@[0,6]: 3 @6`);
});
