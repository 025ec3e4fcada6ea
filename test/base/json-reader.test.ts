import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { codegenAllowed, JsonReader, utf8Bytes } from '../../base/index.ts';

/** What a reader makes of bytes, or that it throws; `JSON.parse` of the text is the judge. */
const outcome = (read: () => unknown): unknown => {
  try {
    return { value: read() };
  } catch (error) {
    return { thrown: String(error) };
  }
};

/** Reads the bytes alone, and between others that are no part of the text. */
const expectAsParsed = (reader: JsonReader, bytes: Uint8Array): void => {
  const around = utf8Bytes('7"}]7"');
  const all = new Uint8Array(bytes.length + 2 * around.length);
  all.set(around);
  all.set(bytes, around.length);
  all.set(around, around.length + bytes.length);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const parsed = outcome(() => JSON.parse(text));
  expect(outcome(() => reader.read(all, around.length, around.length + bytes.length))).toStrictEqual(parsed);
  expect(outcome(() => reader.read(bytes.slice(), 0, bytes.length))).toStrictEqual(parsed);
};

const expectAllAsParsed = (...texts: readonly string[]): void => {
  const reader = new JsonReader();
  // Twice, so that each text also meets the layouts of those behind it.
  for (const text of [...texts, ...texts]) expectAsParsed(reader, utf8Bytes(text));
};

describe('a text is what JSON.parse makes of it', () => {
  test.each([
    ['numbers', '{"n":1}', '{"n":0}', '{"n":-0}', '{"n":-1}', '{"n":123456789012345}', '{"n":1234567890123456}'],
    ['fractions', '{"n":0.5}', '{"n":-0.0}', '{"n":0.1234567890123456789}', '{"n":1.10}', '{"n":123456.789012345}'],
    ['exponents', '{"n":1e3}', '{"n":1E-3}', '{"n":1.5e+22}', '{"n":1e23}', '{"n":1e400}', '{"n":5e-324}', '{"n":0e9}'],
    [
      'no numbers',
      '{"n":1}',
      '{"n":01}',
      '{"n":-}',
      '{"n":1.}',
      '{"n":.5}',
      '{"n":1e}',
      '{"n":+1}',
      '{"n":0x1}',
      '{"n":1_0}',
    ],
    [
      'texts',
      '{"t":"a"}',
      '{"t":""}',
      '{"t":"\\u00e9\\n"}',
      '{"t":"größe"}',
      '{"t":"東京"}',
      '{"t":"\u007f"}',
      '{"t":"🙂"}',
    ],
    ['long texts', `{"t":"${'a'.repeat(24)}"}`, `{"t":"${'a'.repeat(25)}"}`, `{"t":"${'a'.repeat(2000)}"}`],
    ['no texts', '{"t":"a"}', '{"t":"a\nb"}', '{"t":"a}', '{"t":"\\x"}', '{"t":a}', '{"t":"\u0000"}'],
    [
      'other kinds',
      '{"v":1}',
      '{"v":"1"}',
      '{"v":null}',
      '{"v":true}',
      '{"v":false}',
      '{"v":[1]}',
      '{"v":{}}',
      '{"v":nul}',
    ],
    ['lists', '{"v":[1,"]",[{}]],"w":1}', '{"v":[],"w":2}', '{"v":[1,],"w":1}', '{"v":["\\"]"],"w":1}', '{"v":[}'],
    [
      'blanks',
      '{"a":1,"b":2}',
      '{"a": 1, "b": 2}',
      ' {"a":1,"b":2} \n',
      '{"a":1 ,"b":2}',
      '{"a":1,"b":2 }',
      '{"a":\t1}',
    ],
    ['no objects', '1', '"a"', 'null', '[{"a":1}]', '', ' ', '{', '}', '{}', '{ }', '{}}', '{"a":1}}', '{"a":1}{'],
    ['nested', '{"a":{"b":{"c":1}},"d":2}', '{"a":{"b":{"c":2}},"d":3}', '{"a":{"b":{}},"d":2}', '{"a":null,"d":2}'],
    ['names', '{"a b":1,"":2,"ä":3,"\\u0061":4}', '{"a b":5,"":6,"ä":7,"\\u0061":8}', '{"0":1,"b":2,"00":3}'],
    ['a name twice', '{"a":1,"b":2,"a":3}', '{"a":4,"b":5,"a":6}', '{"a":{"x":1},"a":2}', '{"a":2,"a":{"x":1}}'],
    ['names of all objects', '{"__proto__":{"x":1}}', '{"a":{"constructor":1}}', '{"toString":"a","a":1}'],
    ['a mark of the byte order', '{"a":1}', '\uFEFF{"a":1}'],
    ['other layouts', ...Array.from({ length: 20 }, (_, i) => `{"f${i % 11}":1,"g":"${i}"}`)],
    ['many fields', ...[1, 2].map((n) => `{${Array.from({ length: 300 }, (_, i) => `"f${i}":${n}`).join()}}`)],
    ['deep', ...[1, 2].map((n) => '{"a":'.repeat(300) + n + '}'.repeat(300))],
  ])('%s', (_what, ...texts) => {
    expectAllAsParsed(...texts);
  });

  test('bytes that are no UTF-8', () => {
    const reader = new JsonReader();
    for (const wrong of [[0xff], [0xe2, 0x82], [0xc3], [0xed, 0xa0, 0x80]]) {
      for (let n = 0; n < 3; n++) {
        expectAsParsed(reader, new Uint8Array([...utf8Bytes('{"a":"x'), ...wrong, ...utf8Bytes('","b":1}')]));
        expectAsParsed(reader, new Uint8Array([...utf8Bytes('{"a'), ...wrong, ...utf8Bytes('":"x","b":1}')]));
      }
    }
  });

  test('random records that are mostly alike, some of them damaged', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -99_999, max: 99_999 }).map((n) => n / 100),
      fc.constantFrom<unknown>(null, true, false, [], {}, [1, 'a'], { n: 1 }),
    );
    const names = fc.uniqueArray(fc.constantFrom('id', 'user', 'amount', 'ts', 'größe', 'a"b'), { minLength: 1 });
    const record = names.chain((chosen) =>
      fc
        .array(fc.tuple(...chosen.map(() => value)), { minLength: 1, maxLength: 6 })
        .map((rows) =>
          rows.map((row) => JSON.stringify(Object.fromEntries(chosen.map((name, i) => [name, { in: row[i] }])))),
        ),
    );
    const damage = fc.option(
      fc.record({ at: fc.nat(), byte: fc.constantFrom(34, 44, 48, 92, 101, 123, 125, 32, 200) }),
      {
        freq: 3,
      },
    );
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 3 }),
        fc.array(damage, { minLength: 1 }),
        (kinds, damages) => {
          const reader = new JsonReader();
          kinds.flat().forEach((text, i) => {
            const bytes = utf8Bytes(text);
            const wrong = damages[i % damages.length];
            if (wrong !== undefined && wrong !== null) bytes[wrong.at % bytes.length] = wrong.byte;
            expectAsParsed(reader, bytes);
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('an object is a plain one, whose fields can be changed, added and removed', () => {
  const reader = new JsonReader();
  const read = (text: string): Record<string, unknown> => {
    const bytes = utf8Bytes(text);
    return reader.read(bytes, 0, bytes.length) as Record<string, unknown>;
  };
  read('{"a":1,"b":{"c":2}}');
  const value = read('{"a":3,"b":{"c":4}}');
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(value['constructor']).toBe(Object);
  expect(Object.getOwnPropertyDescriptor(value, 'a')).toEqual({
    value: 3,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  delete value['a'];
  value['z'] = 1;
  expect(JSON.stringify(structuredClone(value))).toBe('{"b":{"c":4},"z":1}');
  expect(read('{"a":5,"b":{"c":6}}')).toEqual({ a: 5, b: { c: 6 } });
});

test.runIf(codegenAllowed())('records of a known layout are not parsed again', () => {
  const reader = new JsonReader();
  const kinds = [(n: number) => `{"n":${n}}`, (n: number) => `{"kind":"a","n":${n}}`];
  const read = (from: number, to: number): void => {
    for (let n = from; n < to; n++) {
      const bytes = utf8Bytes(kinds[n % 2]?.(n) ?? '');
      expect(reader.read(bytes, 0, bytes.length)).toEqual(n % 2 === 0 ? { n } : { kind: 'a', n });
    }
  };
  read(0, 100);
  const parse = vi.spyOn(JSON, 'parse');
  try {
    read(100, 200);
    expect(parse).not.toHaveBeenCalled();
  } finally {
    parse.mockRestore();
  }
});
