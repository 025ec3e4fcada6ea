/**
 * The time index of a segment: some timestamps, and up to which offset no record is later.
 *
 * An entry (timestamp, offset) means: no record up to this offset has a greater timestamp. Both grow strictly from
 * entry to entry. It is sparse (at most one entry for each entry of the offset index), and a lookup only gives where to
 * begin reading. On disk (`.timeindex`) it has Kafka's layout, which holds no checksum; the offset index beside it
 * keeps one for it. It can always be rebuilt from the segment:
 *
 *   { timestamp i64, offset - base i32 } …
 */

import { assert, ByteWriter, firstNotBefore, itemAt, readI32, readI64 } from '../../base/index.ts';

const entryBytes = 12;

export class TimeIndex {
  readonly baseOffset: number;
  #timestamps = new Float64Array(16);
  #relative = new Int32Array(16);
  count = 0;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  /** Notes that no record up to `offset` is later than `timestamp`. Left out when that is no later than the entry
   *  before. */
  add(timestamp: number, offset: number): void {
    const { count } = this;
    if (count > 0 && timestamp <= itemAt(this.#timestamps, count - 1)) return;
    const least = count > 0 ? this.#offsetAt(count - 1) : this.baseOffset;
    assert(offset >= least, () => `offset ${offset} in a time index that has reached ${least}`);
    if (count === this.#relative.length) {
      const timestamps = new Float64Array(count * 2);
      const relative = new Int32Array(count * 2);
      timestamps.set(this.#timestamps);
      relative.set(this.#relative);
      this.#timestamps = timestamps;
      this.#relative = relative;
    }
    this.#timestamps[count] = timestamp;
    this.#relative[count] = offset - this.baseOffset;
    this.count = count + 1;
  }

  /** The least offset that can hold a record at `timestamp` or later: whatever lies before is earlier. */
  firstCandidate(timestamp: number): number {
    const next = firstNotBefore(this.count, (i) => itemAt(this.#timestamps, i) < timestamp);
    return next === 0 ? this.baseOffset : this.#offsetAt(next - 1) + 1;
  }

  /** Forgets entries about offsets at or behind `offset`, after the file was cut there. */
  cut(offset: number): void {
    while (this.count > 0 && this.#offsetAt(this.count - 1) >= offset) this.count--;
  }

  #offsetAt(index: number): number {
    return this.baseOffset + itemAt(this.#relative, index);
  }

  encode(): Uint8Array {
    const out = new ByteWriter(Math.max(16, this.count * entryBytes));
    for (let i = 0; i < this.count; i++) {
      out.i64(itemAt(this.#timestamps, i));
      out.i32(itemAt(this.#relative, i));
    }
    return out.slice();
  }

  /** The index that these bytes hold; undefined when their length is not that of one. */
  static decode(bytes: Uint8Array, baseOffset: number): TimeIndex | undefined {
    if (bytes.length % entryBytes !== 0) return undefined;
    const index = new TimeIndex(baseOffset);
    for (let at = 0; at < bytes.length; at += entryBytes) {
      index.add(readI64(bytes, at), baseOffset + readI32(bytes, at + 8));
    }
    return index;
  }
}
