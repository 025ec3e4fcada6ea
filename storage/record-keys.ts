/** The keys of a batch and nothing else: what compaction needs of every record, at half the cost of decoding it. */

import { newCursor, readVarint, readVarlong } from '../base/index.ts';
import { batchBytes, batchHeaderBytes, recordCountOf } from './record-batch.ts';

const cursor = newCursor();

/** Positions of keys, one entry for each record of a batch, in order. A start of -1 is a record without a key. */
export class RecordKeys {
  count = 0;
  start = new Int32Array(1024);
  end = new Int32Array(1024);

  /** Reads the keys of the batch at `position`, whose checksum is right; false when its records are malformed. */
  read(bytes: Uint8Array, position: number): boolean {
    const count = recordCountOf(bytes, position);
    const stop = position + batchBytes(bytes, position);
    if (this.start.length < count) {
      this.start = new Int32Array(count * 2);
      this.end = new Int32Array(count * 2);
    }
    const { start, end } = this;
    let p = position + batchHeaderBytes;
    for (let row = 0; row < count; row++) {
      // Most fields have one byte, or two: those forms come first.
      let raw = bytes[p++] as number;
      if (raw >= 0x80) {
        const second = bytes[p++] as number;
        if (second < 0x80) raw = (raw & 0x7f) | (second << 7);
        else {
          cursor.at = p - 2;
          raw = readVarint(bytes, stop, cursor) * 2;
          p = cursor.at;
        }
      }
      const next = p + (raw >>> 1);
      if (!(raw >= 0 && (raw & 1) === 0 && next <= stop)) return false;
      p++;
      if ((bytes[p++] as number) >= 0x80 && (bytes[p++] as number) >= 0x80) {
        cursor.at = p - 2;
        readVarlong(bytes, next, cursor);
        p = cursor.at;
      }
      if ((bytes[p++] as number) >= 0x80 && (bytes[p++] as number) >= 0x80) {
        cursor.at = p - 2;
        readVarint(bytes, next, cursor);
        p = cursor.at;
      }
      const byte = bytes[p++] as number;
      let length = (byte >>> 1) ^ -(byte & 1);
      if (byte >= 0x80) {
        cursor.at = p - 1;
        length = readVarint(bytes, next, cursor);
        p = cursor.at;
      }
      if (!(length >= -1 && p + length < next)) return false;
      start[row] = length < 0 ? -1 : p;
      end[row] = p + length;
      p = next;
    }
    this.count = count;
    return p === stop;
  }
}
