/**
 * The library: Millrace within a Node program, no ports, no other process.
 *
 *   const millrace = await open({ data: './data' });
 *   await millrace.sql(`CREATE STREAM …; CREATE TABLE … AS SELECT …;`);
 *
 * `sql` runs statements, `query` asks a view or a stream once (pull), `subscribe` follows it (push), `produce` and
 * `consume` deal with the records of topics, `streams` runs a topology of the DSL. The HTTP server is built on
 * the same object. What stands behind it is in `library/`; here is all that programs import.
 */

export { UserError } from './base/index.ts';
export type {
  CloseOptions,
  DeadLetter,
  EmitCache,
  Guarantee,
  KeyValueEntry,
  KeyValueView,
  Metric,
  OffsetReset,
  PartitionPosition,
  Position,
  QueryCounters,
  QueryFindings,
  RangeOptions,
  RecordError,
  RecordErrorAnswer,
  RecordErrorKind,
  RecordErrorPolicies,
  RecordErrorPolicy,
  RepairFindings,
  Replayed,
  ReplayOptions,
  ResetTo,
  RestoreProgress,
  Streams,
  StreamsEvents,
  StreamsModuleOptions,
  StreamsOptions,
  StreamsState,
  TaskMetadata,
  ThreadMetadata,
  TimeRange,
  TopicOptions,
  TypedConsumedRecord,
  TypedRecord,
  TypedTopic,
  Uncaught,
  UncaughtHandler,
  Version,
  VersionedView,
  ViewOptions,
  WindowedEntry,
  WindowedView,
} from './engine/index.ts';
export {
  deadLetterOf,
  type LogTestDriver,
  type LogTestInput,
  type LogTestOutput,
  prometheusText,
  serdes,
  Topology,
  unknown,
} from './engine/index.ts';
export {
  type KStream,
  type KTable,
  type QueryableStore,
  type StoreForm,
  StreamsBuilder,
  TimeWindows,
  type VersionedForm,
  type WindowedForm,
} from './engine/public.ts';
export {
  type Millrace,
  type MillraceEvent,
  type OpenOptions,
  open,
  openTestDriver,
  PROCESSING_LOG_TOPIC,
  type QueryRows,
  type RepairReport,
  type RepairRequest,
  type ResultRow,
  type RowChange,
  repair,
  storedSources,
  type TestDriverOptions,
} from './library/index.ts';
export {
  ExecutionError,
  type FunctionLimits,
  type FunctionModule,
  type Lambda,
  type QueryOptions,
  type StatementOptions,
  type StatementResult,
  type StoredSource,
  type StoredSources,
  type TypedRow,
} from './sql/index.ts';
export {
  type Acks,
  type ConsumedRecord,
  type ConsumeOptions,
  LogError,
  type ProducedRecord,
  type RecordHeader,
} from './storage/index.ts';
