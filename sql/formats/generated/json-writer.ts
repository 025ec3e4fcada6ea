/**
 * The generated writer of JSON: one straight piece of code for the columns of a schema.
 *
 * Room for a whole row is made first, from the lengths of its texts, so that nothing is checked while it is written.
 * The names with their signs (`{"ID":`, `,"V":` …) are stored four bytes at a time. Collections and long texts go the
 * plain way in between.
 */

import {
  type Code,
  Constants,
  code,
  joinCode,
  noCode,
  runCode,
  unreachable,
  writeLatin1,
} from '../../../base/index.ts';
import { decimalForm, javaDecimal } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Column } from '../../types/schema.ts';
import { isScalar } from '../../types/type.ts';
import type { RowWriter } from '../format.ts';
import { numberRoom, putDouble, putInteger, putSpan, putText } from '../json-output.ts';
import { fieldPrefixes, type JsonOptions, type MapForm, plainJsonWriter, valueWriter } from '../json-plain.ts';
import { spanLength, spanText } from '../text-span.ts';

/** Texts up to this length are written in place. */
const longestInPlace = 256;
const mostColumns = 200;

/** Stores the bytes at `at`; there is room for them, and they are four at least. */
const storeBytes = (bytes: Uint8Array, constants: Constants): Code => {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const stores: Code[] = [];
  for (let i = 0; i + 4 < length; i += 4) {
    stores.push(code`view.setInt32(at + ${i}, k${constants.add(view.getInt32(i, true))}, true);`);
  }
  stores.push(code`view.setInt32(at + ${length - 4}, k${constants.add(view.getInt32(length - 4, true))}, true);`);
  stores.push(code`at += ${length};`);
  return joinCode(stores);
};

const nullWord = 0x6c6c_756e;

/** Writes by the plain form: hands the place over and takes it back, with the buffer, which may have grown, and room
 *  for the rest. */
const plainValue = (writer: number, room: number): Code => code`
  out.length = at;
  k${writer}(v, out);
  out.reserve(${room} + more);
  b = out.buffer; view = out.view(); at = out.length;`;

const writeValue = ({ type }: Column, constants: Constants, shared: Shared, room: number): Code =>
  isScalar(type)
    ? writeScalar(type, constants, shared, room)
    : plainValue(constants.add(valueWriter(type, shared.maps)), room);

const writeScalar = (type: ScalarType, constants: Constants, shared: Shared, room: number): Code => {
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'int32':
    case 'int64':
      return code`at = k${shared.integer}(b, at, v);`;
    case 'double':
      return code`at = k${shared.double}(b, at, v);`;
    case 'boolean':
      return code`
  if (v === true) { view.setInt32(at, ${0x6575_7274}, true); at += 4; }
  else { view.setInt32(at, ${0x736c_6166}, true); b[at + 4] = 101; at += 5; }`;
    case 'text': {
      const write = code`
  if (v.length <= ${longestInPlace}) at = k${shared.text}(b, at, v);
  else {
    ${plainValue(constants.add(valueWriter(type)), room)}
  }`;
      const { spans } = shared;
      if (spans === undefined) return write;
      return code`
  if (typeof v === 'number') {
    e = k${spans.put}(b, at, bytes, v);
    if (e < 0) v = k${spans.text}(bytes, v);
    else at = e;
  }
  if (typeof v === 'string') { ${write} }`;
    }
    case 'decimal':
      return code`at += k${shared.latin1}(b, k${shared.decimal}(v, ${decimalForm(type).scale}), at);`;
    case 'bytes':
      return plainValue(constants.add(valueWriter(type)), room);
    default:
      return unreachable(carrier);
  }
};

/** Room that a value of this column needs in place, beyond that for a number or a word. */
const extraRoom = ({ type }: Column, slot: number, shared: Shared): readonly Code[] => {
  if (!isScalar(type)) return [];
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double':
    case 'bytes':
      return [];
    // A sign, a point and an exponent beside the digits.
    case 'decimal':
      return [code`more += ${decimalForm(type).precision};`];
    case 'text':
      return [
        code`v = row[${slot}];`,
        shared.spans === undefined
          ? noCode
          : code`if (typeof v === 'number') more += k${shared.spans.length}(v) * 6; else `,
        code`if (v !== null && v.length <= ${longestInPlace}) more += v.length * 6;`,
      ];
    default:
      return unreachable(carrier);
  }
};

interface Shared {
  readonly integer: number;
  readonly double: number;
  readonly text: number;
  /** Where texts may be spans. */
  readonly spans: { readonly put: number; readonly text: number; readonly length: number } | undefined;
  readonly decimal: number;
  readonly latin1: number;
  readonly maps: MapForm | undefined;
}

export const generatedJsonWriter = (columns: readonly Column[], options: JsonOptions): RowWriter => {
  if (!options.wrapped || columns.length === 0 || columns.length > mostColumns)
    return plainJsonWriter(columns, options);
  const constants = new Constants();
  const shared = {
    integer: constants.add(putInteger),
    double: constants.add(putDouble),
    text: constants.add(putText),
    spans:
      options.spans === true
        ? { put: constants.add(putSpan), text: constants.add(spanText), length: constants.add(spanLength) }
        : undefined,
    decimal: constants.add(javaDecimal),
    latin1: constants.add(writeLatin1),
    maps: options.maps,
  };
  const prefixes = fieldPrefixes(columns);
  // Room for all names, for a number or a word in each column, and for the closing brace.
  const room = prefixes.reduce((sum, prefix) => sum + prefix.length + numberRoom, 8);
  const texts = columns.flatMap((column, slot) => extraRoom(column, slot, shared));
  const fields = columns.map((column, slot) =>
    joinCode([
      storeBytes(prefixes[slot] as Uint8Array, constants),
      code`
  v = row[${slot}];
  if (v === null) { view.setInt32(at, ${nullWord}, true); at += 4; }
  else {
    ${writeValue(column, constants, shared, room)}
  }`,
    ]),
  );
  const body = code`
return function (row, out, bytes) {
  let v = null, more = 0, e = 0;
  ${joinCode(texts)}
  out.reserve(${room} + more);
  let b = out.buffer, view = out.view(), at = out.length;
  ${joinCode(fields)}
  b[at] = 125;
  out.length = at + 1;
  return true;
};`;
  return { write: runCode(body, constants) as RowWriter['write'] };
};
