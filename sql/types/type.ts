/**
 * The types of SQL values, as plain data: they stand in plans and in the statement log, so they are JSON and carry no
 * methods.
 *
 * A type is a union told apart by `kind`: a scalar, of which everything else is in its definition (`scalars/`), or one
 * of the three collections, which have types inside. There will be more scalars, but no more collections: code asks
 * `isScalar` first and lists the other three. Two types are equal when they print as the same text.
 */

import { assert, UserError, unreachable } from '../../base/index.ts';
import type { NumericDefinition } from './definition.ts';
import type { ScalarKind, ScalarType } from './kinds.ts';
import { definitionOf, scalars } from './scalars/index.ts';
import type { Value } from './value.ts';

export interface StructField {
  readonly name: string;
  readonly type: SqlType;
}

export type ArrayType = { readonly kind: 'ARRAY'; readonly element: SqlType };
export type MapType = { readonly kind: 'MAP'; readonly key: SqlType; readonly value: SqlType };
export type StructType = { readonly kind: 'STRUCT'; readonly fields: readonly StructField[] };
export type CollectionType = ArrayType | MapType | StructType;

export type SqlType = ScalarType | CollectionType;

export type TypeKind = SqlType['kind'];

export const booleanType: ScalarType = { kind: 'BOOLEAN' };
export const integerType: ScalarType = { kind: 'INTEGER' };
export const bigintType: ScalarType = { kind: 'BIGINT' };
export const doubleType: ScalarType = { kind: 'DOUBLE' };
export const stringType: ScalarType = { kind: 'STRING' };
export const timestampType: ScalarType = { kind: 'TIMESTAMP' };

export const arrayOf = (element: SqlType): ArrayType => measured({ kind: 'ARRAY', element });
export const mapOf = (key: SqlType, value: SqlType): MapType => measured({ kind: 'MAP', key, value });
export const structOf = (fields: readonly StructField[]): StructType => measured({ kind: 'STRUCT', fields });

/** Whether a value of this type is one datum, not a collection. Takes the types of signatures too, such as LAMBDA. */
export const isScalar = (type: { readonly kind: string }): type is ScalarType => Object.hasOwn(scalars, type.kind);

/** How many types may make up one type, itself included, and how deep they may lie within each other. A text is
 *  bounded, and a type is not: names stand for types that hold others by name, twice each, and references in schemas do
 *  so too. */
const mostParts = 100_000;
const mostDepth = 200;

interface Size {
  readonly parts: number;
  readonly depth: number;
}

const scalarSize: Size = { parts: 1, depth: 0 };
/** Of collections: each is measured once, however many others hold it. */
const sizes = new WeakMap<CollectionType, Size>();

/** The type, unless it is too large. */
const measured = <T extends CollectionType>(type: T): T => {
  const { parts, depth } = sizeOf(type);
  if (parts <= mostParts && depth <= mostDepth) return type;
  const what =
    parts > mostParts ? `has more than ${mostParts} parts` : `has parts within each other more than ${mostDepth} deep`;
  throw new UserError('SQL_TYPE_TOO_LARGE', `a type ${what}`, {
    hint: 'Leave out fields that are not needed: what is not named in a statement is not read.',
  });
};

const sizeOf = (type: SqlType): Size => {
  if (isScalar(type)) return scalarSize;
  const known = sizes.get(type);
  if (known !== undefined) return known;
  let parts = 1;
  let depth = 0;
  for (const inner of typesWithin(type)) {
    const size = sizeOf(inner);
    parts += size.parts;
    depth = Math.max(depth, size.depth);
  }
  const size = { parts, depth: depth + 1 };
  sizes.set(type, size);
  return size;
};

const typesWithin = (type: CollectionType): readonly SqlType[] => {
  switch (type.kind) {
    case 'ARRAY':
      return [type.element];
    case 'MAP':
      return [type.key, type.value];
    case 'STRUCT':
      return type.fields.map((field) => field.type);
    default:
      return unreachable(type);
  }
};

/** What arithmetic needs, of a number type. */
export const numericOf = (type: SqlType): NumericDefinition<ScalarKind, Value> | undefined =>
  isScalar(type) ? definitionOf(type).numeric : undefined;

/** The types in which two numbers are the operands of arithmetic: both of the wider kind. None unless both are
 *  numbers. */
export const operandTypes = (a: SqlType, b: SqlType): readonly [ScalarType, ScalarType] | undefined => {
  const [one, other] = [numericOf(a), numericOf(b)];
  if (one === undefined || other === undefined || !isScalar(a) || !isScalar(b)) return undefined;
  const wider = one.rank >= other.rank ? one : other;
  return [wider.operand(a), wider.operand(b)];
};

/** The number type that holds the numbers of both, or none. */
export const commonNumber = (a: SqlType, b: SqlType): SqlType | undefined => {
  const [one, other] = operandTypes(a, b) ?? [];
  return one === undefined || other === undefined ? undefined : numericOf(one)?.common(one, other);
};

export const isNumeric = (type: SqlType): boolean => numericOf(type) !== undefined;

/** Whether values of this type can be compared by <, <=, >, >= and BETWEEN. */
export const isOrdered = (type: SqlType): boolean => isScalar(type) && definitionOf(type).ordered;

/** The parameters of a scalar type in order, as in DECIMAL(4, 2). */
const parametersOf = (type: ScalarType): readonly unknown[] => {
  const members: Readonly<Record<string, unknown>> = { ...type };
  return definitionOf(type).parameters.map((name) => members[name]);
};

/** The scalar type of this kind with these parameters, of which there must be as many as it has. */
export const scalarOf = (kind: ScalarKind, parameters: readonly number[] = []): ScalarType => {
  const names: readonly string[] = scalars[kind].parameters;
  assert(names.length === parameters.length, `${kind} has ${names.length} parameters, not ${parameters.length}`);
  // The names are those of the kind's own members, and all of them: which the language cannot follow.
  return { kind, ...Object.fromEntries(names.map((name, i) => [name, parameters[i]])) } as ScalarType;
};

export const typesEqual = (a: SqlType, b: SqlType): boolean => {
  if (a === b) return true;
  if (isScalar(a)) {
    if (a.kind !== b.kind || !isScalar(b)) return false;
    const other = parametersOf(b);
    return parametersOf(a).every((parameter, i) => parameter === other[i]);
  }
  switch (a.kind) {
    case 'ARRAY':
      return b.kind === 'ARRAY' && typesEqual(a.element, b.element);
    case 'MAP':
      return b.kind === 'MAP' && typesEqual(a.key, b.key) && typesEqual(a.value, b.value);
    case 'STRUCT':
      return (
        b.kind === 'STRUCT' &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => {
          const other = b.fields[i];
          return other !== undefined && field.name === other.name && typesEqual(field.type, other.type);
        })
      );
    default:
      return unreachable(a);
  }
};

/** A name between backticks, as ksqlDB prints names within types and schemas. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The type as text, which the parser reads back: ``ARRAY<STRUCT<`A` INTEGER>>``. */
export const printType = (type: SqlType): string => {
  if (isScalar(type)) {
    const parameters = parametersOf(type);
    return parameters.length === 0 ? type.kind : `${type.kind}(${parameters.join(', ')})`;
  }
  switch (type.kind) {
    case 'ARRAY':
      return `ARRAY<${printType(type.element)}>`;
    case 'MAP':
      return `MAP<${printType(type.key)}, ${printType(type.value)}>`;
    case 'STRUCT':
      return type.fields.length === 0
        ? 'STRUCT< >'
        : `STRUCT<${type.fields.map((field) => `${quoteName(field.name)} ${printType(field.type)}`).join(', ')}>`;
    default:
      return unreachable(type);
  }
};

/** A type as the REST interface describes it. */
export interface TypeDescription {
  readonly type: TypeKind;
  /** Of types that have some only. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly fields: readonly { readonly name: string; readonly schema: TypeDescription }[] | null;
  readonly memberSchema: TypeDescription | null;
}

/** Elements of an array and values of a map are the member; the key of a map is a STRING and not described. */
export const describeType = (type: SqlType): TypeDescription => {
  if (isScalar(type)) {
    const { kind, ...parameters } = type;
    const described = Object.keys(parameters).length === 0 ? {} : { parameters };
    return { type: kind, ...described, fields: null, memberSchema: null };
  }
  switch (type.kind) {
    case 'ARRAY':
      return { type: type.kind, fields: null, memberSchema: describeType(type.element) };
    case 'MAP':
      return { type: type.kind, fields: null, memberSchema: describeType(type.value) };
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({ name: field.name, schema: describeType(field.type) }));
      return { type: type.kind, fields, memberSchema: null };
    }
    default:
      return unreachable(type);
  }
};
