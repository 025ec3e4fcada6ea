/**
 * Rows as bytes, for stores, changelogs and repartition topics: one encoding for all three.
 *
 *     version  u8            1
 *     nulls    ceil(n / 8)   bit i (from the low end) set: column i is NULL
 *     fixed    8 per column  of BOOLEAN, INTEGER, BIGINT, DOUBLE and TIMESTAMP, NULL or not, in order: so that a field
 *                            of a known slot lies at a known place and can be replaced there
 *     rest     …             for each STRING, ARRAY, MAP and STRUCT that is not NULL, in order
 *
 * Fixed: BOOLEAN, INTEGER, BIGINT and TIMESTAMP are big-endian i64, DOUBLE is an IEEE 754 double. Rest: a STRING is an
 * unsigned varint of (UTF-8 length * 2), or of (UTF-16 length * 2 + 1) and big-endian units for texts with a lone
 * surrogate, then its bytes. A collection is a varint of its number of members, then each member behind a byte that is
 * 0 for NULL and 1 otherwise: fixed ones in 8 bytes, others as above; a map has a STRING before each member; a struct
 * has no number. All bytes must be used up.
 */

import {
  type ByteWriter,
  type Cursor,
  newCursor,
  readBigI64,
  readF64,
  readI16,
  readI64,
  readUnsignedVarint,
  readUtf8,
  unreachable,
  utf8Length,
} from '../../base/index.ts';
import { type Serde, SerdeError } from '../../engine/index.ts';
import { asciiText } from './text-cache.ts';
import type { SqlType } from './type.ts';
import { isMap, normalizeBigint, type Row, type Value } from './value.ts';

export const rowEncodingVersion = 1;

/** Reads and writes rows of these columns. `read` makes a new row, `readInto` fills one. */
export class RowEncoding implements Serde<Row> {
  readonly name = `row/${rowEncodingVersion}`;
  readonly #types: readonly SqlType[];
  readonly #isFixed: readonly boolean[];
  readonly #nullBytes: number;
  readonly #fixedBytes: number;
  readonly #cursor: Cursor = newCursor();

  constructor(types: readonly SqlType[]) {
    this.#types = types;
    this.#isFixed = types.map(isFixed);
    this.#nullBytes = (types.length + 7) >> 3;
    this.#fixedBytes = 8 * this.#isFixed.filter(Boolean).length;
  }

  write(row: readonly Value[], out: ByteWriter): void {
    const types = this.#types;
    const count = types.length;
    const start = out.length;
    const nullsAt = start + 1;
    const fixedAt = nullsAt + this.#nullBytes;
    out.reserve(1 + this.#nullBytes + this.#fixedBytes);
    out.buffer[start] = rowEncodingVersion;
    // A loop: `fill` of one or two bytes is a call into the runtime, which costs more than all the rest of a short row.
    for (let at = nullsAt; at < fixedAt; at++) out.buffer[at] = 0;
    out.length = fixedAt;
    for (let i = 0; i < count; i++) {
      const value = row[i] as Value;
      if (value === null) (out.buffer[nullsAt + (i >> 3)] as number) |= 1 << (i & 7);
      if (this.#isFixed[i] === true) writeFixed((types[i] as SqlType).kind, value === null ? 0 : value, out);
    }
    for (let i = 0; i < count; i++) {
      if (this.#isFixed[i] === true) continue;
      const value = row[i] as Value;
      if (value !== null) writeVariable(types[i] as SqlType, value, out);
    }
  }

  read(bytes: Uint8Array, start: number, end: number): Row {
    const row = new Array<Value>(this.#types.length).fill(null);
    this.readInto(bytes, start, end, row);
    return row;
  }

  readInto(bytes: Uint8Array, start: number, end: number, row: Row): void {
    const types = this.#types;
    const count = types.length;
    const nullsAt = start + 1;
    let fixedAt = nullsAt + this.#nullBytes;
    const cursor = this.#cursor;
    cursor.at = fixedAt + this.#fixedBytes;
    if (cursor.at > end) throw new SerdeError('the encoded row is cut short');
    if (bytes[start] !== rowEncodingVersion) {
      throw new SerdeError(`the encoded row has version ${bytes[start]}, this build reads ${rowEncodingVersion}`);
    }
    for (let i = 0; i < count; i++) {
      const isNull = ((bytes[nullsAt + (i >> 3)] as number) & (1 << (i & 7))) !== 0;
      if (this.#isFixed[i] === true) {
        row[i] = isNull ? null : readFixed((types[i] as SqlType).kind, bytes, fixedAt);
        fixedAt += 8;
      } else row[i] = isNull ? null : readVariable(types[i] as SqlType, bytes, end, cursor);
    }
    if (cursor.at !== end) throw new SerdeError('bytes are left behind the encoded row');
  }

  /** Where, from the row's first byte, a fixed-width column lies; -1 for others. */
  fixedOffset(slot: number): number {
    if (this.#isFixed[slot] !== true) return -1;
    let before = 0;
    for (let i = 0; i < slot; i++) if (this.#isFixed[i] === true) before++;
    return 1 + this.#nullBytes + 8 * before;
  }
}

const isFixed = (type: SqlType): boolean =>
  type.kind !== 'STRING' && type.kind !== 'ARRAY' && type.kind !== 'MAP' && type.kind !== 'STRUCT';

const writeFixed = (kind: SqlType['kind'], value: Value, out: ByteWriter): void => {
  if (kind === 'DOUBLE') out.f64(value as number);
  else if (kind === 'BOOLEAN') out.i64(value === true ? 1 : 0);
  else out.i64(value as number | bigint);
};

const readFixed = (kind: SqlType['kind'], bytes: Uint8Array, at: number): Value => {
  if (kind === 'DOUBLE') return readF64(bytes, at);
  const value = readI64(bytes, at);
  if (kind === 'BOOLEAN') return value !== 0;
  return Number.isSafeInteger(value) ? value : normalizeBigint(readBigI64(bytes, at));
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
  if (!wide) {
    if (length > 32) return readUtf8(bytes, start, stop);
    let every = 0;
    let hash = 0;
    for (let at = start; at < stop; at++) {
      const byte = bytes[at] as number;
      every |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    return every < 128 ? asciiText(bytes, start, stop, hash) : readUtf8(bytes, start, stop);
  }
  let text = '';
  for (let at = start; at < stop; at += 2) text += String.fromCharCode(readI16(bytes, at) & 0xffff);
  return text;
};

const writeVariable = (type: SqlType, value: Value, out: ByteWriter): void => {
  switch (type.kind) {
    case 'STRING':
      writeText(value as string, out);
      return;
    case 'ARRAY': {
      const elements = value as readonly Value[];
      writeCount(elements.length, out);
      for (const element of elements) writeMember(type.element, element, out);
      return;
    }
    case 'MAP': {
      if (!isMap(value)) throw new SerdeError('the value of a map is a Map');
      writeCount(value.size, out);
      for (const [key, member] of value) {
        writeText(key, out);
        writeMember(type.value, member, out);
      }
      return;
    }
    case 'STRUCT': {
      const members = value as readonly Value[];
      for (let i = 0; i < type.fields.length; i++) {
        writeMember((type.fields[i] as { type: SqlType }).type, members[i] as Value, out);
      }
      return;
    }
    case 'BOOLEAN':
    case 'INTEGER':
    case 'BIGINT':
    case 'DOUBLE':
    case 'TIMESTAMP':
      writeFixed(type.kind, value, out);
      return;
    default:
      unreachable(type);
  }
};

const writeMember = (type: SqlType, value: Value, out: ByteWriter): void => {
  out.i8(value === null ? 0 : 1);
  if (value !== null) writeVariable(type, value, out);
};

const readVariable = (type: SqlType, bytes: Uint8Array, end: number, cursor: Cursor): Value => {
  switch (type.kind) {
    case 'STRING':
      return readText(bytes, end, cursor);
    case 'ARRAY': {
      const count = readMembers(bytes, end, cursor);
      const elements: Value[] = [];
      for (let i = 0; i < count; i++) elements.push(readMember(type.element, bytes, end, cursor));
      return elements;
    }
    case 'MAP': {
      const count = readMembers(bytes, end, cursor);
      const map = new Map<string, Value>();
      for (let i = 0; i < count; i++) {
        const key = readText(bytes, end, cursor);
        map.set(key, readMember(type.value, bytes, end, cursor));
      }
      return map;
    }
    case 'STRUCT':
      return type.fields.map((field) => readMember(field.type, bytes, end, cursor));
    case 'BOOLEAN':
    case 'INTEGER':
    case 'BIGINT':
    case 'DOUBLE':
    case 'TIMESTAMP': {
      const { at } = cursor;
      if (at + 8 > end) throw new SerdeError('a number in the encoded row is cut short');
      cursor.at = at + 8;
      return readFixed(type.kind, bytes, at);
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

const readMember = (type: SqlType, bytes: Uint8Array, end: number, cursor: Cursor): Value => {
  if (cursor.at >= end) throw new SerdeError('a member in the encoded row is cut short');
  const present = bytes[cursor.at++] as number;
  if (present > 1) throw new SerdeError('a member in the encoded row is damaged');
  return present === 0 ? null : readVariable(type, bytes, end, cursor);
};
