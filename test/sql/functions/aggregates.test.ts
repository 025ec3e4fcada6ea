/** Aggregates over values that come and go. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bigintType, doubleType, stringType } from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { accumulatorOver, aggregate } from '../evaluate/support.ts';

test('the variance of values that are far from zero does not cancel', () => {
  expect(aggregate('STDDEV_SAMP', doubleType, [1e9 + 1, 1e9 + 2, null, 1e9 + 4])).toBeCloseTo(7 / 3, 12);
  expect(aggregate('STDDEV_SAMPLE', doubleType, [1e9 + 1, 1e9 + 2, 1e9 + 4])).toBeCloseTo(Math.sqrt(7 / 3), 12);
  // The last digit is that of ksqlDB.
  expect(aggregate('STDDEV_SAMPLE', doubleType, [9223372036854.775, 300.8])).toBe(6521908912453.693);
  expect(aggregate('STDDEV_SAMP', doubleType, [1e9 + 1, 7, 1e9 + 2], [7])).toBeGreaterThanOrEqual(0);
});

test('the variance is that of the definition, also when values were taken back', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 20 });
  fc.assert(
    fc.property(values, values, (kept, gone) => {
      const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
      const squares = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const wanted = kept.length < 2 ? 0 : squares / (kept.length - 1);
      expect(aggregate('STDDEV_SAMP', doubleType, [...gone, ...kept], gone)).toBeCloseTo(wanted, 5);
    }),
  );
});

test('COLLECT_LIST takes back the last of equal values', () => {
  expect(aggregate('COLLECT_LIST', stringType, ['a', 'b', 'a', null, 'c'], ['a'])).toEqual(['a', 'b', null, 'c']);
  expect(aggregate('COLLECT_LIST', stringType, ['a', null, 'b', null], [null, 'x'])).toEqual(['a', null, 'b']);
});

test('HISTOGRAM counts NULL as a text', () => {
  const counted = aggregate('HISTOGRAM', stringType, ['x', null, 'null', null], [null]);
  expect(counted).toEqual(new Map<string, Value>([['x', 1]]).set('null', 2));
});

test('COUNT_DISTINCT is within 3 % of the truth, for few values and for many', () => {
  for (const count of [0, 1, 100, 900, 1100, 20_000]) {
    const values = Array.from({ length: count * 2 }, (_, i) => `value ${i % Math.max(count, 1)}`);
    const estimate = Number(aggregate('COUNT_DISTINCT', stringType, values));
    expect(Math.abs(estimate - count)).toBeLessThanOrEqual(Math.ceil(count * 0.03));
  }
});

test('COUNT_DISTINCT hashes as ksqlDB does', () => {
  const whole = Array.from({ length: 3000 }, (_, i) => i * 7919);
  expect(aggregate('COUNT_DISTINCT', bigintType, whole)).toBe(2998);
  expect(
    aggregate(
      'COUNT_DISTINCT',
      doubleType,
      whole.map((value) => value / 8),
    ),
  ).toBe(3010);
  expect(
    aggregate(
      'COUNT_DISTINCT',
      stringType,
      whole.map((value) => `é${value}`),
    ),
  ).toBe(2998);
});

test('COUNT_DISTINCT of two sessions that become one is that of all their values', () => {
  const values = (from: number, to: number): Value[] => Array.from({ length: to - from }, (_, i) => from + i);
  const { accumulator, slots: left } = accumulatorOver('COUNT_DISTINCT', bigintType, values(0, 1500));
  const { slots: right } = accumulatorOver('COUNT_DISTINCT', bigintType, values(1400, 1700));
  accumulator.merge?.(left, 0, right, 0);
  expect(accumulator.result(left, 0)).toBe(aggregate('COUNT_DISTINCT', bigintType, values(0, 1700)));
});

test('what is collected has a limit, where the property sets one', () => {
  const limited = (name: string, values: readonly Value[], limit: string): Value => {
    const { accumulator, slots } = accumulatorOver(name, bigintType, values, { limit });
    return accumulator.result(slots, 0);
  };
  expect(limited('COLLECT_LIST', [1, 1, 2], '2')).toEqual([1, 1]);
  expect(limited('COLLECT_SET', [1, 1, 2, 3], '2')).toEqual([1, 2]);
  expect(limited('COLLECT_LIST', [1, 1, 2], '-1')).toEqual([1, 1, 2]);
  expect(() => limited('COLLECT_LIST', [1], 'many')).toThrow("is a whole number, not 'many'");
});
