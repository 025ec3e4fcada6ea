/**
 * `millrace/engine`: what a program imports to build topologies and to test them.
 *
 *   import { StreamsBuilder, serdes, TopologyTestDriver } from 'millrace/engine';
 *
 * `StreamsBuilder` begins a topology, `serdes` name how keys and values are written, `TopologyTestDriver` runs it
 * without a log; `open` of `millrace` runs it on one. `index.ts` beside this file is the engine's inner interface, for
 * the layers above; it may change with any version.
 */

export { type ByteWriter, type ManualClock, UserError } from '../base/index.ts';
export type { RecordHeader } from '../storage/index.ts';
export type { BranchedKStream, Branches } from './dsl/branched-kstream.ts';
export { StreamsBuilder } from './dsl/builder.ts';
export type { CogroupAdd } from './dsl/cogroup.ts';
export type { CogroupedKStream } from './dsl/cogrouped-kstream.ts';
export type { Consumed, SourceRecord, TableSource, TimestampExtractor } from './dsl/consumed.ts';
export type { ValueTransformer, ValueTransformerSupplier } from './dsl/derived-table.ts';
export type { GlobalKTable } from './dsl/global-ktable.ts';
export { JoinWindows } from './dsl/join-windows.ts';
export type { KGroupedStream } from './dsl/kgrouped-stream.ts';
export type { KGroupedTable } from './dsl/kgrouped-table.ts';
export type { KStream } from './dsl/kstream.ts';
export type { KTable } from './dsl/ktable.ts';
export type {
  ForeignKeyJoined,
  Joined,
  Materialized,
  Named,
  Printed,
  Processed,
  StreamJoined,
  TableMaterialized,
  Versioned,
  WindowMaterialized,
  WithKeyAndValue,
  WithValue,
} from './dsl/options.ts';
export type { Produced, RecordContext, Repartitioned, TopicChooser } from './dsl/produced.ts';
export type { QueryableStore, StoreForm, VersionedForm, WindowedForm } from './dsl/queryable-store.ts';
export type { ReadableStore, ReadableWindows } from './dsl/readable-store.ts';
export type { Reducer } from './dsl/reduce.ts';
export type { SessionWindowedCogroupedKStream } from './dsl/session-windowed-cogrouped-kstream.ts';
export type { SessionWindowedKStream } from './dsl/session-windowed-kstream.ts';
export { SessionWindows } from './dsl/session-windows.ts';
export { SlidingWindows } from './dsl/sliding-windows.ts';
export { BufferConfig, Suppressed } from './dsl/suppressed.ts';
export type { TimeWindowedCogroupedKStream } from './dsl/time-windowed-cogrouped-kstream.ts';
export type { TimeWindowedKStream } from './dsl/time-windowed-kstream.ts';
export { TimeWindows } from './dsl/time-windows.ts';
export { UnlimitedWindows } from './dsl/unlimited-windows.ts';
export { sessionWindowed, timeWindowed, type Windowed, type WindowedSerde } from './dsl/windowed.ts';
export type { EmitStrategy, FixedWindows } from './dsl/windowed-aggregate.ts';
export type { DropReason, OperatorSupplier, SourceSupplier } from './operator.ts';
export { type SinkFields, sink } from './operators/sink.ts';
export { type SourceFields, source } from './operators/source.ts';
export type { InvalidTime } from './operators/source-times.ts';
export { ProcessingError, type ProcessingFailure } from './processing-error.ts';
export type { StateKeyValueStore } from './processors/key-value-face.ts';
export type { Direction, StateOrderedKeyValueStore } from './processors/ordered-key-value-face.ts';
export type { KeyedWindowEntry, StateOrderedWindowStore } from './processors/ordered-window-face.ts';
export { type ProcessFields, process, processValues } from './processors/process.ts';
export {
  type CommonContext,
  type FixedKeyContext,
  type FixedKeyProcessor,
  type FixedKeyProcessorSupplier,
  FixedKeyRecord,
  type ForwardedRecord,
  type Processor,
  type ProcessorContext,
  type ProcessorRecord,
  type ProcessorSupplier,
  type PunctuationType,
  type RecordMetadata,
} from './processors/processor.ts';
export { RecordHeaders } from './processors/record-headers.ts';
export type { SessionEntry, StateSessionStore } from './processors/session-face.ts';
export type { AnyStoreBuilder, StoreAccess, StoreBuilder, StoredForm, StoreOf } from './processors/store-builder.ts';
export {
  type StoreBuilderOptions,
  Stores,
  type VersionedStoreOptions,
  type WindowStoreOptions,
} from './processors/stores.ts';
export type { ValueAndTimestamp } from './processors/value-and-timestamp.ts';
export type { StateVersionedStore } from './processors/versioned-face.ts';
export type { StateWindowStore, WindowEntry } from './processors/window-face.ts';
export type { Drop, TaskCounters } from './runtime/drops.ts';
export type { ClosingTime } from './runtime/quiet-time.ts';
export type { RecordError, RecordErrorKind, RecordErrorPolicies, RecordErrorPolicy } from './runtime/record-errors.ts';
export { type Serde, SerdeError } from './serde.ts';
export * as serdes from './serdes.ts';
export type { StoreKind, StoreSpec } from './stores/store.ts';
export { type DriverOptions, TopologyTestDriver } from './test-driver.ts';
export type { Forms, PipedRecord, TestRecord } from './test-records.ts';
export type {
  StoredSession,
  StoredValue,
  StoredWindow,
  TestSessionStore,
  TestStore,
  TestWindowStore,
} from './test-stores.ts';
export type { InputOptions, TestInput, TestOutput } from './test-topics.ts';
export {
  type GlobalStoreOptions,
  type ProcessorOptions,
  type RepartitionOptions,
  type SinkOptions,
  type SourceOptions,
  Topology,
} from './topology.ts';
export type {
  NodeDescription,
  StoreDescription,
  SubTopologyDescription,
  TopologyDescription,
} from './topology-description.ts';
