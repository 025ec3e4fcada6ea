/** Aggregates that merge the updates of a key between commits. */

import { expect, test } from 'vitest';
import { type Aggregation, aggregate, type ByValue, type InPlace, type Serde } from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const stores = [{ name: 's', kind: 'key-value' }] as const;

/** Sums; by value a sum of exactly 0 deletes the group, in place there are no deletions. */
const byValue: ByValue<number, number, number> = {
  form: 'by value',
  accumulator: lineValue as Serde<number>,
  initialize: () => 0,
  add: (total, { value }) => (total + (value ?? 0) === 0 ? null : total + (value ?? 0)),
  result: (total) => total,
};
const inPlace: InPlace<number, number> = {
  form: 'in place',
  width: 8,
  initialize: (view, at) => view.setFloat64(at, 0),
  add: (view, at, { value }) => view.setFloat64(at, view.getFloat64(at) + (value ?? 0)),
  result: (view, at) => view.getFloat64(at),
};
type Sum = Omit<Aggregation<number, number, number>, 'cache'>;
const sums: readonly Sum[] = [byValue, inPlace].map((accumulation) => ({ store: 's', accumulation }));

const cached = (sum: Sum, text: string, asked = false): string =>
  run(aggregate({ ...sum, cache: () => true }), text, { stores, asked });

test.each(sums)('of each key the last update of a transaction is sent, in the order of the first ones', (sum) => {
  expect(
    cached(
      sum,
      `
    a: 1 @10
    b: 5 @1
    a: 2 @7
    a: 3 @12
    commit
    b: 1 @2
    commit`,
    ),
  ).toBe(`
    a: 6 @12
    b: 5 @1
    b: 6 @2`);
});

test.each(sums)('nothing is sent before the commit, and again nothing at one without changes', (sum) => {
  expect(
    cached(
      sum,
      `
    a: 1`,
    ),
  ).toBe('\n');
  expect(
    cached(
      sum,
      `
    a: 1
    commit
    commit
    commit`,
    ),
  ).toBe(`
    a: 1`);
});

test.each(sums)('the row before is the one that was sent last', (sum) => {
  expect(
    cached(
      sum,
      `
    a: 1
    a: 2
    commit
    a: 3
    a: 4
    commit`,
      true,
    ),
  ).toBe(`
    a: - -> 3
    a: 3 -> 10`);
});

test.each(sums)('what is rolled back was not sent, and is not the row before', (sum) => {
  expect(
    cached(
      sum,
      `
    a: 1
    commit
    a: 2
    rollback
    a: 3
    commit`,
      true,
    ),
  ).toBe(`
    a: - -> 1
    a: 1 -> 4`);
});

test('a group that comes and goes between two commits is not sent; one that goes is retracted once, at its time', () => {
  const [sum] = sums as [Sum];
  expect(
    cached(
      sum,
      `
    a: 1 @1
    a: -1 @2
    b: 1 @3
    commit
    b: 1 @9
    b: -2 @5
    b: 4 @4
    b: -4 @6
    commit
    b: -7 @8
    b: 7 @7
    b: 2 @1
    commit`,
      true,
    ),
  ).toBe(`
    b: - -> 1 @3
    b: 1 -> - @6
    b: - -> 2 @1`);
});

test.each(sums)('records without a key or a value are left out as always', (sum) => {
  expect(
    cached(
      sum,
      `
    -: 1
    a: -
    a: 2
    commit`,
    ),
  ).toBe(`
    ! null-key
    ! null-value a
    a: 2`);
});
