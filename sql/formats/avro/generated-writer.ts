/** The generated writer of Avro: straight code for the columns of a schema. */

import { type Code, code, joinCode } from '../../../base/index.ts';
import type { Column } from '../../types/schema.ts';
import type { RowWriter } from '../format.ts';
import { putterBehind, RowWriterCode, type SpanPutter, storeVarint } from '../generated/row-writer-code.ts';
import { hasSpans } from '../text-span.ts';
import { avroValueWriter } from './writer.ts';
import type { FieldWriting, Writing } from './writing.ts';

/** Texts up to this length are written in place, where their bytes may be so many that one byte holds their length. */
const longestText = 63;
const mostFields = 200;
/** Room for a number with what stands before it. */
const numberRoom = 16;

/** Stores a few bytes, and steps behind them. */
const storeBytes = (bytes: Uint8Array): Code => joinCode([...bytes].map((byte) => code`b[at++] = ${byte};`));

/** The value `v`, which is not NULL, behind its branch; undefined: the plain way. */
const writeInPlace = (writing: Writing, { utf8, longestInPlace }: RowWriterCode, plain: Code): Code | undefined => {
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
    ${storeVarint}
  } else {
    ${plain}
  }`;
    case 'double':
      return code`
  ${before}
  if (v === v) view.setFloat64(at, v, true);
  else { view.setUint32(at, 0, true); view.setUint32(at + 4, ${0x7ff8_0000}, true); }
  at += 8;`;
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

/** Puts the span of a text in place where that is possible. */
const putterOf = ({ inner, before }: Writing): SpanPutter | undefined =>
  inner.op === 'string' ? putterBehind(before, longestText, (length) => length * 2) : undefined;

/** The writer of a record's fields; undefined where the plain form has to do. */
export const generateAvroWriter = (
  fields: readonly FieldWriting[],
  /** The columns, where their texts may be spans. */
  withSpans: readonly Column[],
): RowWriter['write'] | undefined => {
  if (fields.length > mostFields) return undefined;
  const room = fields.reduce((sum, field) => sum + numberRoom + (field.at === undefined ? field.bytes.length : 0), 0);
  const rows = new RowWriterCode(room, longestText, withSpans.length > 0);
  const pieces = fields.map((field) => {
    if (field.at === undefined) {
      return code`b.set(k${rows.constants.add(field.bytes)}, at); at += ${field.bytes.length};`;
    }
    const { at, writing } = field;
    const plain = rows.plain(avroValueWriter(writing));
    const inPlace = writeInPlace(writing, rows, plain) ?? plain;
    if (writing.inner.op === 'string') rows.text(at);
    const column = withSpans[at];
    const value = column === undefined || !hasSpans(column) ? inPlace : rows.span(putterOf(writing), inPlace);
    // A NULL that the schema has no place for is a fault, which the plain form raises.
    const none =
      writing.nullBytes === undefined || writing.nullBytes.length > 8 ? plain : storeBytes(writing.nullBytes);
    return code`
  v = row[${at}];
  if (v === null) {
    ${none}
  } else {
    ${value}
  }`;
  });
  return rows.finish(pieces);
};
