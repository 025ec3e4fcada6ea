/**
 * Decoding record batches into columns of positions: no object per record, 8 to 25 ns each.
 *
 * The layout is in record-batch.ts. Bytes may be anything, also under a right checksum: every length is checked before
 * a position is kept. `decodeBatch` is one function because each record passes through all of it: a call per field
 * would cost as much as the decoding.
 */

import { assert, newCursor, readI16, readI32, readI64, readVarint, readVarlong } from '../base/index.ts';
import type { PlainRecord } from './batch-builder.ts';
import { batchField as at, batchBits, batchHeaderBytes, batchOverheadBytes, leastRecordBytes } from './record-batch.ts';
import { readHeaders, skipHeaders } from './record-headers.ts';

const noBytes = new Uint8Array(0);
const cursor = newCursor();

/**
 * Records as columns of positions in `bytes`. Arrays grow by doubling and are used again after `reset`. A `keyStart` or
 * `valueStart` of -1 is null; `headersAt` is the position of the header count, or 0 when a record has none.
 */
export class RecordColumns {
  bytes: Uint8Array = noBytes;
  count = 0;
  capacity: number;
  offset: Float64Array;
  timestamp: Float64Array;
  keyStart: Int32Array;
  keyEnd: Int32Array;
  valueStart: Int32Array;
  valueEnd: Int32Array;
  headersAt: Int32Array;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    this.offset = new Float64Array(capacity);
    this.timestamp = new Float64Array(capacity);
    this.keyStart = new Int32Array(capacity);
    this.keyEnd = new Int32Array(capacity);
    this.valueStart = new Int32Array(capacity);
    this.valueEnd = new Int32Array(capacity);
    this.headersAt = new Int32Array(capacity);
  }

  /** Empties the columns; what is decoded next lies in `bytes`. */
  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.count = 0;
  }

  /** Makes room for `more` records behind `count`. The arrays are other ones afterwards. */
  reserve(more: number): void {
    const least = this.count + more;
    if (least <= this.capacity) return;
    let capacity = this.capacity;
    while (capacity < least) capacity *= 2;
    const wider = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.offset = wider(this.offset, new Float64Array(capacity));
    this.timestamp = wider(this.timestamp, new Float64Array(capacity));
    this.keyStart = wider(this.keyStart, new Int32Array(capacity));
    this.keyEnd = wider(this.keyEnd, new Int32Array(capacity));
    this.valueStart = wider(this.valueStart, new Int32Array(capacity));
    this.valueEnd = wider(this.valueEnd, new Int32Array(capacity));
    this.headersAt = wider(this.headersAt, new Int32Array(capacity));
    this.capacity = capacity;
  }

  /** One record's key and value as copies: for tests, and where few records are read. */
  record(index: number): Required<PlainRecord> & { readonly offset: number } {
    const keyStart = this.keyStart[index] as number;
    const valueStart = this.valueStart[index] as number;
    return {
      offset: this.offset[index] as number,
      timestamp: this.timestamp[index] as number,
      key: keyStart < 0 ? null : this.bytes.slice(keyStart, this.keyEnd[index]),
      value: valueStart < 0 ? null : this.bytes.slice(valueStart, this.valueEnd[index]),
      headers: readHeaders(this.bytes, this.headersAt[index] as number),
    };
  }
}

/**
 * Appends the records of the batch at `position` to the columns (whose `bytes` these are), without those below
 * `fromOffset`. Answers the position behind the batch, or -1 when the bytes are not a whole batch; the columns then are
 * as they were.
 */
export const decodeBatch = (bytes: Uint8Array, position: number, into: RecordColumns, fromOffset: number): number => {
  assert(into.bytes === bytes, 'the positions in the columns are positions in these bytes');
  const room = bytes.length - position;
  if (room < batchHeaderBytes) return -1;
  const length = readI32(bytes, position + at.length);
  if (length < batchHeaderBytes - batchOverheadBytes || length > room - batchOverheadBytes) return -1;
  const end = position + batchOverheadBytes + length;
  const count = readI32(bytes, position + at.count);
  if (count < 0 || count > (length - (batchHeaderBytes - batchOverheadBytes)) / leastRecordBytes) return -1;
  const attributes = readI16(bytes, position + at.attributes);
  if ((attributes & batchBits.codec) !== 0) return -1;
  into.reserve(count);
  const { offset, timestamp, keyStart, keyEnd, valueStart, valueEnd, headersAt } = into;
  const baseOffset = readI64(bytes, position);
  const appendTime = (attributes & batchBits.logAppendTime) !== 0;
  const baseTimestamp = readI64(bytes, position + (appendTime ? at.maxTimestamp : at.baseTimestamp));
  let row = into.count;
  let p = position + batchHeaderBytes;

  for (let i = 0; i < count; i++) {
    // Each field: one byte in most records, so that form is inline and the general one behind a call. A read beyond
    // `end` is found by the checks on `stop`, which come before any position is kept.
    let byte = bytes[p++] as number;
    let raw = byte;
    if (byte >= 0x80) {
      const second = bytes[p] as number;
      if (second < 0x80) {
        raw = (byte & 0x7f) | (second << 7);
        p++;
      } else {
        cursor.at = p - 1;
        raw = zigzag(readVarint(bytes, end, cursor));
        p = cursor.at;
      }
    }
    const stop = p + (raw >>> 1);
    if ((raw & 1) !== 0 || stop > end || stop - p < leastRecordBytes - 1) return -1;
    p++;

    let delta = 0;
    byte = bytes[p++] as number;
    if (byte < 0x80) delta = (byte >>> 1) ^ -(byte & 1);
    else {
      const second = bytes[p] as number;
      if (second < 0x80) {
        raw = (byte & 0x7f) | (second << 7);
        delta = (raw >>> 1) ^ -(raw & 1);
        p++;
      } else {
        cursor.at = p - 1;
        delta = readVarlong(bytes, stop, cursor);
        p = cursor.at;
      }
    }

    let offsetDelta = 0;
    byte = bytes[p++] as number;
    if (byte < 0x80) offsetDelta = (byte >>> 1) ^ -(byte & 1);
    else {
      const second = bytes[p] as number;
      if (second < 0x80) {
        raw = (byte & 0x7f) | (second << 7);
        offsetDelta = (raw >>> 1) ^ -(raw & 1);
        p++;
      } else {
        cursor.at = p - 1;
        offsetDelta = readVarint(bytes, stop, cursor);
        p = cursor.at;
      }
    }

    byte = bytes[p++] as number;
    let keyLength = (byte >>> 1) ^ -(byte & 1);
    if (byte >= 0x80) {
      cursor.at = p - 1;
      keyLength = readVarint(bytes, stop, cursor);
      p = cursor.at;
    }
    let from = -1;
    let to = -1;
    if (keyLength >= 0) {
      from = p;
      to = p += keyLength;
    }
    if (!(keyLength >= -1 && p < stop)) return -1;
    const keyFrom = from;
    const keyTo = to;

    byte = bytes[p++] as number;
    let valueLength = (byte >>> 1) ^ -(byte & 1);
    if (byte >= 0x80) {
      const second = bytes[p] as number;
      if (second < 0x80) {
        raw = (byte & 0x7f) | (second << 7);
        valueLength = (raw >>> 1) ^ -(raw & 1);
        p++;
      } else {
        cursor.at = p - 1;
        valueLength = readVarint(bytes, stop, cursor);
        p = cursor.at;
      }
    }
    from = -1;
    to = -1;
    if (valueLength >= 0) {
      from = p;
      to = p += valueLength;
    }
    if (!(valueLength >= -1 && p < stop)) return -1;

    let headers = 0;
    if (bytes[p] === 0) p++;
    else {
      headers = p;
      p = skipHeaders(bytes, p, stop);
    }
    if (p !== stop || !(offsetDelta >= 0) || Number.isNaN(delta)) return -1;

    const recordOffset = baseOffset + offsetDelta;
    if (recordOffset < fromOffset) continue;
    offset[row] = recordOffset;
    timestamp[row] = appendTime ? baseTimestamp : baseTimestamp + delta;
    keyStart[row] = keyFrom;
    keyEnd[row] = keyTo;
    valueStart[row] = from;
    valueEnd[row] = to;
    headersAt[row] = headers;
    row++;
  }
  into.count = row;
  return end;
};

const zigzag = (value: number): number => (Number.isNaN(value) ? 1 : ((value << 1) ^ (value >> 31)) >>> 0);
