/**
 * Writing rows as messages. The fields of the schema are found by the names of the columns: the same, or the same in
 * upper case. They are written in the order of their numbers; what is NULL, and a default that nobody could tell from
 * it, is left out.
 */

import { type ByteWriter, UserError, unreachable } from '../../../base/index.ts';
import {
  columnNameOf,
  entryOf,
  type ProtoField,
  type ProtoMessage,
  type ProtoScalar,
  type ProtoType,
  type WellKnown,
  wellKnownOf,
  wire,
  wireOf,
  wrappedField,
} from '../../registry/schemas/protobuf.ts';
import { rescaleExact } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import { civilFromDays } from '../../types/time/calendar.ts';
import { isScalar, printType, type SqlType, type StructField, stringType } from '../../types/type.ts';
import { arrayValue, mapValue, type Row, type Value } from '../../types/value.ts';
import { bytesOfBigint, writeFloat } from '../binary-numbers.ts';
import { SerdeError } from '../format.ts';

export type WriteFields = (values: readonly Value[], out: ByteWriter) => void;

/** Writes a value that is not NULL, without its tag. */
type WriteValue = (value: Value, out: ByteWriter) => void;

const cannot = (what: string, message: string, why: string): never => {
  throw new UserError(
    'SQL_SCHEMA_COLUMNS',
    `${what} cannot be written as the message ${message} of the Protocol Buffers schema: ${why}`,
  );
};

/** How a column is written. */
export interface ColumnWriter {
  readonly field: ProtoField;
  readonly type: SqlType;
  /** The place of the column. */
  readonly at: number;
  /** With its tag; nothing for NULL. */
  readonly write: WriteValue;
}

/** The columns of a message, in the order in which they are written. Raises `UserError` when they do not fit it. */
export const columnWriters = (message: ProtoMessage, columns: readonly StructField[]): readonly ColumnWriter[] => {
  const writers: ColumnWriter[] = [];
  const taken = new Set<number>();
  for (const field of message.fields) {
    const name = columnNameOf(field);
    const exact = columns.findIndex((column) => column.name === name);
    const at = exact >= 0 ? exact : columns.findIndex((column) => column.name === name.toUpperCase());
    const column = columns[at];
    if (column === undefined) continue;
    taken.add(at);
    const write = field.oneof === undefined ? fieldWriter(field, column) : choiceWriter(field, column);
    writers.push({ field, type: column.type, at, write });
  }
  const left = columns.find((_, i) => !taken.has(i));
  if (left !== undefined) return cannot(`"${left.name}"`, message.name, 'it has no such field');
  return writers.sort((a, b) => a.field.number - b.field.number);
};

/** Writes the fields of a message in the plain form. */
export const plainFields =
  (columns: readonly ColumnWriter[]): WriteFields =>
  (values, out) => {
    for (const { at, write } of columns) write(values[at] ?? null, out);
  };

const messageWriter = (message: ProtoMessage, columns: readonly StructField[]): WriteFields =>
  plainFields(columnWriters(message, columns));

/** The field of a oneof, from the struct that stands for it. */
const choiceWriter = (field: ProtoField, column: StructField): WriteValue => {
  const { type } = column;
  if (type.kind !== 'STRUCT') return cannot(`"${column.name}"`, columnNameOf(field), 'a oneof is a STRUCT');
  const at = type.fields.findIndex(({ name }) => name === field.name || name === field.name.toUpperCase());
  const inner = type.fields[at];
  if (inner === undefined) return () => {};
  const write = fieldWriter(field, inner);
  return (value, out) => {
    if (value !== null) write(arrayValue(value)[at] ?? null, out);
  };
};

const fieldWriter = (field: ProtoField, { name, type }: StructField): WriteValue => {
  const mismatch = (): never =>
    cannot(`"${name}" of type ${printType(type)}`, typeName(field.type), 'the types do not agree');
  const noNull = (): never => {
    throw new SerdeError(`not writable as PROTOBUF: "${name}" has a NULL within, which there is no place for`);
  };
  if (type.kind === 'MAP') {
    const entry = entryOf(field);
    if (entry === undefined || field.type.kind !== 'message') return mismatch();
    const write = messageWriter(field.type, [
      { name: 'key', type: stringType },
      { name: 'value', type: type.value },
    ]);
    const pair: Row = [null, null];
    return (value, out) => {
      if (value === null) return;
      for (const [key, item] of mapValue(value)) {
        writeTag(field.number, wire.length, out);
        withLength(out, () => {
          pair[0] = key;
          pair[1] = item;
          write(pair, out);
        });
      }
    };
  }
  if (field.repeated) {
    if (type.kind !== 'ARRAY') return mismatch();
    const write = valueWriter(field.type, type.element, field) ?? mismatch();
    const own = wireOf(field.type);
    if (field.packed) {
      return (value, out) => {
        const items = value === null ? [] : arrayValue(value);
        if (items.length === 0) return;
        writeTag(field.number, wire.length, out);
        withLength(out, () => {
          for (const item of items) {
            if (item === null) noNull();
            write(item, out);
          }
        });
      };
    }
    return (value, out) => {
      if (value === null) return;
      for (const item of arrayValue(value)) {
        if (item === null) noNull();
        writeTag(field.number, own, out);
        write(item, out);
      }
    };
  }
  const write = valueWriter(field.type, type, field) ?? mismatch();
  const own = wireOf(field.type);
  const absent = field.presence ? undefined : isDefault(field.type);
  return (value, out) => {
    if (value === null || absent?.(value) === true) return;
    writeTag(field.number, own, out);
    write(value, out);
  };
};

const typeName = (type: ProtoType): string => (type.kind === 'scalar' ? type.scalar : type.name);

/** Whether a value is the one that is not written. */
const isDefault = (type: ProtoType): ((value: Value) => boolean) => {
  if (type.kind === 'enum') return (value) => value === type.values.get(0);
  if (type.kind === 'message') return () => false;
  switch (type.scalar) {
    case 'bool':
      return (value) => value === false;
    case 'string':
      return (value) => value === '';
    case 'bytes':
      return (value) => (value as Uint8Array).length === 0;
    case 'float':
    case 'double':
      // −0 is another value.
      return (value) => Object.is(value, 0);
    case 'int32':
    case 'uint32':
    case 'sint32':
    case 'fixed32':
    case 'sfixed32':
    case 'int64':
    case 'uint64':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
      return (value) => value === 0;
    default:
      return unreachable(type.scalar);
  }
};

export const writeTag = (number: number, type: number, out: ByteWriter): void =>
  out.unsignedVarint(((number << 3) | type) >>> 0);

/** Writes what lies behind its own length. Room for a length of one byte is left; a longer one moves what was
 *  written. */
export const withLength = (out: ByteWriter, write: () => void): void => {
  const at = out.length;
  out.i8(0);
  write();
  const length = out.length - at - 1;
  if (length < 128) {
    out.buffer[at] = length;
    return;
  }
  const bytes = out.buffer.slice(at + 1, out.length);
  out.length = at;
  out.unsignedVarint(length);
  out.bytes(bytes);
};

// ----------------------------------------------------------------------------------------------------------- values

const valueWriter = (to: ProtoType, type: SqlType, field: ProtoField): WriteValue | undefined => {
  switch (to.kind) {
    case 'scalar':
      return isScalar(type) ? scalarWriter(to.scalar, type) : undefined;
    case 'enum': {
      if (!isScalar(type) || definitionOf(type).carrier !== 'text') return undefined;
      const numbers = new Map([...to.values].map(([number, name]) => [name, number]));
      return (value, out) => {
        const number = numbers.get(value as string);
        if (number === undefined)
          throw new SerdeError(`not writable as PROTOBUF: the enum ${to.name} has no such value`);
        writeInt64(number, out);
      };
    }
    case 'message': {
      if (isScalar(type)) {
        const known = wellKnownOf(to);
        if (known !== undefined) return knownWriter(known, type, field);
        const wrapped = wrappedField(to);
        if (wrapped === undefined) return undefined;
        const inner = valueWriter(wrapped.type, type, wrapped);
        if (inner === undefined) return undefined;
        const write = fieldWriter({ ...wrapped, presence: false }, { name: field.name, type });
        return (value, out) => withLength(out, () => write(value, out));
      }
      if (type.kind !== 'STRUCT') return undefined;
      const write = messageWriter(to, type.fields);
      return (value, out) => {
        const fields = arrayValue(value);
        withLength(out, () => write(fields, out));
      };
    }
    default:
      return unreachable(to);
  }
};

const writeInt64 = (value: number | bigint, out: ByteWriter): void => {
  if (typeof value === 'number' && value >= 0 && value <= 0xffff_ffff) out.unsignedVarint(value);
  else writeUnsigned(BigInt.asUintN(64, BigInt(value)), out);
};

const writeUnsigned = (value: bigint, out: ByteWriter): void => {
  out.reserve(10);
  let rest = value;
  while (rest >= 0x80n) {
    out.buffer[out.length++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  out.buffer[out.length++] = Number(rest);
};

const little = new DataView(new ArrayBuffer(8));
const littleBytes = new Uint8Array(little.buffer);

const scalarWriter = (scalar: ProtoScalar, type: ScalarType): WriteValue | undefined => {
  const { carrier, logical } = definitionOf(type);
  if (logical) return undefined;
  const whole = carrier === 'int32' || carrier === 'int64';
  switch (scalar) {
    case 'bool':
      return carrier === 'boolean' ? (value, out) => out.i8(value === true ? 1 : 0) : undefined;
    case 'string':
      return carrier === 'text'
        ? (value, out) => {
            const text = value as string;
            withLength(out, () => out.utf8(text));
          }
        : undefined;
    case 'bytes':
      return carrier === 'bytes'
        ? (value, out) => {
            const bytes = value as Uint8Array;
            out.unsignedVarint(bytes.length);
            out.bytes(bytes);
          }
        : undefined;
    case 'float':
      return carrier === 'double' ? (value, out) => writeFloat(value as number, 4, out) : undefined;
    case 'double':
      return carrier === 'double' ? (value, out) => writeFloat(value as number, 8, out) : undefined;
    case 'int32':
      return carrier === 'int32' ? (value, out) => writeInt64(value as number, out) : undefined;
    case 'sint32':
      return carrier === 'int32' ? (value, out) => out.varint(value as number) : undefined;
    case 'sfixed32':
      return carrier === 'int32' ? (value, out) => writeFixed(value as number, 4, out) : undefined;
    case 'uint32':
      return whole ? (value, out) => writeInt64(Number(value) >>> 0, out) : undefined;
    case 'fixed32':
      return whole ? (value, out) => writeFixed(value as number, 4, out) : undefined;
    case 'int64':
    case 'uint64':
      return whole ? (value, out) => writeInt64(value as number | bigint, out) : undefined;
    case 'sint64':
      return whole ? (value, out) => out.varlong(value as number | bigint) : undefined;
    case 'fixed64':
    case 'sfixed64':
      return whole ? (value, out) => writeFixed(value as number | bigint, 8, out) : undefined;
    default:
      return unreachable(scalar);
  }
};

const writeFixed = (value: number | bigint, size: 4 | 8, out: ByteWriter): void => {
  little.setBigInt64(0, BigInt(value), true);
  out.bytes(littleBytes, 0, size);
};

const whole = (number: number, value: number | bigint, out: ByteWriter): void => {
  if (value === 0) return;
  writeTag(number, wire.varint, out);
  writeInt64(value, out);
};

const knownWriter = (known: WellKnown, type: ScalarType, field: ProtoField): WriteValue | undefined => {
  switch (known) {
    case 'decimal': {
      if (type.kind !== 'DECIMAL') return undefined;
      const { scale } = field.decimal ?? type;
      const from = type.scale;
      return (value, out) => {
        const unscaled = from === scale ? (value as bigint) : rescaleExact(value as bigint, from, scale);
        if (unscaled === undefined) throw new SerdeError(`not writable as PROTOBUF: "${field.name}" would lose digits`);
        const bytes = bytesOfBigint(unscaled);
        withLength(out, () => {
          writeTag(1, wire.length, out);
          out.unsignedVarint(bytes.length);
          out.bytes(bytes);
          // The digits that it has, not those that it could have.
          whole(2, String(unscaled < 0n ? -unscaled : unscaled).length, out);
          whole(3, scale, out);
        });
      };
    }
    case 'date':
      if (type.kind !== 'DATE') return undefined;
      return (value, out) => {
        const { year, month, day } = civilFromDays(value as number);
        withLength(out, () => {
          whole(1, year, out);
          whole(2, month, out);
          whole(3, day, out);
        });
      };
    case 'time':
      if (type.kind !== 'TIME') return undefined;
      return (value, out) => {
        const time = value as number;
        withLength(out, () => {
          whole(1, Math.floor(time / 3_600_000), out);
          whole(2, Math.floor(time / 60_000) % 60, out);
          whole(3, Math.floor(time / 1000) % 60, out);
          whole(4, (time % 1000) * 1_000_000, out);
        });
      };
    case 'timestamp':
      if (type.kind !== 'TIMESTAMP') return undefined;
      return (value, out) => {
        const time = value as number;
        const seconds = Math.floor(time / 1000);
        withLength(out, () => {
          whole(1, seconds, out);
          whole(2, (time - seconds * 1000) * 1_000_000, out);
        });
      };
    default:
      return unreachable(known);
  }
};
