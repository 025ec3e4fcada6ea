/**
 * How data of a writer's schema becomes the columns of a reader: decided once for both, as a tree of operations. The
 * plain form (`plain.ts`) and the generated one (`generated.ts`) both follow it.
 *
 * A column or a field of a struct is found by its name: the field of exactly that name, or the one whose name is it in
 * upper case. What the writer has not is NULL; what nobody wants is skipped. With a reader's schema the rules of Avro
 * hold besides: a field is also found by its aliases there, and what the writer has not is the default.
 *
 * | column    | takes                                                                                              |
 * | --------- | -------------------------------------------------------------------------------------------------- |
 * | any       | null; a union by the branch that was written                                                       |
 * | BOOLEAN   | boolean                                                                                            |
 * | INTEGER   | int                                                                                                |
 * | BIGINT    | int, long                                                                                          |
 * | DOUBLE    | int, long, float, double                                                                           |
 * | STRING    | string, an enum's symbol; boolean and numbers as their text                                        |
 * | BYTES     | bytes, fixed                                                                                       |
 * | DECIMAL   | a decimal, of another scale too when no digit is lost                                              |
 * | DATE, TIME | int                                                                                               |
 * | TIMESTAMP | int, long                                                                                          |
 * | ARRAY     | array                                                                                              |
 * | MAP       | map, array of entries: their keys as text                                                          |
 * | STRUCT    | record; a union of several types, each in the field of its name                                    |
 *
 * Anything else is a fault of the records in which it comes.
 */

import { unreachable } from '../../../base/index.ts';
import { type AvroField, type AvroType, optionalOf } from '../../registry/schemas/avro.ts';
import type { Carrier } from '../../types/carriers.ts';
import { fits, rescaleExact } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import { isScalar, printType, type SqlType, type StructField, stringType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { bigintOfBytes } from '../binary-numbers.ts';
import { branchName } from './columns.ts';

/** What becomes of the value that was read; undefined: it is none of the column's. */
export type Conversion = (value: Value) => Value | undefined;

export type Reading =
  | { readonly op: 'skip'; readonly type: AvroType }
  | { readonly op: 'null' }
  /** A value here is a fault. */
  | { readonly op: 'refuse'; readonly type: AvroType; readonly why: string }
  | {
      readonly op: 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'bytes';
      readonly convert?: Conversion | undefined;
      readonly into: string;
    }
  /** Bytes as a number, with the scale of the writer. */
  | { readonly op: 'decimal'; readonly size: number | undefined; readonly convert: Conversion; readonly into: string }
  | { readonly op: 'fixed'; readonly size: number }
  | { readonly op: 'enum'; readonly symbols: readonly string[] }
  | { readonly op: 'union'; readonly branches: readonly Reading[] }
  /** The branch that was written goes to the field of its name, if there is one: `at` is its place, or −1. */
  | {
      readonly op: 'choice';
      readonly branches: readonly Reading[];
      readonly at: readonly number[];
      readonly width: number;
    }
  | RecordReading
  | { readonly op: 'array'; readonly element: Reading; readonly least: number }
  | { readonly op: 'map'; readonly value: Reading; readonly least: number }
  /** The record's places 0 and 1 are key and value. */
  | { readonly op: 'entries'; readonly entry: RecordReading; readonly least: number };

export interface RecordReading {
  readonly op: 'record';
  /** In the order of the writer, with the place that each fills, or −1. */
  readonly fields: readonly { readonly reading: Reading; readonly at: number }[];
  /** The values of all places before the record is read: NULL, or the default. */
  readonly before: readonly Value[];
}

/** The wanted columns of a record. `reader` is the record that the reader's schema has, if there is one. */
export const readingOfColumns = (
  writer: AvroType,
  columns: readonly StructField[],
  wanted: readonly number[],
  reader?: AvroType,
): Reading => readingOfStruct(writer, columns, new Set(wanted), reader);

/** A value of this type. */
export const readingOf = (writer: AvroType, type: SqlType, reader?: AvroType): Reading => {
  if (writer.kind === 'null') return { op: 'null' };
  const expected = reader === undefined ? undefined : (optionalOf(reader) ?? reader);
  if (writer.kind === 'union') return readingOfUnion(writer.branches, type, expected);
  if (isScalar(type)) return readingOfScalar(writer, type);
  switch (type.kind) {
    case 'ARRAY': {
      if (writer.kind !== 'array') return refuse(writer, type);
      const inner = expected?.kind === 'array' ? expected.items : undefined;
      return { op: 'array', element: readingOf(writer.items, type.element, inner), least: leastBytes(writer.items) };
    }
    case 'MAP': {
      if (writer.kind === 'map') {
        const inner = expected?.kind === 'map' ? expected.values : undefined;
        return { op: 'map', value: readingOf(writer.values, type.value, inner), least: 1 + leastBytes(writer.values) };
      }
      if (writer.kind !== 'array' || !writer.entries) return refuse(writer, type);
      const entry = readingOfStruct(writer.items, [
        { name: 'key', type: stringType },
        { name: 'value', type: type.value },
      ]);
      return entry.op === 'record' ? { op: 'entries', entry, least: leastBytes(writer.items) } : refuse(writer, type);
    }
    case 'STRUCT':
      return readingOfStruct(writer, type.fields, undefined, expected);
    default:
      return unreachable(type);
  }
};

const refuse = (writer: AvroType, type: SqlType): Reading => ({
  op: 'refuse',
  type: writer,
  why: `${article(writer)} cannot be read as ${printType(type)}`,
});

const article = ({ kind }: AvroType): string => `${/^[aeiu]/.test(kind) ? 'an' : 'a'} ${kind}`;

const readingOfUnion = (branches: readonly AvroType[], type: SqlType, expected?: AvroType): Reading => {
  const others = branches.filter((branch) => branch.kind !== 'null');
  if (type.kind !== 'STRUCT' || others.length === 1) {
    return { op: 'union', branches: branches.map((branch) => readingOf(branch, type, expected)) };
  }
  const at = branches.map((branch) => (branch.kind === 'null' ? -1 : placeOf(type.fields, branchName(branch))));
  return {
    op: 'choice',
    width: type.fields.length,
    at: at.map((place, i) => (branches[i]?.kind === 'null' ? -2 : place)),
    branches: branches.map((branch, i) => {
      const field = type.fields[at[i] as number];
      return field === undefined ? { op: 'skip', type: branch } : readingOf(branch, field.type);
    }),
  };
};

/** The place of the field that a writer's name stands for. */
const placeOf = (fields: readonly StructField[], name: string): number => {
  const exact = fields.findIndex((field) => field.name === name);
  return exact >= 0 ? exact : fields.findIndex((field) => field.name === name.toUpperCase());
};

const readingOfStruct = (
  writer: AvroType,
  fields: readonly StructField[],
  wanted?: ReadonlySet<number>,
  reader?: AvroType,
): Reading => {
  if (writer.kind === 'union') {
    const others = writer.branches.filter((branch) => branch.kind !== 'null');
    const [only] = others;
    if (others.length !== 1 || only === undefined) return readingOfUnion(writer.branches, { kind: 'STRUCT', fields });
    const branches = writer.branches.map(
      (branch): Reading => (branch.kind === 'null' ? { op: 'null' } : readingOfStruct(branch, fields, wanted, reader)),
    );
    return { op: 'union', branches };
  }
  if (writer.kind !== 'record') return refuse(writer, { kind: 'STRUCT', fields });
  const expected = reader?.kind === 'record' ? reader.fields : [];
  const own = (field: StructField | undefined): AvroField | undefined =>
    field === undefined
      ? undefined
      : (expected.find((each) => each.name === field.name) ??
        expected.find((each) => each.name.toUpperCase() === field.name));
  const places = writer.fields.map(({ name }) => {
    const place = placeOf(fields, name);
    return place >= 0 ? place : fields.findIndex((field) => own(field)?.aliases.includes(name) === true);
  });
  // Of two names for one column the exact one counts, and otherwise the last.
  const source = new Map<number, number>();
  places.forEach((place, i) => {
    const before = source.get(place);
    const exact = before !== undefined && writer.fields[before]?.name === fields[place]?.name;
    if (place >= 0 && (wanted === undefined || wanted.has(place)) && !exact) source.set(place, i);
  });
  return {
    op: 'record',
    fields: writer.fields.map(({ type }, i) => {
      const place = places[i] as number;
      const field = fields[place];
      if (field === undefined || source.get(place) !== i) return { reading: { op: 'skip', type }, at: -1 };
      return { reading: readingOf(type, field.type, own(field)?.type), at: place };
    }),
    before: fields.map((field, place) => {
      if (source.has(place)) return null;
      const declared = own(field);
      return declared === undefined || declared.default === undefined
        ? null
        : defaultValue(declared.default, declared.type, field.type);
    }),
  };
};

/** A default of the schema, which is JSON, as a value of the column; NULL where it is none. */
const defaultValue = (json: unknown, schema: AvroType, type: SqlType): Value => {
  const of = schema.kind === 'union' ? schema.branches[0] : schema;
  if (json === null || of === undefined) return null;
  if (isScalar(type)) return defaultScalar(json, of, type);
  switch (type.kind) {
    case 'ARRAY':
      return of.kind === 'array' && Array.isArray(json)
        ? json.map((item) => defaultValue(item, of.items, type.element))
        : null;
    case 'MAP':
      return of.kind === 'map' && typeof json === 'object'
        ? new Map(Object.entries(json).map(([key, item]) => [key, defaultValue(item, of.values, type.value)]))
        : null;
    case 'STRUCT': {
      if (of.kind !== 'record' || typeof json !== 'object') return null;
      const given = new Map(Object.entries(json));
      return type.fields.map((field) => {
        const found = of.fields.find(({ name }) => name === field.name || name.toUpperCase() === field.name);
        return found === undefined ? null : defaultValue(given.get(found.name) ?? null, found.type, field.type);
      });
    }
    default:
      return unreachable(type);
  }
};

const defaultScalar = (json: unknown, schema: AvroType, type: ScalarType): Value => {
  const { carrier, accepts } = definitionOf(type);
  const value = ((): Value => {
    switch (carrier) {
      case 'boolean':
        return typeof json === 'boolean' ? json : null;
      case 'int32':
      case 'int64':
        return Number.isSafeInteger(json) ? (json as number) : null;
      case 'double':
        return typeof json === 'number' ? json : null;
      case 'text':
        return typeof json === 'string' ? json : null;
      case 'bytes':
        return typeof json === 'string' ? latin1Bytes(json) : null;
      case 'decimal': {
        if (typeof json !== 'string') return null;
        const bytes = latin1Bytes(json);
        return decimalConversion(schema, type)(bigintOfBytes(bytes, 0, bytes.length)) ?? null;
      }
      default:
        return unreachable(carrier);
    }
  })();
  return value === null || (accepts !== undefined && !accepts(value, type)) ? null : value;
};

/** Bytes in a default are a text, each of its characters one of them. */
export const latin1Bytes = (text: string): Uint8Array => Uint8Array.from(text, (unit) => unit.charCodeAt(0));

// ---------------------------------------------------------------------------------------------------------- scalars

const readingOfScalar = (writer: AvroType, type: ScalarType): Reading => {
  const { carrier, accepts } = definitionOf(type);
  const into = printType(type);
  const test: Conversion | undefined =
    accepts === undefined ? undefined : (value) => (accepts(value, type) ? value : undefined);
  const plain = { convert: test, into };
  switch (writer.kind) {
    case 'boolean':
      if (carrier === 'boolean') return { op: 'boolean', ...plain };
      return carrier === 'text' ? { op: 'boolean', convert: String, into } : refuse(writer, type);
    case 'int':
    case 'long': {
      const op = writer.kind;
      if (carrier === 'int64' || (carrier === 'int32' && op === 'int')) return { op, ...plain };
      if (carrier === 'text') return { op, convert: String, into };
      return carrier === 'double' ? { op, convert: Number, into } : refuse(writer, type);
    }
    case 'float':
    case 'double': {
      const op = writer.kind;
      if (carrier === 'double') return { op, ...plain };
      return carrier === 'text' ? { op, convert: op === 'float' ? floatText : doubleText, into } : refuse(writer, type);
    }
    case 'string':
      return carrier === 'text' ? { op: 'string', ...plain } : refuse(writer, type);
    case 'enum':
      return carrier === 'text' ? { op: 'enum', symbols: writer.symbols } : refuse(writer, type);
    case 'bytes':
      if (writer.logical !== undefined) return readingOfDecimal(writer, undefined, type, carrier);
      return carrier === 'bytes' ? { op: 'bytes', ...plain } : refuse(writer, type);
    case 'fixed':
      if (writer.logical !== undefined) return readingOfDecimal(writer, writer.size, type, carrier);
      return carrier === 'bytes' ? { op: 'fixed', size: writer.size } : refuse(writer, type);
    case 'null':
    case 'array':
    case 'map':
    case 'record':
    case 'union':
      return refuse(writer, type);
    default:
      return unreachable(writer);
  }
};

const readingOfDecimal = (writer: AvroType, size: number | undefined, type: ScalarType, carrier: Carrier): Reading =>
  carrier === 'decimal'
    ? { op: 'decimal', size, convert: decimalConversion(writer, type), into: printType(type) }
    : refuse(writer, type);

const decimalConversion = (writer: AvroType, type: ScalarType): Conversion => {
  const from = 'logical' in writer && writer.logical?.kind === 'decimal' ? writer.logical.scale : 0;
  const { precision, scale } = type.kind === 'DECIMAL' ? type : { precision: 0, scale: 0 };
  return (value) => {
    const unscaled = from === scale ? (value as bigint) : rescaleExact(value as bigint, from, scale);
    return unscaled !== undefined && fits(unscaled, precision) ? unscaled : undefined;
  };
};

const doubleText: Conversion = (value) => definitionOf({ kind: 'DOUBLE' }).text.print(value, { kind: 'DOUBLE' });

/** A float by the fewest digits that tell it from other floats. */
const floatText: Conversion = (value) => {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number((value as number).toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(value);
};

/** How many bytes the data of a type has at least: what bounds the number of items by the bytes that are there. */
export const leastBytes = (type: AvroType, within: ReadonlySet<AvroType> = new Set()): number => {
  switch (type.kind) {
    case 'null':
      return 0;
    case 'fixed':
      return type.size;
    case 'float':
      return 4;
    case 'double':
      return 8;
    case 'record': {
      // A record that contains itself directly can never be written; that it takes a byte ends the search.
      if (within.has(type)) return 1;
      const inner = new Set([...within, type]);
      return type.fields.reduce((sum, field) => sum + leastBytes(field.type, inner), 0);
    }
    case 'boolean':
    case 'int':
    case 'long':
    case 'bytes':
    case 'string':
    case 'enum':
    case 'array':
    case 'map':
    case 'union':
      return 1;
  }
};
