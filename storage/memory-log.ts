/**
 * The log in memory: the reference for the other logs, and the oracle of their tests.
 *
 * Every effect happens within the call, in the order of the calls; the promises only carry the answer. It is plain on
 * purpose: a partition is a list of batches. Time, timers and randomness are injected; without them a manual clock that
 * never advances is used: a fetch that waits is woken by changes and never by time.
 */

import { type Clock, ManualClock, Random, type Timers, utf8Length } from '../base/index.ts';
import { fetchEach } from './fetched.ts';
import { dropUnused, noteUse, transactionalIdExpirationMs } from './last-use.ts';
import type {
  CommittedOffset,
  Damage,
  Fetched,
  FetchOptions,
  FetchRequest,
  Log,
  OffsetToCommit,
  PartitionOffsets,
  Producer,
  ProducerOptions,
  Reader,
  RecoveryReport,
  TimedOffset,
  TopicDescription,
  TopicPartition,
  TopicSpec,
} from './log.ts';
import { badOffset, closedError, metadataTooLarge, offsetOutOfRange } from './log-errors.ts';
import { MemoryPartition } from './memory-partition.ts';
import { type MemoryHost, MemoryProducer } from './memory-producer.ts';
import { lastEpoch, ProducerSession } from './producer-session.ts';
import { baseOffsetOf } from './record-batch.ts';
import { firstAtOrAfter } from './timed-offset.ts';
import { TopicMap } from './topic-map.ts';
import { byPartition, checkTopicSpec } from './topic-rules.ts';
import { LocalReaders } from './waiting.ts';

export interface MemoryLogOptions {
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
}

export const openMemoryLog = (options: MemoryLogOptions = {}): Promise<Log> => Promise.resolve(new MemoryLog(options));

/** The newest producer of a transactional id. */
interface Identity {
  readonly producer: MemoryProducer;
  lastUseMs: number;
}

const nothingRecovered: RecoveryReport = {
  cleanShutdown: true,
  durationMs: 0,
  partitionsRecovered: 0,
  batchesScanned: 0,
  bytesTruncated: 0,
  bytesQuarantined: 0,
  abortedTransactions: [],
  completedTransactions: [],
};

class MemoryLog implements Log, MemoryHost {
  readonly recovery = nothingRecovered;
  readonly damage = [];
  readonly housekeepingFailure = undefined;
  readonly fenced = undefined;
  readonly refusedWrite = undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly #random: Random;
  readonly #topics = new TopicMap<MemoryPartition>();
  readonly #groups = new Map<string, Map<string, CommittedOffset>>();
  readonly #identities = new Map<string, Identity>();
  readonly #readers: LocalReaders;
  #nextProducerId = 1;
  #closed = false;

  constructor(options: MemoryLogOptions) {
    const still = new ManualClock();
    this.clock = options.clock ?? still;
    this.timers = options.timers ?? still;
    this.#random = options.random ?? new Random(1);
    this.#readers = new LocalReaders(
      {
        read: (requests, options) => this.#read(requests, options),
        waiters: (request) => this.#topics.withId(request).waiters,
      },
      this.timers,
    );
  }

  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  async createTopic(spec: TopicSpec): Promise<TopicDescription> {
    this.checkOpen();
    const description = checkTopicSpec(spec, this.#random.shortId());
    this.#topics.checkIsNew(spec.name);
    const partitions = Array.from({ length: spec.partitions }, () => new MemoryPartition());
    this.#topics.add(description, partitions);
    return description;
  }

  async deleteTopic(name: string): Promise<void> {
    this.checkOpen();
    const { description, partitions } = this.#topics.get(name);
    this.#topics.remove(description);
    for (const [group, offsets] of this.#groups) {
      for (const [key, offset] of offsets) if (offset.topic === name) offsets.delete(key);
      if (offsets.size === 0) this.#groups.delete(group);
    }
    for (const { producer } of this.#identities.values()) producer.forget(partitions, name);
    for (const partition of partitions) partition.waiters.changed();
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

  partition(target: TopicPartition): MemoryPartition {
    return this.#topics.partition(target);
  }

  now(): number {
    return this.clock.now();
  }

  async offsets(target: TopicPartition): Promise<PartitionOffsets> {
    this.checkOpen();
    return this.partition(target).state.offsets();
  }

  async sizeBytes(target: TopicPartition): Promise<number> {
    this.checkOpen();
    return this.partition(target).batches.reduce((sum, { length }) => sum + length, 0);
  }

  async deleteRecords(target: TopicPartition, offset: number): Promise<void> {
    this.checkOpen();
    const partition = this.partition(target);
    const { start, stable } = partition.state.offsets();
    if (!Number.isSafeInteger(offset) || offset > stable || offset < 0) {
      throw offsetOutOfRange(target, offset, start, stable);
    }
    partition.state.raiseStart(offset);
    partition.batches.splice(0, partition.find(offset));
    partition.waiters.changed();
  }

  /** Nothing is compacted here. */
  async releaseTombstones(target: TopicPartition): Promise<void> {
    this.checkOpen();
    this.partition(target);
  }

  async deletionsKeptFrom(target: TopicPartition): Promise<number> {
    this.checkOpen();
    this.partition(target);
    return 0;
  }

  async offsetForTime(target: TopicPartition, timestamp: number): Promise<TimedOffset | undefined> {
    this.checkOpen();
    const { state, batches } = this.partition(target);
    const stable = state.stable();
    for (const batch of batches) {
      if (baseOffsetOf(batch, 0) >= stable) break;
      const found = state.shows(batch, 0) ? firstAtOrAfter(batch, 0, timestamp, state.start) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  reader(): Reader {
    this.checkOpen();
    return this.#readers.open();
  }

  #read(requests: readonly FetchRequest[], options: FetchOptions): Fetched {
    this.checkOpen();
    return fetchEach(requests, (request) => this.#topics.withId(request).read(request, options.maxBytesPerPartition));
  }

  async producer(options: ProducerOptions = {}): Promise<Producer> {
    this.checkOpen();
    const id = options.transactionalId;
    if (id === undefined) return this.#newProducer(undefined, undefined);
    const former = this.#identities.get(id)?.producer;
    former?.fence();
    const now = this.clock.now();
    const producer = this.#newProducer(id, former);
    noteUse(this.#identities, id, { producer, lastUseMs: now }, now);
    const unused = { nowMs: now, keepMs: transactionalIdExpirationMs };
    dropUnused(this.#identities, unused, (identity) => identity.producer.isAlive);
    return producer;
  }

  #newProducer(transactionalId: string | undefined, former: Producer | undefined): MemoryProducer {
    const session =
      former === undefined || former.epoch >= lastEpoch
        ? new ProducerSession(this.#nextProducerId++, 0, transactionalId)
        : new ProducerSession(former.producerId, former.epoch + 1, transactionalId);
    return new MemoryProducer(this, session);
  }

  /** A transactional id was used. */
  noteUse(transactionalId: string): void {
    const identity = this.#identities.get(transactionalId);
    if (identity !== undefined) noteUse(this.#identities, transactionalId, identity, this.clock.now());
  }

  /** Refuses offsets that cannot be committed. */
  checkOffsets(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) {
      this.#topics.withId(offset);
      if (!Number.isSafeInteger(offset.offset) || offset.offset < 0) throw badOffset(offset, offset.offset);
      if (offset.metadata !== undefined && utf8Length(offset.metadata) > 4096) throw metadataTooLarge(offset);
    }
  }

  storeOffsets(group: string, offsets: readonly CommittedOffset[]): void {
    let stored = this.#groups.get(group);
    if (stored === undefined) {
      stored = new Map();
      this.#groups.set(group, stored);
    }
    for (const { topic, partition, offset, metadata } of offsets) {
      stored.set(`${topic}/${partition}`, { topic, partition, offset, ...(metadata !== undefined && { metadata }) });
    }
    if (stored.size === 0) this.#groups.delete(group);
  }

  async committed(group: string): Promise<readonly CommittedOffset[]> {
    this.checkOpen();
    return [...(this.#groups.get(group)?.values() ?? [])].sort(byPartition);
  }

  async commitOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    this.checkOpen();
    this.checkOffsets(offsets);
    this.storeOffsets(group, offsets);
  }

  async deleteGroup(group: string): Promise<void> {
    this.checkOpen();
    this.#groups.delete(group);
  }

  async groups(): Promise<readonly string[]> {
    this.checkOpen();
    return [...this.#groups.keys()].sort();
  }

  async acceptLoss(): Promise<readonly Damage[]> {
    this.checkOpen();
    return [];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    for (const { producer } of this.#identities.values()) producer.abandon();
    this.#closed = true;
    this.#readers.wakeup();
  }
}
