/** The generated writer of Protocol Buffers: straight code for the columns of a message. */

import { type Code, code, joinCode } from '../../../base/index.ts';
import { wireOf } from '../../registry/schemas/protobuf.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import { isScalar } from '../../types/type.ts';
import type { RowWriter } from '../format.ts';
import { putterBehind, RowWriterCode, type SpanPutter, storeVarint } from '../generated/row-writer-code.ts';
import { hasSpans, longestSpan } from '../text-span.ts';
import type { ColumnWriter } from './writer.ts';

/** Texts up to this length are written in place, where their bytes may be so many that one byte holds their length. */
const longestText = 127;
const mostFields = 200;
/** Room for a number with its tag. */
const numberRoom = 20;

const tagBytes = (number: number, type: number): Uint8Array => {
  const bytes: number[] = [];
  let rest = number * 8 + type;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
};

const storeTag = (number: number, type: number): Code =>
  joinCode([...tagBytes(number, type)].map((byte) => code`b[at++] = ${byte};`));

/** The value `v`, which is neither NULL nor a default that is left out; undefined: the plain way. */
const writeInPlace = (
  { field, type }: ColumnWriter,
  { utf8, longestInPlace }: RowWriterCode,
  plain: Code,
): Code | undefined => {
  if (field.type.kind !== 'scalar' || field.repeated || field.oneof !== undefined || !isScalar(type)) return undefined;
  const tag = storeTag(field.number, wireOf(field.type));
  const { carrier } = definitionOf(type);
  switch (field.type.scalar) {
    case 'bool':
      return code`${tag} b[at++] = v === true ? 1 : 0;`;
    case 'int32':
    case 'int64':
    case 'uint64':
      if (carrier !== 'int32' && carrier !== 'int64') return undefined;
      return code`
  if (typeof v === 'number' && v >= 0) {
    ${tag}
    x = v;
    ${storeVarint}
  } else {
    ${plain}
  }`;
    case 'double':
      return code`
  ${tag}
  if (v === v) view.setFloat64(at, v, true);
  else { view.setUint32(at, 0, true); view.setUint32(at + 4, ${0x7ff8_0000}, true); }
  at += 8;`;
    case 'string':
      return code`
  if (v.length <= ${longestInPlace}) {
    e = at;
    ${tag}
    x = k${utf8}(b, v, at + 1);
    if (x <= 127) { b[at] = x; at += 1 + x; }
    else {
      at = e;
      ${plain}
    }
  } else {
    ${plain}
  }`;
    case 'uint32':
    case 'sint32':
    case 'fixed32':
    case 'sfixed32':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
    case 'float':
    case 'bytes':
      return undefined;
  }
};

/** Puts the span of a text in place, where that is how its column is written. */
const putterOf = ({ field: { type, number } }: ColumnWriter): SpanPutter | undefined => {
  if (type.kind !== 'scalar' || type.scalar !== 'string') return undefined;
  return putterBehind(tagBytes(number, wireOf(type)), longestText, (length) => length);
};

/** Whether `v` is a default that is left out. */
const isAbsent = ({ field }: ColumnWriter): Code => {
  if (field.presence || field.type.kind !== 'scalar') return code`v === null`;
  const { scalar } = field.type;
  if (scalar === 'bool') return code`v === null || v === false`;
  // The span of an empty text ends in as many zero bits as there are for its length.
  if (scalar === 'string')
    return code`v === null || v.length === 0 || typeof v === 'number' && (v & ${longestSpan}) === 0`;
  return scalar === 'double' ? code`v === null || Object.is(v, 0)` : code`v === null || v === 0`;
};

/** The writer of a message's fields; undefined where the plain form has to do. */
export const generateProtoWriter = (
  columns: readonly ColumnWriter[],
  spans: boolean,
): RowWriter['write'] | undefined => {
  if (columns.length > mostFields) return undefined;
  const rows = new RowWriterCode(columns.length * numberRoom, longestText, spans);
  const pieces = columns.map((column) => {
    const { at } = column;
    const plain = rows.plain(column.write);
    const inPlace = writeInPlace(column, rows, plain);
    const mayBeSpan = spans && hasSpans(column);
    if (inPlace === undefined) {
      return code`
  v = row[${at}];
  if (v !== null) {
    ${mayBeSpan ? rows.span(undefined, plain) : plain}
  }`;
    }
    if (column.field.type.kind === 'scalar' && column.field.type.scalar === 'string') rows.text(at);
    return code`
  v = row[${at}];
  if (!(${isAbsent(column)})) {
    ${mayBeSpan ? rows.span(putterOf(column), inPlace) : inPlace}
  }`;
  });
  return rows.finish(pieces);
};
