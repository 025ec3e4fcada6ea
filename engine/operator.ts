/**
 * The operator contract: who calls what, in which order.
 *
 * A supplier is called once per task; it receives the task's context and the function that forwards to the children,
 * and returns the operator. Serial: the task never calls `process` before the former call returned. `flush` comes once
 * per commit, after the last record of the transaction; what is forwarded before it returns belongs to that commit.
 * After a rollback stores hold what they held at the last commit and the same records come again; an operator must keep
 * no state outside of stores but what it can lose (`rollback` is called then). An operator never awaits, never reads a
 * clock, never touches the log.
 */

import type { ByteWriter } from '../base/index.ts';
import { messageOf } from '../base/index.ts';
import type { BeforeUse } from './before-images.ts';
import type { Block } from './block.ts';
import type { StreamRecord } from './record.ts';
import type { OperatorStores, StoreKind, StoreSpec } from './stores/store.ts';

export type Forward<V> = (record: StreamRecord<V>) => void;

export interface Operator<In> {
  /** Before the first record, and again after each rollback: the stores are as of the last commit. */
  start?(): void;
  process(record: StreamRecord<In>): void;
  flush?(): void;
  /** The stream time from which on `flush` sends something although no record came; Infinity: nothing waits. Asked
   *  after `flush` (`runtime/quiet-time.ts`). */
  due?(): number;
  rollback?(): void;
  /** The task has ended. Must not throw. */
  close?(): void;
}

/** Makes the operator of one task. It may name what its node needs besides, which is then part of the topology. */
export interface OperatorSupplier<In, Out> {
  (context: OperatorContext, forward: Forward<Out>): Operator<In>;
  /** Stores that the node uses. */
  readonly stores?: readonly StoreSpec[];
  /** It calls `schedule` while it processes records. */
  readonly schedules?: boolean;
}

/** A source turns ranges of a decoded block into records. `run` is handed `[from, to)` of one block, in offset
 *  order. */
export interface SourceOperator {
  run(block: Block, from: number, to: number): void;
  /**
   * Called when a block arrives, with the rows from `from` on that will be run: begins to fetch what the source needs
   * before it can read them (schemas that the records name). The task waits until the promise is fulfilled before it
   * asks anything else of these rows; undefined: nothing is missing. A rejection ends the run, which is started again
   * later (`PreparationError`). The block is lent for the call only.
   */
  prepare?(block: Block, from: number): Promise<void> | undefined;
  /** Event time of a row, where it is not the record's own timestamp; a task with several inputs takes them in its
   *  order. */
  timestampAt?(block: Block, row: number): number;
  /** Before the first record and after each rollback: `partitionTime` as of the last commit, −1 where there is none. */
  start?(partitionTime: number): void;
  /** The largest time of its records so far, where later ones may be given it; kept with the committed positions. */
  partitionTime?(): number;
  /** The task has ended: gives back what the source has registered elsewhere. */
  close?(): void;
}

/** What a source needs for its records could not be fetched; the cause may pass. */
export class PreparationError extends Error {
  constructor(topic: string, cause: unknown) {
    const why = messageOf(cause);
    super(`what is needed to read records of ${topic} could not be fetched: ${why}`, { cause });
    this.name = 'PreparationError';
  }
}

/** A record that was made while a transaction ended names a topic that is not known yet: the run starts again, and
 *  knows it. */
export class TopicNotKnown extends Error {
  constructor(topic: string) {
    super(`the topic "${topic}" has to be looked up before the transaction can end`);
    this.name = 'TopicNotKnown';
  }
}

export type SourceSupplier<Out> = (context: OperatorContext, forward: Forward<Out>) => SourceOperator;

/** Why a record or a part of it was left out; the row of the processing log names it. */
export type DropReason =
  | 'deserialization' // undecodable bytes: the record is dropped
  | 'processing' // an expression failed: the record is dropped or a column is null, as `detail` says
  | 'late' // window closed
  | 'null-key'
  | 'null-value'
  | 'serialization'
  | 'invalid-timestamp'
  | 'deleted'; // retention deleted records of a source before they were read; counted in offsets

/** When a punctuator comes round. */
export interface Punctuation {
  /** Milliseconds from one call to the next, a whole number above 0. */
  readonly everyMs: number;
  /** Whether the time of the records or that of the host counts (`runtime/punctuators.ts`). */
  readonly by: 'stream time' | 'wall clock';
}

export interface OperatorContext {
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  readonly partition: number;
  /** A store that the node declared; `kind` is the one of its specification. */
  store<K extends StoreKind>(name: string, kind: K): OperatorStores[K];
  /** Forwards to one child alone, named by its node. Throws TOPOLOGY_UNKNOWN_NODE. */
  child<V>(name: string): Forward<V>;
  /** Opens the sink's own output topic once, at build time. `ownTime`: its records do not have the timestamps of what
   *  they were made of, but those of a column: another timeline. */
  output(topic: string, options?: { readonly ownTime?: boolean }): TopicWriter;
  /** For a sink of many topics (`Topology.addDynamicSink`): opens an existing one. `asked`: it is being looked up, and
   *  is known at the flush that ends the transaction; undefined: there is no such topic. */
  topicWriter(topic: string): TopicWriter | 'asked' | undefined;
  /** For a record that is written later: answers what sets the origin of the record in hand again
   *  (`origin-time.ts`). */
  keepOrigin(): () => void;
  /** For sources: puts the headers at `headersAt` of `bytes` (0: none) into the record, as its producer wrote
   *  them: the engine's own is taken off and remembered (`origin-time.ts`). Call it before the record is forwarded, for
   *  each record of a block that `carriesTimes`; the headers are valid until the next call. */
  takeHeaders(record: StreamRecord<unknown>, bytes: Uint8Array, headersAt: number): void;
  /** The time by which the record in hand may be late: its origin's time, or where none was carried along the largest
   *  timestamp seen by this operator, this one included. What was filtered out before, or fell out for a null key, does
   *  not count (as in Kafka Streams): call it for each record that counts. */
  originTime(timestamp: number): number;
  /** Whether the records that have reached this operator may come from several origins. Else `originTime` never goes
   *  back. Ask it after `originTime`. */
  mixesOrigins(): boolean;
  /** The time by which windows expire (`operator-time.ts`). It moves at commits only (before `flush`), never back;
   *  −Infinity before the first. */
  streamTime(): number;
  /** What `streamTime` would be if the transaction ended with the record in hand: where no origins are mixed, the
   *  largest timestamp that has reached this operator. What is emitted as time passes, beside other results, goes by it
   *  with each record: so neither the results nor their order depend on where commits fall. */
  reachedTime(): number;
  /** Counts the drop per query and reason and writes a row of the processing log within this transaction. `record`
   *  gives topic, partition, offset and original bytes where they are known. */
  drop(reason: DropReason, record: StreamRecord<unknown>, detail: string): void;
  /** Code of a user has thrown on a record: throws (`processing-error.ts`), or answers where the record is to be left
   *  out. For operators that call such code with records that they have kept; what is thrown in `process` comes here by
   *  itself. */
  failed(record: StreamRecord<unknown>, error: unknown): void;
  /** Whether a child asks for the row before each change: `before` of what is forwarded is then set wherever it is
   *  known. */
  readonly sendsBefore: boolean;
  /** For sources: whether any child reads the values of its records. If not they only ask whether there is one, and may
   *  get anything in its place. */
  readonly readsValues: boolean;
  /** Whether the application merges updates of a key between commits, where an operator can and is not told otherwise
   *  (`operators/cached-results.ts`). */
  readonly cachesResults: boolean;
  /** Called by an operator when it is made, if it reads the row before of its input: the node must have
   *  declared just that, or its parents would not send it. */
  usesBefore(use: BeforeUse): void;
  /** Calls back again and again, between records; what is forwarded and stored then is part of the open transaction.
   *  The callback gets the time by which it goes, in epoch milliseconds. What is answered cancels it. To be called when
   *  the operator is made or started; later only where its node `schedules`: then the first call by stream time comes
   *  right after the record in hand. One that was scheduled later does not outlive a restart of its task. */
  schedule(punctuation: Punctuation, callback: (time: number) => void): () => void;
  /** Topic of the source record in hand, as the log names it; undefined where there is none: in a punctuator, when the
   *  operator is started. */
  inputTopic(): string | undefined;
  /** Asks for a commit soon after the record in hand. */
  requestCommit(): void;
  /** Epoch milliseconds by the clock of the task's driver. What goes by it does not come out the same after a
   *  rollback. */
  systemTime(): number;
  /** A scratch writer of this operator's own: each call answers with another one. */
  scratch(): ByteWriter;
}

/** Appends to the partitions of one output topic. Bytes are copied before the call returns. `append` answers false, and
 *  nothing is written, when the record alone is larger than a batch of the topic may be. */
export interface TopicWriter {
  readonly topic: string;
  readonly partitions: number;
  /** A null key or value has start −1. `headersAt` as in `StreamRecord` (0: none). */
  append(
    partition: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    timestamp: number,
    headers?: Uint8Array,
    headersAt?: number,
  ): boolean;
}
