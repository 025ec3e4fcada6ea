/**
 * engine: the topology runtime and its state. It reads topics, runs operators over their records, keeps state, and
 * writes topics; nothing in it depends on SQL.
 *
 * This file is for the layers above; what a program imports (the DSL, the Processor API) is in `public.ts`.
 *
 * What enters: record batches of a log, and a `Topology` (made by the DSL in `dsl/`, by hand, or by a compiler above
 * this layer). What leaves: batches for output, repartition and changelog topics, committed with the input positions in
 * one transaction.
 *
 * Read first: `record.ts` (a record in flight), `operator.ts` (who calls what, in which order), `topology.ts` (nodes,
 * sub-topologies, partitions). Then the path of a record: `block.ts` (decoded batches, shared), `runtime/task.ts`
 * (steps one sub-topology over one partition), `operators/` (one per file), `stores/` (state, bytes in and out),
 * `runtime/` (reads, commits, threads). `origin-time.ts` explains time behind a repartition. `test-driver.ts`, an
 * entry point of its own, runs a topology without a log. `processors/` is the Processor API for users.
 */

export type { BeforeUse } from './before-images.ts';
export { type Block, BlockPool, DecodeCounters, type DecodedBlock } from './block.ts';
export { LogTestDriver, type LogTestInput, type LogTestOutput, topicsOfTopology } from './log-test-driver.ts';
export type {
  DropReason,
  Forward,
  Operator,
  OperatorContext,
  OperatorSupplier,
  Punctuation,
  SourceOperator,
  SourceSupplier,
  TopicWriter,
} from './operator.ts';
export {
  type Accumulation,
  type ByValue,
  byValue,
  type InPlace,
  type MergingAccumulation,
} from './operators/accumulation.ts';
export { type Aggregation, aggregate } from './operators/aggregate.ts';
export { type Change, changeSerde } from './operators/change.ts';
export { type DynamicSinkFields, dynamicSink } from './operators/dynamic-sink.ts';
export { filter } from './operators/filter.ts';
export { flatMapValues } from './operators/flat-map-values.ts';
export { type Answer, answerSerde, type Subscription, subscriptionSerde } from './operators/foreign-key-messages.ts';
export { partnersSpec } from './operators/foreign-key-partners.ts';
export type { KeyWriter, Predicate, RowMapper, RowPredicate, ValueMapper } from './operators/functions.ts';
export type { JoinSide } from './operators/join-buffer.ts';
export {
  answerChanges,
  answerSubscriptions,
  type ForeignKey,
  type ForeignKeyJoin,
  type JoinForeign,
  resolveAnswers,
  subscribe,
} from './operators/join-foreign-key.ts';
export { joinStreamSelf, type StreamSelfJoin } from './operators/join-stream-self.ts';
export { joinStreamStream, type OfSide, type StreamStreamJoin, sideOfJoin } from './operators/join-stream-stream.ts';
export { joinStreamTable, type StreamTableJoin } from './operators/join-stream-table.ts';
export { joinStreamTableGrace, type StreamTableGraceJoin } from './operators/join-stream-table-grace.ts';
export {
  type JoinRows,
  joinedRows,
  joinTableTable,
  type KeptAlone,
  type TableTableJoin,
  tableTableJoinBefore,
} from './operators/join-table-table.ts';
export { type JoinTimes, joinRetention } from './operators/join-times.ts';
export { map } from './operators/map.ts';
export { mapValues } from './operators/map-values.ts';
export { peek } from './operators/peek.ts';
export type { Partitioner, WrittenFields } from './operators/record-writer.ts';
export { type RepartitionFields, repartitionSink, repartitionSource } from './operators/repartition.ts';
export { result } from './operators/result.ts';
export { selectKey } from './operators/select-key.ts';
export { type SessionAggregation, sessionAggregate } from './operators/session-aggregate.ts';
export { type SinkFields, sink } from './operators/sink.ts';
export { type SlidingAggregation, slidingAggregate } from './operators/sliding-aggregate.ts';
export { type SourceFields, source } from './operators/source.ts';
export type { InvalidTime, SourceTime } from './operators/source-times.ts';
export { type BufferLimit, type Suppression, suppress, suppressedRows } from './operators/suppress.ts';
export { type TableAggregation, tableAggregate } from './operators/table-aggregate.ts';
export { tableFilter } from './operators/table-filter.ts';
export { type GroupOf, tableGroupBy } from './operators/table-group-by.ts';
export { tableMapValues } from './operators/table-map-values.ts';
export { tablePassed } from './operators/table-passed.ts';
export { type TableFields, tableSource } from './operators/table-source.ts';
export { mappedRows, storedRows, type TableView, type ViewedTable, versionedRows } from './operators/table-view.ts';
export { timestampBytes, timestampOf, writeTimestamped } from './operators/timestamped.ts';
export { toStream } from './operators/to-stream.ts';
export { type VersionedTableFields, versionedTableSource } from './operators/versioned-table-source.ts';
export { type VersionedStores, Versions } from './operators/versions.ts';
export { type NullValues, type WindowAggregation, windowAggregate } from './operators/window-aggregate.ts';
export { originTimeHeader, takeHeaders, withoutOriginTime } from './origin-time.ts';
export { type PartitionPlan, partitionsOf, planPartitions } from './partition-plan.ts';
export { ProcessingError, type ProcessingFailure, type ProcessingPolicy } from './processing-error.ts';
export { StreamRecord, type Unknown, unknown } from './record.ts';
export {
  type DeadLetter,
  deadLetterOf,
  type Replayed,
  type ReplayOptions,
  replayDeadLetters,
} from './runtime/dead-letters.ts';
export { type Drop, type DropSink, TaskCounters } from './runtime/drops.ts';
export type { QuerySpec, Uncaught, UncaughtHandler } from './runtime/managed-query.ts';
export { type Metric, prometheusText } from './runtime/metrics.ts';
export {
  describeNote,
  describeShardDamage,
  type QueryCounters,
  type QueryFault,
  type QueryState,
  type QueryStatus,
  type RuntimeEvent,
  type StateReport,
} from './runtime/observer.ts';
export { type PartitionPosition, partitionKey } from './runtime/partition-position.ts';
export { batchTargetBytes, type Outbox, type OutputTopic } from './runtime/partitioned-writer.ts';
export type {
  EmitCache,
  EntryRange,
  FromHost,
  Guarantee,
  Note,
  OffsetReset,
  RestoreProgress,
  RowSink,
  StoreEntry,
  ThreadCounters,
  ToHost,
  WindowRange,
} from './runtime/protocol.ts';
export { internalTopics } from './runtime/query-topics.ts';
export { type ClosingTime, QuietTime } from './runtime/quiet-time.ts';
export type {
  RecordError,
  RecordErrorAnswer,
  RecordErrorKind,
  RecordErrorPolicies,
  RecordErrorPolicy,
} from './runtime/record-errors.ts';
export { type QueryFindings, Repair, type RepairFindings, type RepairOptions } from './runtime/repair.ts';
export type { ResetTo } from './runtime/reset.ts';
export { Runtime } from './runtime/runtime.ts';
export { defaultRuntimeLimits, type RuntimeLimits, type RuntimeOptions } from './runtime/runtime-options.ts';
export {
  type CloseOptions,
  Streams,
  type StreamsEvents,
  type StreamsModuleOptions,
  type StreamsOptions,
  type StreamsState,
} from './runtime/streams.ts';
export { isPassingShard } from './runtime/suspects.ts';
export { Task, type TaskCommit, type TaskOptions } from './runtime/task.ts';
export type { TaskInput } from './runtime/task-input.ts';
export type { TaskMetadata, ThreadMetadata } from './runtime/thread-metadata.ts';
export type { RemoteHost, UserCalls, WorkerOptions } from './runtime/threads.ts';
export type { KeyValueEntry, KeyValueView } from './runtime/views/key-value-view.ts';
export type { Position } from './runtime/views/store-reader.ts';
export type { Version, VersionedView } from './runtime/views/versioned-view.ts';
export type { RangeOptions, ViewOptions } from './runtime/views/view.ts';
export type { TimeRange, WindowedEntry, WindowedView } from './runtime/views/windowed-view.ts';
export { type Serde, SerdeError } from './serde.ts';
export * as serdes from './serdes.ts';
export { readSessionOrder, sessionsEndingAt } from './stores/session-store.ts';
export type {
  KeyValueStore,
  OrderedCursor,
  OrderedStore,
  StoreKind,
  StoreSpec,
  WindowStore,
} from './stores/store.ts';
export { Topology } from './topology.ts';
export {
  changelogTopic,
  internalTopic,
  type Node,
  type ProcessorNode,
  type Repartition,
  repartitionTopic,
  resultTopic,
  type SinkNode,
  type SourceKind,
  type SourceNode,
  type SubTopology,
  taskIdOf,
  topicOf,
} from './topology-nodes.ts';
export {
  ensureTopic,
  type TopicOptions,
  type TypedConsumedRecord,
  type TypedRecord,
  TypedTopic,
} from './typed-topic.ts';
export { hopping, mostOverlapping } from './windows/hopping.ts';
export { type SessionWindows as SessionBounds, sessions } from './windows/session.ts';
export { type SlidingWindows as SlidingBounds, sliding } from './windows/sliding.ts';
export { type TimeWindows as WindowStarts, tumbling } from './windows/tumbling.ts';
export { unlimited } from './windows/unlimited.ts';
