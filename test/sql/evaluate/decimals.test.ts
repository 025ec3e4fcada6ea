/** DECIMAL, DATE, TIME and BYTES in expressions: what types they have, what they give, what is refused. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EvaluationError } from '../../../sql/types/evaluation-error.ts';
import { definitionOf } from '../../../sql/types/scalars/index.ts';
import { textOf } from '../../../sql/types/text.ts';
import { isScalar, numericOf, printType, type SqlType } from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { evaluateTyped, faultOf, type TestColumn, typed } from './support.ts';

const decimal = (precision: number, scale: number): SqlType => ({ kind: 'DECIMAL', precision, scale });

const columns: Readonly<Record<string, TestColumn>> = {
  C: { type: decimal(4, 2), value: 1234n },
  W: { type: decimal(10, 4), value: -15000n },
  NC: { type: decimal(4, 2), value: null },
  I: { type: { kind: 'INTEGER' }, value: 7 },
  L: { type: { kind: 'BIGINT' }, value: 5_000_000_000 },
  D: { type: { kind: 'DOUBLE' }, value: 2.5 },
  S: { type: { kind: 'STRING' }, value: '2020-01-02' },
  DAY: { type: { kind: 'DATE' }, value: 18_000 },
  CLOCK: { type: { kind: 'TIME' }, value: 36_061_007 },
  TS: { type: { kind: 'TIMESTAMP' }, value: 1_600_000_000_123 },
  Y: { type: { kind: 'BYTES' }, value: Uint8Array.of(1, 2, 128, 255) },
  Z: { type: { kind: 'BYTES' }, value: Uint8Array.of(127, 0) },
};

/** The value with its type: `DECIMAL(3, 2) 1.50`. */
const shown = (sql: string): string => {
  const expression = typed(sql, columns);
  const value = evaluateTyped(expression, columns);
  return `${printType(expression.type)} ${value === null ? 'NULL' : textOf(expression.type)(value)}`;
};

describe('DECIMAL', () => {
  test.each([
    // Literals have the precision and scale of their digits, with one before the point at least.
    ['1.50', 'DECIMAL(3, 2) 1.50'],
    ['0.05', 'DECIMAL(3, 2) 0.05'],
    ['.05', 'DECIMAL(3, 2) 0.05'],
    ['001.50', 'DECIMAL(3, 2) 1.50'],
    ['100.', 'DECIMAL(3, 0) 100'],
    ['-1.5', 'DECIMAL(2, 1) -1.5'],
    ["DECIMAL '1.5'", 'DECIMAL(2, 1) 1.5'],
    // Arithmetic: the result has a place for every digit, and a quotient at least six behind the point.
    ['C + W', 'DECIMAL(11, 4) 10.8400'],
    ['C - 1', 'DECIMAL(13, 2) 11.34'],
    ['C * W', 'DECIMAL(15, 6) -18.510000'],
    ['C + L', 'DECIMAL(22, 2) 5000000012.34'],
    ['10.0 / 4', 'DECIMAL(14, 12) 2.500000000000'],
    ['1 / 8.0', 'DECIMAL(17, 6) 0.125000'],
    ['C % W', 'DECIMAL(6, 4) 0.3400'],
    ['C + D', 'DOUBLE 14.84'],
    ['-C', 'DECIMAL(4, 2) -12.34'],
    ['C + NC', 'DECIMAL(5, 2) NULL'],
    // Casts round halves away from zero; to whole numbers they cut off.
    ["CAST('1.005' AS DECIMAL(4, 2))", 'DECIMAL(4, 2) 1.01'],
    ["CAST('-1.005' AS DECIMAL(4, 2))", 'DECIMAL(4, 2) -1.01'],
    ["CAST(' 1e3 ' AS DECIMAL(6, 2))", 'DECIMAL(6, 2) 1000.00'],
    ['CAST(1.005E0 AS DECIMAL(4, 2))', 'DECIMAL(4, 2) 1.01'],
    ['CAST(C AS DECIMAL(3, 1))', 'DECIMAL(3, 1) 12.3'],
    ['CAST(-C AS INT)', 'INTEGER -12'],
    ['CAST(C AS BIGINT)', 'BIGINT 12'],
    ['CAST(C AS DOUBLE)', 'DOUBLE 12.34'],
    ['CAST(I AS DECIMAL(20, 2))', 'DECIMAL(20, 2) 7.00'],
    ['CAST(0.0000000012 AS STRING)', 'STRING 0.0000000012'],
    ['CAST(ARRAY[0.0000000012] AS STRING)', 'STRING [1.2E-9]'],
    // Comparisons are of numbers, whatever their types.
    ['0.1 = 0.1E0', 'BOOLEAN true'],
    ['0.1000000000000000055511151231257827 = 0.1E0', 'BOOLEAN false'],
    ['0.1000000000000000055511151231257827 > 0.1E0', 'BOOLEAN true'],
    ['0.1E0 < 0.1000000000000000055511151231257827', 'BOOLEAN true'],
    ['C = 12.3400', 'BOOLEAN true'],
    ['C > I', 'BOOLEAN true'],
    ['C BETWEEN I AND 13E0', 'BOOLEAN true'],
    ['C IN (12.340, 5)', 'BOOLEAN true'],
    ['W IS DISTINCT FROM -1.5', 'BOOLEAN false'],
    ['C IS DISTINCT FROM 12.34E0', 'BOOLEAN false'],
    ['NC = 1', 'BOOLEAN false'],
    ['ARRAY[1.5] = ARRAY[1.500]', 'BOOLEAN true'],
    // Lists have the type that holds all their members; a text counts as the number that it is.
    ['ARRAY[1, 1.5]', 'ARRAY<DECIMAL(11, 1)> [1.0, 1.5]'],
    ['ARRAY[C, W]', 'ARRAY<DECIMAL(10, 4)> [12.3400, -1.5000]'],
    ["ARRAY[C, '100.123']", 'ARRAY<DECIMAL(6, 3)> [12.340, 100.123]'],
    ["ARRAY[I, '5']", 'ARRAY<INTEGER> [7, 5]'],
    ["ARRAY[I, '2e1']", 'ARRAY<DECIMAL(10, 0)> [7, 20]'],
    ['ARRAY[1.5, D]', 'ARRAY<DOUBLE> [1.5, 2.5]'],
    ["ARRAY['1', 1.50]", 'ARRAY<STRING> [1, 1.50]'],
    // Functions.
    ['GREATEST(C, W, 5.123456)', 'DECIMAL(12, 6) 12.340000'],
    ['ROUND(-12.5)', 'DECIMAL(2, 0) -12'],
    ['ROUND(C, 1)', 'DECIMAL(4, 2) 12.30'],
    ['ROUND(12.5, -1)', 'DECIMAL(3, 1) 10.0'],
    ['ROUND(C, -50)', 'DECIMAL(4, 2) 0.00'],
    ['TRUNC(-C)', 'DECIMAL(2, 0) -12'],
    ['CEIL(C)', 'DECIMAL(4, 2) 13.00'],
    ['FLOOR(-C)', 'DECIMAL(4, 2) -13.00'],
    ['ABS(-C)', 'DECIMAL(4, 2) 12.34'],
    ['SQRT(0.25)', 'DOUBLE 0.5'],
    ['TO_JSON_STRING(C)', 'STRING 12.34'],
  ])('%s is %s', (sql, wanted) => expect(shown(sql)).toBe(wanted));

  test.each([
    ['C / 3', 'EvaluationError: the quotient has more digits than its type'],
    ['C / 0', 'EvaluationError: division by zero'],
    ['C % 0.0', 'EvaluationError: division by zero'],
    ['12345.0 % 0.1', 'EvaluationError: the quotient has more digits than the type of the remainder'],
    ["CAST('1e3' AS DECIMAL(3, 2))", "EvaluationError: the text '1e3' is not a valid DECIMAL(3, 2)"],
    ['CAST(C AS DECIMAL(2, 1))', 'EvaluationError: the number 12.34 does not fit DECIMAL(2, 1)'],
    ['CAST(D * 1E300 * 1E300 AS DECIMAL(3, 1))', 'EvaluationError: the number Infinity does not fit DECIMAL(3, 1)'],
    ['C > D * 1E300 * 1E300', 'EvaluationError: Infinity cannot be compared with a DECIMAL'],
    ['ROUND(99.99)', 'EvaluationError: the number does not fit DECIMAL(2, 0)'],
    ['C + DAY', 'SQL_TYPE_MISMATCH: + cannot be applied to DECIMAL(4, 2) and DATE'],
    ['C > S', 'SQL_TYPE_MISMATCH: DECIMAL(4, 2) and STRING cannot be compared with >'],
    [
      'CASE WHEN C > 1 THEN C ELSE 1.5 END',
      'SQL_TYPE_MISMATCH: the branches of CASE give DECIMAL(4, 2) and DECIMAL(2, 1)',
    ],
    ["ARRAY['1', C]", 'SQL_TYPE_MISMATCH: the list holds STRING and DECIMAL(4, 2)'],
  ])('%s fails: %s', (sql, wanted) => expect(faultOf(() => shown(sql))).toBe(wanted));

  const anyDecimal = fc
    .tuple(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 30 }),
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
    )
    .map(([precision, scale, unscaled]) => ({
      type: decimal(precision, Math.min(scale, precision)),
      value: unscaled % 10n ** BigInt(precision),
    }));

  test('arithmetic is that of fractions, within the type of the result', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, fc.constantFrom('+', '-', '*', '/', '%'), (a, b, operator) => {
        const numeric = numericOf(a.type);
        if (numeric === undefined || !isScalar(a.type) || !isScalar(b.type)) throw new Error('decimals are numbers');
        const result = numeric.result(operator, a.type, b.type);
        const [p, q, r] = [a.type, b.type, result].map((type) => 10n ** BigInt('scale' in type ? type.scale : 0)) as [
          bigint,
          bigint,
          bigint,
        ];
        let value: Value;
        try {
          value = numeric.operator(operator, a.type, b.type)(a.value, b.value);
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error;
          expect('/%').toContain(operator);
          return;
        }
        const found = value as bigint;
        expect(definitionOf(result).accepts?.(found, result)).toBe(true);
        // found / r is (a / p) operator (b / q), without fractions.
        if (operator === '+') expect(found * p * q).toBe((a.value * q + b.value * p) * r);
        if (operator === '-') expect(found * p * q).toBe((a.value * q - b.value * p) * r);
        if (operator === '*') expect(found * p * q).toBe(a.value * b.value * r);
        if (operator === '/') expect(found * p * b.value).toBe(a.value * q * r);
        if (operator === '%') expect(found * p * q).toBe(((a.value * q) % (b.value * p)) * r);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('DATE, TIME and BYTES', () => {
  test.each([
    ["CAST('2020-02' AS DATE)", 'DATE 2020-02-01'],
    ["CAST('10:15:30.5' AS TIME)", 'TIME 10:15:30'],
    ["CAST(CAST('10:15' AS TIME) AS STRING)", 'STRING 10:15'],
    ['CAST(TS AS DATE)', 'DATE 2020-09-13'],
    ['CAST(TS AS TIME)', 'TIME 12:26:40'],
    ['CAST(DAY AS TIMESTAMP)', 'TIMESTAMP 2019-04-14T00:00:00.000'],
    ["DAY = '2019-04-14'", 'BOOLEAN true'],
    ["'2019-04' < DAY", 'BOOLEAN true'],
    ['DAY < S', 'BOOLEAN true'],
    ['DAY < TS', 'BOOLEAN true'],
    ["DAY BETWEEN '2019' AND TS", 'BOOLEAN true'],
    ["DAY IN ('2019-04-14')", 'BOOLEAN true'],
    ["CLOCK > '10:01'", 'BOOLEAN true'],
    // Bytes are ordered with their sign.
    ['Y < Z', 'BOOLEAN true'],
    ["Y > CAST('gA==' AS BYTES)", 'BOOLEAN true'],
    ['GREATEST(Y, Z)', 'BYTES fwA='],
    ["Y IN ('AQKA/w==')", 'BOOLEAN true'],
    ["Y IN (Z, CAST('AQKA/w==' AS BYTES))", 'BOOLEAN true'],
    ['Y BETWEEN Y AND Z', 'BOOLEAN true'],
    ['Y IS DISTINCT FROM Z', 'BOOLEAN true'],
    ['DATEADD(HOURS, -1, DAY)', 'DATE 2019-04-13'],
    ['TIMESUB(HOURS, 23, CLOCK)', 'TIME 11:01:01'],
    ["FORMAT_TIME(CLOCK, 'HH:mm:ss.SSS')", 'STRING 10:01:01.007'],
    ["PARSE_TIME('10 PM', 'hh a')", 'TIME 22:00'],
    ["PARSE_TIME('24', 'kk')", 'TIME 00:00'],
    ["PARSE_DATE('2020-13-01', 'yyyy-MM-dd')", 'DATE 2021-01-01'],
    ["PARSE_DATE('2020034', 'yyyyDDD')", 'DATE 2020-02-03'],
    ["PARSE_DATE('3/2/95', 'd/M/yy')", 'DATE 1995-02-03'],
    ["PARSE_DATE('FEBRUARY 3, 2020', 'MMM d, yyyy')", 'DATE 2020-02-03'],
    ["PARSE_DATE('Mon 2020-02-05', 'EEE yyyy-MM-dd')", 'DATE 2020-02-05'],
    ["PARSE_DATE('Monday', 'EEEE')", 'DATE 1970-01-05'],
    ["PARSE_DATE(' 2020-02-03 24:00 and so on', 'yyyy-MM-dd HH:mm')", 'DATE 2020-02-04'],
    ["SPLIT(Y, TO_BYTES('80', 'hex'))", 'ARRAY<BYTES> [AQI=, /w==]'],
    ['LPAD(Y, 6, Z)', 'BYTES fwABAoD/'],
    ["LPAD(Y, 6, TO_BYTES('', 'utf8'))", 'BYTES NULL'],
    ['SUBSTRING(Y, -2)', 'BYTES gP8='],
    ['CONCAT(Y, NULL, Z)', 'BYTES AQKA/38A'],
    ['CONCAT_WS(Z, Y, Y)', 'BYTES AQKA/38AAQKA/w=='],
    ["BIGINT_FROM_BYTES(TO_BYTES('fff8000000000000', 'hex'), 'LITTLE_ENDIAN')", 'BIGINT 63743'],
  ])('%s is %s', (sql, wanted) => expect(shown(sql)).toBe(wanted));

  test.each([
    ["DAY = 'no day'", "SQL_BAD_TEXT: invalid input for type DATE: the text 'no day' is not a valid DATE"],
    ["Y = 'AQKA/w=='", 'SQL_TYPE_MISMATCH: BYTES and STRING cannot be compared with ='],
    ['CLOCK < TS', 'SQL_TYPE_MISMATCH: TIME and TIMESTAMP cannot be compared with <'],
    ['DAY = 18000', 'SQL_TYPE_MISMATCH: DATE and INTEGER cannot be compared with ='],
    ['CAST(Y AS STRING)', 'SQL_TYPE_MISMATCH: BYTES cannot be cast to STRING'],
    ['CAST(DAY AS TIME)', 'SQL_TYPE_MISMATCH: DATE cannot be cast to TIME'],
    ["CAST('AQ=' AS BYTES)", "EvaluationError: the text 'AQ=' is not a valid BYTES"],
    ["CAST('25:15' AS TIME)", "EvaluationError: the text '25:15' is not a valid TIME"],
    [
      "PARSE_DATE('2020-02-03 10:00', 'yyyy-MM-dd HH:mm')",
      "EvaluationError: the text '2020-02-03 10:00' names a time beside the date",
    ],
    ["PARSE_TIME('11', 'mm')", 'EvaluationError: the text names no point in time: there is no hour'],
    [
      "FORMAT_TIME(CLOCK, 'yyyy')",
      "SQL_BAD_CONSTANT: FORMAT_TIME cannot work with its constants: the pattern 'yyyy' names a date or a zone, but a time has none",
    ],
    ['ARRAY[DAY, TS]', 'SQL_TYPE_MISMATCH: the list holds DATE and TIMESTAMP'],
  ])('%s fails: %s', (sql, wanted) => expect(faultOf(() => shown(sql))).toBe(wanted));
});
