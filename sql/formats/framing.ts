/**
 * The framing of records whose format has a schema registry: a zero byte, the id of the schema (4 bytes, big-endian),
 * then the data. These wrappers put a format of plain data into it, for data that can be read without its schema.
 */

import { SerdeError } from '../../engine/index.ts';
import type { RowReader, RowWriter, Scanner } from './format.ts';
import { scanned } from './format.ts';
import { framingBytes, schemaIdAt } from './writer-schemas.ts';

const unframed = 'the bytes do not begin with a zero byte and the id of a schema';

/** Writes the frame, and the data behind it. The NULL record has neither. */
export const framedWriter = (inner: RowWriter, id: number): RowWriter => ({
  write(row, out, bytes) {
    const start = out.length;
    out.i8(0);
    out.i32(id);
    if (inner.write(row, out, bytes)) return true;
    out.length = start;
    return false;
  },
});

export const framedReader = (inner: RowReader): RowReader => ({
  read(bytes, start, end, into) {
    if (schemaIdAt(bytes, start, end) < 0) throw new SerdeError(unframed);
    return inner.read(bytes, start + framingBytes, end, into);
  },
});

export const framedScanner = (inner: Scanner): Scanner => {
  let shifted = new Int32Array(0);
  return {
    wanted: inner.wanted,
    scan(bytes, starts, ends, from, to, into) {
      if (shifted.length < to) shifted = new Int32Array(Math.max(to, 1024));
      let bad = false;
      for (let row = from; row < to; row++) {
        const start = starts[row] as number;
        const framed = start < 0 || schemaIdAt(bytes, start, ends[row] as number) >= 0;
        if (!framed) bad = true;
        shifted[row] = start < 0 || !framed ? -1 : start + framingBytes;
      }
      inner.scan(bytes, shifted, ends, from, to, into);
      if (!bad) return;
      for (let row = from; row < to; row++) {
        if ((starts[row] as number) < 0 || (shifted[row] as number) >= 0) continue;
        into.status[row] = scanned.bad;
        into.errors.set(row, unframed);
      }
    },
  };
};
