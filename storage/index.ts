/**
 * storage: the commit log. Batches of records go in and come out unchanged; offsets, transactions and committed
 * positions are kept here.
 *
 * Read `log.ts` first: it is the contract that every layer above uses, prose first. `record-batch.ts` draws the bytes
 * and turns them into columns of positions. `memory-log.ts` is the reference and the oracle of the tests;
 * `delayed-log.ts` is the same behind a bad network. The log on disk has an entry point of its own,
 * `file-log/index.ts`: read on there.
 */

export { type DelayedLog, type DelayedLogFaults, type DelayedLogOptions, openDelayedLog } from './delayed-log.ts';
export { chunksOrThrow } from './fetched.ts';
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
  BatchBuilder,
  type BatchFault,
  type BatchStamp,
  baseOffsetOf,
  batchBytes,
  batchHeaderBytes,
  type ControlType,
  checkBatch,
  checkNewBatch,
  controlTypeOf,
  decodeBatch,
  describeBatch,
  encodeBatch,
  encodeControlBatch,
  encodeHeaders,
  forEachHeader,
  isControl,
  isTransactional,
  lastOffsetOf,
  maxTimestampOf,
  nextOffsetOf,
  type PlainRecord,
  producerIdOf,
  RecordColumns,
  type RecordHeader,
  readHeaders,
  recordCountOf,
  sealBatch,
  stampBatch,
} from './record-batch.ts';
export { checkTopicName, numberConfig, offsetsTopic, topicConfigDefaults, transactionsTopic } from './topic-rules.ts';
