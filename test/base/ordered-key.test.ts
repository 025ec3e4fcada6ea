import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ByteWriter,
  compareBytes,
  newCursor,
  readOrderedBytes,
  readOrderedF64,
  readOrderedI32,
  readOrderedI64,
  readOrderedText,
  writeOrderedBytes,
  writeOrderedF64,
  writeOrderedI32,
  writeOrderedI64,
  writeOrderedText,
} from '../../base/index.ts';

const written = <T>(write: (out: ByteWriter, value: T) => void, value: T): Uint8Array => {
  const out = new ByteWriter(4);
  write(out, value);
  return out.slice();
};

const orderOf = (a: Uint8Array, b: Uint8Array): number => Math.sign(compareBytes(a, 0, a.length, b, 0, b.length));

test('integers and doubles sort as bytes as they do as numbers, and come back', () => {
  const double = fc.double({ noNaN: true });
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.maxSafeInteger(),
      double,
      double,
      (a, b, c, d, e, f) => {
        expect(orderOf(written(writeOrderedI32, a), written(writeOrderedI32, b))).toBe(Math.sign(a - b));
        expect(orderOf(written(writeOrderedI64, c), written(writeOrderedI64, d))).toBe(Math.sign(c - d));
        expect(orderOf(written(writeOrderedF64, e), written(writeOrderedF64, f))).toBe(e < f ? -1 : e > f ? 1 : 0);
        expect(readOrderedI32(written(writeOrderedI32, a), 0)).toBe(a);
        expect(readOrderedI64(written(writeOrderedI64, c), 0)).toBe(c);
        expect(readOrderedF64(written(writeOrderedF64, e), 0)).toBe(e === 0 ? 0 : e);
      },
    ),
    { numRuns: 500 },
  );
});

test('64-bit integers sort over their whole range', () => {
  const values = [-(2n ** 63n), -(2n ** 53n), -1n, 0n, 1n, 2n ** 53n, 2n ** 63n - 1n];
  const keys = values.map((value) => written(writeOrderedI64, value));
  for (let i = 1; i < keys.length; i++) expect(orderOf(keys[i - 1] as Uint8Array, keys[i] as Uint8Array)).toBe(-1);
});

test('texts and bytes sort by what they hold, whatever follows them, and come back', () => {
  const part = fc.uint8Array({ maxLength: 6, max: 3 });
  fc.assert(
    fc.property(part, part, part, part, (a, b, c, d) => {
      const pair = (first: Uint8Array, second: Uint8Array) => {
        const out = new ByteWriter();
        writeOrderedBytes(out, first);
        writeOrderedBytes(out, second);
        return out.slice();
      };
      const order = orderOf(a, b) || orderOf(c, d);
      expect(orderOf(pair(a, c), pair(b, d))).toBe(order);
      const key = pair(a, c);
      const cursor = newCursor();
      expect(readOrderedBytes(key, key.length, cursor)).toEqual(a);
      expect(readOrderedBytes(key, key.length, cursor)).toEqual(c);
      expect(readOrderedBytes(key, key.length, cursor)).toBeUndefined();
    }),
  );
});

test('texts sort by code point, above U+FFFF as well', () => {
  const keys = ['', '\0', 'a', 'a\0', 'ab', 'é', '\uffff', '\u{10000}'].map((text) => written(writeOrderedText, text));
  for (let i = 1; i < keys.length; i++) expect(orderOf(keys[i - 1] as Uint8Array, keys[i] as Uint8Array)).toBe(-1);
  const last = keys.at(-1) as Uint8Array;
  expect(readOrderedText(last, last.length, newCursor())).toBe('\u{10000}');
});
