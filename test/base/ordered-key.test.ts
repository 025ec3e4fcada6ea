import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes, readOrderedI64, writeOrderedI64 } from '../../base/index.ts';

const written = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  writeOrderedI64(bytes, 0, value);
  return bytes;
};

test('whole numbers sort as bytes as they do as numbers, and come back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (a, b) => {
      expect(Math.sign(compareBytes(written(a), 0, 8, written(b), 0, 8))).toBe(Math.sign(a - b));
      expect(readOrderedI64(written(a), 0)).toBe(a);
    }),
    { numRuns: 500 },
  );
});

test('numbers around zero and at the ends sort as well', () => {
  const numbers = [Number.MIN_SAFE_INTEGER, -(2 ** 32), -1, 0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const keys = numbers.map(written);
  for (let i = 1; i < keys.length; i++) {
    expect(compareBytes(keys[i - 1] as Uint8Array, 0, 8, keys[i] as Uint8Array, 0, 8)).toBeLessThan(0);
  }
  expect(keys.map((key) => readOrderedI64(key, 0))).toEqual(numbers);
});
