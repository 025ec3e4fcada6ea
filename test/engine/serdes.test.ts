import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { ByteWriter } from '../../base/index.ts';
import { type Serde, SerdeError, serdes } from '../../engine/index.ts';
import { inViewOf } from '../../engine/operators/numbers-in-view.ts';

const { bigint, boolean, bytes, float32, float64, int16, int32, int64, json, list, safeInt64, string, uuid } = serdes;

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

/** NaN, with other bits than Java's. */
const otherNaN = (): number => new Float64Array(BigUint64Array.of(0xfff8_0000_0000_0001n).buffer)[0] as number;

test('NaN is always the same bytes', () => {
  for (const serde of [float64, float32]) expect(written(serde, otherNaN())).toEqual(written(serde, Number.NaN));
});

test('numbers are read and written in a view as they are as bytes', () => {
  const bothWays = <T>(serde: Serde<T>, value: T): void => {
    const numbers = inViewOf(serde);
    expect(numbers).toBeDefined();
    const view = new DataView(new ArrayBuffer(10));
    numbers?.write(view, 1, value);
    expect([...new Uint8Array(view.buffer)]).toEqual([0, ...written(serde, value), 0]);
    expect(numbers?.read(view, 1)).toBe(through(serde, value));
  };
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger(), fc.double(), (a, b, c) => {
      bothWays(int64, a);
      bothWays(int64, b);
      bothWays(float64, c);
    }),
  );
  bothWays(float64, otherNaN());
  const view = new DataView(new ArrayBuffer(8));
  for (const value of [1.5, 2 ** 53, 2n ** 63n])
    expect(() => inViewOf(int64)?.write(view, 0, value)).toThrow(SerdeError);
  expect(() => inViewOf(float64)?.write(view, 0, '1' as unknown as number)).toThrow(SerdeError);
  expect(view.getBigInt64(0)).toBe(0n);
  // One that reads otherwise is another one.
  expect(inViewOf({ ...float64, read: () => 1 })).toBeUndefined();
});

test('what is written comes back', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double(),
      fc.json(),
      fc.uint8Array(),
      fc.uuid(),
      fc.boolean(),
      fc.array(fc.option(fc.string())),
      (text, small, large, float, document, raw, id, flag, texts) => {
        expect(through(string, text)).toBe(text);
        expect(through(int32, small)).toBe(small);
        expect(BigInt(through(int64, large))).toBe(large);
        expect(through(float64, float)).toBe(float);
        expect(through(json(), JSON.parse(document))).toEqual(JSON.parse(document));
        expect(through(bytes, raw)).toEqual(raw);
        expect(through(uuid, id)).toBe(id);
        expect(through(boolean, flag)).toBe(flag);
        expect(through(bigint, large)).toBe(large);
        expect(through(int16, (small << 16) >> 16)).toBe((small << 16) >> 16);
        expect(through(safeInt64, small * 2 ** 20)).toBe(small * 2 ** 20);
        expect(through(float32, Math.fround(float))).toBe(Math.fround(float));
        expect(through(list(string), texts)).toEqual(texts);
        const numbers = texts.map((entry) => (entry === null ? null : entry.length));
        expect(through(list(int32), numbers)).toEqual(numbers);
        expect(through(list(list(string)), [texts, null])).toEqual([texts, null]);
      },
    ),
  );
});

test('the bytes are those of Kafka', () => {
  expect(written(int32, 258)).toEqual([0, 0, 1, 2]);
  expect(written(int64, -1)).toEqual([255, 255, 255, 255, 255, 255, 255, 255]);
  expect(written(float64, 1)).toEqual([0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
  expect(written(string, 'é')).toEqual([0xc3, 0xa9]);
  expect(written(int16, -2)).toEqual([255, 254]);
  expect(written(float32, 1)).toEqual([0x3f, 0x80, 0, 0]);
  expect(written(boolean, true)).toEqual([1]);
  expect(written(bigint, 1n)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  const id = '123E4567-e89b-12d3-a456-426614174000';
  expect(written(uuid, id)).toEqual(written(string, id.toLowerCase()));
  // Form, nulls and their places, number of values, values.
  expect(written(list(int16), [7, null])).toEqual([0, ...[0, 0, 0, 1], ...[0, 0, 0, 1], ...[0, 0, 0, 2], ...[0, 7]]);
  // Form, number of values, each behind its length.
  expect(written(list(string), ['a', null])).toEqual([
    1,
    ...[0, 0, 0, 2],
    ...[0, 0, 0, 1, 97],
    ...[255, 255, 255, 255],
  ]);
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
  expect(() => written(string, null as never)).toThrow(new SerdeError('null is not text'));
  expect(() => written(string, undefined as never)).toThrow(new SerdeError('a value of type undefined is not text'));
  expect(() => written(int32, 1.5)).toThrow(SerdeError);
  expect(() => written(int64, 2 ** 53)).toThrow(SerdeError);
  expect(() => written(int64, 2n ** 63n)).toThrow(SerdeError);
  expect(() => written(json(), undefined)).toThrow(SerdeError);
  expect(() => written(json(), 1n)).toThrow(SerdeError);
});

test('each serde refuses what belongs to another', () => {
  const raw = new Uint8Array([9, 2, 3]);
  const wrong = {} as unknown;
  for (const serde of [
    int16,
    int32,
    int64,
    safeInt64,
    bigint,
    float32,
    float64,
    boolean,
    string,
    uuid,
    bytes,
    list(string),
  ])
    expect(() => written(serde as Serde<unknown>, wrong), serde.name).toThrow(SerdeError);
  for (const serde of [int16, int32, int64, safeInt64, bigint, float32, float64, boolean, uuid, json(), list(string)])
    expect(() => serde.read(raw, 0, 3), serde.name).toThrow(SerdeError);
  expect(() => boolean.read(raw, 1, 2)).toThrow(new SerdeError('a boolean is the byte 0 or 1, not 2'));
  expect(() => through(safeInt64, 2 ** 53)).toThrow(SerdeError);
  const large = new ByteWriter();
  large.i64(2n ** 53n);
  expect(() => safeInt64.read(large.buffer, 0, 8)).toThrow('9007199254740992 is not a safe integer');
  expect(() => uuid.read(new Uint8Array(36), 0, 36)).toThrow(SerdeError);
});

test('a list is read to its last byte, and not beyond', () => {
  const out = new ByteWriter();
  list(string).write(['ab', null, ''], out);
  const whole = out.slice();
  for (let end = 0; end < whole.length; end++)
    expect(() => list(string).read(whole, 0, end), `${end} bytes`).toThrow(SerdeError);
  expect(() => list(string).read(new Uint8Array([...whole, 0]), 0, whole.length + 1)).toThrow('1 bytes are left');
  expect(() => list(int32).read(whole, 0, whole.length)).toThrow('does not hold values of the serde int32');
});

test('JSON is checked by a Standard Schema where one is given', () => {
  const order = json(z.object({ id: z.int(), lines: z.array(z.object({ price: z.number() })) }));
  expectTypeOf(order).toEqualTypeOf<Serde<{ id: number; lines: { price: number }[] }>>();
  expect(through(order, { id: 7, lines: [{ price: 1.5 }] })).toEqual({ id: 7, lines: [{ price: 1.5 }] });
  const text = written(string, '{"id":"7","lines":[{}]}');
  expect(() => order.read(new Uint8Array(text), 0, text.length)).toThrow(
    /does not fit its schema: id: .*; lines\.0\.price: /,
  );
  const later = json(z.string().refine(() => Promise.resolve(true)));
  expect(() => through(later, 'x')).toThrow(SerdeError);
});

test('a serde of one type does not stand for another', () => {
  // @ts-expect-error: int32 cannot write a bigint
  const wide: Serde<number | bigint> = int32;
  // @ts-expect-error: int64 may read a bigint
  const narrow: Serde<number> = int64;
  expect([wide, narrow]).toHaveLength(2);
});
