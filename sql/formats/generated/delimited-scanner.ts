/**
 * The generated scanner of DELIMITED: one pass over the bytes of a line, with the code for each column in its place.
 *
 * It reads what most lines are: fields without quotes, one line, whole numbers and fractions of few digits. A record in
 * which anything else stands is read by the plain form, from its start: the plain form decides what is right.
 */

import {
  asciiText,
  type Code,
  Constants,
  code,
  joinCode,
  noCode,
  parseBase64,
  powersOfTen,
  readLatin1,
  readUtf8,
  runCode,
  unreachable,
} from '../../../base/index.ts';
import { decimalForm } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Column } from '../../types/schema.ts';
import { isScalar } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';
import { type RowReader, type Scanner, scanned, scanOne } from '../format.ts';
import { columnsOfSlots, spanCode } from '../text-span.ts';
import { type Places, placesOf } from './scan-code.ts';

type ScanLines = (
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  vectors: readonly Value[][],
  status: Uint8Array,
  slow: (row: number) => void,
) => void;

export const generatedDelimitedScanner = (
  columns: readonly Column[],
  delimiter: number,
  wanted: readonly number[],
  reader: RowReader,
): Scanner => {
  const scanLines = generate(columns, delimiter, wanted);
  const scratch: Row = new Array<Value>(columns.length).fill(null);
  return {
    wanted,
    scan(bytes, starts, ends, from, to, into) {
      scanLines(bytes, starts, ends, from, to, into.vectors, into.status, (row) =>
        scanOne(reader, bytes, starts[row] as number, ends[row] as number, row, wanted, scratch, into),
      );
    },
  };
};

interface Shared {
  /** 1 for the bytes that end a plain field: delimiter, line breaks; and for quotes, which make it another one. */
  readonly stops: number;
  readonly powers: number;
  readonly ascii: number;
  readonly utf8: number;
  readonly latin1: number;
  readonly base64: number;
  readonly delimiter: number;
}

const generate = (columns: readonly Column[], delimiter: number, wanted: readonly number[]): ScanLines => {
  const constants = new Constants();
  const stops = Uint8Array.from({ length: 256 }, (_, byte) =>
    byte === delimiter || byte === 34 || byte === 10 || byte === 13 ? 1 : 0,
  );
  const shared: Shared = {
    stops: constants.add(stops),
    powers: constants.add(powersOfTen),
    ascii: constants.add(asciiText),
    utf8: constants.add(readUtf8),
    latin1: constants.add(readLatin1),
    base64: constants.add(parseBase64),
    delimiter,
  };
  const isRead = new Set(columnsOfSlots(columns.length, wanted));
  const places = placesOf(columns.length, wanted);
  const fields = columns.map((column, slot) =>
    joinCode([
      isRead.has(slot) && isScalar(column.type)
        ? readField(column.type, slot, places, shared, constants)
        : code`while (p < end && k${shared.stops}[bytes[p]] === 0) p++;`,
      slot < columns.length - 1
        ? code`if (p >= end || bytes[p] !== ${delimiter}) break quick;
    p++;`
        : code`if (p !== end) break quick;`,
    ]),
  );
  const vectors = joinCode(wanted.map((slot) => code`const v${slot} = vectors[${slot}];`));
  const nulls = joinCode(wanted.map((slot) => code`v${slot}[row] = null;`));
  return runCode(
    code`return (bytes, starts, ends, from, to, vectors, status, slow) => {
  ${vectors}
  for (let row = from; row < to; row++) {
    let p = starts[row], c = 0, d = 0, f = 0, h = 0, s = 0, e = 0, x = 0, y = 0, n = false, v = null;
    const end = ends[row];
    if (p < 0) { status[row] = ${scanned.nullRecord}; ${nulls} continue; }
    quick: {
      if (p >= end) break quick;
      ${joinCode(fields)}
      status[row] = ${scanned.row};
      continue;
    }
    slow(row);
  }
};`,
    constants,
  ) as ScanLines;
};

/** Reads the field at `p` into its vector, and stops behind it. */
const readField = (
  type: ScalarType,
  slot: number,
  { asSpan, store }: Places,
  shared: Shared,
  constants: Constants,
): Code => {
  const { accepts } = definitionOf(type);
  const check =
    accepts === undefined
      ? noCode
      : code`if (!k${constants.add((value: Value) => accepts(value, type))}(v)) break quick;`;
  return code`
    if (p >= end || bytes[p] === ${shared.delimiter}) v = null;
    else {
      ${asSpan(slot) ? readSpan(shared) : readScalar(type, shared)}
      ${check}
    }
    ${store(slot)}`;
};

/** Reads where the text at `p` stands into `v`. */
const readSpan = (shared: Shared): Code => code`
      s = p;
      while (p < end && k${shared.stops}[bytes[p]] === 0) p++;
      if (p === s) break quick;
      v = ${spanCode(shared.utf8)};`;

/** The sign and the whole digits at `p` into `n` and `x`; `d` counts them, at most 15. Nine digits fit 32 bits: the
 *  rest is added to them. */
const digits = ({ powers }: Shared): Code => code`
      n = bytes[p] === 45;
      if (n) p++;
      x = 0; s = p; e = p + 9 < end ? p + 9 : end;
      while (p < e && (c = bytes[p] ^ 48) < 10) { x = (x * 10 + c) | 0; p++; }
      if (p === e && p < end && (c = bytes[p] ^ 48) < 10) {
        y = 0;
        while (p < end && (c = bytes[p] ^ 48) < 10) { y = y * 10 + c; p++; if (p - s > 15) break quick; }
        x = x * k${powers}[p - e] + y;
      }
      d = p - s;
      if (d === 0) break quick;`;

const fraction: Code = code`
      f = 0;
      if (p < end && bytes[p] === 46) {
        s = ++p;
        while (p < end && (c = bytes[p] ^ 48) < 10) { x = x * 10 + c; p++; if (d + p - s > 15) break quick; }
        f = p - s;
        if (f === 0) break quick;
      }`;

/** The value ends where the field does. */
const fieldEnds = ({ stops }: Shared): Code => code`if (p < end && k${stops}[bytes[p]] === 0) break quick;`;

const readScalar = (type: ScalarType, shared: Shared): Code => {
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'text':
      return code`
      s = p; h = 0; d = 0;
      while (p < end && k${shared.stops}[c = bytes[p]] === 0) { d |= c; h = (Math.imul(h, 31) + c) | 0; p++; }
      if (p === s) break quick;
      v = d < 128 ? k${shared.ascii}(bytes, s, p, h) : k${shared.utf8}(bytes, s, p);`;
    case 'int32':
    case 'int64':
      return code`
      ${digits(shared)}
      ${fieldEnds(shared)}
      ${carrier === 'int32' ? code`if (x > 2147483647) break quick;` : noCode}
      v = n && x !== 0 ? -x : x;`;
    case 'double':
      return code`
      ${digits(shared)}
      ${fraction}
      ${fieldEnds(shared)}
      if (f > 0) x /= k${shared.powers}[f];
      v = n ? 0 - x : x;
      if (n && x === 0) v = -0;`;
    case 'decimal': {
      const { precision, scale } = decimalForm(type);
      if (precision > 15) return code`break quick;`;
      return code`
      ${digits(shared)}
      ${fraction}
      ${fieldEnds(shared)}
      if (f > ${scale} || d + ${scale} > 15) break quick;
      x *= k${shared.powers}[${scale} - f];
      v = BigInt(n ? -x : x);`;
    }
    case 'bytes':
      return code`
      s = p;
      while (p < end && k${shared.stops}[bytes[p]] === 0) p++;
      v = k${shared.base64}(k${shared.latin1}(bytes, s, p));
      if (v === undefined) break quick;`;
    case 'boolean':
      return code`
      s = p;
      while (p < end && k${shared.stops}[bytes[p]] === 0) p++;
      if (p === s) break quick;
      v = k${shared.latin1}(bytes, s, p).toLowerCase() === 'true';`;
    default:
      return unreachable(carrier);
  }
};
