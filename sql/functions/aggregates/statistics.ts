/**
 * STDDEV_SAMP and STDDEV_SAMPLE, by the method of Youngs and Cramer; CORRELATION, from running sums of the values,
 * their squares and products; and SUM_LIST. All but the last keep doubles.
 *
 * STDDEV_SAMP gives the sample variance, without the root: ksqlDB's own does, and queries rely on it. STDDEV_SAMPLE is
 * the deviation.
 */

import { assert } from '../../../base/index.ts';
import type { Slots } from '../../types/slots.ts';
import { doubleType, isScalar, numericOf } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { type Accumulator, type AggregateDefinition, defineAggregate } from '../define.ts';

const numbers = ['INT', 'BIGINT', 'DOUBLE'];

const zero = (slots: Slots, at: number, count: number): void => {
  for (let i = 0; i < count; i++) slots.set(at + i, 0);
};

const doublesOf = (slots: Slots, at: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => slots.get(at + i) as number);

/** Adds numbers to the doubles in the slots from `at` on. */
const addTo = (slots: Slots, at: number, by: readonly number[], sign: number): void => {
  for (const [i, each] of by.entries()) slots.set(at + i, (slots.get(at + i) as number) + sign * each);
};

/** An accumulator of sums: `terms` gives what a row adds to each, undefined for a row that does not count. */
const sums = (
  terms: (args: readonly Value[]) => readonly number[] | undefined,
  count: number,
  result: (sums: readonly number[]) => number,
): Accumulator => ({
  slots: Array.from({ length: count }, () => doubleType),
  initialize(slots, at) {
    zero(slots, at, count);
  },
  add(slots, at, args) {
    const by = terms(args);
    if (by !== undefined) addTo(slots, at, by, 1);
  },
  undo(slots, at, args) {
    const by = terms(args);
    if (by !== undefined) addTo(slots, at, by, -1);
  },
  merge: (slots, at, other, otherAt) => addTo(slots, at, doublesOf(other, otherAt, count), 1),
  result: (slots, at) => result(doublesOf(slots, at, count)),
});

/**
 * The number of values, their sum, and the sum of their squared distances from the mean, which is kept up to date by
 * the distance of each value from the mean of the others: a sum of squares less a square of the sum would cancel for
 * values that are far from zero.
 */
const spread = (result: (variance: number) => number): Accumulator => {
  const step = (slots: Slots, at: number, value: Value, sign: 1 | -1): void => {
    if (value === null) return;
    const x = Number(value);
    const [n = 0, sum = 0, squares = 0] = doublesOf(slots, at, 3);
    const others = n + sign;
    // In ksqlDB's order of operations, so that the last digit is the same.
    const distance = x * (n + 1) - (sum + x);
    slots.set(at, others);
    slots.set(at + 1, sum + sign * x);
    slots.set(at + 2, n > 0 && others > 0 ? squares + (sign * distance * distance) / (n * others) : 0);
  };
  return {
    slots: [doubleType, doubleType, doubleType],
    initialize(slots, at) {
      zero(slots, at, 3);
    },
    add: (slots, at, args) => step(slots, at, args[0] as Value, 1),
    undo: (slots, at, args) => step(slots, at, args[0] as Value, -1),
    merge(slots, at, other, otherAt) {
      const [n = 0, sum = 0, squares = 0] = doublesOf(slots, at, 3);
      const [others = 0, otherSum = 0, otherSquares = 0] = doublesOf(other, otherAt, 3);
      const apart = n === 0 || others === 0 ? 0 : sum / n - otherSum / others;
      slots.set(at, n + others);
      slots.set(at + 1, sum + otherSum);
      slots.set(at + 2, squares + otherSquares + (apart === 0 ? 0 : (n * others * apart * apart) / (n + others)));
    },
    result(slots, at) {
      const [n = 0, , squares = 0] = doublesOf(slots, at, 3);
      return result(n < 2 ? 0 : Math.max(squares, 0) / (n - 1));
    },
  };
};

const stddevSamp: AggregateDefinition = defineAggregate({
  signature: numbers.map((type) => `STDDEV_SAMP(${type}) -> DOUBLE`),
  doc:
    'The sample variance of the values, NULLs left out; 0 for fewer than two. For the deviation, which is its root, ' +
    'use STDDEV_SAMPLE.',
  elsewhere: [
    ['VARIANCE', 'STDDEV_SAMP, which is the variance'],
    ['VAR_SAMP', 'STDDEV_SAMP, which is the variance'],
  ],
  examples: [{ call: 'STDDEV_SAMP(A)', rows: [['1'], ['NULL'], ['5']], result: '8E0' }],
  undo: true,
  bind: () => spread((variance) => variance),
});

const stddevSample: AggregateDefinition = defineAggregate({
  signature: numbers.map((type) => `STDDEV_SAMPLE(${type}) -> DOUBLE`),
  doc: 'The sample standard deviation of the values, NULLs left out; 0 for fewer than two.',
  elsewhere: ['STDDEV'],
  examples: [{ call: 'STDDEV_SAMPLE(A)', rows: [['1'], ['2'], ['3']], result: '1E0' }],
  undo: true,
  bind: () => spread(Math.sqrt),
});

const correlation: AggregateDefinition = defineAggregate({
  signature: numbers.map((type) => `CORRELATION(${type}, ${type}) -> DOUBLE`),
  doc:
    'Pearson’s coefficient of correlation of the pairs, those with a NULL left out; NaN for fewer than two different ' +
    'ones.',
  elsewhere: ['CORR'],
  examples: [
    {
      call: 'CORRELATION(A, B)',
      rows: [
        ['1', '2'],
        ['2', '4'],
        ['NULL', '9'],
      ],
      result: '1E0',
    },
  ],
  undo: true,
  bind: () =>
    sums(
      (args) => {
        if (args[0] === null || args[1] === null) return undefined;
        const [x, y] = [Number(args[0]), Number(args[1])];
        return [1, x, y, x * x, y * y, x * y];
      },
      6,
      ([n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0]) =>
        (n * xy - x * y) / Math.sqrt((n * xx - x * x) * (n * yy - y * y)),
    ),
});

const sumList: AggregateDefinition = defineAggregate({
  signature: ['SUM_LIST(ARRAY<INT>) -> INT', 'SUM_LIST(ARRAY<BIGINT>) -> BIGINT', 'SUM_LIST(ARRAY<DOUBLE>) -> DOUBLE'],
  doc: 'The sum of the elements of all arrays, NULLs left out. Whole numbers wrap in their own type.',
  examples: [{ call: 'SUM_LIST(A)', rows: [['ARRAY[1, 2]'], ['ARRAY[3, NULL]']], result: '6' }],
  undo: true,
  bind: (call) => {
    const numeric = numericOf(call.result);
    assert(numeric !== undefined, 'only numbers are summed');
    const { result: type } = call;
    assert(isScalar(type), 'numbers are scalars');
    const [plus, minus] = [numeric.operator('+', type, type), numeric.operator('-', type, type)];
    const fold = (slots: Slots, at: number, list: Value, combine: (sum: Value, value: Value) => Value): void => {
      for (const value of (list ?? []) as readonly Value[]) {
        if (value !== null) slots.set(at, combine(slots.get(at), value));
      }
    };
    return {
      slots: [call.result],
      initialize(slots, at) {
        slots.set(at, 0);
      },
      add: (slots, at, args) => fold(slots, at, args[0] ?? null, plus),
      undo: (slots, at, args) => fold(slots, at, args[0] ?? null, minus),
      merge: (slots, at, other, otherAt) => slots.set(at, plus(slots.get(at), other.get(otherAt))),
      result: (slots, at) => slots.get(at),
    };
  },
});

export const statisticAggregates: readonly AggregateDefinition[] = [stddevSamp, stddevSample, correlation, sumList];
