import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SerdeError } from '../../../sql/formats/format.ts';
import { json } from '../../../sql/formats/json.ts';
import { putDouble } from '../../../sql/formats/json-output.ts';
import { plainJsonReader, plainJsonWriter } from '../../../sql/formats/json-plain.ts';
import { JsonInput } from '../../../sql/formats/json-text.ts';
import { printDouble } from '../../../sql/types/numbers.ts';
import type { Column } from '../../../sql/types/schema.ts';
import {
  arrayOf,
  bigintType,
  booleanType,
  doubleType,
  integerType,
  mapOf,
  type SqlType,
  stringType,
  structOf,
  timestampType,
} from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { bare, columnsAndRow, readText, valueOf, wrapped, writeRow } from './support.ts';

const column = (name: string, type: SqlType): Column => ({ name, type });
const one = (type: SqlType, text: string): Value | undefined =>
  readText(plainJsonReader([column('V', type)], bare), text)?.[0];
const latin1 = (bytes: Uint8Array, length: number): string => String.fromCharCode(...bytes.subarray(0, length));
const fault = (type: SqlType, text: string): string => {
  try {
    one(type, text);
  } catch (error) {
    if (error instanceof SerdeError) return error.message;
    throw error;
  }
  return 'no fault';
};

describe('reading a value', () => {
  test('a BIGINT keeps every digit', () => {
    expect(one(bigintType, '9007199254740993')).toBe(9007199254740993n);
    expect(one(bigintType, '9223372036854775807')).toBe(9223372036854775807n);
    expect(one(bigintType, '-9223372036854775808')).toBe(-9223372036854775808n);
    expect(one(bigintType, '9007199254740991')).toBe(9007199254740991);
    expect(one(bigintType, '"9007199254740993"')).toBe(9007199254740993n);
    expect(one(bigintType, '-0')).toBe(0);
  });

  test('a number is narrowed without a word, as in Java', () => {
    expect(one(bigintType, '9223372036854775808')).toBe(-9223372036854775808n);
    expect(one(bigintType, '1.9')).toBe(1);
    expect(one(bigintType, '-1.9e1')).toBe(-19);
    expect(one(bigintType, '123e999999999')).toBe(0);
    expect(one(bigintType, '123e-999999999')).toBe(0);
    expect(one(integerType, '4294967297')).toBe(1);
    expect(one(integerType, '2147483648')).toBe(-2147483648);
  });

  test('a text is read as a number where it is one', () => {
    expect(one(integerType, '"17"')).toBe(17);
    expect(one(doubleType, '"1.5e3"')).toBe(1500);
    expect(one(doubleType, '"NaN"')).toBeNaN();
    expect(one(doubleType, '"-Infinity"')).toBe(Number.NEGATIVE_INFINITY);
    expect(fault(integerType, '"2147483648"')).toBe('not readable as JSON: the text is not a valid INTEGER at byte 0');
    expect(fault(integerType, '"1.0"')).toContain('the text is not a valid INTEGER');
    expect(fault(doubleType, '""')).toContain('the text is not a valid DOUBLE');
  });

  test('a BOOLEAN is strict', () => {
    expect(one(booleanType, 'true')).toBe(true);
    expect(one(booleanType, 'null')).toBe(undefined);
    expect(fault(booleanType, '"true"')).toBe('not readable as JSON: a text cannot be read as BOOLEAN at byte 0');
    expect(fault(booleanType, '1')).toContain('a number cannot be read as BOOLEAN');
  });

  test('any node becomes a STRING', () => {
    expect(one(stringType, '12.50')).toBe('12.50');
    expect(one(stringType, 'true')).toBe('true');
    expect(one(stringType, '{"a" : [1, "x y", {"b": null}] }')).toBe('{"a":[1,"x y",{"b":null}]}');
    expect(one(stringType, '{"a":"\\u0041\\/\\u001f\\ud83d"}')).toBe('{"a":"A/\\u001F\ud83d"}');
  });

  test.each([
    ['[1, 2.50,"a" ,null,{"b":1e5, "c" : [null]}]', '[1, 2.50, a, null, {"b":1E+5,"c":[null]}]'],
    ['[]', '[]'],
    ['[[ ],["\\""]]', '[[], ["]]'],
  ])('the array %s becomes the STRING %s', (text, wanted) => expect(one(stringType, text)).toBe(wanted));

  test.each([
    ['1e5', '1E+5'],
    ['1.50', '1.50'],
    ['-0', '0'],
    ['-0.0', '0.0'],
    ['-12.5e-3', '-0.0125'],
    ['0.000001', '0.000001'],
    ['0.00000012', '1.2E-7'],
    ['10E-3', '0.010'],
    ['123e3', '1.23E+5'],
    ['12345678901234567890', '12345678901234567890'],
  ])('the number %s becomes the STRING %s', (text, wanted) => expect(one(stringType, text)).toBe(wanted));

  test.each([
    ['1e999', Number.POSITIVE_INFINITY],
    ['-1e999', Number.NEGATIVE_INFINITY],
    ['1e-999', 0],
    ['-0.0', 0],
    ['"-0.0"', -0],
    ['"0x1.8p3"', 12],
    ['" 1d "', 1],
  ])('the DOUBLE %s is %d', (text, wanted) => expect(one(doubleType, text)).toBe(wanted));

  test('NaN is not a number of JSON', () => {
    expect(fault(doubleType, 'NaN')).toContain('a value is expected');
  });

  test.each(['12', '１２', '١٢', '+12'])('the text "%s" is the whole number 12', (text) => {
    expect(one(integerType, JSON.stringify(text))).toBe(12);
    expect(one(bigintType, JSON.stringify(text))).toBe(12);
  });

  test.each(['{"V":1}}', '{"V":1} x', '{"V":1},', '{"V":1} {', '\ufeff {"V":1}'])(
    'what follows a record is not looked at, nor a byte order mark: %j',
    (text) => {
      for (const reader of [plainJsonReader, json.reader]) {
        expect(readText(reader([column('V', integerType)], wrapped), text)).toEqual([1]);
      }
    },
  );

  test('a bare number must not run on', () => {
    expect(fault(integerType, '1,')).toContain('something follows the value');
    expect(one(integerType, '1 2')).toBe(1);
  });

  test('a TIMESTAMP is epoch milliseconds', () => {
    expect(one(timestampType, '1700000000000')).toBe(1700000000000);
    expect(one(timestampType, '-1')).toBe(-1);
    expect(fault(timestampType, '9007199254740993')).toContain('the TIMESTAMP is out of range');
  });

  test('surrogates come back from escapes, malformed UTF-8 becomes the replacement character', () => {
    expect(one(stringType, '"\\ud83d\\ude00"')).toBe('😀');
    expect(one(stringType, '"\\ud800"')).toBe('\ud800');
    const reader = plainJsonReader([column('V', stringType)], bare);
    expect(readText(reader, new Uint8Array([34, 0xff, 34]))).toEqual(['\ufffd']);
  });

  test('nesting is counted, not recursed', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(fault(stringType, deep)).toContain('nested more than 1000 deep');
    expect(one(stringType, '['.repeat(1000) + ']'.repeat(1000))).toHaveLength(2000);
    const reader = plainJsonReader([column('V', integerType)], wrapped);
    expect(() => readText(reader, `{"x":${deep},"V":1}`)).toThrow(SerdeError);
  });

  test('a text of ten million characters is read', () => {
    expect(one(stringType, `"${'x'.repeat(10_000_000)}"`)).toHaveLength(10_000_000);
    expect(one(stringType, `"\\n${'é'.repeat(5_000_000)}"`)).toHaveLength(5_000_001);
  });

  test.each([
    '',
    ' ',
    '{',
    '{"V"',
    '{"V":',
    '{"V":1',
    '{"V":1,',
    '{"V":1,}',
    '{V:1}',
    '{"V":01}',
    '{"V":1.}',
    '{"V":.5}',
    '{"V":+1}',
    '{"V":"\u0001"}',
    '{"V":"\\x"}',
    '{"V":"\\u12g4"}',
    '{"V":tru}',
    '[1]',
    '1',
    '"x"',
    '{"V":1 2}',
    '{"V":-}',
    '{"V":1e}',
  ])('the text %j is a fault whether its column is wanted or not', (text) => {
    const columns = [column('V', stringType)];
    expect(() => readText(plainJsonReader(columns, wrapped), text)).toThrow(SerdeError);
    expect(() => readText(plainJsonReader(columns, wrapped, []), text)).toThrow(SerdeError);
  });
});

describe('matching fields', () => {
  const read = (columns: readonly Column[], text: string) => readText(plainJsonReader(columns, wrapped), text);

  test('a name is matched exactly, then by its upper-case form', () => {
    const columns = [column('ID', integerType), column('low', integerType)];
    expect(read(columns, '{"id": 1, "low": 2}')).toEqual([1, 2]);
    expect(read(columns, '{"iD": 1, "LOW": 2}')).toEqual([1, null]);
    expect(read(columns, '{"ID": 1, "id": 2}')).toEqual([1, null]);
    expect(read(columns, '{"id": 1, "ID": 2}')).toEqual([2, null]);
    expect(read(columns, '{"Id": 1, "id": 2}')).toEqual([2, null]);
    expect(read(columns, '{"ID": null, "id": 2}')).toEqual([null, null]);
  });

  test('one field can fill a column of its name and one of its upper-case form', () => {
    expect(read([column('a', integerType), column('A', stringType)], '{"a": 1}')).toEqual([1, '1']);
  });

  test('missing is NULL, unknown is ignored, the last of equals counts', () => {
    const columns = [column('A', integerType), column('B', integerType)];
    expect(read(columns, '{"b":1,"x":{"b":7},"b":2}')).toEqual([null, 2]);
    expect(read(columns, '{}')).toEqual([null, null]);
    expect(read(columns, ' {\n"a"\t: 1 ,\r"b" :2 } ')).toEqual([1, 2]);
  });

  test('the literal null is the NULL record', () => {
    expect(read([column('A', integerType)], ' null ')).toBe(undefined);
  });

  test('names of the language are names like others', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const columns = names.map((name) => column(name, stringType));
    expect(read(columns, '{"__proto__":"a","constructor":"b","toString":"c"}')).toEqual(['a', 'b', 'c']);
    expect(read([column('V', mapOf(stringType, integerType))], '{"V":{"__proto__":1,"constructor":2}}')).toEqual([
      new Map([
        ['__proto__', 1],
        ['constructor', 2],
      ]),
    ]);
    expect(read([column('V', structOf([{ name: '__proto__', type: integerType }]))], '{"v":{"__proto__":1}}')).toEqual([
      [1],
    ]);
  });

  test('a column that is not wanted is not judged', () => {
    const columns = [column('A', integerType), column('B', integerType)];
    expect(readText(plainJsonReader(columns, wrapped, [1]), '{"A":"no number","B":2}')).toEqual([null, 2]);
    expect(() => read(columns, '{"A":"no number","B":2}')).toThrow(SerdeError);
  });
});

describe('properties', () => {
  /** JSON is read without negative zeros. */
  const withoutNegativeZero = (value: unknown): unknown =>
    value instanceof Map
      ? new Map([...value].map(([key, each]) => [key, withoutNegativeZero(each)]))
      : Array.isArray(value)
        ? value.map(withoutNegativeZero)
        : typeof value === 'number'
          ? value + 0
          : value;

  test('what is written is read back', () => {
    fc.assert(
      fc.property(columnsAndRow, fc.boolean(), ({ columns, row }, padded) => {
        const text = writeRow(plainJsonWriter(columns, wrapped), row);
        // A later column whose name is the upper-case form of a former one takes nothing, since exact names are there.
        const read = readText(plainJsonReader(columns, wrapped), padded ? ` ${text} ` : String(text));
        expect(read).toEqual(withoutNegativeZero(row));
      }),
      { numRuns: 500 },
    );
  });

  test('what is written is what JSON.parse reads, where that is exact', () => {
    const safe = (value: Value): unknown =>
      value instanceof Map
        ? new Map([...value].map(([key, each]) => [key, safe(each)]))
        : Array.isArray(value)
          ? value.map(safe)
          : typeof value === 'bigint'
            ? Number(value)
            : value;
    fc.assert(
      fc.property(valueOf(doubleType), valueOf(arrayOf(stringType)), valueOf(bigintType), (double, texts, big) => {
        const columns = [column('D', doubleType), column('T', arrayOf(stringType)), column('B', bigintType)];
        const parsed = JSON.parse(writeRow(plainJsonWriter(columns, wrapped), [double, texts, big]) ?? '') as unknown;
        const finite = typeof double === 'number' && !Number.isFinite(double) ? String(double) : double;
        expect(parsed).toEqual({ D: finite, T: texts, B: safe(big) });
      }),
    );
  });

  test('a double is written as it is printed', () => {
    const buffer = new Uint8Array(64);
    const written = (value: number): string => latin1(buffer, putDouble(buffer, 0, value));
    for (const value of [1.1, 9.999999999999998, 1e9 - 1e-7, 2 ** 29 + 2 ** -23, 0.1 + 0.2 + 1, 4503.5 + 2 ** -39]) {
      expect(written(value)).toBe(printDouble(value));
    }
    const amounts = fc.array(fc.integer({ min: -99_999, max: 99_999 }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(fc.double({ min: -2e9, max: 2e9, noNaN: true }), amounts), (made) => {
        // Sums of amounts with two decimals: exact at first, then off by a rounding.
        const value = typeof made === 'number' ? made : made.reduce((sum, amount) => sum + amount / 100, 0);
        expect(written(value)).toBe(printDouble(value));
      }),
      { numRuns: 2000 },
    );
  });

  test('any JSON text is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.constantFrom(' ', '\n', '\t')), (text, blanks) => {
        const wanted = { v: JSON.parse(text) as unknown };
        const pretty = JSON.stringify(wanted, undefined, blanks.join('').slice(0, 10));
        expect(JSON.parse(String(one(stringType, pretty)))).toEqual(withoutNegativeZero(wanted));
        if (typeof wanted.v === 'number') expect(one(doubleType, text)).toBe(wanted.v + 0);
        if (typeof wanted.v === 'string') expect(one(stringType, text)).toBe(wanted.v);
      }),
      { numRuns: 500 },
    );
  });

  test('any double is read as JSON.parse reads it', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?$/);
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), digits), (text) => {
        expect(one(doubleType, text)).toBe(JSON.parse(text) + 0);
      }),
      { numRuns: 2000 },
    );
  });

  test('any text that JSON.parse takes or refuses is taken or refused', () => {
    const mutated = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '0', '-', '.', 'e', ' ', '\u0000', 'null'),
      )
      .map(([text, at, insert]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + insert + text.slice(place + (at % 2));
      });
    const taken = (read: () => unknown): boolean => {
      try {
        read();
        return true;
      } catch (error) {
        if (error instanceof SerdeError || error instanceof SyntaxError) return false;
        throw error;
      }
    };
    fc.assert(
      fc.property(mutated, (text) => {
        // What follows a value is not looked at: what was read must be JSON, and what is JSON must be read.
        const bytes = new TextEncoder().encode(text);
        const input = new JsonInput();
        const ours = taken(() => {
          input.open(bytes, 0, bytes.length);
          input.skip();
        });
        if (ours) JSON.parse(new TextDecoder().decode(bytes.subarray(0, input.at)));
        else expect(taken(() => JSON.parse(text))).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('random bytes raise a SerdeError or nothing', () => {
    fc.assert(
      fc.property(columnsAndRow, fc.uint8Array({ maxLength: 40 }), ({ columns }, bytes) => {
        try {
          readText(plainJsonReader(columns, wrapped), bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SerdeError);
        }
      }),
    );
  });
});
