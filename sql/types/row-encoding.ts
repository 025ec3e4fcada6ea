/**
 * Rows as bytes, for stores, changelogs and repartition topics: one encoding for all three.
 *
 *     version  u8            1, and one more for each time that columns were added (`former`)
 *     nulls    ceil(n / 8)   bit i (from the low end) set: column i is NULL
 *     fixed    8 per column  of fixed width (the carriers boolean, int32, int64, double; a DECIMAL of up to 18 digits),
 *                            NULL or not, in order: so that a field of a known slot lies at a known place and can be
 *                            replaced there (`slots.ts`)
 *     rest     …             for each other column that is not NULL, in order
 *
 * Fixed: booleans, whole numbers and unscaled decimals are big-endian i64, a double is IEEE 754. Rest: a text is an
 * unsigned varint of (UTF-8 length * 2), or of (UTF-16 length * 2 + 1) and big-endian units for texts with a lone
 * surrogate, then its bytes. BYTES are a varint of their length, then they. A DECIMAL of more than 18 digits is a
 * varint of its length in bytes, a multiple of eight, and the unscaled number, big-endian. A collection is a varint of
 * its number of members, then each member behind a byte that is 0 for NULL and 1 otherwise: fixed ones in 8 bytes,
 * others as above; a map has a text before each member; a struct has no number. All bytes must be used up.
 */

import {
  assert,
  type ByteWriter,
  type Cursor,
  newCursor,
  readBigI64,
  readF64,
  readI16,
  readI64,
  readShortUtf8,
  readUnsignedVarint,
  unreachable,
  utf8Length,
} from '../../base/index.ts';
import { type Serde, SerdeError } from '../../engine/index.ts';
import { decimalForm } from './decimal.ts';
import type { ScalarType } from './kinds.ts';
import { definitionOf } from './scalars/index.ts';
import { type CollectionType, isScalar, type SqlType } from './type.ts';
import { arrayValue, mapValue, normalizeBigint, type Row, type Value } from './value.ts';

export const rowEncodingVersion = 1;

/** Reads and writes rows of these columns. `read` makes a new row, `readInto` fills one. `former`: how many of the
 *  columns rows had before others were added behind them, oldest first; of such a row the others are NULL. */
export class RowEncoding implements Serde<Row> {
  readonly name = `row/${rowEncodingVersion}`;
  readonly #columns: readonly ColumnCodec[];
  readonly #nullBytes: number;
  readonly #fixedBytes: number;
  readonly #cursor: Cursor = newCursor();
  readonly #version: number;
  readonly #former: readonly RowEncoding[];

  constructor(types: readonly SqlType[], former: readonly number[] = []) {
    this.#version = rowEncodingVersion + former.length;
    assert(this.#version < 256, 'columns are added to a row at most 254 times');
    this.#former = former.map((count, i) => new RowEncoding(types.slice(0, count), former.slice(0, i)));
    this.#columns = types.map(columnCodec);
    this.#nullBytes = nullBytesOf(types.length);
    this.#fixedBytes = 8 * this.#columns.filter(({ fixed }) => fixed !== undefined).length;
  }

  write(row: readonly Value[], out: ByteWriter): void {
    const columns = this.#columns;
    const count = columns.length;
    const start = out.length;
    const nullsAt = start + 1;
    const fixedAt = nullsAt + this.#nullBytes;
    out.reserve(1 + this.#nullBytes + this.#fixedBytes);
    out.buffer[start] = this.#version;
    // A loop: `fill` of one or two bytes is a call into the runtime, which costs more than all the rest of a short row.
    for (let at = nullsAt; at < fixedAt; at++) out.buffer[at] = 0;
    out.length = fixedAt;
    for (let i = 0; i < count; i++) {
      const value = row[i] as Value;
      if (value === null) (out.buffer[nullsAt + (i >> 3)] as number) |= 1 << (i & 7);
      const column = columns[i] as ColumnCodec;
      if (column.fixed !== undefined) writeFixed(column.fixed, value === null ? 0 : value, out);
    }
    for (let i = 0; i < count; i++) {
      const column = columns[i] as ColumnCodec;
      if (column.fixed !== undefined) continue;
      const value = row[i] as Value;
      if (value === null) continue;
      if (column.isText) writeText(value as string, out);
      else column.write(value, out);
    }
  }

  read(bytes: Uint8Array, start: number, end: number): Row {
    const row = new Array<Value>(this.#columns.length).fill(null);
    this.readInto(bytes, start, end, row);
    return row;
  }

  readInto(bytes: Uint8Array, start: number, end: number, row: Row): void {
    const columns = this.#columns;
    const count = columns.length;
    const nullsAt = start + 1;
    let fixedAt = nullsAt + this.#nullBytes;
    const cursor = this.#cursor;
    cursor.at = fixedAt + this.#fixedBytes;
    if (start < end && bytes[start] !== this.#version) return this.#readFormer(bytes, start, end, row);
    if (cursor.at > end) throw new SerdeError('the encoded row is cut short');
    for (let i = 0; i < count; i++) {
      const isNull = ((bytes[nullsAt + (i >> 3)] as number) & (1 << (i & 7))) !== 0;
      const column = columns[i] as ColumnCodec;
      if (column.fixed !== undefined) {
        row[i] = isNull ? null : readFixed(column.fixed, bytes, fixedAt);
        fixedAt += 8;
      } else if (isNull) row[i] = null;
      else row[i] = column.isText ? readText(bytes, end, cursor) : column.read(bytes, end, cursor);
    }
    if (cursor.at !== end) throw new SerdeError('bytes are left behind the encoded row');
  }

  #readFormer(bytes: Uint8Array, start: number, end: number, row: Row): void {
    const version = bytes[start] as number;
    const former = this.#former[version - rowEncodingVersion];
    if (former === undefined) {
      throw new SerdeError(`the encoded row has version ${version}, this build reads ${this.#version}`);
    }
    former.readInto(bytes, start, end, row);
    for (let i = former.#columns.length; i < this.#columns.length; i++) row[i] = null;
  }
}

/** Bytes of the null bits of so many columns. */
export const nullBytesOf = (columns: number): number => (columns + 7) >> 3;

/** How the values of a column, or the members of a collection, are written. */
interface ColumnCodec {
  /** Of fixed width: what is in its 8 bytes. */
  readonly fixed: FixedCarrier | undefined;
  readonly isText: boolean;
  /** Reads and writes a value that is not NULL in the part of variable width: of every type, since members of
   *  collections are there. */
  write(value: Value, out: ByteWriter): void;
  read(bytes: Uint8Array, end: number, cursor: Cursor): Value;
}

/** The carriers of columns of fixed width. */
export type FixedCarrier = 'boolean' | 'int32' | 'int64' | 'double' | 'decimal';

/** The most digits of a DECIMAL that 64 bits can hold, whichever they are. */
const longestFixedDecimal = 18;

const writeFixed = (carrier: FixedCarrier, value: Value, out: ByteWriter): void => {
  switch (carrier) {
    case 'int64':
    case 'int32':
      out.i64(value as number | bigint);
      return;
    case 'double':
      out.f64(value as number);
      return;
    case 'boolean':
      out.i64(value === true ? 1 : 0);
      return;
    case 'decimal':
      if (typeof value === 'bigint')
        assert(BigInt.asIntN(64, value) === value, 'a DECIMAL has no more digits than its type');
      out.i64(value as number | bigint);
      return;
    default:
      unreachable(carrier);
  }
};

const readFixed = (carrier: FixedCarrier, bytes: Uint8Array, at: number): Value => {
  switch (carrier) {
    case 'int64':
    case 'int32': {
      const value = readI64(bytes, at);
      return Number.isSafeInteger(value) ? value : normalizeBigint(readBigI64(bytes, at));
    }
    case 'double':
      return readF64(bytes, at);
    case 'boolean':
      return readI64(bytes, at) !== 0;
    case 'decimal':
      return readBigI64(bytes, at);
    default:
      return unreachable(carrier);
  }
};

const writeText = (text: string, out: ByteWriter): void => {
  const units = text.length;
  if (units < 64) {
    // Short ASCII, the usual case: its length takes one byte and is known before.
    out.reserve(units + 1);
    const { buffer } = out;
    let at = out.length + 1;
    let i = 0;
    for (; i < units; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 128) break;
      buffer[at++] = unit;
    }
    if (i === units) {
      buffer[out.length] = units * 2;
      out.length = at;
      return;
    }
  }
  if (text.isWellFormed()) {
    const length = utf8Length(text);
    writeCount(length * 2, out);
    out.utf8(text);
    return;
  }
  writeCount(text.length * 2 + 1, out);
  for (let i = 0; i < text.length; i++) out.i16(text.charCodeAt(i));
};

const writeBytes = (value: Uint8Array, out: ByteWriter): void => {
  writeCount(value.length, out);
  out.bytes(value);
};

/** A copy: the bytes of the row may be written over. */
const readBytes = (bytes: Uint8Array, end: number, cursor: Cursor): Uint8Array => {
  const length = readCount(bytes, end, cursor);
  const start = cursor.at;
  if (length > end - start) throw new SerdeError('bytes in the encoded row are cut short');
  cursor.at = start + length;
  // `slice` of a Buffer would share its memory.
  return new Uint8Array(bytes.subarray(start, start + length));
};

/** As few bytes as hold the number with its sign, in words of eight. */
const writeBigint = (value: bigint, out: ByteWriter): void => {
  let words = 1;
  while (BigInt.asIntN(64 * words, value) !== value) words++;
  writeCount(8 * words, out);
  for (let word = words - 1; word >= 0; word--) out.i64(BigInt.asIntN(64, value >> BigInt(64 * word)));
};

const readBigint = (bytes: Uint8Array, end: number, cursor: Cursor): bigint => {
  const length = readCount(bytes, end, cursor);
  const start = cursor.at;
  if (length > end - start) throw new SerdeError('a DECIMAL in the encoded row is cut short');
  if (length === 0 || length % 8 !== 0) throw new SerdeError('a DECIMAL in the encoded row is damaged');
  cursor.at = start + length;
  let value = readBigI64(bytes, start);
  for (let at = start + 8; at < cursor.at; at += 8) value = (value << 64n) | BigInt.asUintN(64, readBigI64(bytes, at));
  return value;
};

const writeCount = (count: number, out: ByteWriter): void => {
  if (count >= 0x1_0000_0000) throw new SerdeError('a value is too large to be stored');
  out.unsignedVarint(count);
};

const readCount = (bytes: Uint8Array, end: number, cursor: Cursor): number => {
  const count = readUnsignedVarint(bytes, end, cursor);
  if (Number.isNaN(count)) throw new SerdeError('a length in the encoded row is damaged');
  return count;
};

const readText = (bytes: Uint8Array, end: number, cursor: Cursor): string => {
  const marked = readCount(bytes, end, cursor);
  const wide = marked % 2 === 1;
  const length = Math.floor(marked / 2);
  const start = cursor.at;
  const stop = start + (wide ? length * 2 : length);
  if (stop > end) throw new SerdeError('a text in the encoded row is cut short');
  cursor.at = stop;
  if (!wide) return readShortUtf8(bytes, start, stop);
  let text = '';
  for (let at = start; at < stop; at += 2) text += String.fromCharCode(readI16(bytes, at) & 0xffff);
  return text;
};

/** Undefined: values of the type take more bytes or fewer. */
export const fixedCarrierOf = (type: SqlType): FixedCarrier | undefined => columnCodec(type).fixed;

const columnCodec = (type: SqlType): ColumnCodec =>
  isScalar(type) ? scalarCodec(type) : { fixed: undefined, isText: false, ...collectionCodec(type) };

const scalarCodec = (type: ScalarType): ColumnCodec => {
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double':
      return fixedCodec(carrier);
    case 'decimal':
      return decimalForm(type).precision <= longestFixedDecimal
        ? fixedCodec(carrier)
        : {
            fixed: undefined,
            isText: false,
            write: (value, out) => writeBigint(value as bigint, out),
            read: readBigint,
          };
    case 'text':
      return { fixed: undefined, isText: true, write: (value, out) => writeText(value as string, out), read: readText };
    case 'bytes':
      return {
        fixed: undefined,
        isText: false,
        write: (value, out) => writeBytes(value as Uint8Array, out),
        read: readBytes,
      };
    default:
      return unreachable(carrier);
  }
};

const fixedCodec = (carrier: FixedCarrier): ColumnCodec => ({
  fixed: carrier,
  isText: false,
  write: (value, out) => writeFixed(carrier, value, out),
  read(bytes, end, cursor) {
    const { at } = cursor;
    if (at + 8 > end) throw new SerdeError('a number in the encoded row is cut short');
    cursor.at = at + 8;
    return readFixed(carrier, bytes, at);
  },
});

type ValueCodec = Pick<ColumnCodec, 'read' | 'write'>;

const collectionCodec = (type: CollectionType): ValueCodec => {
  switch (type.kind) {
    case 'ARRAY': {
      const element = memberCodec(type.element);
      return {
        write(value, out) {
          const elements = arrayValue(value);
          writeCount(elements.length, out);
          for (const each of elements) element.write(each, out);
        },
        read(bytes, end, cursor) {
          const count = readMembers(bytes, end, cursor);
          const elements: Value[] = [];
          for (let i = 0; i < count; i++) elements.push(element.read(bytes, end, cursor));
          return elements;
        },
      };
    }
    case 'MAP': {
      const member = memberCodec(type.value);
      return {
        write(value, out) {
          const entries = mapValue(value);
          writeCount(entries.size, out);
          for (const [key, each] of entries) {
            writeText(key, out);
            member.write(each, out);
          }
        },
        read(bytes, end, cursor) {
          const count = readMembers(bytes, end, cursor);
          const map = new Map<string, Value>();
          for (let i = 0; i < count; i++) {
            const key = readText(bytes, end, cursor);
            map.set(key, member.read(bytes, end, cursor));
          }
          return map;
        },
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => memberCodec(field.type));
      return {
        write(value, out) {
          const members = arrayValue(value);
          for (let i = 0; i < fields.length; i++) (fields[i] as ValueCodec).write(members[i] as Value, out);
        },
        read: (bytes, end, cursor) => fields.map((field) => field.read(bytes, end, cursor)),
      };
    }
    default:
      return unreachable(type);
  }
};

/** A number of members, each of which takes at least one byte: so damaged bytes cannot ask for a huge collection. */
const readMembers = (bytes: Uint8Array, end: number, cursor: Cursor): number => {
  const count = readCount(bytes, end, cursor);
  if (count > end - cursor.at) throw new SerdeError('a collection in the encoded row is cut short');
  return count;
};

/** A member of a collection: behind a byte, and NULL or not. */
const memberCodec = (type: SqlType): ValueCodec => {
  const present = columnCodec(type);
  return {
    write(value, out) {
      out.i8(value === null ? 0 : 1);
      if (value !== null) present.write(value, out);
    },
    read(bytes, end, cursor) {
      if (cursor.at >= end) throw new SerdeError('a member in the encoded row is cut short');
      const mark = bytes[cursor.at++] as number;
      if (mark > 1) throw new SerdeError('a member in the encoded row is damaged');
      return mark === 0 ? null : present.read(bytes, end, cursor);
    },
  };
};
