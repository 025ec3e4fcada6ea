/**
 * The log: the contract that every layer above uses.
 *
 * A log is a set of topics; a topic is a fixed number of partitions; a partition is a sequence of records, each with an
 * offset that never changes. Everything durable in Millrace is such a topic. The contract is a *client*, opened once
 * per thread: its calls are batched and asynchronous, positions exist only after the call that made them has answered,
 * and an append or a commit may answer "unknown" or "fenced", as a network does. Four implementations are held to one
 * conformance suite (test/storage/conformance): memory (reference), file (the embedded default), delayed (memory behind
 * random delays, time-outs after the effect, and fencing; for tests) and, later, a Kafka cluster.
 *
 * Bytes. What is appended and what is read are record batches of format v2, byte for byte as Kafka has them
 * (`record-batch.ts`). Producers encode once; nobody re-encodes.
 *
 * Visibility. A reader with isolation `committed` sees records up to the last stable offset, without those of aborted
 * transactions and without control records. `own` is `committed` plus the open transaction of one named producer: the
 * tasks of one query read each other's repartition records before the commit that makes them visible to everybody else.
 *
 * Failure. Every rejected promise is a `LogError`; its `kind` tells what the caller can do next.
 *
 * Damage. What was acknowledged and is not there any more when the log is opened (a file gone, unreadable bytes) is
 * listed in `damage`, and stays listed, over restarts and whatever is appended meanwhile, until `acceptLoss`. Offsets
 * are never given out twice: when the end of a partition is lost, its end offset stays where commits, committed offsets
 * and snapshots have seen it, and readers skip what is missing below. So a committed position never lies beyond the end
 * of its partition.
 */

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Kafka's topic configuration, by Kafka's names (`segment.bytes`, `retention.ms`, `max.message.bytes`,
 *  `cleanup.policy`, …); values are text, as Kafka keeps them. Unknown names are refused with a `UserError`. */
export type TopicConfigs = Readonly<Record<string, string>>;

export interface TimedOffset {
  readonly offset: number;
  /** Of the record at that offset, epoch milliseconds. */
  readonly timestamp: number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: TopicConfigs;
}

export interface TopicDescription extends TopicSpec {
  /** A v4 UUID as 22 characters of base64url; it never changes. Directories are named by it. */
  readonly id: string;
  readonly configs: TopicConfigs;
}

/** Offsets of one partition. `start` ≤ `stable` ≤ `end`. `stable` is the last stable offset: the first offset of the
 *  earliest open transaction, or `end` when there is none. */
export interface PartitionOffsets {
  readonly start: number;
  readonly stable: number;
  readonly end: number;
}

/** What an acknowledgement means. `none`: nothing is awaited. `append`: the bytes are in the partition and readable;
 *  they survive a crash of the process. `durable`: they are on the disk (a group-committed sync), they survive a power
 *  cut. */
export type Acks = 'none' | 'append' | 'durable';

export type Isolation =
  | { readonly kind: 'uncommitted' }
  | { readonly kind: 'committed' }
  | { readonly kind: 'own'; readonly producerId: number };

/**
 * Why a call on the log failed.
 * - `unknown`: the effect may or may not have happened; a transaction must be ended by `abort`, or found out by
 *   reopening its producer (which aborts it if it was still open).
 * - `fenced`: a newer producer with the same transactional id exists; this one is dead.
 * - `refused`: nothing happened and repeating will not help (too large, bad batch, unknown topic, sequence gap).
 * - `unavailable`: nothing was acknowledged; the log cannot take writes now (disk full, failed sync) or is closed.
 */
export type LogErrorKind = 'unknown' | 'fenced' | 'refused' | 'unavailable';

export class LogError extends Error {
  readonly kind: LogErrorKind;
  /** Stable name, e.g. `LOG_RECORD_TOO_LARGE`, `LOG_DISK_FULL`, `LOG_UNKNOWN_TOPIC`. */
  readonly code: string;
  readonly hint: string | undefined;

  constructor(kind: LogErrorKind, code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LogError';
    this.kind = kind;
    this.code = code;
    this.hint = options.hint;
  }
}

/** Where a reader wants to go on. `isolation` may differ from partition to partition. */
export interface FetchRequest extends TopicPartition {
  /** Offsets mean something in one topic only: with its id, another one that was created under its name since is not
   *  read (LOG_TOPIC_REPLACED). */
  readonly topicId?: string;
  readonly offset: number;
  readonly isolation: Isolation;
}

/**
 * Whole visible batches of one partition. `bytes` holds record batches; `batches` the byte position of each visible
 * one, in offset order (invisible ones are left out). The first may begin before the offset asked for: the decoder
 * drops what lies before. `nextOffset` is where to ask next; it may lie beyond the last record (control batches,
 * aborted records), and it is larger than the offset asked for even when `batches` is empty. The bytes are the reader's
 * buffer: they are lent until `release()` is called, once; after that they may be overwritten.
 */
export interface LentBatches extends TopicPartition {
  readonly bytes: Uint8Array;
  readonly batches: readonly number[];
  readonly nextOffset: number;
  /** Offsets of the partition at the time of the read: `end - nextOffset` is the lag. */
  readonly offsets: PartitionOffsets;
  release(): void;
}

/** What a fetch found for one of its requests. */
export interface Chunk extends LentBatches {
  /** That of the request: one fetch may ask for the same partition with several. */
  readonly isolation: Isolation;
}

export interface FetchOptions {
  /** Upper bound of bytes for one partition; the first batch comes whole even if it is larger. */
  readonly maxBytesPerPartition: number;
  /** How long to wait when no partition has anything: 0 answers at once. */
  readonly maxWaitMs: number;
}

/** A request for a partition that could not be read, and why:
 *  - `refused`/LOG_OFFSET_OUT_OF_RANGE: the offset lies outside [start, end];
 *  - `refused`/LOG_UNKNOWN_TOPIC, LOG_UNKNOWN_PARTITION, LOG_TOPIC_REPLACED;
 *  - `refused`/LOG_CORRUPT_BATCH: the batch at this offset is damaged;
 *  - `unavailable`/LOG_READ_FAILED: the read failed, and may succeed later. */
export interface FetchFailure extends FetchRequest {
  readonly error: LogError;
}

/** What a fetch found. A partition with nothing to read is in neither list. */
export interface Fetched {
  readonly chunks: readonly Chunk[];
  readonly failures: readonly FetchFailure[];
}

/** A position-less reader: the caller keeps its own offsets. Serial: one `fetch` at a time per reader. */
export interface Reader {
  /** Answers as soon as one partition has a chunk or a failure, or with neither after `maxWaitMs`. A partition that
   *  cannot be read does not affect the others of the same fetch; records before a damaged batch are returned first.
   *  Rejects only when the log as a whole cannot be read (it is closed, or cannot be reached). */
  fetch(requests: readonly FetchRequest[], options: FetchOptions): Promise<Fetched>;
  /** Makes a waiting `fetch` answer now (with what there is, maybe nothing). */
  wakeup(): void;
  close(): void;
}

export interface Appended {
  /** Offset of the first record of the batch. */
  readonly baseOffset: number;
  /** The offset after the last one. */
  readonly nextOffset: number;
}

/** Position after the last record processed, per partition. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  /** Free text kept with the offset (Kafka: at most 4,096 bytes). */
  readonly metadata?: string;
}

/** An offset to commit. */
export interface OffsetToCommit extends CommittedOffset {
  /** An offset means something in one topic only: with its id it is refused (LOG_TOPIC_REPLACED) where another topic
   *  was created under the name since. */
  readonly topicId?: string | undefined;
}

export interface ProducerOptions {
  /** With an id the producer is transactional: opening it fences the former one of the same id and aborts what that
   *  left open. */
  readonly transactionalId?: string;
}

/**
 * Appends batches; idempotent always, transactional when it has a transactional id. Serial calls are not needed:
 * appends may overlap, and the batches of one partition keep the order of the calls.
 */
export interface Producer {
  readonly producerId: number;
  readonly epoch: number;
  /** Appends one batch as `encodeBatch` made it (base offset 0, no producer fields): the log stamps offset, producer
   *  id, epoch, sequence, the transactional bit and the CRC *in place*. The bytes belong to the log until the
   *  promise has an outcome. In a transaction acks is at most `append`: the commit makes it durable. */
  append(target: TopicPartition, batch: Uint8Array, acks: Acks): Promise<Appended>;
  /** Opens a transaction. Appends and offsets from here on belong to it. It sends nothing: that the
   *  producer is fenced shows at the next call. */
  begin(): void;
  /** Puts the group's offsets into the open transaction: they become visible with its commit, or not at all. */
  sendOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void>;
  /** Durable when it answers. After `unknown` call `abort`, which answers `committed` if the commit had happened. */
  commit(): Promise<void>;
  /** When it answers no reader sees the transaction's records any more, whatever its isolation. `unavailable`: the disk
   *  did not take the end of the transaction; it can only be aborted, and `abort` is to be called again. */
  abort(): Promise<'aborted' | 'committed'>;
  close(): Promise<void>;
}

/** What opening the log found and mended; printed at start and shown in `/info`. */
export interface RecoveryReport {
  readonly cleanShutdown: boolean;
  readonly durationMs: number;
  readonly partitionsRecovered: number;
  readonly batchesScanned: number;
  /** Cut off the ends of last segments: an append that was under way at the crash. Nothing acknowledged as durable. */
  readonly bytesTruncated: number;
  /** Damaged bytes that were copied to `quarantine/` and are not served any more; see `Log.damage`. */
  readonly bytesQuarantined: number;
  /** Transactions that were open at the crash and are aborted now, and those whose commit was decided and is finished
   *  now. */
  readonly abortedTransactions: readonly string[];
  readonly completedTransactions: readonly string[];
}

export const damageKinds = ['topic', 'partition', 'records', 'start', 'offsets', 'transactions'] as const;

/**
 * Something acknowledged that is missing or contradicts the rest, found when the log was opened. The log itself goes
 * on: offsets keep their meaning, missing ones are skipped by readers, as compacted ones are. What computes from the
 * topic has to stop until a user accepts the loss.
 *
 * - `topic`: the topic's directory is gone, or holds data and no description. The topic does not exist now; a topic
 *   created later under its name is another one, and the entry stays. Committed offsets on it are kept but not shown.
 * - `partition`: the partition's directory is gone; the partition is empty.
 * - `records`: records are missing or unreadable, those of `lost`.
 * - `start`: the file with the start offset is unreadable; deleted records may be visible again.
 * - `offsets`: offsets of groups are lost, which ones is unknown: every group is concerned.
 * - `transactions`: the record of how transactions ended is lost in part: one that was committed may be aborted now, in
 *   any topic.
 */
export interface Damage {
  readonly kind: (typeof damageKinds)[number];
  /** Undefined when every topic may be concerned (`offsets`, `transactions`), or when the name is lost as well. */
  readonly topic?: string;
  readonly topicId?: string;
  readonly partition?: number;
  /** The offsets [from, to) that are gone, where they are known. */
  readonly lost?: { readonly from: number; readonly to: number };
  /** The file or directory at fault. */
  readonly path: string;
  /** Where a copy of the damaged bytes is kept, if there were any. */
  readonly keptAt?: string;
  /** All of it as one sentence for people: what is wrong, and where. */
  readonly message: string;
}

export interface Log {
  readonly recovery: RecoveryReport;
  /** Why files could not be deleted or compacted at the last try, which is repeated by itself; undefined when all is
   *  done. */
  readonly housekeepingFailure: Error | undefined;
  /** Empty for a sound log; see `Damage`. It changes at opening and by `acceptLoss` only. */
  readonly damage: readonly Damage[];
  /** Goes on without what is lost: removes the entries of this topic from `damage` (without a name: all entries), for
   *  good. `__consumer_offsets` and `__transaction_state` name the entries of kind `offsets` and `transactions`.
   *  Committed offsets on a topic that is gone are forgotten. Answers the entries removed. */
  acceptLoss(topic?: string): Promise<readonly Damage[]>;
  /** Why the log accepts no writes until it is opened again; undefined while it accepts them. */
  readonly fenced: LogError | undefined;
  /** Why the newest write was refused: the disk is full, most often. Undefined once one has been accepted, and a minute
   *  later, when it is not known any more whether the next one would be. */
  readonly refusedWrite: LogError | undefined;
  /** Rejects with `UserError` TOPIC_EXISTS, TOPIC_NAME_INVALID, TOPIC_CONFIG_INVALID, TOPIC_PARTITIONS_INVALID. */
  createTopic(spec: TopicSpec): Promise<TopicDescription>;
  /** Deletes the topic and its data. Committed offsets of groups on it are forgotten. */
  deleteTopic(name: string): Promise<void>;
  describeTopics(): Promise<readonly TopicDescription[]>;
  describeTopic(name: string): Promise<TopicDescription | undefined>;
  /** Rejects with LOG_PARTITION_OFFLINE when the partition could not be read at opening: its offsets are not known. */
  offsets(target: TopicPartition): Promise<PartitionOffsets>;
  /** Bytes of the record batches that are stored; batches below the start count until their space is freed. Rejects as
   *  `offsets` does. */
  sizeBytes(target: TopicPartition): Promise<number>;
  /** Deletes records below `offset` by raising the start offset (Kafka's DeleteRecords). */
  deleteRecords(target: TopicPartition, offset: number): Promise<void>;
  /** For topics with `cleanup.policy=compact`: what restores from this partition will never again read from below
   *  `offset`, so compaction may drop tombstones there at once, without waiting for `delete.retention.ms`. It holds
   *  until the log is closed: after the next opening nothing is released until it is announced again. Other records and
   *  offsets are not affected. See `deletionsKeptFrom`. */
  releaseTombstones(target: TopicPartition, offset: number): Promise<void>;
  /** The offset at or above which every tombstone of a compacted partition is still there; 0 while none was dropped.
   *  What was built from the records below that offset, such as a checkpoint, may have missed a deletion: it has to be
   *  rebuilt from the partition's start. */
  deletionsKeptFrom(target: TopicPartition): Promise<number>;
  /** The first committed record at or behind the start whose timestamp is at least `timestamp` (epoch milliseconds);
   *  undefined when there is none. Later records may have smaller timestamps again: topics are not ordered by time. */
  offsetForTime(target: TopicPartition, timestamp: number): Promise<TimedOffset | undefined>;
  reader(): Reader;
  producer(options?: ProducerOptions): Promise<Producer>;
  /** Offsets last committed by the group; partitions without one are absent. */
  committed(group: string): Promise<readonly CommittedOffset[]>;
  /** Commits offsets outside of a transaction (durable). */
  commitOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void>;
  deleteGroup(group: string): Promise<void>;
  groups(): Promise<readonly string[]>;
  /** Waits for what is in flight, syncs, marks the shutdown clean. */
  close(): Promise<void>;
}
