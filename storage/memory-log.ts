/**
 * The log in memory: the reference that the others are held to, and the oracle of their tests.
 *
 * Every effect happens within the call, in the order of the calls; the promises only carry the answer. It is plain on
 * purpose: a partition is a list of batches. Time, timers and chance are injected; without them a manual clock that
 * stands still is used, so that a fetch that waits is woken by what happens and never by the hour.
 */

import { assert, type Clock, ManualClock, Random, type Timers, UserError, utf8Length } from '../base/index.ts';
import { encodeControlBatch } from './control-batch.ts';
import { fetchEach } from './fetched.ts';
import { dropUnused, noteUse, transactionalIdExpirationMs } from './last-use.ts';
import type {
  Acks,
  Appended,
  Chunk,
  CommittedOffset,
  Damage,
  Fetched,
  FetchOptions,
  FetchRequest,
  Log,
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
import {
  badOffset,
  closedError,
  metadataTooLarge,
  offsetOutOfRange,
  unknownPartition,
  unknownTopic,
} from './log-errors.ts';
import { PartitionState } from './partition-state.ts';
import { lastEpoch, ProducerSession } from './producer-session.ts';
import { baseOffsetOf, isControl, nextOffsetOf } from './record-batch.ts';
import { firstAtOrAfter } from './timed-offset.ts';
import { checkTopicSpec } from './topic-rules.ts';
import { FetchWait, Waiters } from './waiting.ts';

export interface MemoryLogOptions {
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
}

export const openMemoryLog = (options: MemoryLogOptions = {}): Promise<Log> => Promise.resolve(new MemoryLog(options));

class MemoryPartition {
  readonly state = new PartitionState();
  readonly batches: Uint8Array[] = [];
  readonly waiters = new Waiters();

  append(batch: Uint8Array, nowMs: number): void {
    this.batches.push(batch);
    this.state.apply(batch, 0, nowMs);
    this.waiters.changed();
  }

  /** The index of the batch that holds the offset. */
  find(offset: number): number {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nextOffsetOf(this.batches[middle] as Uint8Array, 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface MemoryTopic {
  readonly description: TopicDescription;
  readonly partitions: readonly MemoryPartition[];
}

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

class MemoryLog implements Log {
  readonly recovery = nothingRecovered;
  readonly damage = [];
  readonly housekeepingFailure = undefined;
  readonly fenced = undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly #random: Random;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, Map<string, CommittedOffset>>();
  readonly #identities = new Map<string, Identity>();
  readonly #waits = new Set<FetchWait>();
  #nextProducerId = 1;
  #closed = false;

  constructor(options: MemoryLogOptions) {
    const still = new ManualClock();
    this.clock = options.clock ?? still;
    this.timers = options.timers ?? still;
    this.#random = options.random ?? new Random(1);
  }

  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  async createTopic(spec: TopicSpec): Promise<TopicDescription> {
    this.checkOpen();
    const description = checkTopicSpec(spec, this.#random.shortId());
    if (this.#topics.has(spec.name)) {
      throw new UserError('TOPIC_EXISTS', `topic "${spec.name}" exists already`);
    }
    const partitions = Array.from({ length: spec.partitions }, () => new MemoryPartition());
    this.#topics.set(spec.name, { description, partitions });
    return description;
  }

  async deleteTopic(name: string): Promise<void> {
    this.checkOpen();
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    this.#topics.delete(name);
    for (const [group, offsets] of this.#groups) {
      for (const [key, offset] of offsets) if (offset.topic === name) offsets.delete(key);
      if (offsets.size === 0) this.#groups.delete(group);
    }
    for (const { producer } of this.#identities.values()) producer.forget(topic.partitions, name);
    for (const partition of topic.partitions) partition.waiters.changed();
  }

  async describeTopics(): Promise<readonly TopicDescription[]> {
    this.checkOpen();
    return [...this.#topics.values()].map((topic) => topic.description).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async describeTopic(name: string): Promise<TopicDescription | undefined> {
    this.checkOpen();
    return this.#topics.get(name)?.description;
  }

  topic(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    return topic;
  }

  partition(target: TopicPartition): MemoryPartition {
    const topic = this.topic(target.topic);
    const partition = topic.partitions[target.partition];
    if (partition === undefined) throw unknownPartition(target, topic.partitions.length);
    return partition;
  }

  async offsets(target: TopicPartition): Promise<PartitionOffsets> {
    this.checkOpen();
    return this.partition(target).state.offsets();
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
    const wait = new FetchWait();
    this.#waits.add(wait);
    return {
      fetch: async (requests, options) => {
        this.checkOpen();
        return wait.until(
          () => this.#read(requests, options),
          () => requests.map((request) => this.partition(request).waiters),
          options.maxWaitMs,
          this.timers,
        );
      },
      wakeup: () => wait.wakeup(),
      close: () => {
        this.#waits.delete(wait);
        wait.wakeup();
      },
    };
  }

  #read(requests: readonly FetchRequest[], options: FetchOptions): Fetched {
    this.checkOpen();
    return fetchEach(requests, (request) => this.#readPartition(request, options.maxBytesPerPartition));
  }

  #readPartition(request: FetchRequest, maxBytes: number): Chunk | undefined {
    const partition = this.partition(request);
    const { state, batches } = partition;
    const { topic, offset, isolation } = request;
    if (!(offset >= state.start && offset <= state.end)) {
      throw offsetOutOfRange(request, offset, state.start, state.end);
    }
    const limit = state.limit(isolation);
    const taken: Uint8Array[] = [];
    let nextOffset = offset;
    let size = 0;
    for (let i = partition.find(offset); i < batches.length; i++) {
      const batch = batches[i] as Uint8Array;
      if (baseOffsetOf(batch, 0) >= limit) break;
      const shown = isolation.kind === 'uncommitted' ? !isControl(batch, 0) : state.shows(batch, 0);
      if (shown && taken.length > 0 && size + batch.length > maxBytes) break;
      nextOffset = nextOffsetOf(batch, 0);
      if (!shown) continue;
      taken.push(batch);
      size += batch.length;
    }
    if (nextOffset === offset) return undefined;
    const bytes = new Uint8Array(size);
    const positions: number[] = [];
    let position = 0;
    for (const batch of taken) {
      positions.push(position);
      bytes.set(batch, position);
      position += batch.length;
    }
    let released = false;
    return {
      topic,
      partition: request.partition,
      bytes,
      batches: positions,
      nextOffset,
      offsets: state.offsets(),
      release() {
        assert(!released, 'a chunk is released once');
        released = true;
        // Whoever reads lent bytes too late must not get away with it here.
        bytes.fill(0xdd);
      },
    };
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
    dropUnused(this.#identities, now - transactionalIdExpirationMs, (identity) => identity.producer.isAlive);
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
  checkOffsets(offsets: readonly CommittedOffset[]): void {
    for (const offset of offsets) {
      this.partition(offset);
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

  async commitOffsets(group: string, offsets: readonly CommittedOffset[]): Promise<void> {
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
    for (const wait of this.#waits) wait.wakeup();
  }
}

/** Order of what `committed` answers. */
export const byPartition = (a: TopicPartition, b: TopicPartition): number =>
  a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;

class MemoryProducer implements Producer {
  readonly #log: MemoryLog;
  readonly #session: ProducerSession;
  /** Partitions that hold records of the open transaction. */
  readonly #touched = new Set<MemoryPartition>();
  readonly #pendingOffsets: { group: string; offsets: readonly CommittedOffset[] }[] = [];

  constructor(log: MemoryLog, session: ProducerSession) {
    this.#log = log;
    this.#session = session;
  }

  get producerId(): number {
    return this.#session.producerId;
  }

  get epoch(): number {
    return this.#session.epoch;
  }

  /** Whether it may still be used. */
  get isAlive(): boolean {
    return this.#session.state !== 'closed' && this.#session.state !== 'fenced';
  }

  #check(inTransaction: boolean): void {
    this.#log.checkOpen();
    this.#session.check(inTransaction);
  }

  async append(target: TopicPartition, batch: Uint8Array, _acks: Acks): Promise<Appended> {
    const session = this.#session;
    this.#check(session.isTransactional);
    const partition = this.#log.partition(target);
    session.checkBatch(target, this.#log.topic(target.topic).description, batch);
    return session.send(target, partition.state, batch, (stamped) => {
      if (session.isTransactional) this.#touched.add(partition);
      partition.append(stamped.slice(), this.#log.clock.now());
    });
  }

  begin(): void {
    this.#session.begin();
  }

  async sendOffsets(group: string, offsets: readonly CommittedOffset[]): Promise<void> {
    this.#check(true);
    this.#log.checkOffsets(offsets);
    this.#pendingOffsets.push({ group, offsets: offsets.map((offset) => ({ ...offset })) });
  }

  async commit(): Promise<void> {
    this.#check(true);
    this.#end('commit');
    for (const { group, offsets } of this.#pendingOffsets) this.#log.storeOffsets(group, offsets);
    this.#pendingOffsets.length = 0;
    this.#log.noteUse(this.#session.transactionalId ?? '');
  }

  async abort(): Promise<'aborted' | 'committed'> {
    this.#check(false);
    this.abandon();
    this.#pendingOffsets.length = 0;
    return 'aborted';
  }

  #end(type: 'commit' | 'abort'): void {
    const { producerId, epoch } = this;
    const timestamp = this.#log.clock.now();
    for (const partition of this.#touched) {
      const baseOffset = partition.state.end;
      partition.append(encodeControlBatch({ type, baseOffset, producerId, epoch, timestamp }), timestamp);
    }
    this.#touched.clear();
    this.#session.state = 'idle';
  }

  /** A newer producer takes over: what is open is aborted. */
  fence(): void {
    this.abandon();
    this.#session.state = 'fenced';
  }

  /** What is open is aborted, as it is when the log closes. */
  abandon(): void {
    if (this.#session.hasTransaction) this.#end('abort');
  }

  /** A topic is gone, with what this transaction wrote to it. */
  forget(partitions: readonly MemoryPartition[], topic: string): void {
    for (const partition of partitions) this.#touched.delete(partition);
    for (const pending of this.#pendingOffsets) {
      pending.offsets = pending.offsets.filter((offset) => offset.topic !== topic);
    }
  }

  async close(): Promise<void> {
    this.abandon();
    if (this.#session.state !== 'fenced') this.#session.state = 'closed';
  }
}
