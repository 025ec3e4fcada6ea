/** Aggregates over values that come and go. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { doubleType, stringType } from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { aggregate } from '../evaluate/support.ts';

test('the variance of values that are far from zero does not cancel', () => {
  expect(aggregate('STDDEV_SAMP', doubleType, [1e9 + 1, 1e9 + 2, null, 1e9 + 4])).toBeCloseTo(7 / 3, 12);
  expect(aggregate('STDDEV_SAMPLE', doubleType, [1e9 + 1, 1e9 + 2, 1e9 + 4])).toBeCloseTo(Math.sqrt(7 / 3), 12);
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
