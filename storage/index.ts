/**
 * storage: the commit log. Batches of records go in and come out unchanged; offsets, transactions and committed
 * positions are kept here.
 *
 * Read `log.ts` first: it is the contract that every layer above uses, prose first. `record-batch.ts` draws the bytes
 * and decodes them into columns of positions. `memory-log.ts` is the reference and the oracle of the tests;
 * `delayed-log.ts` is the same behind a bad network. The log on disk has an entry point of its own,
 * `file-log/index.ts`: read on there.
 */

export { BatchBuilder, encodeBatch, type PlainRecord } from './batch-builder.ts';
export { type ControlType, controlTypeOf, encodeControlBatch } from './control-batch.ts';
export { type DelayedLog, type DelayedLogFaults, type DelayedLogOptions, openDelayedLog } from './delayed-log.ts';
export { chunksOrThrow, decodeChunk } from './fetched.ts';
export * from './log.ts';
export { type MemoryLogOptions, openMemoryLog } from './memory-log.ts';
export {
  type ConsumedRecord,
  type ConsumeOptions,
  consumeRecords,
  type ProducedRecord,
  type ProduceOptions,
  produceRecords,
} from './plain-records.ts';
export {
  type BatchFault,
  type BatchStamp,
  baseOffsetOf,
  batchBytes,
  batchHeaderBytes,
  checkBatch,
  checkNewBatch,
  describeBatch,
  isControl,
  isEventTime,
  isTransactional,
  lastOffsetOf,
  latestTimestamp,
  maxTimestampOf,
  nextOffsetOf,
  producerIdOf,
  recordCountOf,
  sealBatch,
  stampBatch,
} from './record-batch.ts';
export { decodeBatch, RecordColumns } from './record-columns.ts';
export { encodeHeaders, forEachHeader, type RecordHeader, readHeaders } from './record-headers.ts';
export { readTextRecords, type TextRecord } from './text-records.ts';
export {
  batchLimitOf,
  checkTopicName,
  numberConfig,
  offsetsTopic,
  topicConfigDefaults,
  transactionsTopic,
} from './topic-rules.ts';
