/**
 * The file log: the contract of `log.ts` on a directory.
 *
 * It is where the parts of the log meet, and so has a method for each call of the contract; what a call does is in the
 * parts: `partition.ts`, `producers.ts`, `coordinator.ts`, `group-offsets.ts`, `log-recovery.ts`, `housekeeping.ts`.
 *
 * All of it lives in one thread; workers read the segment files themselves (`shared-reader.ts`) and send what they
 * append here. An append is written to the page cache within the call, so overlapping calls keep their order without a
 * queue; callers that need the disk share one sync (`file-sync.ts`).
 *
 * Failures. No space: the append, or the commit, is refused as `unavailable` and leaves nothing behind; reads go on,
 * and writes too as soon as there is space. A failed sync: the log is *fenced*, every write is refused until the
 * next start, because the kernel reports what it lost only once; the next start reads and writes again what may not be
 * on the disk.
 */

import {
  assert,
  BufferPool,
  type Clock,
  FileError,
  type FileSystem,
  type Random,
  type Timers,
  utf8Length,
} from '../../base/index.ts';
import { fetchEach } from '../fetched.ts';
import {
  type CommittedOffset,
  type Damage,
  type Fetched,
  type FetchOptions,
  type FetchRequest,
  type Log,
  LogError,
  type OffsetToCommit,
  type PartitionOffsets,
  type Producer,
  type ProducerOptions,
  type Reader,
  type RecoveryReport,
  type TimedOffset,
  type TopicDescription,
  type TopicPartition,
  type TopicSpec,
} from '../log.ts';
import { badOffset, closedError, metadataTooLarge, offsetOutOfRange, readFailed } from '../log-errors.ts';
import { type Topic, TopicMap } from '../topic-map.ts';
import { byPartition, checkTopicSpec, offsetsTopic, topicConfigDefaults, transactionsTopic } from '../topic-rules.ts';
import { LocalReaders } from '../waiting.ts';
import { Coordinator } from './coordinator.ts';
import { damagedTopic } from './damage-list.ts';
import { DataDirectory } from './data-directory.ts';
import { GroupOffsets, type StoredOffset } from './group-offsets.ts';
import { Housekeeping } from './housekeeping.ts';
import { recoverLog, topicReport } from './log-recovery.ts';
import { MarkerRetry, type MarkerRetryHost } from './marker-retry.ts';
import { defaultOpenFiles, OpenFiles, readerOpenFiles } from './open-files.ts';
import { FilePartition, type PartitionHost } from './partition.ts';
import { Producers, type ProducersHost } from './producers.ts';
import { salvageSegments } from './salvage.ts';
import { SharedPublisher } from './shared-publisher.ts';
import type { SharedLogView } from './shared-view.ts';
import { callFailed, syncFailed } from './write-errors.ts';

export interface FileLogOptions {
  readonly directory: string;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Bytes of the log's own two partitions after which they are rewritten. Default 1 MiB. */
  readonly rotateBytes?: number;
  /** How many segment files are kept open. Default 128; threads that read it keep a quarter of that open each. */
  readonly openFiles?: number;
  /** Bytes that compaction may use for its offset map. Default 32 MiB; one map serves all topics. */
  readonly compactionMapBytes?: number;
}

/** The contract, and what only a log on disk has. */
export interface FileLog extends Log {
  /** Retention and compaction, which the log does by itself. */
  readonly housekeeping: Pick<Housekeeping, 'run' | 'totals' | 'suspended'>;
  /** What a worker needs to read this log itself: post it with `view.port` in the transfer list; see
   *  `openSharedReader`. */
  exportView(): SharedLogView;
  /** Gives up what the disk does not read any more of a topic (`salvage.ts`). Answers whether that is anything: then
   *  the log is to be closed and opened again, and `acceptLoss` finds what is lost. */
  salvage(topic: string): boolean;
}

export const openFileLog = async (options: FileLogOptions): Promise<FileLog> => {
  const log = new OpenFileLog(options);
  try {
    await log.recover();
    return log;
  } catch (cause) {
    log.giveUp();
    throw cause;
  }
};

/** See `Log.refusedWrite`. */
const refusalCountsMs = 60_000;

class OpenFileLog implements FileLog, PartitionHost, ProducersHost, MarkerRetryHost {
  readonly files: FileSystem;
  readonly pool = new BufferPool();
  readonly openFiles: OpenFiles;
  readonly timers: Timers;
  readonly coordinator: Coordinator;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #directory: DataDirectory;
  /** Damage that every start finds again. */
  #standing: readonly Damage[] = [];
  readonly #topics = new TopicMap<FilePartition>();
  /** Ids of topics that could not be made and whose files may still be there, by name. */
  readonly #halfMade = new Map<string, string>();
  readonly #producers = new Producers(this);
  readonly #markers = new MarkerRetry(this);
  readonly #readers: LocalReaders;
  readonly #inBackground = new Set<Promise<unknown>>();
  #shared: SharedPublisher | undefined;
  #recovery: RecoveryReport | undefined;
  #fenced: LogError | undefined;
  #refused: { readonly error: LogError; readonly ms: number } | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;
  #rotating = false;
  readonly housekeeping: Housekeeping;

  constructor(options: FileLogOptions) {
    this.files = options.files;
    this.openFiles = new OpenFiles(options.openFiles ?? defaultOpenFiles);
    this.timers = options.timers;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#directory = new DataDirectory(options.files, options.directory);
    const configs = { ...topicConfigDefaults, 'cleanup.policy': 'compact' };
    const own = (topic: string, directory: string) =>
      new FilePartition(this, { topic, partition: 0 }, directory, configs);
    const now = (): number => this.now();
    const { rotateBytes = 1024 * 1024 } = options;
    this.coordinator = new Coordinator(
      own(transactionsTopic, this.#directory.internal('transactions')),
      new GroupOffsets(own(offsetsTopic, this.#directory.internal('offsets')), now, rotateBytes),
      now,
      rotateBytes,
    );
    this.#readers = new LocalReaders(
      {
        read: (requests, options) => this.#read(requests, options),
        waiters: (request) => this.#topics.withId(request).waiters,
      },
      this.timers,
    );
    this.housekeeping = new Housekeeping({
      files: options.files,
      timers: options.timers,
      now: () => this.now(),
      elapsed: () => this.#clock.monotonic(),
      partitions: () => this.#topics.partitions(),
      background: (work) => this.background(work),
      compactionMapBytes: options.compactionMapBytes ?? 32 * 1024 * 1024,
    });
  }

  // -------------------------------------------------------------- what partitions ask for

  now(): number {
    return this.#clock.now();
  }

  get fenced(): LogError | undefined {
    return this.#fenced;
  }

  get refusedWrite(): LogError | undefined {
    const { error, ms } = this.#refused ?? {};
    return this.#clock.monotonic() - (ms ?? 0) < refusalCountsMs ? error : undefined;
  }

  wrote(refusal: LogError | undefined): void {
    if (refusal !== undefined) this.#refused = { error: refusal, ms: this.#clock.monotonic() };
    else if (this.#refused !== undefined) this.#refused = undefined;
  }

  fence(cause: unknown): void {
    if (this.#fenced !== undefined) return;
    this.#fenced = syncFailed(cause);
    this.#directory.noteFailedSync();
  }

  checkOwner(): void {
    this.#fenced ??= this.#directory.owner.check();
    if (this.#isTakenOver) throw this.#fenced;
  }

  /** Whether another process uses the directory now: nothing may be written there any more. */
  get #isTakenOver(): boolean {
    return this.#fenced?.code === 'LOG_TAKEN_OVER';
  }

  background(work: Promise<unknown>): void {
    const tracked = work.catch((cause: unknown) => {
      // Housekeeping that the disk refused is tried again later; anything else is a fault of ours.
      if (!(cause instanceof LogError || cause instanceof FileError)) this.fence(cause);
    });
    this.#inBackground.add(tracked);
    void tracked.then(() => this.#inBackground.delete(tracked));
  }

  segmentClosed(): void {
    this.housekeeping.soon();
  }

  // -------------------------------------------------------------- opening

  get housekeepingFailure(): Error | undefined {
    return this.housekeeping.failure;
  }

  get damage(): readonly Damage[] {
    return [...this.#directory.damage.entries, ...this.#standing];
  }

  async acceptLoss(topic?: string): Promise<readonly Damage[]> {
    this.checkWritable();
    const concerns = (entry: Damage): boolean => topic === undefined || damagedTopic(entry) === topic;
    // What nobody has read since it was damaged is found only now.
    for (const { description, partitions } of this.#topics.all()) {
      if (topic !== undefined && description.name !== topic) continue;
      for (const [i, partition] of partitions.entries())
        partition.verify(topicReport(this.#directory.damage, description, i));
    }
    const gone = this.#standing.filter((entry) => entry.kind === 'topic' && concerns(entry));
    for (const { topicId = '' } of gone) {
      if (this.coordinator.topics.has(topicId)) this.coordinator.noteDeleted(topicId);
      else this.#directory.quarantineTopic(topicId);
    }
    await this.coordinator.transactions.sync();
    this.#standing = this.#standing.filter((entry) => !gone.includes(entry));
    this.coordinator.groups.forgetTopics((topicId) => this.#isKnown(topicId));
    return [...this.#directory.damage.remove(concerns), ...gone];
  }

  salvage(name: string): boolean {
    this.checkWritable();
    const { damage } = this.#directory;
    const topic = this.#topics.find(name);
    if (topic === undefined) return false;
    let salvaged = 0;
    for (const [i, { directory }] of topic.partitions.entries())
      salvaged += salvageSegments(this.files, directory, damage, topicReport(damage, topic.description, i));
    return salvaged > 0;
  }

  /** Whether offsets on this topic are kept: it is there, or is missing and nobody has accepted that yet. */
  #isKnown(topicId: string): boolean {
    return this.#topics.nameOf(topicId) !== undefined || this.#standing.some((entry) => entry.topicId === topicId);
  }

  get recovery(): RecoveryReport {
    assert(this.#recovery !== undefined, 'the log is recovered before anybody sees it');
    return this.#recovery;
  }

  async recover(): Promise<void> {
    const began = this.#clock.monotonic();
    const recovered = await recoverLog({
      directory: this.#directory,
      coordinator: this.coordinator,
      add: (description) => this.#add(description).partitions,
    });
    this.#standing = recovered.standing;
    this.#markers.start();
    this.housekeeping.start();
    const cleanShutdown = this.#directory.cleanShutdown || this.#directory.isNew;
    this.#recovery = {
      cleanShutdown,
      durationMs: this.#clock.monotonic() - began,
      partitionsRecovered: cleanShutdown ? 0 : recovered.partitions,
      batchesScanned: recovered.batchesScanned,
      bytesTruncated: recovered.bytesTruncated,
      bytesQuarantined: this.#directory.damage.bytesQuarantined,
      abortedTransactions: recovered.abortedTransactions,
      completedTransactions: recovered.completedTransactions,
    };
  }

  /** Opening failed: leaves the directory to others. */
  giveUp(): void {
    this.#closed = true;
    for (const partition of this.allPartitions()) partition.close();
    this.#directory.release();
  }

  #add(description: TopicDescription): Topic<FilePartition> {
    const { name, id, configs } = description;
    const partitions = Array.from(
      { length: description.partitions },
      (_, partition) =>
        new FilePartition(this, { topic: name, partition }, this.#directory.partition(id, partition), configs),
    );
    return this.#topics.add(description, partitions);
  }

  *allPartitions(): IterableIterator<FilePartition> {
    yield* this.#topics.partitions();
    yield this.coordinator.transactions;
    yield this.coordinator.groups.partition;
  }

  /** The offsets partition goes by its topic's name, all others by topic id. */
  #partitionById(topicId: string, index: number): FilePartition | undefined {
    return topicId === offsetsTopic ? this.coordinator.groups.partition : this.#topics.byId(topicId, index);
  }

  // -------------------------------------------------------------- topics

  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  checkWritable(): void {
    this.checkOpen();
    this.checkOwner();
    if (this.#fenced !== undefined) throw this.#fenced;
  }

  async createTopic(spec: TopicSpec): Promise<TopicDescription> {
    this.checkWritable();
    const description = checkTopicSpec(spec, this.#random.shortId());
    this.#topics.checkIsNew(spec.name);
    this.#shared?.checkRoom(spec.name, spec.partitions);
    try {
      this.#discardHalfMade(spec.name);
      this.#halfMade.set(spec.name, description.id);
      this.#directory.createTopic(description);
      this.coordinator.noteTopic(description);
      this.#halfMade.delete(spec.name);
    } catch (cause) {
      try {
        this.#discardHalfMade(spec.name);
      } catch {
        // What is left is an empty topic, if anything: the next start shows it, or clears it away when it has no
        // description. Another of its name is not made before it is gone.
      }
      throw callFailed(`topic "${spec.name}" cannot be made`, cause);
    }
    const topic = this.#add(description);
    this.#shared?.add(description, topic.partitions);
    return description;
  }

  #discardHalfMade(name: string): void {
    const id = this.#halfMade.get(name);
    if (id === undefined) return;
    this.#directory.discardTopic(id);
    this.#halfMade.delete(name);
  }

  async deleteTopic(name: string): Promise<void> {
    this.checkWritable();
    const { description, partitions } = this.#topics.get(name);
    const { id } = description;
    try {
      this.#directory.forgetTopic(id);
    } catch (cause) {
      throw callFailed(`topic "${name}" cannot be deleted`, cause);
    }
    this.#topics.remove(description);
    this.#standing = this.#standing.filter(({ topicId }) => topicId !== id);
    this.coordinator.groups.forgetTopics((topicId) => this.#isKnown(topicId));
    this.#shared?.remove(name);
    for (const partition of partitions) {
      partition.deleted = true;
      partition.close();
      partition.waiters.changed();
    }
    try {
      this.#directory.removeData(id);
      this.coordinator.noteDeleted(id);
      await this.coordinator.transactions.sync();
      this.#directory.removeTopic(id);
    } catch {
      // The topic is gone; the next start clears away what could not be removed now.
    }
  }

  async describeTopics(): Promise<readonly TopicDescription[]> {
    this.checkOpen();
    return this.#topics.descriptions();
  }

  async describeTopic(name: string): Promise<TopicDescription | undefined> {
    this.checkOpen();
    return this.#topics.find(name)?.description;
  }

  describe(topic: string): TopicDescription {
    return this.#topics.get(topic).description;
  }

  partition(target: TopicPartition): FilePartition {
    return this.#topics.partition(target);
  }

  async offsets(target: TopicPartition): Promise<PartitionOffsets> {
    return this.#online(target).state.offsets();
  }

  async sizeBytes(target: TopicPartition): Promise<number> {
    return this.#online(target).sizeBytes;
  }

  #online(target: TopicPartition): FilePartition {
    this.checkOpen();
    const partition = this.partition(target);
    if (partition.offline !== undefined) throw partition.offline;
    return partition;
  }

  async deleteRecords(target: TopicPartition, offset: number): Promise<void> {
    this.checkWritable();
    const partition = this.partition(target);
    const { start, stable } = partition.state.offsets();
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > stable) {
      throw offsetOutOfRange(target, offset, start, stable);
    }
    try {
      partition.deleteRecords(offset);
    } catch (cause) {
      throw callFailed(`records of ${target.topic}/${target.partition} cannot be deleted`, cause);
    }
  }

  async releaseTombstones(target: TopicPartition, offset: number): Promise<void> {
    this.checkOpen();
    const partition = this.partition(target);
    partition.tombstonesReleasedBelow = Math.max(partition.tombstonesReleasedBelow, offset);
  }

  async deletionsKeptFrom(target: TopicPartition): Promise<number> {
    this.checkOpen();
    return this.partition(target).deletionsKeptFrom;
  }

  async offsetForTime(target: TopicPartition, timestamp: number): Promise<TimedOffset | undefined> {
    this.checkOpen();
    try {
      return this.partition(target).offsetForTime(timestamp);
    } catch (cause) {
      throw cause instanceof FileError ? readFailed({ ...target, offset: 0 }, cause) : cause;
    }
  }

  // -------------------------------------------------------------- reading

  reader(): Reader {
    this.checkOpen();
    return this.#readers.open();
  }

  #read(requests: readonly FetchRequest[], options: FetchOptions): Fetched {
    this.checkOpen();
    return fetchEach(requests, (request) => {
      try {
        return this.#topics.withId(request).read(request, options.maxBytesPerPartition);
      } catch (cause) {
        throw cause instanceof FileError ? readFailed(request, cause) : cause;
      }
    });
  }

  exportView(): SharedLogView {
    this.checkOpen();
    if (this.#shared === undefined) {
      const shared = new SharedPublisher(this.#directory.path, readerOpenFiles(this.openFiles.limit));
      for (const { description, partitions } of this.#topics.all()) {
        shared.checkRoom(description.name, partitions.length);
        shared.add(description, partitions);
      }
      this.#shared = shared;
    }
    return this.#shared.view();
  }

  // -------------------------------------------------------------- producers and transactions

  async producer(options: ProducerOptions = {}): Promise<Producer> {
    this.checkWritable();
    return this.#producers.open(options);
  }

  /** See `ProducerHost.finishMarkers`. */
  finishMarkers(producerId: number): void {
    this.#markers.finish(producerId);
  }

  /** After the end of a transaction: housekeeping that nobody waits for. */
  transactionEnded(partitions: Iterable<FilePartition>): void {
    for (const partition of partitions) if (partition.hasPendingMarkers) this.#markers.start();
    if (this.#rotating) return;
    this.#rotating = true;
    this.background(
      this.coordinator.rotate().finally(() => {
        this.#rotating = false;
      }),
    );
  }

  /** Checks offsets and puts them in the form in which they are stored. */
  storedOffsets(offsets: readonly OffsetToCommit[]): StoredOffset[] {
    return offsets.map((committed) => {
      const { topic, partition, offset, metadata } = committed;
      if (!Number.isSafeInteger(offset) || offset < 0) throw badOffset(committed, offset);
      if (metadata !== undefined && utf8Length(metadata) > 4096) throw metadataTooLarge(committed);
      const { end } = this.#topics.withId(committed).state;
      const seen = offset > end ? end : undefined;
      return { topicId: this.describe(topic).id, partition, offset, metadata, seen };
    });
  }

  /** The partitions whose records below a committed offset are not all on the disk. */
  unsyncedSources(offsets: readonly StoredOffset[]): FilePartition[] {
    const sources: FilePartition[] = [];
    for (const { topicId, partition: index, offset } of offsets) {
      const partition = this.#partitionById(topicId, index);
      if (partition !== undefined && partition.syncedEnd < Math.min(offset, partition.state.end))
        sources.push(partition);
    }
    return sources;
  }

  applyOffsets(group: string, offsets: readonly StoredOffset[]): void {
    const known = offsets.filter(({ topicId }) => this.#isKnown(topicId));
    this.coordinator.groups.apply(group, known);
  }

  async committed(group: string): Promise<readonly CommittedOffset[]> {
    this.checkOpen();
    return this.coordinator.groups.committed(group, (topicId) => this.#topics.nameOf(topicId)).sort(byPartition);
  }

  async commitOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    this.checkWritable();
    const stored = this.storedOffsets(offsets);
    await Promise.all(this.unsyncedSources(stored).map((partition) => partition.sync()));
    const { groups } = this.coordinator;
    groups.write(group, stored);
    this.applyOffsets(group, stored);
    await groups.partition.sync();
    this.coordinator.noteOffsetsEnd();
    this.transactionEnded([]);
  }

  async deleteGroup(group: string): Promise<void> {
    this.checkWritable();
    await this.coordinator.groups.delete(group);
  }

  async groups(): Promise<readonly string[]> {
    this.checkOpen();
    return this.coordinator.groups.names();
  }

  // -------------------------------------------------------------- closing

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#producers.abandonAll();
    this.#closed = true;
    this.#markers.stop();
    this.housekeeping.stop();
    this.#readers.wakeup();
    while (this.#inBackground.size > 0) await Promise.all(this.#inBackground);
    this.#shared?.close();
    try {
      this.checkOwner();
      let clean = this.#fenced === undefined;
      const partitions = [...this.allPartitions()];
      await Promise.all(partitions.map((partition) => partition.snapshot()));
      await Promise.all(partitions.map((partition) => partition.sync()));
      clean &&= !partitions.some((partition) => partition.hasPendingMarkers || partition.hasBrokenTail);
      if (clean) this.#directory.noteCleanShutdown();
    } catch {
      // Not a clean shutdown: the next start recovers.
    }
    for (const partition of this.allPartitions()) partition.close();
    this.#directory.release();
  }
}
