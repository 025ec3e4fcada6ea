import { expect, test } from 'vitest';
import { type Aggregation, aggregate, type Serde } from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const accumulator = lineValue as Serde<number>;
const stores = [{ name: 's', kind: 'key-value' }] as const;

const sum: Aggregation<number, number> = {
  store: 's',
  accumulator,
  initialize: () => 0,
  add: (total, { value }) => total + (value ?? 0),
};

test('an aggregate emits every update; its time is the largest of its records', () => {
  expect(
    run(
      aggregate(sum),
      `
    a: 1 @10
    b: 5 @1
    a: 2 @7
    a: 3 @12`,
      { stores },
    ),
  ).toBe(`
    a: 1 @10
    b: 5 @1
    a: 3 @10
    a: 6 @12`);
});

test('the row before is sent where it is asked for; a new key has none', () => {
  expect(
    run(
      aggregate({ ...sum, sendBefore: true }),
      `
    a: 1
    a: 2`,
      { stores },
    ),
  ).toBe(`
    a: - -> 1
    a: 1 -> 3`);
});

test('records without a key or a value are left out', () => {
  expect(
    run(
      aggregate(sum),
      `
    -: 1
    a: -
    a: 2`,
      { stores },
    ),
  ).toBe(`
    ! null-key
    ! null-value a
    a: 2`);
});

test('a null result deletes the row; the next record begins anew', () => {
  expect(
    run(
      aggregate<number, number>({
        ...sum,
        sendBefore: true,
        add: (total, { value }) => (value === 0 ? null : total + (value ?? 0)),
      }),
      `
    a: 4
    a: 0
    a: 3`,
      { stores },
    ),
  ).toBe(`
    a: - -> 4
    a: 4 -> -
    a: - -> 3`);
});

test('an accumulator that is changed in place does not change the row before', () => {
  const lists: Aggregation<number, number[]> = {
    store: 's',
    accumulator: lineValue as unknown as Serde<number[]>,
    initialize: () => [],
    add(list, { value }) {
      list.push(value ?? 0);
      return list;
    },
    sendBefore: true,
  };
  expect(
    run(
      aggregate(lists),
      `
    a: 1
    a: 2`,
      { stores },
    ),
  ).toBe(`
    a: - -> [1]
    a: [1] -> [1,2]`);
});

test('a rollback takes back what was added since the last commit', () => {
  expect(
    run(
      aggregate(sum),
      `
    a: 1 @5
    commit
    a: 10 @9
    b: 1
    rollback
    a: 2 @1
    b: 4`,
      { stores },
    ),
  ).toBe(`
    a: 1 @5
    a: 11 @9
    b: 1
    a: 3 @5
    b: 4`);
});
