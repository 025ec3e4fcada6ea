/**
 * The generated writer of Avro: straight code for the columns of a schema.
 *
 * Room for a whole row is made first, from the lengths of its texts, so that nothing is checked while it is written.
 * Collections, long texts and what is rare go the plain way in between.
 */

import { writeUtf8 } from '../../../base/index.ts';
import { type Code, Constants, code, joinCode, noCode, run } from '../../codegen/code.ts';
import type { Row } from '../../types/value.ts';
import type { RowWriter } from '../format.ts';
import { type AvroValueWriter, avroValueWriter } from './writer.ts';
import type { FieldWriting, Writing } from './writing.ts';

/** Texts up to this length are written in place, where their bytes may be so many that one byte holds their length. */
const longestInPlace = 63;
const mostFields = 200;
/** Room for a number with what stands before it. */
const numberRoom = 16;

/** Stores a few bytes, and steps behind them. */
const storeBytes = (bytes: Uint8Array): Code => joinCode([...bytes].map((byte) => code`b[at++] = ${byte};`));

const writePlain = (writing: Writing, room: number, constants: Constants): Code => code`
  out.length = at;
  k${constants.add(avroValueWriter(writing) satisfies AvroValueWriter)}(v, out);
  out.reserve(${room} + more);
  b = out.buffer; view = out.view(); at = out.length;`;

/** The value `v`, which is not NULL, behind its branch; undefined: the plain way. */
const writeInPlace = (writing: Writing, utf8: number, plain: Code): Code | undefined => {
  const before = storeBytes(writing.before);
  switch (writing.inner.op) {
    case 'boolean':
      return code`${before} b[at++] = v === true ? 1 : 0;`;
    case 'int':
    case 'long':
      return code`
  if (typeof v === 'number' && v >= -1073741824 && v < 1073741824) {
    ${before}
    x = v < 0 ? -v * 2 - 1 : v * 2;
    while (x > 127) { b[at++] = (x & 127) | 128; x >>>= 7; }
    b[at++] = x;
  } else if (typeof v === 'number' && v >= 0 && v < 1125899906842624) {
    ${before}
    x = v * 2;
    while (x > 2147483647) { b[at++] = (x % 128) | 128; x = Math.floor(x / 128); }
    while (x > 127) { b[at++] = (x & 127) | 128; x >>>= 7; }
    b[at++] = x;
  } else {
    ${plain}
  }`;
    case 'double':
      return code`${before} view.setFloat64(at, v, true); at += 8;`;
    case 'string':
      return code`
  if (v.length <= ${longestInPlace}) {
    ${before}
    x = k${utf8}(b, v, at + 1);
    if (x <= 63) { b[at] = x * 2; at += 1 + x; }
    else {
      at -= ${writing.before.length};
      ${plain}
    }
  } else {
    ${plain}
  }`;
    case 'float':
    case 'bytes':
    case 'decimal':
    case 'fixed':
    case 'enum':
    case 'record':
    case 'array':
    case 'map':
    case 'entries':
    case 'choice':
      return undefined;
  }
};

/** The writer of a record's fields; undefined where the plain form has to do. */
export const generateAvroWriter = (fields: readonly FieldWriting[]): RowWriter['write'] | undefined => {
  if (fields.length > mostFields) return undefined;
  const constants = new Constants();
  const utf8 = constants.add(writeUtf8);
  const room = fields.reduce((sum, field) => sum + numberRoom + (field.at === undefined ? field.bytes.length : 0), 0);
  const pieces: Code[] = [];
  const texts: Code[] = [];
  for (const field of fields) {
    if (field.at === undefined) {
      pieces.push(code`b.set(k${constants.add(field.bytes)}, at); at += ${field.bytes.length};`);
      continue;
    }
    const { at, writing } = field;
    const plain = writePlain(writing, room, constants);
    const value = writeInPlace(writing, utf8, plain) ?? plain;
    if (writing.inner.op === 'string') {
      texts.push(code`v = row[${at}]; if (v !== null && v.length <= ${longestInPlace}) more += v.length * 3;`);
    }
    // A NULL that the schema has no place for is a fault, which the plain form raises.
    const none =
      writing.nullBytes === undefined || writing.nullBytes.length > 8 ? plain : storeBytes(writing.nullBytes);
    pieces.push(code`
  v = row[${at}];
  if (v === null) {
    ${none}
  } else {
    ${value}
  }`);
  }
  const body = code`
return function (row, out) {
  let v = null, x = 0, more = 0;
  ${texts.length === 0 ? noCode : joinCode(texts)}
  out.reserve(${room} + more);
  let b = out.buffer, view = out.view(), at = out.length;
  ${joinCode(pieces)}
  out.length = at;
  return true;
};`;
  return run(body, constants) as (row: Readonly<Row>, out: Parameters<RowWriter['write']>[1]) => boolean;
};
