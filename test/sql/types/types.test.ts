import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTimestampPattern } from '../../../sql/functions/timestamp-pattern.ts';
import { parseExpression } from '../../../sql/parser/parse.ts';
import { parseBigint, parseDouble, parseInteger, printDouble } from '../../../sql/types/numbers.ts';
import { parseTimestamp, printTimestamp } from '../../../sql/types/time-text.ts';
import {
  arrayOf,
  bigintType,
  describeType,
  integerType,
  mapOf,
  printType,
  stringType,
  structOf,
  typeOfNode,
  typesEqual,
} from '../../../sql/types/type.ts';
import {
  bigintToInteger,
  doubleToBigint,
  doubleToInteger,
  identityKey,
  normalizeBigint,
  valuesEqual,
} from '../../../sql/types/value.ts';
import { faultOf } from '../compile/support.ts';
import { anyType, valueOf } from '../formats/support.ts';

const typeOf = (text: string) => {
  const node = parseExpression(`CAST(NULL AS ${text})`);
  if (node.kind !== 'cast') throw new Error('no cast');
  return typeOfNode(node.type);
};

describe('types', () => {
  test('every type prints as text that means it', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        // JSON may have fields without a name, SQL may not.
        fc.pre(!JSON.stringify(type).includes('"name":""'));
        expect(typesEqual(typeOf(printType(type)), type)).toBe(true);
      }),
    );
  });

  test('types differ when their text does', () => {
    fc.assert(fc.property(anyType, anyType, (a, b) => typesEqual(a, b) === (printType(a) === printType(b))));
  });

  test('the REST interface describes them', () => {
    expect(describeType(structOf([{ name: 'A', type: arrayOf(mapOf(stringType, bigintType)) }]))).toEqual({
      type: 'STRUCT',
      fields: [
        {
          name: 'A',
          schema: {
            type: 'ARRAY',
            fields: null,
            memberSchema: {
              type: 'MAP',
              fields: null,
              memberSchema: { type: 'BIGINT', fields: null, memberSchema: null },
            },
          },
        },
      ],
      memberSchema: null,
    });
  });

  test.each([
    ['DECIMAL(4, 2)', 'SQL_UNSUPPORTED_TYPE: the type DECIMAL is not supported yet'],
    ['BYTES', 'SQL_UNSUPPORTED_TYPE: the type BYTES is not supported yet'],
    ['ADDRESS', 'SQL_UNKNOWN_TYPE: there is no type called "ADDRESS"'],
    ['STRUCT<A INT, A INT>', 'SQL_DUPLICATE_FIELD: the struct has two fields called "A"'],
  ])('%s is refused', (text, fault) => expect(faultOf(() => typeOf(text))).toBe(fault));
});

describe('numbers', () => {
  test('64-bit integers have one form and wrap', () => {
    expect(normalizeBigint(2n ** 63n)).toBe(-(2n ** 63n));
    expect(normalizeBigint(9007199254740991n)).toBe(9007199254740991);
    expect(normalizeBigint(9007199254740992n)).toBe(9007199254740992n);
  });

  test('are narrowed as in Java', () => {
    expect([doubleToInteger(1e20), doubleToInteger(-1.9), doubleToInteger(Number.NaN)]).toEqual([2147483647, -1, 0]);
    expect([doubleToBigint(-1e300), doubleToBigint(2 ** 60), doubleToBigint(-0.5)]).toEqual([
      -(2n ** 63n),
      2n ** 60n,
      0,
    ]);
    expect([bigintToInteger(2 ** 32 + 5), bigintToInteger(2n ** 63n - 1n)]).toEqual([5, -1]);
  });

  test('are read from text', () => {
    expect([parseBigint('+12'), parseBigint('-9223372036854775808'), parseBigint('9223372036854775808')]).toEqual([
      12,
      -(2n ** 63n),
      undefined,
    ]);
    expect([parseBigint('1.0'), parseBigint(''), parseBigint('-0'), parseInteger('2147483648')]).toEqual([
      undefined,
      undefined,
      0,
      undefined,
    ]);
    expect([parseDouble('1e3'), parseDouble('.5d'), parseDouble('-Infinity'), parseDouble('0x1')]).toEqual([
      1000,
      0.5,
      Number.NEGATIVE_INFINITY,
      undefined,
    ]);
  });

  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [9999999, '9999999.0'],
    [1e7, '1.0E7'],
    [0.001, '0.001'],
    [0.00099, '9.9E-4'],
    [-1.5e300, '-1.5E300'],
    [2e23, '2.0E23'],
    [5e-324, '4.9E-324'],
    [1e-323, '9.9E-324'],
    [12345678.5, '1.23456785E7'],
    [Number.NaN, 'NaN'],
  ])('the double %d prints as %s', (value, text) => expect(printDouble(value)).toBe(text));
});

describe('points in time', () => {
  test('every TIMESTAMP prints as text that stands for it, within four digits of year', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (ms) => {
        expect(printTimestamp(ms)).toBe(new Date(ms).toISOString().slice(0, -1));
        expect(parseTimestamp(printTimestamp(ms))).toBe(ms);
      }),
    );
  });

  test('what Date cannot hold is printed too', () => {
    expect(printTimestamp(Number.MAX_SAFE_INTEGER)).toBe('287396-10-12T08:59:00.991');
    expect(printTimestamp(-1e15)).toBe('-29719-04-05T22:13:20.000');
  });

  test.each([
    ['2020', 1_577_836_800_000],
    ['2020-02', 1_580_515_200_000],
    ['2020-02-29T12', 1_582_977_600_000],
    ['2020-02-29T12:30', 1_582_979_400_000],
    ['2020-02-29T12:30:15.5Z', 1_582_979_415_500],
    ['2020-02-29T12:30:15.123456789', 1_582_979_415_123],
    ['2020-02-29T12:30+02:00', 1_582_972_200_000],
    ['2020-02-29T12:30-0230', 1_582_988_400_000],
    ['2021-02-29', undefined],
    ['2020-13', undefined],
    ['2020-01-01T24', undefined],
    ['2020-01-01 12:00', undefined],
    ['yesterday', undefined],
  ])('%s stands for %s', (text, ms) => expect(parseTimestamp(text)).toBe(ms));

  test.each([
    ['yyyy-MM-dd HH:mm:ss', '2020-02-29 12:30:15', 1_582_979_415_000],
    ['yy-MM-dd HH:mm:ssX', '20-02-29 12:30:15+02', 1_582_972_215_000],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", '2020-02-29T12:30:15.250-01:00', 1_582_983_015_250],
    ['yyyyMMdd', '20200229', 1_582_934_400_000],
    ['d MMM yyyy h:mm a', '29 Feb 2020 1:05 PM', 1_582_981_500_000],
    ["EEE, dd MMMM yyyy 'o''clock'", "Sat, 29 February 2020 o'clock", undefined],
    ['yyyy-MM-dd[ HH:mm]', '2020-02-29', 1_582_934_400_000],
    ['yyyy-MM-dd', '2020-02-30', undefined],
    ['yyyy-MM-dd', '2020-2-3', undefined],
  ])('by the pattern %s the text %s stands for %s', (pattern, text, ms) => {
    const parse = parseTimestampPattern(pattern);
    if (ms === undefined) expect(faultOf(() => parse(text))).toContain('EvaluationError');
    else expect(parse(text)).toBe(ms);
  });

  test.each(['yyyy-QQ', "yyyy'", 'yyyy[', 'yyyy]', '--'])('the pattern %s is refused', (pattern) =>
    expect(faultOf(() => parseTimestampPattern(pattern))).toContain('SQL_TIMESTAMP_FORMAT'),
  );
});

describe('values', () => {
  test('equal ones, and no others, have equal identity keys', () => {
    const pairs = anyType.chain((type) => fc.tuple(valueOf(type), valueOf(type)));
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const same = new Set([identityKey(a), identityKey(b)]).size === 1;
        expect(valuesEqual(a, b)).toBe(same);
        expect(valuesEqual(a, structuredClone(a))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('maps are equal whatever their order', () => {
    const a = new Map([
      ['x', 1],
      ['y', 2],
    ]);
    const b = new Map([
      ['y', 2],
      ['x', 1],
    ]);
    expect(valuesEqual(a, b)).toBe(true);
    expect(identityKey(a)).toBe(identityKey(b));
    expect(valuesEqual(new Map([['x', integerType.kind]]), new Map([['y', integerType.kind]]))).toBe(false);
  });
});
