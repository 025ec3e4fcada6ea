/**
 * The log in memory: the reference that the others are held to, and the oracle of their tests.
 *
 * Every effect happens within the call, in the order of the calls; the promises only carry the answer. It is plain on
 * purpose: a partition is a list of batches. Time, timers and chance are injected; without them a manual clock that
 * stands still is used, so that a fetch that waits is woken by what happens and never by the hour.
 */

import { assert, type Clock, ManualClock, Random, type Timers, UserError, utf8Length } from '../base/index.ts';
import { fetchEach } from './fetched.ts';
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
  badBatch,
  badOffset,
  closedError,
  fencedError,
  metadataTooLarge,
  noTransaction,
  offsetOutOfRange,
  outOfOrder,
  tooLarge,
  unknownPartition,
  unknownTopic,
} from './log-errors.ts';
import { PartitionState } from './partition-state.ts';
import {
  addSequence,
  baseOffsetOf,
  checkNewBatch,
  encodeControlBatch,
  isControl,
  nextOffsetOf,
  recordCountOf,
  stampBatch,
} from './record-batch.ts';
import { firstAtOrAfter } from './timed-offset.ts';
import { checkTopicSpec, numberConfig } from './topic-rules.ts';
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

  append(batch: Uint8Array): void {
    this.batches.push(batch);
    this.state.apply(batch, 0);
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

/** What a transactional id stands for: at most one producer alive. */
interface Identity {
  producerId: number;
  epoch: number;
  producer: MemoryProducer | undefined;
}

/** Epochs are 16 bits wide: behind the last one an identity goes on with another producer id. */
export const lastEpoch = 32_766;

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
    for (const { producer } of this.#identities.values()) producer?.forget(topic.partitions, name);
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
    if (id === undefined) return new MemoryProducer(this, this.#nextProducerId++, 0, undefined);
    let identity = this.#identities.get(id);
    if (identity === undefined) {
      identity = { producerId: this.#nextProducerId++, epoch: -1, producer: undefined };
      this.#identities.set(id, identity);
    }
    identity.producer?.fence();
    identity.epoch++;
    if (identity.epoch > lastEpoch) {
      identity.producerId = this.#nextProducerId++;
      identity.epoch = 0;
    }
    identity.producer = new MemoryProducer(this, identity.producerId, identity.epoch, id);
    return identity.producer;
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
    for (const { producer } of this.#identities.values()) producer?.abandon();
    this.#closed = true;
    for (const wait of this.#waits) wait.wakeup();
  }
}

/** Order of what `committed` answers. */
export const byPartition = (a: TopicPartition, b: TopicPartition): number =>
  a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;

type TransactionState = 'idle' | 'open' | 'fenced' | 'closed';

class MemoryProducer implements Producer {
  readonly producerId: number;
  readonly epoch: number;
  readonly #log: MemoryLog;
  readonly #transactionalId: string | undefined;
  #state: TransactionState = 'idle';
  readonly #sequences = new Map<MemoryPartition, number>();
  /** Partitions that hold records of the open transaction. */
  readonly #touched = new Set<MemoryPartition>();
  readonly #pendingOffsets: { group: string; offsets: readonly CommittedOffset[] }[] = [];

  constructor(log: MemoryLog, producerId: number, epoch: number, transactionalId: string | undefined) {
    this.#log = log;
    this.producerId = producerId;
    this.epoch = epoch;
    this.#transactionalId = transactionalId;
  }

  #check(inTransaction: boolean): void {
    this.#log.checkOpen();
    if (this.#state === 'fenced') throw fencedError(this.#transactionalId);
    if (this.#state === 'closed') throw closedError();
    if (inTransaction && this.#state !== 'open') throw noTransaction();
  }

  async append(target: TopicPartition, batch: Uint8Array, _acks: Acks): Promise<Appended> {
    const transactional = this.#transactionalId !== undefined;
    this.#check(transactional);
    const partition = this.#log.partition(target);
    const { configs } = this.#log.topic(target.topic).description;
    const fault = checkNewBatch(batch);
    if (fault !== undefined) throw badBatch(target, fault);
    for (const config of ['max.message.bytes', 'segment.bytes']) {
      const limit = numberConfig(configs, config);
      if (batch.length > limit) throw tooLarge(target, batch.length, limit, config);
    }
    const { state } = partition;
    const baseSequence = this.#sequences.get(partition) ?? 0;
    const count = recordCountOf(batch, 0);
    const verdict = state.checkSequence(this.producerId, this.epoch, baseSequence, count);
    if (verdict.kind === 'fenced') throw fencedError(this.#transactionalId);
    if (verdict.kind === 'out-of-order') throw outOfOrder(target, verdict.expected, baseSequence);
    assert(verdict.kind === 'append', 'a producer of this process never sends a batch twice');
    const baseOffset = state.end;
    stampBatch(batch, { baseOffset, producerId: this.producerId, epoch: this.epoch, baseSequence, transactional });
    this.#sequences.set(partition, addSequence(baseSequence, count));
    if (transactional) this.#touched.add(partition);
    partition.append(batch.slice());
    return { baseOffset, nextOffset: state.end };
  }

  begin(): void {
    assert(this.#transactionalId !== undefined, 'a producer without transactional id has no transactions');
    if (this.#state === 'fenced' || this.#state === 'closed') return;
    assert(this.#state === 'idle', 'a transaction is open already');
    this.#state = 'open';
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
  }

  async abort(): Promise<'aborted' | 'committed'> {
    this.#check(false);
    if (this.#state === 'open') this.#end('abort');
    this.#pendingOffsets.length = 0;
    return 'aborted';
  }

  #end(type: 'commit' | 'abort'): void {
    for (const partition of this.#touched) {
      partition.append(
        encodeControlBatch({
          type,
          baseOffset: partition.state.end,
          producerId: this.producerId,
          epoch: this.epoch,
          timestamp: this.#log.clock.now(),
        }),
      );
    }
    this.#touched.clear();
    this.#state = 'idle';
  }

  /** A newer producer takes over: what is open is aborted. */
  fence(): void {
    if (this.#state === 'open') this.#end('abort');
    this.#state = 'fenced';
  }

  /** The log closes: what is open is aborted, as a restart would. */
  abandon(): void {
    if (this.#state === 'open') this.#end('abort');
  }

  /** A topic is gone, with what this transaction wrote to it. */
  forget(partitions: readonly MemoryPartition[], topic: string): void {
    for (const partition of partitions) this.#touched.delete(partition);
    for (const pending of this.#pendingOffsets) {
      pending.offsets = pending.offsets.filter((offset) => offset.topic !== topic);
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.#end('abort');
    if (this.#state !== 'fenced') this.#state = 'closed';
  }
}
