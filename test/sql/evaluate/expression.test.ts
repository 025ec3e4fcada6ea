import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { typeExpressionAs } from '../../../sql/analyze/type-expression.ts';
import { printTyped } from '../../../sql/analyze/typed.ts';
import { likePattern, matchesLike } from '../../../sql/evaluate/like.ts';
import { parseExpression } from '../../../sql/parser/parse.ts';
import {
  arrayOf,
  bigintType,
  booleanType,
  doubleType,
  integerType,
  mapOf,
  printType,
  type SqlType,
  stringType,
  structOf,
  timestampType,
} from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { evaluate, evaluateTyped, faultOf, scopeOf, type TestColumn, typed } from './support.ts';

const columns: Record<string, TestColumn> = {
  I: { type: integerType, value: 7 },
  L: { type: bigintType, value: 9007199254740993n },
  D: { type: doubleType, value: 2.5 },
  S: { type: stringType, value: 'text' },
  B: { type: booleanType, value: true },
  T: { type: timestampType, value: 1_700_000_000_000 },
  N: { type: integerType, value: null },
  NB: { type: booleanType, value: null },
  NS: { type: stringType, value: null },
  A: { type: arrayOf(integerType), value: [10, null, 30] },
  M: { type: mapOf(stringType, integerType), value: new Map([['__proto__', 1]]) },
  R: {
    type: structOf([
      { name: 'F', type: integerType },
      { name: '__proto__', type: stringType },
    ]),
    value: [5, 'p'],
  },
  NR: { type: structOf([{ name: 'F', type: integerType }]), value: null },
};

const typeText = (sql: string): string => printType(typed(sql, columns).type);
const value = (sql: string): Value => evaluate(sql, columns);
const fault = (sql: string): string => faultOf(() => value(sql));

describe('arithmetic', () => {
  test('takes the wider of the two types', () => {
    expect([typeText('I + I'), typeText('I + L'), typeText('L * D'), typeText('-I'), typeText("S + 'x'")]).toEqual([
      'INTEGER',
      'BIGINT',
      'DOUBLE',
      'INTEGER',
      'STRING',
    ]);
  });

  test.each([
    ['2147483647 + I', -2147483642],
    ['I / 2', 3],
    ['-7 / 2', -3],
    ['-7 % 4', -3],
    ['L + 1', 9007199254740994n],
    ['L - 9007199254740992', 1],
    ['9223372036854775807 + 1', -9223372036854775808n],
    ['-9223372036854775808 - 1', 9223372036854775807n],
    ['3037000500 * 3037000500', -9223372036709301616n],
    ['9007199254740991 / 2', 4503599627370495],
    ['-9223372036854775808 / -1', -9223372036854775808n],
    ['D / 0', Number.POSITIVE_INFINITY],
    ['D * 1.5', 3.75],
    ['1E0 / -0E0', Number.NEGATIVE_INFINITY],
    ['1E0 / -0.0', Number.POSITIVE_INFINITY],
    [`D * 1${'0'.repeat(400)}.0`, Number.POSITIVE_INFINITY],
    ['I * D', 17.5],
    ['N + 1', null],
    ["S || 'x' || NS", 'textx'],
    ['S + NS', null],
    ['-N', null],
  ] as const)('%s is %s', (sql, wanted) => expect(value(sql)).toBe(wanted));

  test('dividing whole numbers by zero fails', () => {
    expect(fault('I / 0')).toBe('EvaluationError: division by zero');
    expect(fault('L % (I - 7)')).toBe('EvaluationError: division by zero');
  });

  test('64-bit arithmetic is that of BigInt, wrapped', () => {
    const int64 = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }),
      fc.maxSafeInteger().map(BigInt),
    );
    fc.assert(
      fc.property(int64, int64, fc.constantFrom('+', '-', '*', '/', '%'), (a, b, operator) => {
        fc.pre(b !== 0n || (operator !== '/' && operator !== '%'));
        const exact = { '+': a + b, '-': a - b, '*': a * b, '/': b === 0n ? 0n : a / b, '%': b === 0n ? 0n : a % b }[
          operator
        ] as bigint;
        const small = (n: bigint): number | bigint => (Number.isSafeInteger(Number(n)) ? Number(n) : n);
        const row = { X: { type: bigintType, value: small(a) }, Y: { type: bigintType, value: small(b) } };
        expect(evaluate(`X ${operator} Y`, row)).toBe(small(BigInt.asIntN(64, exact)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('logic', () => {
  test.each([
    ['N = 1', false],
    ['NOT (N = 1)', true],
    ['N <> 1', false],
    ['N IN (1, 2)', false],
    ['N NOT IN (1, 2)', true],
    ['I IN (1, NULL, 7)', true],
    ['I NOT IN (1, NULL)', true],
    ['I IN (N, I)', true],
    ['N BETWEEN 1 AND 2', false],
    ['I BETWEEN N AND 9', false],
    ['I BETWEEN 7 AND 7', true],
    ['I NOT BETWEEN 7 AND 8', false],
    ['N NOT BETWEEN 7 AND 8', true],
    ['N IS NULL', true],
    ['I IS NOT NULL', true],
    ['N IS DISTINCT FROM I', true],
    ['N IS NOT DISTINCT FROM N', true],
    ['STRUCT(A := 1) IS DISTINCT FROM STRUCT(B := 1)', true],
    ['STRUCT(A := 1, B := 2) IS DISTINCT FROM STRUCT(B := 2, A := 1)', false],
    ['L = 9007199254740993', true],
    ['L > D', true],
    ['A = ARRAY[10, NULL, 30]', true],
    ['A <> ARRAY[10, 30]', true],
    ["M = MAP('__proto__' := 1)", true],
    ["R = STRUCT(F := 5, `__proto__` := 'p')", true],
    ["T = '2023-11-14T22:13:20'", true],
    ["T > '2023-11'", true],
    ["'2023-11-14T23:13:20+01:00' = T", true],
    ["S BETWEEN 'a' AND 'z'", true],
    ['I = 7 OR 1 / 0 = 1', true],
    ['I = 8 AND 1 / 0 = 1', false],
    ["CASE WHEN I = 7 THEN 'seven' WHEN 1 / 0 = 1 THEN 'never' END", 'seven'],
    ['CASE WHEN I = 8 THEN 1 END', null],
    ['CASE WHEN FALSE THEN NULL ELSE 2 END', 2],
    ['CASE WHEN TRUE THEN D ELSE 0E0 END', 2.5],
  ] as const)('%s is %s', (sql, wanted) => expect(value(sql)).toEqual(wanted));

  test('is what a plain reading of the rules says, NULLs included', () => {
    type N = number | null;
    const both = (holds: (a: number, b: number) => boolean) => (a: N, b: N) => a !== null && b !== null && holds(a, b);
    const within = (a: N, low: N, high: N): boolean =>
      a !== null && low !== null && high !== null && low <= a && a <= high;
    const rules: readonly (readonly [string, (a: N, b: N, c: N) => boolean])[] = [
      ['A = B', both((a, b) => a === b)],
      ['A <> B', both((a, b) => a !== b)],
      ['A < B', both((a, b) => a < b)],
      ['A <= B', both((a, b) => a <= b)],
      ['A > B', both((a, b) => a > b)],
      ['A >= B', both((a, b) => a >= b)],
      ['A > 1', (a) => a !== null && a > 1],
      ['A <> 1', (a) => a !== null && a !== 1],
      ['NOT (A < B)', (a, b) => !both((x, y) => x < y)(a, b)],
      ['A BETWEEN B AND C', within],
      ['A NOT BETWEEN B AND C', (a, b, c) => !within(a, b, c)],
      ['A IN (B, C, 1)', (a, b, c) => a !== null && [b, c, 1].includes(a)],
      ['A NOT IN (B, C)', (a, b, c) => a === null || ![b, c].includes(a)],
      ['A IS DISTINCT FROM B', (a, b) => a !== b],
      [
        'A = B AND B < C OR A IS NULL',
        (a, b, c) => (both((x, y) => x === y)(a, b) && both((x, y) => x < y)(b, c)) || a === null,
      ],
      [
        'CASE WHEN A < B THEN B > C WHEN A = B THEN A = C ELSE FALSE END',
        (a, b, c) =>
          both((x, y) => x < y)(a, b)
            ? both((x, y) => x > y)(b, c)
            : both((x, y) => x === y)(a, b) && both((x, y) => x === y)(a, c),
      ],
    ];
    const small = fc.option(fc.integer({ min: 0, max: 3 }));
    for (const [sql, rule] of rules) {
      fc.assert(
        fc.property(small, small, small, fc.constantFrom(integerType, bigintType, doubleType), (a, b, c, type) => {
          const row = { A: { type, value: a }, B: { type, value: b }, C: { type, value: c } };
          expect(evaluate(sql, row), sql).toBe(rule(a, b, c));
        }),
        { numRuns: 60 },
      );
    }
  });

  test('a NULL where a BOOLEAN is needed fails', () => {
    expect(fault('NOT NB')).toBe('EvaluationError: an operand of NOT is NULL');
    expect(fault('B AND NB')).toBe('EvaluationError: an operand of AND is NULL');
    expect(fault('CASE WHEN NB THEN 1 END')).toBe('EvaluationError: an operand of WHEN is NULL');
  });

  test('a text beside ROWTIME is a point in time', () => {
    const at = (sql: string): Value => evaluateTyped(typed(sql), {}, 1_577_836_800_000);
    expect(at("ROWTIME = '2020'")).toBe(true);
    expect(at("ROWTIME BETWEEN '2020-01-01' AND '2020-01-01T00:00:00.001'")).toBe(true);
    expect(at("'2020-01-01T01:00+0100' <= ROWTIME")).toBe(true);
    expect(fault("ROWTIME > 'yesterday'")).toBe("SQL_BAD_TEXT: the text 'yesterday' is not a point in time");
  });
});

describe('parts and constructors', () => {
  test.each([
    ['A[1]', 10],
    ['A[-1]', 30],
    ['A[2]', null],
    ['A[0]', null],
    ['A[4]', null],
    ['A[-4]', null],
    ['A[N]', null],
    ["M['__proto__']", 1],
    ["M['constructor']", null],
    ['M[NS]', null],
    ['R->F', 5],
    ['R->`__proto__`', 'p'],
    ['NR->F', null],
    ['ARRAY[1, NULL, L]', [1, null, 9007199254740993n]],
    ["ARRAY[NULL, 10, '2e1', I, 5]", [null, 10n, 20n, 7n, 5n]],
    [
      'ARRAY[STRUCT(X := 1), STRUCT(Y := 2)]',
      [
        [1, null],
        [null, 2],
      ],
    ],
    [
      "MAP('a' := B, 'b' := 'no', 10 := 'true')",
      new Map([
        ['a', true],
        ['b', false],
        ['10', true],
      ]),
    ],
    [
      "MAP(NULL := 1, 'a' := NULL)",
      new Map([
        ['null', 1],
        ['a', null],
      ]),
    ],
    ['STRUCT(A := 1, B := STRUCT(C := S))', [1, ['text']]],
    ['VOID', undefined],
  ] as const)('%s is %o', (sql, wanted) => {
    if (wanted === undefined) expect(fault(sql)).toContain('SQL_UNKNOWN_COLUMN');
    else expect(value(sql)).toEqual(wanted);
  });
});

describe('CAST', () => {
  test.each([
    ['CAST(4294967297 AS INT)', 1],
    ['CAST(-1.9E0 AS INT)', -1],
    ['CAST(1E300 AS BIGINT)', 9223372036854775807n],
    ['CAST(1E300 AS INT)', 2147483647],
    ["CAST(' 12 ' AS INT)", 12],
    ["CAST('1e3' AS DOUBLE)", 1000],
    ["CAST('Y' AS BOOLEAN)", true],
    ["CAST('anything' AS BOOLEAN)", false],
    ['CAST(L AS STRING)', '9007199254740993'],
    ['CAST(10E0 AS STRING)', '10.0'],
    ['CAST(12345678E0 AS STRING)', '1.2345678E7'],
    ['CAST(0.0001E0 AS STRING)', '1.0E-4'],
    ['CAST(1.50 AS STRING)', '1.50'],
    ['CAST(1.5 AS DOUBLE)', 1.5],
    ['CAST(T AS STRING)', '2023-11-14T22:13:20.000'],
    ["CAST('2023-11-14' AS TIMESTAMP)", 1_699_920_000_000],
    ['CAST(A AS STRING)', '[10, null, 30]'],
    ['CAST(M AS STRING)', '{__proto__=1}'],
    ["CAST(STRUCT(A := 1, B := NS, C := 'x') AS STRING)", 'Struct{A=1,C=x}'],
    ['CAST(A AS ARRAY<STRING>)', ['10', null, '30']],
    ['CAST(R AS STRUCT<G STRING, F STRING>)', [null, '5']],
    ['CAST(NULL AS ARRAY<INT>)', null],
    ['CAST(N AS STRING)', null],
  ] as const)('%s is %o', (sql, wanted) => expect(value(sql)).toEqual(wanted));

  test('text that stands for nothing fails', () => {
    expect(fault('CAST(S AS INT)')).toBe("EvaluationError: the text 'text' is not a valid INTEGER");
    expect(fault("CAST('1.0' AS INT)")).toBe("EvaluationError: the text '1.0' is not a valid INTEGER");
    expect(fault("CAST('2023-02-32' AS TIMESTAMP)")).toContain('is not a valid TIMESTAMP');
  });
});

describe('errors of typing name the fault', () => {
  test.each([
    ["I > 'x'", 'SQL_TYPE_MISMATCH: INTEGER and STRING cannot be compared with >'],
    ['A < A', 'SQL_TYPE_MISMATCH: ARRAY<INTEGER> and ARRAY<INTEGER> cannot be compared with <'],
    ['B > FALSE', 'SQL_TYPE_MISMATCH: BOOLEAN and BOOLEAN cannot be compared with >'],
    ['I = NULL', 'SQL_NULL_COMPARISON: a comparison with NULL is never true'],
    ['I + NULL', 'SQL_TYPE_MISMATCH: + with a NULL literal is always NULL'],
    ['TRUE + 1', 'SQL_TYPE_MISMATCH: + cannot be applied to BOOLEAN and INTEGER'],
    ['CASE WHEN B THEN D ELSE 0.0 END', 'SQL_TYPE_MISMATCH: the branches of CASE give DOUBLE and DECIMAL(2, 1)'],
    ['NULL', 'SQL_UNTYPED_NULL: the type of this NULL is not known'],
    ['ARRAY[]', 'SQL_EMPTY_CONSTRUCTOR: an array needs at least one element to know its type'],
    ['ARRAY[NULL]', 'SQL_UNTYPED_NULL: an array of NULLs alone has no type'],
    [
      "ARRAY[1, 'not a number']",
      "SQL_BAD_TEXT: invalid input for type INTEGER: the text 'not a number' is not a valid INTEGER",
    ],
    ['ARRAY[1, S]', 'SQL_TYPE_MISMATCH: the list holds INTEGER and STRING'],
    ['I IN (10, TRUE)', 'SQL_TYPE_MISMATCH: the list holds INTEGER and BOOLEAN'],
    ['CASE WHEN I THEN 1 END', 'SQL_TYPE_MISMATCH: WHEN needs a BOOLEAN, not INTEGER'],
    ['CASE WHEN B THEN 1 ELSE S END', 'SQL_TYPE_MISMATCH: the branches of CASE give INTEGER and STRING'],
    ['CASE WHEN B THEN NULL END', 'SQL_UNTYPED_NULL: all branches of CASE are NULL'],
    ['CASE I WHEN 1 THEN 2 END', 'SQL_UNSUPPORTED_EXPRESSION: CASE with an operand is not supported'],
    ['R->G', 'SQL_UNKNOWN_FIELD: the struct has no field called "G"'],
    ['I->F', 'SQL_TYPE_MISMATCH: -> needs a STRUCT before it, not INTEGER'],
    ["A['x']", 'SQL_TYPE_MISMATCH: the index of an array has to be a whole number, not STRING'],
    ['M[A]', 'SQL_TYPE_MISMATCH: the key of this map is STRING, not ARRAY<INTEGER>'],
    ['CAST(B AS INT)', 'SQL_TYPE_MISMATCH: BOOLEAN cannot be cast to INTEGER'],
    ['CAST(S AS DECIMAL(2, 4))', 'SQL_TYPE_PARAMETERS: a DECIMAL of 2 digits cannot have 4 of them behind the point'],
    ['UCASES(S)', 'SQL_UNKNOWN_FUNCTION: there is no function called "UCASES"'],
    ['UCASE(I)', 'SQL_FUNCTION_ARGUMENTS: the function UCASE does not accept (INTEGER)'],
    [
      'LEAST(I, L)',
      'SQL_AMBIGUOUS_FUNCTION: the call LEAST(INTEGER, BIGINT) is ambiguous: several forms of the function fit it equally well',
    ],
    ['SUM(I)', 'SQL_AGGREGATE_MISPLACED: SUM is an aggregate and cannot be used here'],
    ['LEN(*)', 'SQL_FUNCTION_ARGUMENTS: LEN(*) is not possible here'],
    ['TIMESTAMPADD(S, 1, T)', 'SQL_LITERAL_EXPECTED: argument 1 of TIMESTAMPADD has to be a literal'],
  ])('%s', (sql, wanted) => expect(fault(sql)).toBe(wanted));
});

test('INSERT VALUES converts literals laxly', () => {
  const lax = (sql: string, type: SqlType): Value =>
    evaluateTyped(typeExpressionAs(parseExpression(sql), scopeOf(), type, 'lax'));
  expect(lax('1', stringType)).toBe('1');
  expect(lax('1.5', stringType)).toBe('1.5');
  expect(lax("'12'", bigintType)).toBe(12);
  expect(lax("'tr'", booleanType)).toBe(true);
  expect(lax('12345678901234', doubleType)).toBe(12345678901234);
  expect(lax("'2020-01-01'", timestampType)).toBe(1_577_836_800_000);
  expect(lax("ARRAY[1, '2']", arrayOf(doubleType))).toEqual([1, 2]);
  expect(lax('ARRAY[1.5]', arrayOf(doubleType))).toEqual([1.5]);
  expect(
    lax(
      'STRUCT(F := 1)',
      structOf([
        { name: 'F', type: bigintType },
        { name: 'G', type: stringType },
      ]),
    ),
  ).toEqual([1, null]);
  expect(lax('NULL', stringType)).toBe(null);
  expect(faultOf(() => lax("'maybe'", booleanType))).toContain('SQL_BAD_TEXT');
  expect(faultOf(() => lax('TRUE', integerType))).toBe(
    'SQL_TYPE_MISMATCH: a value of type BOOLEAN cannot be used as INTEGER',
  );
  expect(faultOf(() => lax('1', timestampType))).toContain('SQL_TYPE_MISMATCH');
});

describe('LIKE', () => {
  test.each([
    ['foo', 'foo', true],
    ['foobar', '%oba%', true],
    ['foobar', 'f_o%', true],
    ['foobar', '%o', false],
    ['', '%', true],
    ['', '_', false],
    ['a\nb', 'a%b', false],
    ['a\nb', 'a_b', false],
    ['😀', '_', true],
    ['aXbXc', '%X%X%', true],
    ['aab', '%ab', true],
    ['100%', '100!%', true],
    ['100x', '100!%', false],
  ])('%j LIKE %j is %s', (text, pattern, wanted) => expect(matchesLike(text, likePattern(pattern, '!'))).toBe(wanted));

  test('is what the regular expression says', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '\n', '😀'), { maxLength: 12 }).map((each) => each.join(''));
    const patterns = fc
      .array(fc.constantFrom('a', 'b', '%', '_', '\n', '😀'), { maxLength: 8 })
      .map((each) => each.join(''));
    fc.assert(
      fc.property(letters, patterns, (text, pattern) => {
        const expression = new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'u');
        expect(matchesLike(text, likePattern(pattern, undefined))).toBe(expression.test(text));
      }),
      { numRuns: 3000 },
    );
  });

  test('evil patterns end soon', () => {
    expect(matchesLike('a'.repeat(5000), likePattern(`${'%a'.repeat(500)}%b`, undefined))).toBe(false);
  });

  test('a NULL and a pattern that ends in its escape fail', () => {
    expect(fault("NS LIKE 'a'")).toBe('EvaluationError: an operand of LIKE is NULL');
    expect(fault("S LIKE 'a!' ESCAPE '!'")).toBe('EvaluationError: the pattern of LIKE ends with its escape character');
  });
});

test('comparisons nested deeply are typed and compiled as quickly as others', () => {
  let distinct = 'TRUE';
  let times = "CAST('2020-01-01' AS STRING)";
  for (let i = 0; i < 40; i++) {
    distinct = `(${distinct} IS DISTINCT FROM TRUE)`;
    times = `CAST(${times} < T AS STRING)`;
  }
  expect(evaluate(distinct)).toBe(true);
  expect(evaluate(times, { T: { type: timestampType, value: null } })).toBe('false');
});

test('a typed expression prints as SQL that means the same', () => {
  const sql = "CASE WHEN I + L > 3 AND S LIKE 'a%' ESCAPE '!' THEN A[1] ELSE R->F END";
  const printed = printTyped(typed(sql, columns));
  expect(printed).toBe(
    "(CASE WHEN (((CAST(I AS BIGINT) + L) > 3) AND (S LIKE 'a%' ESCAPE '!')) THEN A[1] ELSE R->F END)",
  );
  expect(printTyped(typed(printed, columns))).toBe(printed);
});
