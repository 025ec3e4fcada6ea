/**
 * How columns become data of a schema: decided once for the plain writer and the generated one, as a tree.
 *
 * The schema is the one that follows from the columns, or any other that was registered before: then its fields may
 * stand in another order and be more than there are columns. What the columns have not, and NULL where the schema has
 * no null, is written as the field's default.
 */

import { ByteWriter, UserError, unreachable, utf8Length } from '../../../base/index.ts';
import type { AvroField, AvroRecord, AvroType } from '../../registry/schemas/avro.ts';
import type { Carrier } from '../../types/carriers.ts';
import { rescaleExact } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import { isScalar, printType, type SqlType, type StructField, stringType } from '../../types/type.ts';
import { bytesOfBigint, writeFloat } from '../binary-numbers.ts';
import { branchName } from './columns.ts';
import { latin1Bytes } from './reading.ts';

export interface Writing {
  /** What stands for NULL; undefined: the schema has nothing for it. */
  readonly nullBytes: Uint8Array | undefined;
  /** What stands before the value: the branch of a union. */
  readonly before: Uint8Array;
  readonly inner: InnerWriting;
  /** The place in the schema, for messages. */
  readonly place: string;
}

export type InnerWriting =
  | { readonly op: 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'bytes' }
  /** A number as big-endian bytes, of this many or behind their count. */
  | { readonly op: 'decimal'; readonly size: number | undefined; readonly from: number; readonly to: number }
  | { readonly op: 'fixed'; readonly size: number }
  | { readonly op: 'enum'; readonly symbols: ReadonlyMap<string, Uint8Array> }
  | { readonly op: 'record'; readonly fields: readonly FieldWriting[] }
  | { readonly op: 'array'; readonly element: Writing }
  | { readonly op: 'map'; readonly value: Writing }
  | { readonly op: 'entries'; readonly fields: readonly FieldWriting[] }
  /** The first field that is not NULL is written, as its branch. */
  | { readonly op: 'choice'; readonly fields: readonly FieldWriting[] };

/** A field of the schema: the value at `at`, or the same bytes always. */
export type FieldWriting =
  | { readonly at: number; readonly writing: Writing }
  | { readonly at: undefined; readonly bytes: Uint8Array };

/** The columns as the fields of a record. */
export const writingOfColumns = (schema: AvroType, columns: readonly StructField[]): readonly FieldWriting[] => {
  const record = schema.kind === 'union' ? schema.branches.find((branch) => branch.kind === 'record') : schema;
  if (record?.kind !== 'record') return cannot('the columns', schema, 'the schema is no record');
  if (record === schema) return fieldsOf(record, columns, '');
  return [{ at: undefined, bytes: branchBytes(schema, record) }, ...fieldsOf(record, columns, '')];
};

const cannot = (what: string, schema: AvroType, why: string): never => {
  throw new UserError(
    'SQL_SCHEMA_COLUMNS',
    `${what} cannot be written as ${'name' in schema ? schema.name : schema.kind} of the Avro schema: ${why}`,
  );
};

const fieldsOf = (record: AvroRecord, columns: readonly StructField[], place: string): readonly FieldWriting[] => {
  const taken = new Set<number>();
  const fields = record.fields.map((field): FieldWriting => {
    const exact = columns.findIndex(({ name }) => name === field.name);
    const at = exact >= 0 ? exact : columns.findIndex(({ name }) => name === field.name.toUpperCase());
    const column = columns[at];
    if (column === undefined) {
      const bytes = nullOrDefault(field);
      if (bytes !== undefined) return { at: undefined, bytes };
      return cannot(`${place}${field.name}`, record, 'there is no column for it, and it has no default');
    }
    taken.add(at);
    return { at, writing: writingOf(field.type, column.type, `${place}${field.name}`, nullOrDefault(field)) };
  });
  const left = columns.find((_, i) => !taken.has(i));
  if (left !== undefined) return cannot(`"${left.name}"`, record, 'it has no such field');
  return fields;
};

/** What is written where there is no value: the default, or null where the type has it. */
const nullOrDefault = ({ type, default: given }: AvroField): Uint8Array | undefined => {
  const nothing = given === undefined ? undefined : defaultBytes(type, given);
  return nothing ?? nullBytesOf(type);
};

const nullBytesOf = (type: AvroType): Uint8Array | undefined => {
  if (type.kind === 'null') return new Uint8Array(0);
  if (type.kind !== 'union') return undefined;
  const index = type.branches.findIndex((branch) => branch.kind === 'null');
  return index < 0 ? undefined : Uint8Array.of(index * 2);
};

const branchBytes = (type: AvroType, branch: AvroType): Uint8Array => {
  if (type.kind !== 'union') return new Uint8Array(0);
  const out = new ByteWriter(2);
  out.varint(type.branches.indexOf(branch));
  return out.slice();
};

/** A value of this type, as a value of the schema. `missing`: what is written for NULL where the schema has no null. */
export const writingOf = (schema: AvroType, type: SqlType, place: string, missing?: Uint8Array): Writing => {
  const nullBytes = nullBytesOf(schema) ?? missing;
  const branches = schema.kind === 'union' ? schema.branches.filter((each) => each.kind !== 'null') : [schema];
  if (branches.length > 1 && type.kind === 'STRUCT') {
    const fields = branches.map((branch): FieldWriting => {
      const at = type.fields.findIndex(({ name }) =>
        [branchName(branch), branchName(branch).toUpperCase()].includes(name),
      );
      const field = type.fields[at];
      if (field === undefined) return { at: undefined, bytes: new Uint8Array(0) };
      const inner = innerOf(branch, field.type, `${place}.${field.name}`);
      if (inner === undefined) return mismatch(branch, field.type, place);
      return { at, writing: { nullBytes: undefined, before: branchBytes(schema, branch), inner, place } };
    });
    return { nullBytes, before: new Uint8Array(0), inner: { op: 'choice', fields }, place };
  }
  for (const branch of branches) {
    const inner = innerOf(branch, type, place);
    if (inner !== undefined) return { nullBytes, before: branchBytes(schema, branch), inner, place };
  }
  return mismatch(schema, type, place);
};

const mismatch = (schema: AvroType, type: SqlType, place: string): never =>
  cannot(`${place === '' ? 'the column' : `"${place}"`} of type ${printType(type)}`, schema, 'the types do not agree');

const innerOf = (schema: AvroType, type: SqlType, place: string): InnerWriting | undefined => {
  if (isScalar(type)) return innerOfScalar(schema, type);
  switch (type.kind) {
    case 'ARRAY':
      return schema.kind === 'array'
        ? { op: 'array', element: writingOf(schema.items, type.element, `${place}[]`) }
        : undefined;
    case 'MAP':
      if (schema.kind === 'map') return { op: 'map', value: writingOf(schema.values, type.value, `${place}{}`) };
      if (schema.kind !== 'array' || schema.items.kind !== 'record') return undefined;
      // The entry of a map in any schema that has its two fields, whether it is marked as one or not.
      if (!['key', 'value'].every((name) => fieldNames(schema.items).includes(name))) return undefined;
      return {
        op: 'entries',
        fields: fieldsOf(
          schema.items,
          [
            { name: 'key', type: stringType },
            { name: 'value', type: type.value },
          ],
          `${place}{}.`,
        ),
      };
    case 'STRUCT':
      return schema.kind === 'record'
        ? { op: 'record', fields: fieldsOf(schema, type.fields, place === '' ? '' : `${place}.`) }
        : undefined;
    default:
      return unreachable(type);
  }
};

const fieldNames = (type: AvroType): readonly string[] =>
  type.kind === 'record' ? type.fields.map(({ name }) => name) : [];

const innerOfScalar = (schema: AvroType, type: ScalarType): InnerWriting | undefined => {
  const { carrier } = definitionOf(type);
  switch (schema.kind) {
    case 'boolean':
      return carrier === 'boolean' ? { op: 'boolean' } : undefined;
    case 'int':
      return carrier === 'int32' ? { op: 'int' } : undefined;
    case 'long':
      return carrier === 'int32' || carrier === 'int64' ? { op: 'long' } : undefined;
    case 'float':
    case 'double':
      return carrier === 'double' ? { op: schema.kind } : undefined;
    case 'string':
      return carrier === 'text' ? { op: 'string' } : undefined;
    case 'enum':
      return carrier === 'text' ? { op: 'enum', symbols: symbolBytes(schema.symbols) } : undefined;
    case 'bytes':
      if (schema.logical !== undefined) return decimalOf(schema, undefined, type, carrier);
      return carrier === 'bytes' ? { op: 'bytes' } : undefined;
    case 'fixed':
      if (schema.logical !== undefined) return decimalOf(schema, schema.size, type, carrier);
      return carrier === 'bytes' ? { op: 'fixed', size: schema.size } : undefined;
    case 'null':
    case 'array':
    case 'map':
    case 'record':
    case 'union':
      return undefined;
    default:
      return unreachable(schema);
  }
};

const decimalOf = (
  schema: AvroType,
  size: number | undefined,
  type: ScalarType,
  carrier: Carrier,
): InnerWriting | undefined => {
  if (carrier !== 'decimal' || type.kind !== 'DECIMAL') return undefined;
  const to = 'logical' in schema && schema.logical?.kind === 'decimal' ? schema.logical.scale : 0;
  return { op: 'decimal', size, from: type.scale, to };
};

const symbolBytes = (symbols: readonly string[]): ReadonlyMap<string, Uint8Array> =>
  new Map(
    symbols.map((symbol, i) => {
      const out = new ByteWriter(2);
      out.varint(i);
      return [symbol, out.slice()];
    }),
  );

/** The bytes of a decimal; undefined: it loses digits, or there are too few bytes. */
export const decimalBytes = (
  value: bigint,
  from: number,
  to: number,
  size: number | undefined,
): Uint8Array | undefined => {
  const scaled = from === to ? value : rescaleExact(value, from, to);
  if (scaled === undefined) return undefined;
  const bytes = bytesOfBigint(scaled);
  if (size === undefined || bytes.length === size) return bytes;
  if (bytes.length > size) return undefined;
  const padded = new Uint8Array(size).fill(scaled < 0n ? 0xff : 0);
  padded.set(bytes, size - bytes.length);
  return padded;
};

// --------------------------------------------------------------------------------------------------------- defaults

/** A default of the schema, which is JSON, as data; undefined: it is none of its type. */
const defaultBytes = (type: AvroType, json: unknown): Uint8Array | undefined => {
  const out = new ByteWriter(16);
  return writeDefault(type, json, out) ? out.slice() : undefined;
};

const writeDefault = (type: AvroType, json: unknown, out: ByteWriter): boolean => {
  switch (type.kind) {
    case 'null':
      return json === null;
    case 'boolean':
      if (typeof json !== 'boolean') return false;
      out.i8(json ? 1 : 0);
      return true;
    case 'int':
    case 'long':
      if (!Number.isSafeInteger(json)) return false;
      out.varlong(json as number);
      return true;
    case 'float':
    case 'double':
      if (typeof json !== 'number') return false;
      writeFloat(json, type.kind === 'float' ? 4 : 8, out);
      return true;
    case 'string':
      if (typeof json !== 'string') return false;
      writeText(json, out);
      return true;
    case 'bytes':
      if (typeof json !== 'string') return false;
      out.varint(json.length);
      out.bytes(latin1Bytes(json));
      return true;
    case 'fixed':
      if (typeof json !== 'string' || json.length !== type.size) return false;
      out.bytes(latin1Bytes(json));
      return true;
    case 'enum': {
      const index = type.symbols.findIndex((symbol) => symbol === json);
      out.varint(index);
      return index >= 0;
    }
    case 'array':
      if (!Array.isArray(json)) return false;
      if (json.length > 0) out.varint(json.length);
      if (!json.every((item) => writeDefault(type.items, item, out))) return false;
      out.i8(0);
      return true;
    case 'map': {
      if (typeof json !== 'object' || json === null) return false;
      const entries = Object.entries(json);
      if (entries.length > 0) out.varint(entries.length);
      for (const [key, item] of entries) {
        writeText(key, out);
        if (!writeDefault(type.values, item, out)) return false;
      }
      out.i8(0);
      return true;
    }
    case 'record': {
      if (typeof json !== 'object' || json === null) return false;
      const given = new Map(Object.entries(json));
      return type.fields.every((field) =>
        writeDefault(field.type, given.has(field.name) ? given.get(field.name) : field.default, out),
      );
    }
    case 'union': {
      // The default of a union is one of its first branch; newer schemas allow any.
      for (const [i, branch] of type.branches.entries()) {
        const attempt = new ByteWriter(16);
        if (!writeDefault(branch, json, attempt)) continue;
        out.varint(i);
        out.bytes(attempt.bytesView());
        return true;
      }
      return false;
    }
    default:
      return unreachable(type);
  }
};

/** A text as UTF-8 behind its length in bytes. */
export const writeText = (text: string, out: ByteWriter): void => {
  const { length } = text;
  if (length >= 64) {
    out.varint(utf8Length(text));
    out.utf8(text);
    return;
  }
  // Its length takes one byte while it has less than 64 bytes: tried first.
  const at = out.length;
  out.i8(0);
  const written = out.utf8(text);
  if (written < 64) out.buffer[at] = written * 2;
  else {
    out.length = at;
    out.varint(written);
    out.utf8(text);
  }
};
