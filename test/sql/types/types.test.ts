import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { typeOfNode } from '../../../sql/analyze/type-of-node.ts';
import { parseExpression } from '../../../sql/parser/parse.ts';
import { equalityOf, keyOf } from '../../../sql/types/equality.ts';
import { parseBigint, parseDouble, parseInteger, printDouble } from '../../../sql/types/numbers.ts';
import {
  arrayOf,
  bigintType,
  describeType,
  doubleType,
  integerType,
  mapOf,
  printType,
  stringType,
  structOf,
  timestampType,
  typesEqual,
} from '../../../sql/types/type.ts';
import { bigintToInteger, doubleToBigint, doubleToInteger, normalizeBigint } from '../../../sql/types/value.ts';
import { faultOf } from '../evaluate/support.ts';
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
    ['DECIMAL(0, 0)', 'SQL_TYPE_PARAMETERS: the precision of a DECIMAL is at least 1, not 0'],
    ['DECIMAL(2, 3)', 'SQL_TYPE_PARAMETERS: a DECIMAL of 2 digits cannot have 3 of them behind the point'],
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

describe('values', () => {
  test('equal ones, and no others, have equal keys', () => {
    const pairs = anyType.chain((type) => fc.tuple(fc.constant(type), valueOf(type), valueOf(type)));
    fc.assert(
      fc.property(pairs, ([type, a, b]) => {
        const key = keyOf(type);
        const equal = equalityOf(type);
        expect(equal(a, b)).toBe(new Set([key(a), key(b)]).size === 1);
        expect(equal(a, structuredClone(a))).toBe(true);
        expect(key(structuredClone(a))).toBe(key(a));
      }),
      { numRuns: 500 },
    );
  });

  test('keys keep apart what prints alike', () => {
    const texts = keyOf(arrayOf(stringType));
    expect(texts(['null'])).not.toBe(texts([null]));
    expect(texts(['a","b'])).not.toBe(texts(['a', 'b']));
    const doubles = keyOf(arrayOf(doubleType));
    expect(doubles([Number.NaN])).toBe(doubles([Number.NaN]));
    expect(doubles([0])).toBe(doubles([-0]));
    expect(keyOf(bigintType)(2n ** 60n)).toBe(keyOf(bigintType)(2n ** 60n));
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
    const type = mapOf(stringType, integerType);
    expect(equalityOf(type)(a, b)).toBe(true);
    expect(keyOf(type)(a)).toBe(keyOf(type)(b));
    expect(equalityOf(type)(new Map([['x', 1]]), new Map([['y', 1]]))).toBe(false);
  });

  test('of types that have nothing in common are equal only when both are NULL', () => {
    for (const [a, b] of [
      [bigintType, timestampType],
      [arrayOf(stringType), stringType],
    ] as const) {
      expect([equalityOf(a, b)(null, null), equalityOf(a, b)(1, null), equalityOf(a, b)(1, 1)]).toEqual([
        true,
        false,
        false,
      ]);
    }
  });
});
