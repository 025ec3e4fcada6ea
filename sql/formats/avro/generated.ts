/**
 * The generated scanner of Avro: straight code for the data of one writer's schema.
 *
 * It reads numbers, booleans, texts, enums, records and what may be null in place, and everything else by the plain
 * form at that place. It never looks whether it is still within the record: what lies behind is other records, and when
 * it turns out at the end that it went too far, or anything else was odd, the record is read again by the plain form,
 * which decides. So this form only has to be right about records that are.
 */

import { type Code, Constants, code, joinCode, noCode } from '../../../base/index.ts';
import type { AvroType } from '../../registry/schemas/avro.ts';
import type { Value } from '../../types/value.ts';
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
import { AvroInput } from './input.ts';
import { avroValueReader } from './plain.ts';
import type { Reading, RecordReading } from './reading.ts';

const mostFields = 300;

interface Shared extends TextConstants {
  readonly readPart: number;
  readonly constants: Constants;
}

/** Reads a long at `at` into `x`, up to 7 of its groups; more is odd. `c` is scratch. */
const readLong: Code = code`
  c = bytes[at++];
  if (c < 128) x = (c >>> 1) ^ -(c & 1);
  else {
    x = c & 127; c = bytes[at++]; x |= (c & 127) << 7;
    if (c > 127) { c = bytes[at++]; x |= (c & 127) << 14;
      if (c > 127) { c = bytes[at++]; x |= (c & 127) << 21; } }
    if (c < 128) x = (x >>> 1) ^ -(x & 1);
    else {
      c = bytes[at++]; y = c & 127;
      if (c > 127) { c = bytes[at++]; y |= (c & 127) << 7;
        if (c > 127) { c = bytes[at++]; y |= (c & 127) << 14; } }
      if (!(c < 128)) break quick;
      x = (x & 1) === 0 ? y * 134217728 + (x >>> 1) : -(y * 134217728 + (x >>> 1)) - 1;
    }
  }`;

/** Reads an int at `at` into `x`. */
const readInt: Code = code`
  c = bytes[at++];
  if (c < 128) x = (c >>> 1) ^ -(c & 1);
  else {
    x = c & 127; c = bytes[at++]; x |= (c & 127) << 7;
    if (c > 127) { c = bytes[at++]; x |= (c & 127) << 14;
      if (c > 127) { c = bytes[at++]; x |= (c & 127) << 21;
        if (c > 127) { c = bytes[at++]; if (!(c < 16)) break quick; x |= c << 28; } } }
    x = (x >>> 1) ^ -(x & 1);
  }`;

/** Reads a length at `at` into `x`: short ones only. */
const readLength: Code = code`
  ${readLengthCode}
  if ((x & 1) !== 0) break quick;
  x >>>= 1;`;

/** The value at `at` into `v`, and `at` behind it. */
const readValue = (reading: Reading, shared: Shared, asSpan = false): Code => {
  const { constants } = shared;
  const plain = (): Code => readPlain(reading, shared);
  switch (reading.op) {
    case 'null':
      return code`v = null;`;
    case 'boolean':
      return reading.convert === undefined ? code`c = bytes[at++]; if (c > 1) break quick; v = c === 1;` : plain();
    case 'int':
      return withTest(readInt, reading.convert, shared);
    case 'long':
      return withTest(readLong, reading.convert, shared);
    case 'double':
      return reading.convert === undefined ? readDoubleCode : plain();
    case 'float':
      return reading.convert === undefined ? readFloatCode : plain();
    case 'string':
      if (reading.convert !== undefined) return plain();
      return joinCode([readLength, asSpan ? readSpanCode(shared) : readTextCode(shared)]);
    case 'enum':
      return code`
  ${readInt}
  v = k${constants.add(reading.symbols)}[x];
  if (v === undefined) break quick;`;
    case 'union':
      return readUnion(reading.branches, shared, asSpan);
    case 'record':
      return readStruct(reading, shared);
    case 'skip':
      return skipValue(reading.type, shared);
    case 'refuse':
      return code`break quick;`;
    case 'bytes':
    case 'decimal':
    case 'fixed':
    case 'choice':
    case 'array':
    case 'map':
    case 'entries':
      return plain();
  }
};

const withTest = (read: Code, convert: ((value: Value) => Value | undefined) | undefined, shared: Shared): Code =>
  convert === undefined
    ? code`${read}
  v = x;`
    : code`${read}
  v = k${shared.constants.add(convert)}(x);
  if (v === undefined) break quick;`;

const readPlain = (reading: Reading, { readPart, constants }: Shared): Code => code`
  v = k${readPart}(k${constants.add(avroValueReader(reading))}, bytes, at, end);
  if (v === undefined) break quick;
  at = k${readPart}.end;`;

/** Branches in a chain of tests; mostly there are two. */
const readUnion = (branches: readonly Reading[], shared: Shared, asSpan: boolean): Code => {
  const chain = branches.map(
    (branch, i) => code`${i === 0 ? noCode : code`else `}if (c === ${i * 2}) {
    ${readValue(branch, shared, asSpan)}
  }`,
  );
  return code`
  c = bytes[at++];
  ${joinCode(chain)}
  else break quick;`;
};

const readStruct = (reading: RecordReading, shared: Shared): Code => {
  const struct = shared.constants.add(reading.before);
  return code`
  const t${struct} = k${struct}.slice();
  ${readFields(reading, { asSpan: () => false, store: (place) => code`t${struct}[${place}] = v;` }, shared)}
  v = t${struct};`;
};

const readFields = ({ fields }: RecordReading, { asSpan, store }: Places, shared: Shared): Code =>
  joinCode(
    fields.map(({ reading, at }) =>
      reading.op === 'skip'
        ? skipValue(reading.type, shared)
        : joinCode([readValue(reading, shared, at >= 0 && asSpan(at)), at < 0 ? noCode : store(at)]),
    ),
  );

/** Steps over the data of a type. */
const skipValue = (type: AvroType, shared: Shared): Code => {
  switch (type.kind) {
    case 'null':
      return noCode;
    case 'boolean':
      return code`if (bytes[at++] > 1) break quick;`;
    case 'int':
      return readInt;
    case 'long':
      return readLong;
    case 'float':
      return code`at += 4;`;
    case 'double':
      return code`at += 8;`;
    case 'fixed':
      return code`at += ${type.size};`;
    case 'bytes':
    case 'string':
      return code`
  ${readLength}
  at += x;`;
    case 'union': {
      const [first, second] = type.branches;
      if (type.branches.length !== 2 || first === undefined || second === undefined) break;
      return code`
  c = bytes[at++];
  if (c === 0) { ${skipValue(first, shared)} } else if (c === 2) { ${skipValue(second, shared)} } else break quick;`;
    }
    case 'enum':
    case 'array':
    case 'map':
    case 'record':
      break;
  }
  return readPlain({ op: 'skip', type }, shared);
};

const countFields = (reading: Reading): number =>
  reading.op === 'record' ? reading.fields.reduce((sum, field) => sum + 1 + countFields(field.reading), 0) : 1;

/** The scanner of records with this schema id; undefined where the plain form has to do. */
export const generateScan = (id: number, reading: Reading, wanted: readonly number[]): ScanRows | undefined => {
  if (reading.op !== 'record' || countFields(reading) > mostFields) return undefined;
  const constants = new Constants();
  const shared: Shared = {
    ...textConstants(constants),
    readPart: constants.add(partReader(new AvroInput(), (input, bytes, at, end) => input.open(bytes, at, end))),
    constants,
  };
  const columnCount = reading.before.length;
  const fields = readFields(reading, placesOf(columnCount, wanted), shared);
  const begin = code`
      if (end - at < ${framingBytes}) break quick;
      if (bytes[at] !== 0) break quick;
      if (view.getInt32(at + 1) !== ${id}) return row;
      at += ${framingBytes};`;
  const present = reading.fields.map(({ at }) => at);
  const absent = absentSlots(wanted, columnCount, present, (slot) => reading.before[slot] ?? null);
  return generateScanRows({ wanted, begin, fields, end: code`if (at > end) break quick;`, absent }, constants);
};
