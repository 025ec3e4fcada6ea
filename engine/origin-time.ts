/**
 * Origin time: how far in time the partition was that a record comes from, carried with the record through any number
 * of repartitions.
 *
 * A row is late when it comes behind its time in the order of the partition in which it was first read. Behind a
 * repartition, a join or in a derived topic the rows of several partitions meet, each at its own point in time, so
 * their order means nothing any more. So the task that still sees the order writes it down:
 *
 *   - A task that reads a plain partition (a source topic) writes with each record its *origin time*: the largest
 *     timestamp that the task has written to that topic so far, this record's included. For a record in order that is
 *     its own timestamp, and nothing is written.
 *   - A task that reads records with origin times hands them on: several origins are mixed there, and no order of its
 *     own counts.
 *   - An operator that drops late rows takes the origin time of the record as stream time.
 *
 * So what is late depends neither on how fast the partitions were read nor on the number of repartitions. With a single
 * task no origins are mixed: it writes no origin times, and operators use the largest timestamp that has reached them,
 * exactly as in Kafka Streams.
 *
 * What is promised: a record that is in order in the partition where it was first read is not late; one that is behind
 * its time there by more than size and grace of its window is late, also after a restart (the tasks' times are kept
 * with their committed offsets). What is not:
 *   - Origin time counts all that the first task has written, also what a later filter drops; with one partition
 *     the filter comes first.
 *   - A sink that takes its timestamps from a column begins a new timeline. It is ordered by the task that writes it;
 *     where the records that it reads come from several origins nothing is known of their order on the new timeline,
 *     and none of them is late.
 *   - Windows below the low watermark have expired: a record that arrives at a
 *     source topic after that is dropped as late even if its own partition was silent before.
 *
 * On the wire the origin time is the record's first header, `millrace.time`: an i64, big-endian, epoch milliseconds.
 * The first record of each batch always has it, followed by a second i64: the *low watermark* of the writer's
 * sub-topology (`runtime/watermarks.ts`; -1: not known). That marks a batch as one with origin times, where a record
 * without the header is in order. The reader takes the header off: operators and what they write never have it.
 * (Compaction may remove the first record of a batch of a table's topic, and with it the mark: such a batch is then
 * read like one of a plain topic.)
 */

import { type ByteWriter, newCursor, readI64, readVarint, writeI64 } from '../base/index.ts';
import { encodeHeaders, forEachHeader, type RecordHeader } from '../storage/index.ts';
import type { StreamRecord } from './record.ts';

export const originTimeHeader = 'millrace.time';

/** Headers as the producer of the record wrote them. */
export const withoutOriginTime = (headers: readonly RecordHeader[]): readonly RecordHeader[] =>
  headers[0]?.key === originTimeHeader ? headers.slice(1) : headers;

const nameBytes = new TextEncoder().encode(originTimeHeader);
const timeBytes = 8;
const markBytes = 16;

/** The origin of the record that is being processed. One per task, set by its sources. */
export class RecordOrigin {
  /** The record comes from a batch with origin times; otherwise the order of arrival counts. */
  carried = false;
  /** Its origin time where that is later than its timestamp; −Infinity: it is in order. */
  time = Number.NEGATIVE_INFINITY;
  /** The low watermark of the sub-topology, as of the last commit; Infinity: no origins are mixed there, as far as is
   *  known. */
  low = Number.POSITIVE_INFINITY;
  /** What the clock of the host shows, where windows close by that: no record's time counts beyond it. */
  clock = Number.POSITIVE_INFINITY;
}

const cursor = newCursor();

/** The position of the value of our header, which is the first one or missing (−1); `length` is then its number of
 *  bytes. */
const found = { length: 0 };
const valueAt = (bytes: Uint8Array, headersAt: number): number => {
  if (headersAt === 0) return -1;
  cursor.at = headersAt;
  if (!(readVarint(bytes, bytes.length, cursor) > 0)) return -1;
  if (readVarint(bytes, bytes.length, cursor) !== nameBytes.length) return -1;
  const start = cursor.at;
  for (let i = 0; i < nameBytes.length; i++) if (bytes[start + i] !== nameBytes[i]) return -1;
  cursor.at = start + nameBytes.length;
  found.length = readVarint(bytes, bytes.length, cursor);
  const fits = found.length === timeBytes || found.length === markBytes;
  return fits && cursor.at + found.length <= bytes.length ? cursor.at : -1;
};

/** The bytes of an origin time without other headers, from the count on. */
const alone = encodeHeaders([{ key: originTimeHeader, value: new Uint8Array(timeBytes) }]).subarray(1);
const aloneBytes = alone.length;

/** The usual form, without reading one number after the other. */
const standsAlone = (bytes: Uint8Array, headersAt: number): boolean => {
  for (let i = 0; i < aloneBytes - timeBytes; i++) if (bytes[headersAt + i] !== alone[i]) return false;
  return headersAt + aloneBytes <= bytes.length;
};

const orUnknown = (time: number): number => (time < 0 ? Number.NEGATIVE_INFINITY : time);

/** The low watermark that the headers of a batch's first record name: −Infinity when the writer did not know it, NaN
 *  when the batch has no origin times. */
export const readLowWatermark = (bytes: Uint8Array, headersAt: number): number => {
  const at = valueAt(bytes, headersAt);
  return at < 0 || found.length !== markBytes ? Number.NaN : orUnknown(readI64(bytes, at + timeBytes));
};

/** Puts the headers at `headersAt` into the record without ours, and answers the origin time that ours names, or
 *  −Infinity. `out` holds the headers where others remain. */
export const takeHeaders = (
  record: StreamRecord<unknown>,
  bytes: Uint8Array,
  headersAt: number,
  out: ByteWriter,
): number => {
  record.headerBytes = bytes;
  record.headersAt = headersAt;
  if (standsAlone(bytes, headersAt)) {
    record.headersAt = 0;
    return orUnknown(readI64(bytes, headersAt + aloneBytes - timeBytes));
  }
  const at = valueAt(bytes, headersAt);
  if (at < 0) return Number.NEGATIVE_INFINITY;
  const rest = at + found.length;
  cursor.at = headersAt;
  const count = readVarint(bytes, bytes.length, cursor);
  record.headersAt = 0;
  if (count > 1) {
    const end = forEachHeader(bytes, headersAt, bytes.length, undefined);
    out.reset();
    out.i8(0);
    out.varint(count - 1);
    out.bytes(bytes, rest, end);
    record.headerBytes = out.buffer;
    record.headersAt = 1;
  }
  return orUnknown(readI64(bytes, at));
};

/** Makes the headers that a writer puts before a record's own. What a call answers is to be appended with `headersAt`
 *  1, and is valid until the next. */
export class OriginHeaders {
  readonly #first = encodeHeaders([{ key: originTimeHeader, value: new Uint8Array(markBytes) }]);
  readonly #other = encodeHeaders([{ key: originTimeHeader, value: new Uint8Array(timeBytes) }]);
  readonly #scratch: ByteWriter;

  constructor(scratch: ByteWriter) {
    this.#scratch = scratch;
  }

  /** The most bytes that a call adds to a record. */
  get bytes(): number {
    return this.#first.length;
  }

  /** For the first record of a batch. */
  first(time: number, low: number, headers: Uint8Array, headersAt: number): Uint8Array {
    writeI64(this.#first, this.#first.length - markBytes, time);
    writeI64(this.#first, this.#first.length - timeBytes, low === Number.NEGATIVE_INFINITY ? -1 : low);
    return this.#before(this.#first, headers, headersAt);
  }

  /** For any other record whose origin time is not its timestamp. */
  other(time: number, headers: Uint8Array, headersAt: number): Uint8Array {
    writeI64(this.#other, this.#other.length - timeBytes, time);
    return this.#before(this.#other, headers, headersAt);
  }

  #before(own: Uint8Array, headers: Uint8Array, headersAt: number): Uint8Array {
    if (headersAt === 0) return own;
    cursor.at = headersAt;
    const count = readVarint(headers, headers.length, cursor);
    const rest = cursor.at;
    const end = forEachHeader(headers, headersAt, headers.length, undefined);
    const out = this.#scratch;
    out.reset();
    out.i8(0);
    out.varint(count + 1);
    // `own` is a byte of padding, a count of one, and the header.
    out.bytes(own, 2);
    out.bytes(headers, rest, end);
    return out.bytesView();
  }
}
