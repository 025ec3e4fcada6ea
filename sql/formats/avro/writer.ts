/** Writing data of Avro: a closure for each part of a `Writing`. */

import { type ByteWriter, unreachable } from '../../../base/index.ts';
import { arrayValue, mapValue, type Row, type Value } from '../../types/value.ts';
import { writeFloat } from '../binary-numbers.ts';
import { SerdeError } from '../format.ts';
import { decimalBytes, type FieldWriting, type InnerWriting, type Writing, writeText } from './writing.ts';

export type AvroValueWriter = (value: Value, out: ByteWriter) => void;

/** The value behind its branch, or what stands for NULL. */
export const avroValueWriter = ({ nullBytes, before, inner, place }: Writing): AvroValueWriter => {
  const write = innerWriter(inner, place);
  return (value, out) => {
    if (value === null) {
      if (nullBytes === undefined) fail(place, 'is NULL, which the schema has no place for');
      else out.bytes(nullBytes);
    } else {
      if (before.length > 0) out.bytes(before);
      write(value, out);
    }
  };
};

const fail = (place: string, why: string): never => {
  throw new SerdeError(`not writable as AVRO: ${place === '' ? 'the value' : `"${place}"`} ${why}`);
};

/** The fields of a record, from the values by their places. */
export const avroFieldsWriter = (
  fields: readonly FieldWriting[],
): ((values: readonly Value[], out: ByteWriter) => void) => {
  const writers = fields.map((field) =>
    field.at === undefined
      ? (_: readonly Value[], out: ByteWriter) => out.bytes(field.bytes)
      : valueAt(field.at, avroValueWriter(field.writing)),
  );
  return (values, out) => {
    for (const write of writers) write(values, out);
  };
};

const valueAt =
  (at: number, write: AvroValueWriter) =>
  (values: readonly Value[], out: ByteWriter): void =>
    write(values[at] ?? null, out);

const innerWriter = (inner: InnerWriting, place: string): AvroValueWriter => {
  switch (inner.op) {
    case 'boolean':
      return (value, out) => out.i8(value === true ? 1 : 0);
    case 'int':
      return (value, out) => out.varint(value as number);
    case 'long':
      return (value, out) => out.varlong(value as number | bigint);
    case 'float':
      return (value, out) => writeFloat(value as number, 4, out);
    case 'double':
      return (value, out) => writeFloat(value as number, 8, out);
    case 'string':
      return (value, out) => writeText(value as string, out);
    case 'bytes':
      return (value, out) => {
        const bytes = value as Uint8Array;
        out.varint(bytes.length);
        out.bytes(bytes);
      };
    case 'decimal': {
      const { from, to, size } = inner;
      return (value, out) => {
        const bytes = decimalBytes(value as bigint, from, to, size);
        if (bytes === undefined) return fail(place, 'does not fit the decimal of the schema');
        if (size === undefined) out.varint(bytes.length);
        out.bytes(bytes);
      };
    }
    case 'fixed': {
      const { size } = inner;
      return (value, out) => {
        const bytes = value as Uint8Array;
        if (bytes.length !== size) fail(place, `takes ${size} bytes, not ${bytes.length}`);
        out.bytes(bytes);
      };
    }
    case 'enum': {
      const { symbols } = inner;
      return (value, out) => {
        const bytes = symbols.get(value as string);
        if (bytes === undefined) fail(place, 'is no symbol of the enum');
        else out.bytes(bytes);
      };
    }
    case 'record': {
      const write = avroFieldsWriter(inner.fields);
      return (value, out) => write(arrayValue(value), out);
    }
    case 'array': {
      const element = avroValueWriter(inner.element);
      return (value, out) => {
        const items = arrayValue(value);
        if (items.length > 0) {
          out.varint(items.length);
          for (const item of items) element(item, out);
        }
        out.i8(0);
      };
    }
    case 'map': {
      const member = avroValueWriter(inner.value);
      return (value, out) => {
        const entries = mapValue(value);
        if (entries.size > 0) {
          out.varint(entries.size);
          for (const [key, item] of entries) {
            writeText(key, out);
            member(item, out);
          }
        }
        out.i8(0);
      };
    }
    case 'entries': {
      const write = avroFieldsWriter(inner.fields);
      const entry: Row = [null, null];
      return (value, out) => {
        const entries = mapValue(value);
        if (entries.size > 0) {
          out.varint(entries.size);
          for (const [key, item] of entries) {
            entry[0] = key;
            entry[1] = item;
            write(entry, out);
          }
        }
        out.i8(0);
      };
    }
    case 'choice': {
      const branches = inner.fields.map((field) =>
        field.at === undefined ? undefined : { at: field.at, write: avroValueWriter(field.writing) },
      );
      return (value, out) => {
        const fields = arrayValue(value);
        for (const branch of branches) {
          const item = branch === undefined ? null : (fields[branch.at] ?? null);
          if (item !== null) return branch?.write(item, out);
        }
        return fail(place, 'has no field that is not NULL');
      };
    }
    default:
      return unreachable(inner);
  }
};
