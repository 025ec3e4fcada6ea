import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../base/index.ts';
import { type Serde, SerdeError, serdes } from '../../engine/index.ts';

const { bytes, float64, int32, int64, json, string } = serdes;

const through = <T>(serde: Serde<T>, value: T): T => {
  const out = new ByteWriter(1);
  out.i8(7);
  serde.write(value, out);
  const { length } = out;
  out.i8(7);
  return serde.read(out.buffer, 1, length);
};

const written = <T>(serde: Serde<T>, value: T): number[] => {
  const out = new ByteWriter();
  serde.write(value, out);
  return [...out.slice()];
};

test('what is written comes back', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double(),
      fc.json(),
      fc.uint8Array(),
      (text, small, large, float, document, raw) => {
        expect(through(string, text)).toBe(text);
        expect(through(int32, small)).toBe(small);
        expect(BigInt(through(int64, large))).toBe(large);
        expect(through(float64, float)).toBe(float);
        expect(through(json(), JSON.parse(document))).toEqual(JSON.parse(document));
        expect(through(bytes, raw)).toEqual(raw);
      },
    ),
  );
});

test('the bytes are those of Kafka', () => {
  expect(written(int32, 258)).toEqual([0, 0, 1, 2]);
  expect(written(int64, -1)).toEqual([255, 255, 255, 255, 255, 255, 255, 255]);
  expect(written(float64, 1)).toEqual([0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
  expect(written(string, 'é')).toEqual([0xc3, 0xa9]);
});

test('64-bit integers are numbers while those are exact, and bigints beyond', () => {
  expect(through(int64, 2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
  expect(through(int64, 2n ** 53n)).toBe(2n ** 53n);
  expect(through(int64, -(2n ** 63n))).toBe(-(2n ** 63n));
});

test('what is not of the form is refused with a SerdeError', () => {
  const raw = new Uint8Array([1, 2, 3]);
  expect(() => int32.read(raw, 0, 3)).toThrow(new SerdeError('int32 takes 4 bytes, there are 3'));
  expect(() => int64.read(raw, 0, 0)).toThrow(SerdeError);
  expect(() => json().read(raw, 0, 3)).toThrow(SerdeError);
  expect(() => written(int32, 2 ** 31)).toThrow(SerdeError);
  expect(() => written(int32, 1.5)).toThrow(SerdeError);
  expect(() => written(int64, 2 ** 53)).toThrow(SerdeError);
  expect(() => written(int64, 2n ** 63n)).toThrow(SerdeError);
  expect(() => written(json(), undefined)).toThrow(SerdeError);
  expect(() => written(json(), 1n)).toThrow(SerdeError);
});
