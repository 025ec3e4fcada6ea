/**
 * What holds for every scalar type, whichever they are: a type that is added is tested by being in the list of
 * definitions. What one type alone does stands in the tests of casts, formats and expressions.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../base/index.ts';
import { parseExactJson } from '../../../server/exact-json.ts';
import { rowWriter } from '../../../server/row-json.ts';
import { typeOfNode } from '../../../sql/analyze/type-of-node.ts';
import { type Format, isSelfContained } from '../../../sql/formats/format.ts';
import { formats } from '../../../sql/formats/index.ts';
import { kafka } from '../../../sql/formats/kafka.ts';
import { parseExpression } from '../../../sql/parser/parse.ts';
import { valueFromJson } from '../../../sql/queries/json-values.ts';
import { typedReader } from '../../../sql/queries/typed-values.ts';
import type { Carrier } from '../../../sql/types/carriers.ts';
import { canConvert, converter, type Grade } from '../../../sql/types/cast.ts';
import type { TypeDefinition } from '../../../sql/types/definition.ts';
import { equalityOf, keyOf, orderOf } from '../../../sql/types/equality.ts';
import { EvaluationError } from '../../../sql/types/evaluation-error.ts';
import type { ScalarKind, ScalarType } from '../../../sql/types/kinds.ts';
import { literalOfValue, printLiteral, valueOfLiteral } from '../../../sql/types/literal.ts';
import { RowEncoding } from '../../../sql/types/row-encoding.ts';
import { boolean } from '../../../sql/types/scalars/boolean.ts';
import { definitionOf, scalarDefinitions, scalars } from '../../../sql/types/scalars/index.ts';
import { textOf } from '../../../sql/types/text.ts';
import {
  arrayOf,
  describeType,
  integerType,
  mapOf,
  printType,
  type SqlType,
  stringType,
  structOf,
  typesEqual,
} from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { valueTest } from '../../../sql/types/value-test.ts';
import { faultOf } from '../evaluate/support.ts';
import { bare, notNull, scalarTypes, valueOf, wrapped } from '../formats/support.ts';

const table = scalarTypes.map((type) => [printType(type), type, definitionOf(type)] as const);

/** The same value, by the type's own equality; and NULL is NULL only. */
const expectSameOf =
  (type: SqlType) =>
  (found: Value | undefined, value: Value): void => {
    expect(found !== undefined && equalityOf(type)(found, value), `${String(found)}, not ${String(value)}`).toBe(true);
  };

describe.each(table)('%s', (text, type, definition) => {
  const value = notNull(type);
  const expectSame = expectSameOf(type);
  const equal = equalityOf(type);

  test('is written by each of its words, and printed as its kind', () => {
    const parameters = text.slice(type.kind.length);
    for (const word of definition.words) {
      const node = parseExpression(`CAST(NULL AS ${word.toLowerCase()}${parameters})`);
      expect(node.kind === 'cast' && typesEqual(typeOfNode(node.type), type)).toBe(true);
    }
    expect(definition.words).toContain(type.kind);
    expect(describeType(type)).toMatchObject({ type: type.kind, fields: null, memberSchema: null });
  });

  test('has values in one form, which the test of values takes', () => {
    fc.assert(
      fc.property(value, (each) => {
        expect(valueTest(type)(each)).toBe(true);
      }),
    );
    for (const other of [undefined, Symbol('x'), [], new Map(), 2n ** 256n]) {
      expect(valueTest(type)(other)).toBe(false);
    }
  });

  test('has a total order that agrees with equality and with the key of groups', () => {
    const order = orderOf(type);
    const key = keyOf(type);
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const [ab, ba, bc, ac] = [order(a, b), order(b, a), order(b, c), order(a, c)];
        expect(Math.sign(ab)).toBe(-Math.sign(ba) + 0);
        if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0);
        expect(ab === 0).toBe(equal(a, b));
        expect(new Set([key(a), key(b)]).size === 1).toBe(equal(a, b));
        expect(order(a, a)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('comes back from a stored row, alone and within collections', () => {
    const columns = [type, arrayOf(type), mapOf(stringType, type), structOf([{ name: 'A', type }])];
    const encoding = new RowEncoding(columns);
    fc.assert(
      fc.property(valueOf(type), (each) => {
        const row = [each, [each, null, each], new Map([['k', each]]), [each]];
        const out = new ByteWriter(1);
        encoding.write(row, out);
        const read = encoding.read(out.buffer, 0, out.length);
        row.forEach((part, i) => {
          expectSameOf(columns[i] as SqlType)(read[i], part);
        });
        if (each !== null) expect(valueTest(type)(read[0])).toBe(true);
      }),
    );
  });

  test('is read from the text that it prints', () => {
    const parse = (text: string): Value | undefined => definition.text.parse(text, 'explicit', type);
    const print = textOf(type);
    let back = 0;
    fc.assert(
      fc.property(value, (each) => {
        // NaN and infinities are not taken from text. Years before 1 print without their era: the year that is read may
        // have no 29th of February.
        const text = print(each);
        const parsed = parse(text);
        if (parsed === undefined || (text.includes('-02-29T') && !equal(parsed, each))) return;
        expect(print(parsed)).toBe(print(each));
        if (equal(parsed, each)) back++;
      }),
      { numRuns: 300 },
    );
    expect(back).toBeGreaterThan(20);
  });

  test('comes back from a literal in a plan, which is JSON, and prints as SQL', () => {
    fc.assert(
      fc.property(value, (each) => {
        fc.pre(typeof each !== 'number' || Number.isFinite(each));
        const literal = literalOfValue(each, type);
        expectSame(valueOfLiteral(JSON.parse(JSON.stringify(literal)) as typeof literal, type), each);
        expect(printLiteral(literal, type)).not.toBe('');
      }),
    );
    expect(printLiteral(null, type)).toBe('NULL');
  });

  const alone = formats.filter(isSelfContained);
  test.each(alone.map((format) => [format.name, format] as const))('comes back from %s, or is refused', (_, format) => {
    const columns = [{ name: 'A', type }];
    if (format.columns === 'none') return;
    if (format.unsupported(columns) !== undefined) {
      expect(format.unsupported(columns)).toContain(`column "A" of type ${text}`);
      return;
    }
    const back = (each: Value, options: typeof bare | typeof wrapped): Value => roundTrip(format, type, each, options);
    fc.assert(
      fc.property(valueOf(type), (each) => {
        // JSON has no negative zero, and UTF-8 no lone surrogates.
        // Without names, a NULL alone is nothing at all, as is a text without characters.
        fc.pre(format.named || (each !== null && !isEmpty(each)));
        fc.pre(!Object.is(each, -0) && (typeof each !== 'string' || each.isWellFormed()));
        if (format.wrapping !== 'never') expectSame(back(each, wrapped), each);
        expectSame(back(each, bare), each);
      }),
    );
  });

  test('leaves as JSON, logical types as text', () => {
    const write = rowWriter([type, structOf([{ name: 'A', type }])]);
    fc.assert(
      fc.property(value, (each) => {
        const [alone, within] = JSON.parse(write([each, [each]])) as [unknown, { A: unknown }];
        if (definition.logical) expect(alone).toBe(textOf(type)(each));
        else expect(typeof within.A).toBe(typeof alone);
      }),
    );
  });

  test('comes in from a program and from JSON, as it left', () => {
    const take = typedReader(type);
    fc.assert(
      fc.property(value, (each) => {
        // The unscaled number of a decimal means nothing to others.
        if (definition.carrier !== 'decimal') {
          expectSame(take(each), each);
          expectSame(valueFromJson(each, type, 'A'), each);
        }
        const object = definition.object?.make(each, type);
        // A Date ends earlier than a TIMESTAMP does.
        if (object instanceof Date && Number.isNaN(object.getTime())) return;
        // The text of a date before the year 1 does not name its era, and dates are read as far as a TIMESTAMP goes.
        if (typeof object === 'string' && typeof each === 'number' && (each < -719_162 || each > 104_249_990)) return;
        if (object !== undefined) expectSame(take(object), each);
        const [read] = parseExactJson(rowWriter([type])([each])) as [unknown];
        // What is left out of the text of a TIME is lost, and so are numbers that JSON does not have.
        const isJson = !Object.is(each, -0) && (typeof each !== 'number' || Number.isFinite(each));
        if (!definition.logical && isJson) expectSame(valueFromJson(read, type, 'A'), each);
      }),
    );
    expect(() => take(Symbol('x'))).toThrow(EvaluationError);
    expect(take(undefined)).toBe(null);
  });

  test('converts to every type that the matrix names, into values of that type or an EvaluationError', () => {
    for (const to of scalarTypes) {
      if (!canConvert(type, to, 'explicit')) {
        const raised = faultOf(() => converter(type, to)(fc.sample(value, 1)[0] ?? null));
        expect(raised).toContain(`${type.kind} cannot be converted to ${to.kind}`);
        continue;
      }
      const convert = converter(type, to);
      expect(convert(null)).toBe(null);
      fc.assert(
        fc.property(value, (each) => {
          try {
            const converted = convert(each);
            expect(valueTest(to)(converted), `${String(converted)} is a value of ${printType(to)}`).toBe(true);
          } catch (error) {
            if (!(error instanceof EvaluationError)) throw error;
          }
        }),
        { numRuns: 50 },
      );
    }
  });

  test('has arithmetic within its own values, if it is a number', () => {
    const { numeric } = definition;
    if (numeric === undefined) return;
    for (const operator of ['+', '-', '*', '/', '%'] as const) {
      const isValue = valueTest(numeric.result(operator, type, type));
      const apply = numeric.operator(operator, type, type);
      fc.assert(
        fc.property(value, value, (a, b) => {
          try {
            expect(isValue(apply(a, b))).toBe(true);
            expect(valueTest(type)(numeric.negate(a))).toBe(true);
          } catch (error) {
            if (!(error instanceof EvaluationError)) throw error;
            const mayFail = numeric.divisionFails && '/%'.includes(operator);
            expect(mayFail && (b === numeric.zero || type.kind === 'DECIMAL')).toBe(true);
          }
        }),
        { numRuns: 50 },
      );
    }
  });
});

const isEmpty = (value: Value): boolean => value === '' || (value instanceof Uint8Array && value.length === 0);

const roundTrip = (format: Format, type: ScalarType, value: Value, options: typeof bare | typeof wrapped): Value => {
  const columns = [{ name: 'A', type }];
  const out = new ByteWriter(1);
  const written = format.writer(columns, options).write([value], out);
  const row: Row = [null];
  if (written) format.reader(columns, options).read(out.buffer, 0, out.length, row);
  return row[0] ?? null;
};

describe('casts', () => {
  const grades: readonly (readonly [Grade, string])[] = [
    ['strict', 'S'],
    ['lax', 'L'],
    ['explicit', 'E'],
  ];
  const letter = (from: SqlType, to: SqlType): string =>
    grades.find(([grade]) => canConvert(from, to, grade))?.[1] ?? '-';

  test('happen in these grades: strict (implied), lax (literals of INSERT and of lists), explicit (CAST)', () => {
    const types: readonly SqlType[] = [...scalarTypes, arrayOf(integerType), structOf([])];
    const head = types.map((type) => printType(type).padEnd(16)).join(' ');
    const lines = types.map(
      (from) => `${printType(from).padEnd(16)} ${types.map((to) => letter(from, to).padEnd(16)).join(' ')}`,
    );
    expect(
      `\n${[`${'from / to'.padEnd(16)} ${head}`, ...lines].map((line) => line.trimEnd()).join('\n')}\n`,
    ).toMatchInlineSnapshot(`
      "
      from / to        BOOLEAN          INTEGER          BIGINT           DECIMAL(4, 2)    DECIMAL(18, 0)   DECIMAL(40, 20)  DOUBLE           STRING           BYTES            DATE             TIME             TIMESTAMP        ARRAY<INTEGER>   STRUCT< >
      BOOLEAN          S                -                -                -                -                -                -                L                -                -                -                -                -                -
      INTEGER          -                S                S                S                S                S                S                L                -                -                -                -                -                -
      BIGINT           -                E                S                S                S                S                S                L                -                -                -                -                -                -
      DECIMAL(4, 2)    -                E                E                S                E                S                S                L                -                -                -                -                -                -
      DECIMAL(18, 0)   -                E                E                E                S                S                S                L                -                -                -                -                -                -
      DECIMAL(40, 20)  -                E                E                E                E                S                S                L                -                -                -                -                -                -
      DOUBLE           -                E                E                E                E                E                S                L                -                -                -                -                -                -
      STRING           L                L                L                L                L                L                L                S                S                S                S                S                -                -
      BYTES            -                -                -                -                -                -                -                -                S                -                -                -                -                -
      DATE             -                -                -                -                -                -                -                L                -                S                -                E                -                -
      TIME             -                -                -                -                -                -                -                L                -                -                S                -                -                -
      TIMESTAMP        -                -                -                -                -                -                -                L                -                E                E                S                -                -
      ARRAY<INTEGER>   -                -                -                -                -                -                -                E                -                -                -                -                S                -
      STRUCT< >        -                -                -                -                -                -                -                E                -                -                -                -                -                S
      "
    `);
  });

  test('of a pair of types stand in one definition only', () => {
    const twice = scalarDefinitions.flatMap((from) =>
      scalarDefinitions
        .filter((to) => from.casts.to[to.kind] !== undefined && to.casts.from[from.kind] !== undefined)
        .map((to) => `${from.kind} to ${to.kind}`),
    );
    expect(twice).toEqual([]);
    const withText = scalarDefinitions.filter(({ casts }) => casts.to.STRING ?? casts.from.STRING);
    expect(withText.map(({ kind }) => kind)).toEqual([]);
  });
});

test('KAFKA holds the plain carriers of Kafka’s own serializers', () => {
  const held = scalarTypes.filter((type) => kafka.unsupported([{ name: 'A', type }]) === undefined);
  expect(held.map(({ kind }) => kind)).toEqual(['INTEGER', 'BIGINT', 'DOUBLE', 'STRING', 'BYTES']);
});

describe('the compiler names what is missing', () => {
  test('of a definition', () => {
    const { text: _, ...rest } = boolean;
    // @ts-expect-error: a definition without `text` does not compile
    const incomplete: TypeDefinition<'BOOLEAN', 'boolean'> = rest;
    expect(incomplete.kind).toBe('BOOLEAN');
  });

  test('in the list of definitions', () => {
    const { BOOLEAN: _, ...rest } = scalars;
    // @ts-expect-error: a list without one of the kinds does not compile
    const incomplete: Readonly<Record<ScalarKind, unknown>> = rest;
    expect(Object.keys(incomplete)).toHaveLength(scalarDefinitions.length - 1);
  });

  test('where code switches on carriers', () => {
    // @ts-expect-error: a table without one of the carriers does not compile
    const incomplete: Readonly<Record<Carrier, unknown>> = { boolean: 1, int32: 1, int64: 1, double: 1 };
    expect(Object.keys(incomplete)).toHaveLength(4);
  });
});
