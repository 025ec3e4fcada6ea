/**
 * The generated scanner of JSON: made for records that all look alike, as those of a topic mostly do.
 *
 * Records of one topic mostly have the same fields in the same order, with the same blanks. The first record is read in
 * the plain form, which shows the *layout*: the bytes before each value (`{"id":`, `,"name":` …) and behind the last
 * one. The code made for a layout compares those bytes, four at a time, and reads each value by its column's type where
 * it stands, without looking names up. A record that differs in anything (another name, an escape, an exponent, a
 * number where a text was) is read by the plain form instead, from its start: the plain form decides what is right,
 * this one only what is quick. When most records differ, the layout is learned again, a few times.
 *
 * Learning a layout and emitting the code for it are one file, because the one is the description of the other.
 */

import {
  asciiText,
  type Code,
  Constants,
  code,
  expectBytesCode,
  fractionDigitsCode,
  joinCode,
  jsonBytesCode,
  jsonNumberCode,
  jsonTextCode,
  noCode,
  parseBase64,
  powersOfTen,
  readLatin1,
  readUtf8,
  skipNumberCode,
  unreachable,
  wholeDigitsCode,
} from '../../../base/index.ts';
import { decimalForm } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Column } from '../../types/schema.ts';
import { isScalar } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';
import { type FormatOptions, type Scanner, SerdeError, scanOne } from '../format.ts';
import { FieldsReader, plainJsonReader, valueReader } from '../json-plain.ts';
import { JsonInput } from '../json-text.ts';
import { columnsOfSlots, spanCode } from '../text-span.ts';
import { absentSlots, generateScanRows, type Places, partReader, placesOf, type ScanRows } from './scan-code.ts';

/** The fields of an object in order, and the bytes behind the last value. */
interface Layout {
  readonly fields: readonly LayoutField[];
  readonly behind: Uint8Array;
}

interface LayoutField {
  /** What stands between the former value, or the start of the object, and this one. */
  readonly before: Uint8Array;
  /** The wanted slot that the value fills, or -1. */
  readonly slot: number;
  /** The layout of the value, where that is an object and not a map. */
  readonly inner: Layout | undefined;
}

const mostFields = 200;
const mostLayouts = 8;

export const generatedJsonScanner = (
  columns: readonly Column[],
  options: FormatOptions,
  wanted: readonly number[],
): Scanner => {
  const read = columnsOfSlots(columns.length, wanted);
  const reader = plainJsonReader(columns, options, read);
  const scratch: Row = new Array<Value>(columns.length).fill(null);
  let scanLayout: ScanRows | undefined;
  let learned = 0;
  return {
    wanted,
    scan(bytes, starts, ends, from, to, into) {
      let missed = -1;
      let misses = 0;
      const slow = (row: number): void => {
        missed = row;
        misses++;
        scanOne(reader, bytes, starts[row] as number, ends[row] as number, row, wanted, scratch, into);
      };
      let at = from;
      if (scanLayout === undefined && learned < mostLayouts) {
        while (at < to && (starts[at] as number) < 0) slow(at++);
        if (at < to) {
          learned++;
          scanLayout = learn(columns, { read, wanted }, bytes, starts[at] as number, ends[at] as number);
        }
      }
      if (scanLayout === undefined) {
        for (; at < to; at++) slow(at);
        return;
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      misses = 0;
      scanLayout(bytes, view, starts, ends, at, to, into.vectors, into.status, slow);
      // The next scan learns from a record like the last that was missed.
      if (misses * 2 > to - at && learned < mostLayouts && (starts[missed] as number) >= 0) {
        learned++;
        const start = starts[missed] as number;
        scanLayout = learn(columns, { read, wanted }, bytes, start, ends[missed] as number) ?? scanLayout;
      }
    },
  };
};

const learn = (
  columns: readonly Column[],
  { read, wanted }: { readonly read: readonly number[]; readonly wanted: readonly number[] },
  bytes: Uint8Array,
  start: number,
  end: number,
): ScanRows | undefined => {
  const layout = layoutOf(columns, read, bytes, start, end);
  return layout === undefined ? undefined : generate(layout, columns, wanted);
};

/** The layout of a record, or none when it has no plain one. */
const layoutOf = (
  columns: readonly Column[],
  wanted: readonly number[],
  bytes: Uint8Array,
  start: number,
  end: number,
): Layout | undefined => {
  const input = new JsonInput();
  try {
    input.open(bytes, start, end);
    if (input.token() !== 'object') return undefined;
    input.skip();
    input.finish();
    const layout = objectLayout(columns, wanted, bytes, start, end);
    return layout !== undefined && countFields(layout) <= mostFields ? layout : undefined;
  } catch (error) {
    if (error instanceof SerdeError) return undefined;
    throw error;
  }
};

const countFields = (layout: Layout): number =>
  layout.fields.reduce((sum, { inner }) => sum + (inner === undefined ? 1 : countFields(inner)), 0);

const objectLayout = (
  columns: readonly Column[],
  wanted: readonly number[] | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): Layout | undefined => {
  const input = new JsonInput();
  const fields: LayoutField[] = [];
  const seen = new Set<number>();
  let last = start;
  let plain = true;
  input.open(bytes, start, end);
  new FieldsReader(columns, wanted).watch(
    input,
    new Array<Value>(columns.length).fill(null),
    (valueAt, valueEnd, slot) => {
      // One value for two columns, or two values for one: the plain form decides which counts.
      if (slot === -2 || (slot >= 0 && seen.has(slot))) plain = false;
      seen.add(slot);
      const read = slot >= 0 && (wanted === undefined || wanted.includes(slot));
      const type = read ? columns[slot]?.type : undefined;
      const inner =
        bytes[valueAt] === 123 && (type === undefined || type.kind === 'STRUCT')
          ? objectLayout(type?.kind === 'STRUCT' ? type.fields : [], undefined, bytes, valueAt, valueEnd)
          : undefined;
      fields.push({ before: bytes.slice(last, valueAt), slot: read ? slot : -1, inner });
      last = valueEnd;
    },
  );
  return plain && fields.length > 0 ? { fields, behind: bytes.slice(last, end) } : undefined;
};

// --------------------------------------------------------------------------------------------------------- the code

const leave: Code = code`break quick;`;

const nullWord = 0x6c6c_756e;
const trueWord = 0x6575_7274;
const falseWord = 0x736c_6166;

interface Shared {
  readonly ascii: number;
  readonly utf8: number;
  readonly powers: number;
  readonly base64: number;
  readonly latin1: number;
  readonly readPart: number;
  readonly skipPart: number;
}

/** Reads the value at `at` into `v` (not NULL), stepping over it. */
const readValue = ({ type }: Column, shared: Shared, constants: Constants): Code => {
  if (!isScalar(type)) {
    return code`
  v = k${shared.readPart}(k${constants.add(valueReader(type))}, bytes, at, end);
  if (v === undefined) break quick;
  at = k${shared.readPart}.end;`;
  }
  const { accepts } = definitionOf(type);
  const read = readScalar(type, shared);
  if (accepts === undefined) return read;
  return joinCode([read, code`if (!k${constants.add((value: Value) => accepts(value, type))}(v)) break quick;`]);
};

/** Reads where the text at `at` stands into `v`. */
const readSpan = (shared: Shared): Code => code`
  if (bytes[at] !== 34) break quick;
  ${jsonTextCode(leave)}
  s = at + 1;
  v = ${spanCode(shared.utf8)};
  at = p + 1;`;

const readScalar = (type: ScalarType, shared: Shared): Code => {
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'text':
      return code`
  if (bytes[at] !== 34) break quick;
  h = 0;
  ${jsonBytesCode(code`h = (Math.imul(h, 31) + c) | 0;`, leave)}
  v = d < 128 ? k${shared.ascii}(bytes, at + 1, p, h) : k${shared.utf8}(bytes, at + 1, p);
  at = p + 1;`;
    case 'int32':
    case 'int64':
      return code`
  ${wholeDigitsCode(shared.powers, leave)}
  ${carrier === 'int32' ? code`if (x > 2147483647) break quick;` : noCode}
  v = n && x !== 0 ? -x : x;
  at = p;`;
    case 'double':
      return code`
  ${jsonNumberCode(shared.powers, leave)}
  v = n ? 0 - x : x;
  at = p;`;
    case 'decimal': {
      const { scale } = decimalForm(type);
      // Without a place for a fraction, or with too many: such columns are read in the plain form.
      if (scale > 14) return code`break quick;`;
      return code`
  ${wholeDigitsCode(shared.powers, leave)}
  ${fractionDigitsCode(leave)}
  if (f > ${scale} || d + ${scale} > 15) break quick;
  x *= k${shared.powers}[${scale} - f];
  v = BigInt(n ? -x : x);
  at = p;`;
    }
    case 'bytes':
      return code`
  if (bytes[at] !== 34) break quick;
  ${jsonTextCode(leave)}
  v = k${shared.base64}(k${shared.latin1}(bytes, at + 1, p));
  if (v === undefined) break quick;
  at = p + 1;`;
    case 'boolean':
      return code`
  if (at + 5 > end) break quick;
  c = view.getInt32(at, true);
  if (c === ${trueWord}) { v = true; at += 4; }
  else if (c === ${falseWord} && bytes[at + 4] === 101) { v = false; at += 5; }
  else break quick;`;
    default:
      return unreachable(carrier);
  }
};

/** Steps over a value that is not read. */
const skipValue = (shared: Shared): Code => code`
  c = bytes[at];
  if (c === 34) {
    ${jsonTextCode(leave)}
    at = p + 1;
  } else if (c === 45 || (c ^ 48) < 10) {
    ${skipNumberCode(leave)}
    at = p;
  } else {
    at = k${shared.skipPart}(bytes, at, end);
    if (at < 0) break quick;
  }`;

const partSkipper = (): ((bytes: Uint8Array, at: number, end: number) => number) => {
  const input = new JsonInput();
  return (bytes, at, end) => {
    input.place(bytes, at, end);
    try {
      input.skip();
      return input.at;
    } catch (error) {
      if (error instanceof SerdeError) return -1;
      throw error;
    }
  };
};

/** Reads the fields of an object into their places, from behind what stands before it. */
const readFields = (
  layout: Layout,
  columns: readonly Column[],
  { asSpan, store }: Places,
  shared: Shared,
  constants: Constants,
): Code =>
  joinCode([
    ...layout.fields.map(({ before, slot, inner }) => {
      const column = columns[slot];
      const value =
        inner !== undefined
          ? readObject(inner, column, shared, constants)
          : column === undefined
            ? skipValue(shared)
            : asSpan(slot)
              ? readSpan(shared)
              : readValue(column, shared, constants);
      return joinCode([
        expectBytesCode(before, leave, constants),
        column === undefined && inner === undefined
          ? value
          : code`
  if (bytes[at] === 110) {
    if (at + 4 > end || view.getInt32(at, true) !== ${nullWord}) break quick;
    v = null;
    at += 4;
  } else {
    ${value}
  }`,
        column === undefined ? noCode : store(slot),
      ]);
    }),
    expectBytesCode(layout.behind, leave, constants),
  ]);

/** Reads an object as a new struct into `v`, or steps over one that is not read. */
const readObject = (layout: Layout, column: Column | undefined, shared: Shared, constants: Constants): Code => {
  const fields = column?.type.kind === 'STRUCT' ? column.type.fields : [];
  const struct = constants.add(fields.map(() => null));
  const places: Places = { asSpan: () => false, store: (slot) => code`t${struct}[${slot}] = v;` };
  const read = readFields(layout, fields, places, shared, constants);
  return column === undefined
    ? read
    : code`
  const t${struct} = k${struct}.slice();
  ${read}
  v = t${struct};`;
};

const generate = (layout: Layout, columns: readonly Column[], wanted: readonly number[]): ScanRows => {
  const constants = new Constants();
  const shared: Shared = {
    ascii: constants.add(asciiText),
    utf8: constants.add(readUtf8),
    powers: constants.add(powersOfTen),
    base64: constants.add(parseBase64),
    latin1: constants.add(readLatin1),
    readPart: constants.add(partReader(new JsonInput(), (input, bytes, at, end) => input.place(bytes, at, end))),
    skipPart: constants.add(partSkipper()),
  };
  const fields = readFields(layout, columns, placesOf(columns.length, wanted), shared, constants);
  const absent = absentSlots(
    wanted,
    columns.length,
    layout.fields.map(({ slot }) => slot),
  );
  return generateScanRows({ wanted, fields, end: code`if (at !== end) break quick;`, absent }, constants);
};
