import { describe, expect, test } from 'vitest';
import {
  type ByValue,
  type InPlace,
  type Serde,
  tumbling,
  type WindowAggregation,
  windowAggregate,
} from '../../../engine/index.ts';
import { lineValue, run, windowedKey } from '../../support/changes.ts';

const key = windowedKey(10);

type Sum = WindowAggregation<number, number, number>;

const byValue: ByValue<number, number, number> = {
  form: 'by value',
  accumulator: lineValue as Serde<number>,
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

describe.each([byValue, inPlace])('accumulators $form:', (accumulation) => {
  const sum = (options: Partial<Sum> = {}): Sum => ({
    store: 's',
    windows: tumbling(10),
    graceMs: 5,
    retentionMs: 15,
    accumulation,
    ...options,
  });

  const stores = (retentionMs = 15) => [{ name: 's', kind: 'window' as const, retentionMs }];

  test('each key has a result per window', () => {
    expect(
      run(
        windowAggregate(sum()),
        `
    a: 1 @3
    a: 2 @9
    a: 4 @10
    b: 8 @11`,
        { stores: stores(), key, asked: true },
      ),
    ).toBe(`
    a@[0,10): - -> 1 @3
    a@[0,10): 1 -> 3 @9
    a@[10,20): - -> 4 @10
    b@[10,20): - -> 8 @11`);
  });

  test('a window takes late records until its end and its grace are over, and not from then on', () => {
    expect(
      run(
        windowAggregate(sum()),
        `
    a: 1 @3
    a: 1 @14
    a: 1 @4
    a: 1 @15
    a: 1 @5
    a: 1 @10`,
        { stores: stores(), key },
      ),
    ).toBe(`
    a@[0,10): 1 @3
    a@[10,20): 1 @14
    a@[0,10): 2 @4
    a@[10,20): 2 @15
    ! late a
    a@[10,20): 3 @15`);
  });

  test('stream time is that of all keys', () => {
    expect(
      run(
        windowAggregate(sum()),
        `
    a: 1 @3
    b: 1 @40
    a: 1 @4`,
        { stores: stores(), key },
      ),
    ).toBe(`
    a@[0,10): 1 @3
    b@[40,50): 1 @40
    ! late a`);
  });

  test('a record without a key is left out and does not move stream time; one without a value is given to the aggregate', () => {
    expect(
      run(
        windowAggregate(sum()),
        `
    -: 1 @1000
    a: - @3`,
        { stores: stores(), key },
      ),
    ).toBe(`
    ! null-key
    a@[0,10): 0 @3`);
  });

  test('windows beyond retention are gone, and do not begin again', () => {
    expect(
      run(
        windowAggregate(sum({ graceMs: 1000, retentionMs: 1010 })),
        `
    a: 1 @3
    a: 1 @1009
    commit
    a: 1 @4
    a: 1 @1010
    commit
    a: 1 @5`,
        { stores: stores(1010), key, asked: true },
      ),
    ).toBe(`
    a@[0,10): - -> 1 @3
    a@[1000,1010): - -> 1 @1009
    a@[0,10): 1 -> 2 @4
    a@[1010,1020): - -> 1 @1010
    ! late a`);
  });

  test('a rollback takes back stream time as well', () => {
    expect(
      run(
        windowAggregate(sum()),
        `
    a: 1 @3
    commit
    a: 1 @1000
    rollback
    a: 1 @4`,
        { stores: stores(), key },
      ),
    ).toBe(`
    a@[0,10): 1 @3
    a@[1000,1010): 1 @1000
    a@[0,10): 2 @4`);
  });
});
