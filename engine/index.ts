/**
 * engine: the topology runtime and its state. It reads topics, runs operators over their records, keeps state, and writes topics; it never
 * says "SQL".
 *
 * What enters: record batches of a log, and a `Topology` (made by the DSL in `dsl/`, by hand, or by a compiler above this room). What leaves: batches for
 * output, repartition and changelog topics, committed with the input positions in one transaction.
 *
 * Read first: `record.ts` (a record in flight), `processor.ts` (who calls what, in which order), `topology.ts` (nodes, pieces,
 * partitions). Then the path of a record: `block.ts` (decoded batches, shared), `runtime/task.ts` (steps one piece over one partition),
 * `operators/` (one per file), `stores/` (state, bytes in and out), `runtime/` (reads, commits, threads). `writers.ts` says what time is behind
 * a repartition. `test-driver.ts` runs a topology without a log.
 */

export { type Block, BlockPool, DecodeCounters, type DecodedBlock } from './block.ts';
export type {
  DropReason,
  Forward,
  Processor,
  ProcessorContext,
  ProcessorSupplier,
  SourceProcessor,
  SourceSupplier,
  TopicWriter,
} from './processor.ts';
export { StreamRecord, type Unknown, unknown } from './record.ts';
export {
  batchTargetBytes,
  type Drop,
  type DropSink,
  type Outbox,
  type OutputTopic,
  Task,
  type TaskCommit,
  TaskCounters,
  type TaskInput,
  type TaskOptions,
  type TaskPosition,
  type WriterKnowledge,
} from './runtime/task.ts';
export { type Serde, SerdeError } from './serde.ts';
export type { KeyValueStore, StoreSpec, WindowStore } from './stores/store.ts';
export {
  changelogTopic,
  internalTopic,
  type Node,
  type PartitionPlan,
  type ProcessorNode,
  planPartitions,
  type Repartition,
  repartitionTopic,
  type SinkNode,
  type SourceKind,
  type SourceNode,
  type SubTopology,
  Topology,
  taskIdOf,
  topicOf,
} from './topology.ts';
export { takeHeaders, writerHeader } from './writers.ts';
