/**
 * Record batch, format v2: the bytes that lie in segments, go over the wire and cross threads. The same as Kafka's,
 * byte for byte.
 *
 *   at  field                    type
 *    0  base offset              i64   0 until the log stamps it; outside the CRC
 *    8  length of what follows   i32   the whole batch is 12 + this; at least 49
 *   12  partition leader epoch   i32   outside the CRC
 *   16  magic                    i8    2
 *   17  crc                      u32   CRC-32C of bytes 21 … end
 *   21  attributes               i16   bits 0-2 codec, 3 log-append time, 4 transactional, 5 control, 6 delete horizon
 *   23  last offset delta        i32
 *   27  base timestamp           i64   of the first record; deltas count from it
 *   35  max timestamp            i64
 *   43  producer id              i64   -1: none
 *   51  producer epoch           i16
 *   53  base sequence            i32
 *   57  record count             i32
 *   61  records
 *
 *   record   length varint · attributes i8 (0) · timestamp delta varlong · offset delta varint
 *            key length varint (-1: null) · key · value length varint (-1: null) · value
 *            header count varint · { key length varint · key UTF-8 · value length varint (-1: null) · value } …
 *
 * Timestamps are whole numbers within ±2^51 (71,000 years); offsets are safe integers.
 *
 * Here: the layout, the fields of the header read in place, and the checks. A batch is written by a `BatchBuilder`
 * (batch-builder.ts), stamped in place by the log, and decoded into `RecordColumns` (record-columns.ts). No length is
 * trusted before it is checked: bytes from a disk or a socket may be anything.
 */

import {
  assert,
  crc32c,
  readBigI64,
  readI16,
  readI32,
  readI64,
  readU32,
  writeI16,
  writeI32,
  writeI64,
} from '../base/index.ts';

export const batchHeaderBytes = 61;
/** The bytes of a batch that its length field does not count. */
export const batchOverheadBytes = 12;
/** The smallest size of a record: seven one-byte fields. */
export const leastRecordBytes = 7;

/** Where the fields lie. */
export const batchField = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const;

const at = batchField;

/** The largest timestamp of a record; the smallest is its negative. The difference of any two of a batch is exact in
 *  the batch's own form then. */
export const latestTimestamp = 2 ** 51;

/** Whether records may have this event time: epoch milliseconds, a whole number that is not negative. */
export const isEventTime = (time: number): boolean => Number.isInteger(time) && time >= 0 && time <= latestTimestamp;

/** Bits of the attributes. */
export const batchBits = { codec: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20 } as const;

// ---------------------------------------------------------------- reading a header in place

/** Bytes of the whole batch at `position`; the caller makes sure that the first twelve bytes are there. */
export const batchBytes = (bytes: Uint8Array, position: number): number =>
  batchOverheadBytes + readI32(bytes, position + at.length);
export const baseOffsetOf = (bytes: Uint8Array, position: number): number => readI64(bytes, position);
export const lastOffsetOf = (bytes: Uint8Array, position: number): number =>
  readI64(bytes, position) + readI32(bytes, position + at.lastOffsetDelta);
export const nextOffsetOf = (bytes: Uint8Array, position: number): number => lastOffsetOf(bytes, position) + 1;
export const producerIdOf = (bytes: Uint8Array, position: number): number => readI64(bytes, position + at.producerId);
export const producerEpochOf = (bytes: Uint8Array, position: number): number =>
  readI16(bytes, position + at.producerEpoch);
export const baseSequenceOf = (bytes: Uint8Array, position: number): number =>
  readI32(bytes, position + at.baseSequence);
export const maxTimestampOf = (bytes: Uint8Array, position: number): number =>
  readI64(bytes, position + at.maxTimestamp);
export const recordCountOf = (bytes: Uint8Array, position: number): number => readI32(bytes, position + at.count);
export const isTransactional = (bytes: Uint8Array, position: number): boolean =>
  (readI16(bytes, position + at.attributes) & batchBits.transactional) !== 0;
export const isControl = (bytes: Uint8Array, position: number): boolean =>
  (readI16(bytes, position + at.attributes) & batchBits.control) !== 0;

/** Last sequence number of a batch: numbers wrap from 2^31 - 1 to 0. */
export const lastSequenceOf = (bytes: Uint8Array, position: number): number =>
  addSequence(baseSequenceOf(bytes, position), readI32(bytes, position + at.lastOffsetDelta));

export const addSequence = (sequence: number, more: number): number => (sequence + more) % 0x8000_0000;

// ---------------------------------------------------------------- checking

/** What is wrong with bytes that should be a batch. `truncated`: they end before the batch does, as after a torn
 *  write. */
export interface BatchFault {
  readonly kind: 'truncated' | 'corrupt';
  readonly reason: string;
}

const corrupt = (reason: string): BatchFault => ({ kind: 'corrupt', reason });

/**
 * Whether a whole, intact batch lies at `position` before `end`: bounds, magic, codec, CRC. After `undefined` the
 * header may be trusted; the records need no further check unless a program wrote nonsense under a right CRC, which
 * `decodeBatch` notices.
 */
export const checkBatch = (bytes: Uint8Array, position: number, end: number): BatchFault | undefined => {
  if (end - position < batchHeaderBytes) return { kind: 'truncated', reason: 'the batch header is cut off' };
  const length = readI32(bytes, position + at.length);
  if (length < batchHeaderBytes - batchOverheadBytes) return corrupt(`a batch length of ${length} is impossible`);
  if (length > end - position - batchOverheadBytes) return { kind: 'truncated', reason: 'the batch is cut off' };
  const magic = bytes[position + at.magic];
  if (magic !== 2) return corrupt(`magic is ${magic}, expected 2`);
  const stop = position + batchOverheadBytes + length;
  const crc = crc32c(bytes, position + at.attributes, stop);
  if (crc !== readU32(bytes, position + at.crc)) return corrupt('the checksum does not match');
  const delta = readI32(bytes, position + at.lastOffsetDelta);
  const count = readI32(bytes, position + at.count);
  if (delta < 0 || count < 0 || count > delta + 1) return corrupt('the record count does not match the offsets');
  if (readI64(bytes, position) < 0) return corrupt('the base offset is negative');
  return undefined;
};

/** What a log asks of a batch that a producer hands over, before it is stamped (its CRC is not set yet). */
export const checkNewBatch = (bytes: Uint8Array): BatchFault | undefined => {
  if (bytes.length < batchHeaderBytes) return { kind: 'truncated', reason: 'the batch header is cut off' };
  if (batchBytes(bytes, 0) !== bytes.length) return corrupt('the length field does not match the bytes');
  if (bytes[at.magic] !== 2) return corrupt(`magic is ${bytes[at.magic]}, expected 2`);
  const attributes = readI16(bytes, at.attributes);
  if ((attributes & batchBits.codec) !== 0) return corrupt('compressed batches are not supported');
  if ((attributes & batchBits.control) !== 0) return corrupt('producers may not write control batches');
  const count = readI32(bytes, at.count);
  if (count <= 0 || readI32(bytes, at.lastOffsetDelta) !== count - 1) {
    return corrupt('the record count does not match the last offset delta');
  }
  if (count > (bytes.length - batchHeaderBytes) / leastRecordBytes) return corrupt('the records cannot fit the batch');
  return undefined;
};

// ---------------------------------------------------------------- stamping

export interface BatchStamp {
  readonly baseOffset: number;
  readonly producerId: number;
  readonly epoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

/** Writes the fields that the log decides into the batch, in place, and the CRC over it. */
export const stampBatch = (bytes: Uint8Array, stamp: BatchStamp): void => {
  const { baseOffset, producerId, epoch } = stamp;
  assert(Number.isSafeInteger(baseOffset) && baseOffset >= 0, () => `${baseOffset} is not an offset`);
  assert(producerId >= -1 && epoch >= -1 && epoch <= 0x7fff, () => `${producerId}, ${epoch} name no producer`);
  writeI64(bytes, at.baseOffset, baseOffset);
  writeI32(bytes, at.leaderEpoch, 0);
  const attributes = readI16(bytes, at.attributes);
  writeI16(
    bytes,
    at.attributes,
    stamp.transactional ? attributes | batchBits.transactional : attributes & ~batchBits.transactional,
  );
  writeI64(bytes, at.producerId, producerId);
  writeI16(bytes, at.producerEpoch, epoch);
  writeI32(bytes, at.baseSequence, stamp.baseSequence);
  sealBatch(bytes);
};

/** Sets the CRC of a whole batch. */
export const sealBatch = (bytes: Uint8Array): void => {
  writeI32(bytes, at.crc, crc32c(bytes, at.attributes, bytes.length) | 0);
};

/** The batch's header in words, for messages and dumps. */
export const describeBatch = (bytes: Uint8Array, position: number): string => {
  const flags = `${isTransactional(bytes, position) ? ' transactional' : ''}${isControl(bytes, position) ? ' control' : ''}`;
  const producer = readBigI64(bytes, position + at.producerId);
  return `batch [${baseOffsetOf(bytes, position)}, ${lastOffsetOf(bytes, position)}] of producer ${producer}${flags}`;
};
