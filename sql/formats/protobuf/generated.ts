/**
 * The generated scanner of Protocol Buffers: straight code for the messages of one schema.
 *
 * Writers put fields in the order of their numbers, so each is looked for where the one before ended: it is there, or
 * it is absent. Scalars, texts, enums and messages within are read in place, everything else by the plain form at that
 * place. It never looks whether it is still within the record; when the fields do not end where the record does,
 * because of an unknown field, another order or bytes that are none, the plain form reads the record again, and
 * decides.
 */

import { type Code, Constants, code, joinCode, noCode, unreachable } from '../../../base/index.ts';
import { type ProtoMessage, type ProtoScalar, wire, wireOf } from '../../registry/schemas/protobuf.ts';
import type { Row, Value } from '../../types/value.ts';
import {
  absentSlots,
  generateScanRows,
  type Places,
  partReader,
  placesOf,
  readDoubleCode,
  readFloatCode,
  readLengthCode,
  readSpanCode,
  readTextCode,
  type ScanRows,
  type TextConstants,
  textConstants,
} from '../generated/scan-code.ts';
import { framingBytes } from '../writer-schemas.ts';
import { ProtoInput } from './input.ts';
import { messageFiller } from './plain.ts';
import type { FieldReading, MessageReading } from './reading.ts';

const mostFields = 300;

interface Shared extends TextConstants {
  readonly readField: number;
  readonly constants: Constants;
  depth: number;
}

/** Reads a number at `at` into `x`, up to 7 of its groups; more is left to the plain form. */
const readVarint: Code = code`
  x = bytes[at++];
  if (!(x < 128)) {
    c = bytes[at++]; x = (x & 127) | (c & 127) << 7;
    if (c > 127) { c = bytes[at++]; x |= (c & 127) << 14;
      if (c > 127) { c = bytes[at++]; x |= (c & 127) << 21; } }
    if (c > 127) {
      c = bytes[at++]; y = c & 127;
      if (c > 127) { c = bytes[at++]; y |= (c & 127) << 7;
        if (c > 127) { c = bytes[at++]; y |= (c & 127) << 14; } }
      if (!(c < 128)) break quick;
      x += y * 268435456;
    }
  }`;

/** The value at `at` into `v`; undefined where the plain form has to read it. */
const readScalar = (scalar: ProtoScalar, shared: Shared): Code | undefined => {
  switch (scalar) {
    case 'int32':
      return code`${readVarint} if (x > 2147483647) break quick; v = x;`;
    case 'uint32':
      return code`${readVarint} if (x > 4294967295) break quick; v = x;`;
    case 'sint32':
      return code`${readVarint} if (x > 4294967295) break quick; v = (x >>> 1) ^ -(x & 1);`;
    case 'int64':
    case 'uint64':
      return code`${readVarint} v = x;`;
    case 'sint64':
      return code`${readVarint} v = x % 2 === 0 ? x / 2 : -(x + 1) / 2;`;
    case 'bool':
      return code`x = bytes[at++]; if (!(x < 2)) break quick; v = x === 1;`;
    case 'float':
      return readFloatCode;
    case 'double':
      return readDoubleCode;
    case 'sfixed32':
      return code`if (at + 4 > end) break quick; v = view.getInt32(at, true); at += 4;`;
    case 'fixed32':
      return code`if (at + 4 > end) break quick; v = view.getUint32(at, true); at += 4;`;
    case 'string':
      return joinCode([readLengthCode, readTextCode(shared)]);
    case 'fixed64':
    case 'sfixed64':
    case 'bytes':
      return undefined;
    default:
      return unreachable(scalar);
  }
};

/** The bytes of a tag: one or two; longer ones are left to the plain form. */
const tagBytes = (number: number, type: number): readonly number[] | undefined => {
  const tag = number * 8 + type;
  return tag < 128 ? [tag] : tag < 16_384 ? [(tag & 127) | 128, tag >>> 7] : undefined;
};

const tagTest = ([first = 0, second]: readonly number[]): Code =>
  second === undefined
    ? code`at < end && bytes[at] === ${first}`
    : code`at + 1 < end && bytes[at] === ${first} && bytes[at + 1] === ${second}`;

/** Steps over a value of a wire type. */
const skipValue = (type: number): Code | undefined => {
  switch (type) {
    case wire.varint:
      return readVarint;
    case wire.bits32:
      return code`at += 4;`;
    case wire.bits64:
      return code`at += 8;`;
    case wire.length:
      return code`${readLengthCode} at += x;`;
    default:
      return undefined;
  }
};

/** The fields of a message, wanted or not, in the order of their numbers. `store` puts `v` to a place. */
const readFields = (
  message: ProtoMessage,
  reading: MessageReading,
  { asSpan, store }: Places,
  shared: Shared,
): Code | undefined => {
  const pieces: Code[] = [];
  const wanted = new Map(reading.fields.map((field) => [field.number, field]));
  for (const field of [...message.fields].sort((a, b) => a.number - b.number)) {
    const own = wireOf(field.type);
    const read = wanted.get(field.number);
    // Numbers that are repeated are mostly behind one tag.
    const type = field.repeated && field.packed ? wire.length : own;
    const tag = tagBytes(field.number, type);
    if (tag === undefined || field.group === true) return undefined;
    const loop = field.repeated && !field.packed ? code`while` : code`if`;
    if (read === undefined) {
      const skip = skipValue(type);
      if (skip === undefined) return undefined;
      pieces.push(code`${loop} (${tagTest(tag)}) { at += ${tag.length}; ${skip} }`);
      continue;
    }
    const value =
      read.into.kind === 'value'
        ? readInPlace(field.type.kind === 'message' ? field.type : undefined, read, shared, asSpan(read.at))
        : undefined;
    if (value !== undefined) {
      const absent = shared.constants.add(reading.before[read.at] ?? null);
      pieces.push(code`
  if (${tagTest(tag)}) { at += ${tag.length}; ${value} } else v = k${absent};
  ${store(read.at)}`);
      continue;
    }
    pieces.push(readByPlain(read, reading.before[read.at] ?? null, tag, store, shared));
  }
  return joinCode(pieces);
};

const readInPlace = (
  message: ProtoMessage | undefined,
  field: FieldReading,
  shared: Shared,
  asSpan: boolean,
): Code | undefined => {
  const { reading } = field;
  if (reading.op === 'scalar') {
    if (asSpan && reading.scalar === 'string' && reading.convert === undefined)
      return joinCode([readLengthCode, readSpanCode(shared)]);
    const read = readScalar(reading.scalar, shared);
    if (read === undefined || reading.convert === undefined) return read;
    return code`${read}
  v = k${shared.constants.add(reading.convert)}(v);
  if (v === undefined) break quick;`;
  }
  if (reading.op === 'enum') {
    return code`
  ${readVarint}
  v = k${shared.constants.add(reading.values)}.get(x);
  if (v === undefined) break quick;`;
  }
  if (reading.op !== 'message' || message === undefined || shared.depth > 4) return undefined;
  const struct = shared.constants.add(reading.before);
  shared.depth++;
  const places: Places = { asSpan: () => false, store: (place) => code`t${struct}[${place}] = v;` };
  const fields = readFields(message, reading, places, shared);
  shared.depth--;
  if (fields === undefined) return undefined;
  return code`
  ${readLengthCode}
  const e${struct} = end;
  end = at + x;
  if (end > e${struct}) break quick;
  const t${struct} = k${struct}.slice();
  ${fields}
  if (at !== end) break quick;
  end = e${struct};
  v = t${struct};`;
};

/** All occurrences of a field, as many as stand here, by the plain form. */
const readByPlain = (
  field: FieldReading,
  absent: Value,
  tag: readonly number[],
  store: (place: number) => Code,
  { constants, readField }: Shared,
): Code => code`
  if (${tagTest(tag)}) {
    v = k${readField}(k${constants.add(fieldReader(field, absent))}, bytes, at, end);
    if (v === undefined) break quick;
    at = k${readField}.end;
  } else v = k${constants.add(absent)};
  ${store(field.at)}`;

type ReadOccurrences = (input: ProtoInput) => Value;

/** Reads a field as long as its tag comes. */
const fieldReader = (field: FieldReading, absent: Value): ReadOccurrences => {
  const fill = messageFiller([{ ...field, at: 0 }]);
  const peek = new ProtoInput();
  return (input) => {
    const row: Row = [absent];
    const { bytes, end } = input;
    for (;;) {
      peek.open(bytes, input.at, end);
      if (peek.at >= end) break;
      const tag = peek.tag();
      if (tag >>> 3 !== field.number) break;
      peek.skip(tag);
      // The message of this one field alone.
      const stop = peek.at;
      input.end = stop;
      fill(input, row);
      input.end = end;
    }
    return row[0] ?? null;
  };
};

/** What stands before the data: the id of a schema and the place of the message in it; nothing without a registry. */
export interface ProtoFrame {
  readonly id: number;
  readonly path: Uint8Array;
}

const frameTests = (frame: ProtoFrame | undefined): Code => {
  if (frame === undefined) return noCode;
  const { id, path } = frame;
  const tests = [...path].map((byte, i) => code`if (bytes[at + ${framingBytes + i}] !== ${byte}) break quick;`);
  return code`
      if (end - at < ${framingBytes + path.length}) break quick;
      if (bytes[at] !== 0) break quick;
      if (view.getInt32(at + 1) !== ${id}) return row;
      ${joinCode(tests)}
      at += ${framingBytes + path.length};`;
};

const countFields = ({ fields }: ProtoMessage): number => fields.length;

/** The scanner of records with this message; undefined where the plain form has to do. */
export const generateProtoScan = (
  message: ProtoMessage,
  reading: MessageReading,
  wanted: readonly number[],
  frame: ProtoFrame | undefined,
): ScanRows | undefined => {
  if (countFields(message) > mostFields) return undefined;
  const constants = new Constants();
  const shared: Shared = {
    ...textConstants(constants),
    readField: constants.add(partReader(new ProtoInput(), (input, bytes, at, end) => input.open(bytes, at, end))),
    constants,
    depth: 0,
  };
  const columnCount = reading.before.length;
  const fields = readFields(message, reading, placesOf(columnCount, wanted), shared);
  if (fields === undefined) return undefined;
  const present = reading.fields.map(({ at }) => at);
  const absent = absentSlots(wanted, columnCount, present, (slot) => reading.before[slot] ?? null);
  const begin = frameTests(frame);
  return generateScanRows({ wanted, begin, fields, end: code`if (at !== end) break quick;`, absent }, constants);
};
