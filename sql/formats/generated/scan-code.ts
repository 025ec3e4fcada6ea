/**
 * What generated scanners share: the loop over records, and parts that the plain form reads.
 *
 * The code of a record leaves the block `quick` where it meets anything that it was not made for: the plain form then
 * reads the record from its start, and decides.
 */

import {
  asciiText,
  type Code,
  type Constants,
  code,
  joinCode,
  noCode,
  readUtf8,
  runCode,
} from '../../../base/index.ts';
import type { Value } from '../../types/value.ts';
import { SerdeError, scanned } from '../format.ts';
import { columnOfSlot, spanCode, spanSlot } from '../text-span.ts';

/** Reads records `[from, to)` into the vectors and answers with `to`, or with the first record that is not of its kind.
 *  Calls `slow` for each that it does not read. */
export type ScanRows = (
  bytes: Uint8Array,
  view: DataView,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  vectors: readonly Value[][],
  status: Uint8Array,
  slow: (row: number) => void,
) => number;

export interface RowCode {
  readonly wanted: readonly number[];
  /** What is done before the fields are read: a record of another kind makes the function return. */
  readonly begin?: Code;
  /** Reads from `at` on; the vector of the wanted slot 3 is `v3`; `last` is the position of the last four bytes. */
  readonly fields: Code;
  /** Leaves `quick` unless the record ends here. */
  readonly end: Code;
  /** Columns that no record has, with the value that stands for each. */
  readonly absent: readonly { readonly slot: number; readonly value: Value }[];
}

/** Scratch for the code of a record: `at` and `end` of what is read, `v` the value, the others as each code likes. */
const scratch: Code = code`
  let at = 0, end = 0, p = 0, s = 0, c = 0, d = 0, f = 0, h = 0, e = 0, x = 0, y = 0, n = false, v = null;`;

/** The function that scans records by the code of one. */
export const generateScanRows = (
  { wanted, begin = noCode, fields, end, absent }: RowCode,
  constants: Constants,
): ScanRows => {
  const vectors = wanted.map((slot) => code`const v${slot} = vectors[${slot}];`);
  const fills = absent.map(({ slot, value }) => code`v${slot}[row] = k${constants.add(value)};`);
  const body = code`
return function (bytes, view, starts, ends, from, to, vectors, status, slow) {
  ${joinCode(vectors)}
  const last = bytes.length - 4;
  ${scratch}
  for (let row = from; row < to; row++) {
    at = starts[row];
    end = ends[row];
    quick: if (at >= 0) {
      ${begin}
      ${fields}
      ${end}
      ${joinCode(fills)}
      status[row] = ${scanned.row};
      continue;
    }
    slow(row);
  }
  return to;
};`;
  return runCode(body, constants) as ScanRows;
};

/** Where the values of fields go to. */
export interface Places {
  /** Whether the span of a text is read in its place. */
  readonly asSpan: (slot: number) => boolean;
  /** Puts `v` to the place of a slot. */
  readonly store: (slot: number) => Code;
}

/** The vectors of the wanted slots. A column of which both texts and spans are wanted has its texts in both places. */
export const placesOf = (columnCount: number, wanted: readonly number[]): Places => {
  const isWanted = new Set(wanted);
  const spansOf = (slot: number): number => spanSlot(columnCount, slot);
  return {
    asSpan: (slot) => !isWanted.has(slot) && isWanted.has(spansOf(slot)),
    store: (slot) =>
      joinCode([slot, spansOf(slot)].filter((each) => isWanted.has(each)).map((each) => code`v${each}[row] = v;`)),
  };
};

/** The slots that no field of a record fills, each with its value. `present`: the columns that fields fill. */
export const absentSlots = (
  wanted: readonly number[],
  columnCount: number,
  present: Iterable<number>,
  valueOf: (column: number) => Value = () => null,
): RowCode['absent'] => {
  const filled = new Set(present);
  return wanted
    .map((slot) => ({ slot, column: columnOfSlot(columnCount, slot) }))
    .filter(({ column }) => !filled.has(column))
    .map(({ slot, column }) => ({ slot, value: valueOf(column) }));
};

/** Reads a part in the plain form; undefined where that fails. Where the part ended is its property, for there is one
 *  result. */
export interface PartReader<Input> {
  (read: (input: Input) => Value, bytes: Uint8Array, at: number, end: number): Value | undefined;
  end: number;
}

/** `open` makes the input stand at the part. */
export const partReader = <Input extends { readonly at: number }>(
  input: Input,
  open: (input: Input, bytes: Uint8Array, at: number, end: number) => void,
): PartReader<Input> => {
  const readPart: PartReader<Input> = (read, bytes, at, end) => {
    if (at > end) return undefined;
    open(input, bytes, at, end);
    try {
      const value = read(input);
      readPart.end = input.at;
      return value;
    } catch (error) {
      if (error instanceof SerdeError) return undefined;
      throw error;
    }
  };
  readPart.end = 0;
  return readPart;
};

/** The constants that `readTextCode` calls. */
export interface TextConstants {
  readonly ascii: number;
  readonly utf8: number;
}

export const textConstants = (constants: Constants): TextConstants => ({
  ascii: constants.add(asciiText),
  utf8: constants.add(readUtf8),
});

/** Reads up to three groups of seven bits at `at` into `x`: a length, which is short. */
export const readLengthCode: Code = code`
  x = bytes[at++];
  if (!(x < 128)) {
    c = bytes[at++]; x = (x & 127) | (c & 127) << 7;
    if (c > 127) { c = bytes[at++]; x |= (c & 127) << 14; if (!(c < 128)) break quick; }
  }`;

/** Reads a text of `x` bytes at `at` into `v`. */
export const readTextCode = ({ ascii, utf8 }: TextConstants): Code => code`
  e = at + x;
  if (e > end) break quick;
  if (x <= 32) {
    for (p = at, h = 0, d = 0; p < e; p++) { c = bytes[p]; d |= c; h = (Math.imul(h, 31) + c) | 0; }
    v = d < 128 ? k${ascii}(bytes, at, e, h) : k${utf8}(bytes, at, e);
  } else v = k${utf8}(bytes, at, e);
  at = e;`;

/** Reads where a text of `x` bytes at `at` stands into `v`. */
export const readSpanCode = ({ utf8 }: TextConstants): Code => code`
  s = at; p = at + x;
  if (p > end) break quick;
  v = ${spanCode(utf8)};
  at = p;`;

export const readDoubleCode: Code = code`if (at + 8 > end) break quick; v = view.getFloat64(at, true); at += 8;`;
export const readFloatCode: Code = code`if (at + 4 > end) break quick; v = view.getFloat32(at, true); at += 4;`;
