import { expect, test } from 'vitest';
import {
  type Aggregation,
  aggregate,
  type ByValue,
  type InPlace,
  type Serde,
  type StreamRecord,
} from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const accumulator = lineValue as Serde<number>;
const stores = [{ name: 's', kind: 'key-value' }] as const;

/** In both forms: a number as text, and a double of eight bytes. */
const byValue: ByValue<number, number, number> = {
  form: 'by value',
  accumulator,
  initialize: () => 0,
  add: (total, { value }) => total + (value ?? 0),
  result: (total) => total,
};
const inPlace: InPlace<number, number> = {
  form: 'in place',
  width: 8,
  initialize: (view, at) => view.setFloat64(at, 0),
  add: (view, at, { value }) => view.setFloat64(at, view.getFloat64(at) + (value ?? 0)),
  result: (view, at) => view.getFloat64(at),
};
type Sum = Aggregation<number, number, number>;
const sums: readonly Sum[] = [byValue, inPlace].map((accumulation) => ({ store: 's', accumulation }));

test.each(sums)('an aggregate emits every update; its time is the largest of its records', (sum) => {
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

test.each(sums)('the row before is sent where it is asked for; a new key has none', (sum) => {
  expect(
    run(
      aggregate(sum),
      `
    a: 1
    a: 2`,
      { stores, asked: true },
    ),
  ).toBe(`
    a: - -> 1
    a: 1 -> 3`);
});

test.each(sums)('records without a key or a value are left out', (sum) => {
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

test('a null result deletes the row; the next record begins a new one', () => {
  expect(
    run(
      aggregate({
        store: 's',
        accumulation: {
          ...byValue,
          add: (total: number, { value }: StreamRecord<number>) => (value === 0 ? null : total + (value ?? 0)),
        },
      }),
      `
    a: 4
    a: 0
    a: 3`,
      { stores, asked: true },
    ),
  ).toBe(`
    a: - -> 4
    a: 4 -> -
    a: - -> 3`);
});

test('an accumulator that is changed in place does not change the row before', () => {
  const lists: Aggregation<number, number[], number[]> = {
    store: 's',
    accumulation: {
      form: 'by value',
      accumulator: lineValue as unknown as Serde<number[]>,
      initialize: () => [],
      add(list, { value }) {
        list.push(value ?? 0);
        return list;
      },
      result: (list) => list,
    },
  };
  expect(
    run(
      aggregate(lists),
      `
    a: 1
    a: 2`,
      { stores, asked: true },
    ),
  ).toBe(`
    a: - -> [1]
    a: [1] -> [1,2]`);
});

test.each(sums)('a rollback takes back what was added since the last commit', (sum) => {
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

test('an entry of another width is an error of ours, and not a wrong number', () => {
  const supplier = aggregate({ store: 's', accumulation: { ...inPlace, width: 16 } });
  const given = { supplier: aggregate({ store: 's', accumulation: inPlace }), lines: 'a: 1' };
  expect(() => run(supplier, 'a: 2', { stores, given })).toThrow('an entry takes 16 bytes, not 24');
});
