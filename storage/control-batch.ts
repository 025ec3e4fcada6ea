/**
 * Control batches: the markers that end a transaction in a partition.
 *
 * A control batch has one record: key = version i16 (0) · type i16 (0 abort, 1 commit), value = version i16 (0) ·
 * coordinator epoch i32. It takes an offset and is never shown to a reader.
 */

import { readI16, writeI16, writeI32, writeI64 } from '../base/index.ts';
import { encodeBatch } from './batch-builder.ts';
import { batchBits, batchField, batchHeaderBytes, sealBatch } from './record-batch.ts';

export type ControlType = 'abort' | 'commit';

export interface ControlBatch {
  readonly type: ControlType;
  readonly baseOffset: number;
  readonly producerId: number;
  readonly epoch: number;
  readonly timestamp: number;
  readonly coordinatorEpoch?: number;
}

/** A whole, sealed control batch of 78 bytes. */
export const encodeControlBatch = (control: ControlBatch): Uint8Array => {
  const key = new Uint8Array(4);
  writeI16(key, 2, control.type === 'commit' ? 1 : 0);
  const value = new Uint8Array(6);
  writeI32(value, 2, control.coordinatorEpoch ?? 0);
  const bytes = encodeBatch([{ key, value, timestamp: control.timestamp }]);
  writeI64(bytes, batchField.baseOffset, control.baseOffset);
  writeI32(bytes, batchField.leaderEpoch, 0);
  writeI16(bytes, batchField.attributes, batchBits.transactional | batchBits.control);
  writeI64(bytes, batchField.producerId, control.producerId);
  writeI16(bytes, batchField.producerEpoch, control.epoch);
  sealBatch(bytes);
  return bytes;
};

/** The type of the control batch at `position`; undefined for types that end no transaction. */
export const controlTypeOf = (bytes: Uint8Array, position: number): ControlType | undefined => {
  // One record: length, attributes, timestamp delta, offset delta and key length take one byte each, the key's version
  // two.
  const type = readI16(bytes, position + batchHeaderBytes + 7);
  return type === 0 ? 'abort' : type === 1 ? 'commit' : undefined;
};
