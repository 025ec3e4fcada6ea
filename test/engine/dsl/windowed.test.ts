import { expect, test } from 'vitest';
import { ByteWriter } from '../../../base/index.ts';
import { type Serde, SerdeError, serdes } from '../../../engine/index.ts';
import { sessionWindowed, timeWindowed, type Windowed } from '../../../engine/public.ts';

const { string } = serdes;

const written = (serde: Serde<Windowed<string>>, window: Windowed<string>): string => {
  const out = new ByteWriter();
  serde.write(window, out);
  const bytes = out.slice();
  expect(serde.read(bytes, 0, bytes.length)).toEqual(window);
  const padded = new Uint8Array(bytes.length + 4);
  padded.set(bytes, 3);
  expect(serde.read(padded, 3, 3 + bytes.length)).toEqual(window);
  return Buffer.from(bytes).toString('hex');
};

test('a key with a time window is the key, then its start; the end follows from the size', () => {
  const serde = timeWindowed(string, 10);
  expect(written(serde, { key: 'a', start: 258, end: 268 })).toBe('610000000000000102');
  expect(written(serde, { key: '', start: 0, end: 10 })).toBe('0000000000000000');
  expect(written(timeWindowed(string, Number.POSITIVE_INFINITY), { key: 'a', start: 5, end: Infinity })).toBe(
    '610000000000000005',
  );
});

test('a key with a session is the key, then its end, then its start', () => {
  const serde = sessionWindowed(string);
  expect(written(serde, { key: 'ab', start: 1, end: 258 })).toBe('616200000000000001020000000000000001');
  expect(written(serde, { key: 'ab', start: 7, end: 7 })).toBe('616200000000000000070000000000000007');
});

test('bytes that are too short for a window are refused', () => {
  expect(() => timeWindowed(string, 10).read(new Uint8Array(7), 0, 7)).toThrow(SerdeError);
  expect(() => sessionWindowed(string).read(new Uint8Array(15), 0, 15)).toThrow(
    'a key with a session takes at least 16 bytes',
  );
});

/** As the published TimeWindowedDeserializerTest and WindowedSerdesTest have it. */
test('a serde without an inner one, or without the size of its windows, is refused', () => {
  const nothing = undefined as never;
  const missing = (method: string) =>
    expect.objectContaining({
      code: 'DSL_SERDE_MISSING',
      message: `${method}: "key" has to be a serde, not undefined`,
    });
  expect(() => timeWindowed(nothing, 10)).toThrow(missing('timeWindowed'));
  expect(() => sessionWindowed(nothing)).toThrow(missing('sessionWindowed'));
  for (const size of [nothing, null as never, Number.NaN, -1])
    expect(() => timeWindowed(string, size)).toThrow(
      expect.objectContaining({ code: 'DSL_WINDOW_INVALID', message: `a window cannot have the size ${size} ms` }),
    );
  // Sliding windows may be of one moment.
  expect(timeWindowed(string, 0).sizeMs).toBe(0);
});
