/**
 * The delayed log: the memory log behind a bad network, for tests.
 *
 * Every call takes time; some are answered "unknown", whether their effect has happened, never will, or is still
 * to come; some find that a newer producer has taken over. All of it follows from one seed and the injected timers, so
 * that a failing run can be run again.
 *
 * What a network may do is done here, and no more: the requests of one producer take effect in the order of the calls,
 * except that a commit answered "unknown" may still be under way. It takes effect late, unless something else of its
 * producer came first: then it is void. (A late commit that ended the *next* transaction is a known fault of older
 * protocols; each transaction here has a number that the request carries.) An append with an unknown end breaks its
 * transaction: only `abort` remains.
 */

import { assert, type Clock, itemAt, Random, type Timers } from '../base/index.ts';
import {
  type Acks,
  type Appended,
  type Chunk,
  type Fetched,
  type FetchRequest,
  type Log,
  LogError,
  type OffsetToCommit,
  type Producer,
  type ProducerOptions,
  type Reader,
  type TopicPartition,
} from './log.ts';
import { noTransaction, readFailed, transactionBroken } from './log-errors.ts';
import { openMemoryLog } from './memory-log.ts';
import { baseOffsetOf, nextOffsetOf } from './record-batch.ts';

export interface DelayedLogOptions {
  readonly timers: Timers;
  readonly clock?: Clock;
  /** Where every delay and fault comes from. */
  readonly seed?: number;
  /** The longest delay of a request, and of its answer. Default 5. */
  readonly maxDelayMs?: number;
  /** Probabilities, per call; default 0. */
  readonly faults?: DelayedLogFaults;
  /** The log behind the network; default a new memory log. */
  readonly log?: Log;
}

export interface DelayedLogFaults {
  /** Appends, offsets: answered "unknown"; half of them had their effect. */
  readonly appendUnknown?: number;
  /** Commits: answered "unknown"; a third each had their effect, never will have it, will have it later. */
  readonly commitUnknown?: number;
  /** Aborts: answered "unknown"; half of them had their effect. The caller has to open the producer again. */
  readonly abortUnknown?: number;
  /** Appends and commits: a newer producer with the same transactional id takes over before the effect. */
  readonly fenced?: number;
  /** Appends and commits: refused as "unavailable", without effect. */
  readonly unavailable?: number;
  /** Fetches, for each partition that has something: it cannot be read now. */
  readonly readUnavailable?: number;
}

/** A delayed log, and a switch for its faults (delays stay). */
export interface DelayedLog extends Log {
  setFaults(faults: DelayedLogFaults): void;
  /** From now on the batch with this offset cannot be read. */
  makeUnreadable(target: TopicPartition, offset: number): void;
}

export const openDelayedLog = async (options: DelayedLogOptions): Promise<DelayedLog> => {
  const random = new Random(options.seed ?? 1);
  const inner =
    options.log ??
    (await openMemoryLog({
      timers: options.timers,
      random: new Random(random.u32()),
      ...(options.clock !== undefined && { clock: options.clock }),
    }));
  return new Network(inner, options, random);
};

const unknownError = (call: string): LogError =>
  new LogError('unknown', 'LOG_TIMED_OUT', `no answer to ${call} came in time; it may or may not have happened`);

class Network implements DelayedLog {
  readonly #inner: Log;
  readonly #timers: Timers;
  readonly random: Random;
  readonly #maxDelayMs: number;
  faults: DelayedLogFaults;
  /** By partition, an offset within the batch that cannot be read. */
  readonly #unreadable = new Map<string, number>();

  constructor(inner: Log, options: DelayedLogOptions, random: Random) {
    this.#inner = inner;
    this.#timers = options.timers;
    this.#maxDelayMs = options.maxDelayMs ?? 5;
    this.faults = options.faults ?? {};
    this.random = random;
  }

  get recovery() {
    return this.#inner.recovery;
  }

  get housekeepingFailure() {
    return this.#inner.housekeepingFailure;
  }

  get damage() {
    return this.#inner.damage;
  }

  get fenced() {
    return this.#inner.fenced;
  }

  get refusedWrite() {
    return this.#inner.refusedWrite;
  }

  setFaults(faults: DelayedLogFaults): void {
    this.faults = faults;
  }

  makeUnreadable({ topic, partition }: TopicPartition, offset: number): void {
    this.#unreadable.set(`${topic}/${partition}`, offset);
  }

  pause(): Promise<void> {
    const ms = this.random.float() * this.#maxDelayMs;
    return new Promise((resolve) => this.#timers.after(ms, resolve));
  }

  async #call<T>(effect: () => Promise<T>): Promise<T> {
    await this.pause();
    try {
      return await effect();
    } finally {
      await this.pause();
    }
  }

  createTopic: Log['createTopic'] = (spec) => this.#call(() => this.#inner.createTopic(spec));
  deleteTopic: Log['deleteTopic'] = (name) => this.#call(() => this.#inner.deleteTopic(name));
  describeTopics: Log['describeTopics'] = () => this.#call(() => this.#inner.describeTopics());
  describeTopic: Log['describeTopic'] = (name) => this.#call(() => this.#inner.describeTopic(name));
  offsets: Log['offsets'] = (target) => this.#call(() => this.#inner.offsets(target));
  sizeBytes: Log['sizeBytes'] = (target) => this.#call(() => this.#inner.sizeBytes(target));
  deleteRecords: Log['deleteRecords'] = (target, offset) => this.#call(() => this.#inner.deleteRecords(target, offset));
  releaseTombstones: Log['releaseTombstones'] = (target, offset) =>
    this.#call(() => this.#inner.releaseTombstones(target, offset));
  deletionsKeptFrom: Log['deletionsKeptFrom'] = (target) => this.#call(() => this.#inner.deletionsKeptFrom(target));
  offsetForTime: Log['offsetForTime'] = (target, timestamp) =>
    this.#call(() => this.#inner.offsetForTime(target, timestamp));
  committed: Log['committed'] = (group) => this.#call(() => this.#inner.committed(group));
  commitOffsets: Log['commitOffsets'] = (group, offsets) => this.#call(() => this.#inner.commitOffsets(group, offsets));
  deleteGroup: Log['deleteGroup'] = (group) => this.#call(() => this.#inner.deleteGroup(group));
  groups: Log['groups'] = () => this.#call(() => this.#inner.groups());
  acceptLoss: Log['acceptLoss'] = (topic) => this.#call(() => this.#inner.acceptLoss(topic));
  close: Log['close'] = () => this.#call(() => this.#inner.close());

  reader(): Reader {
    const reader = this.#inner.reader();
    return {
      fetch: async (requests, options) => {
        await this.pause();
        return this.#faulty(requests, await reader.fetch(requests, options));
      },
      wakeup: () => reader.wakeup(),
      close: () => reader.close(),
    };
  }

  /** What was fetched, as far as the faults let it through. */
  #faulty(requests: readonly FetchRequest[], fetched: Fetched): Fetched {
    const chunks: Chunk[] = [];
    const failures = [...fetched.failures];
    for (const chunk of fetched.chunks) {
      const request = requests.find(
        ({ topic, partition, isolation, offset }) =>
          topic === chunk.topic &&
          partition === chunk.partition &&
          isolation === chunk.isolation &&
          offset < chunk.nextOffset,
      );
      assert(request !== undefined, 'a chunk answers a request');
      const damagedAt = this.#unreadable.get(`${chunk.topic}/${chunk.partition}`);
      const sound = damagedAt === undefined ? chunk : soundPart(chunk, damagedAt);
      if (this.random.chance(this.faults.readUnavailable ?? 0)) {
        failures.push({ ...request, error: readFailed(request, 'the connection was lost') });
      } else if (sound === undefined || sound.nextOffset <= request.offset) {
        failures.push({ ...request, error: damagedBatch(request) });
      } else {
        chunks.push(sound);
        continue;
      }
      chunk.release();
    }
    return { chunks, failures };
  }

  async producer(options: ProducerOptions = {}): Promise<Producer> {
    const producer = await this.#call(() => this.#inner.producer(options));
    const rival = async (): Promise<void> => {
      if (options.transactionalId !== undefined) await this.#inner.producer(options);
    };
    return new DelayedProducer(this, producer, rival, options.transactionalId !== undefined);
  }
}

const damagedBatch = ({ topic, partition, offset }: FetchRequest): LogError =>
  new LogError('refused', 'LOG_CORRUPT_BATCH', `the batch at offset ${offset} of ${topic}/${partition} is damaged`);

/** The batches before the damaged one; undefined when there are none. */
const soundPart = (chunk: Chunk, damagedAt: number): Chunk | undefined => {
  if (chunk.nextOffset <= damagedAt) return chunk;
  const bad = chunk.batches.findIndex((at) => nextOffsetOf(chunk.bytes, at) > damagedAt);
  if (bad < 0 || baseOffsetOf(chunk.bytes, itemAt(chunk.batches, bad)) > damagedAt) return chunk;
  if (bad === 0) return undefined;
  const nextOffset = baseOffsetOf(chunk.bytes, itemAt(chunk.batches, bad));
  return { ...chunk, batches: chunk.batches.slice(0, bad), nextOffset };
};

class DelayedProducer implements Producer {
  readonly producerId: number;
  readonly epoch: number;
  readonly #network: Network;
  readonly #inner: Producer;
  readonly #rival: () => Promise<void>;
  readonly #transactional: boolean;
  /** The effect that was asked for last: none happens before the one before it. */
  #lastEffect: Promise<unknown> = Promise.resolve();
  /** Counts transactions; a late commit compares it with the one that it was sent for. */
  #transaction = 0;
  #open = false;
  /** Appends and offsets of the transaction that are not answered yet. */
  readonly #inFlight = new Set<Promise<unknown>>();
  #broken: unknown;
  /** The end of the last transaction, where a late commit found it out. */
  #late: 'committed' | undefined;

  constructor(network: Network, inner: Producer, rival: () => Promise<void>, transactional: boolean) {
    this.#network = network;
    this.#inner = inner;
    this.#rival = rival;
    this.#transactional = transactional;
    this.producerId = inner.producerId;
    this.epoch = inner.epoch;
  }

  /** Runs effects one after another, in the order of the calls. */
  #inOrder<T>(effect: () => Promise<T>): Promise<T> {
    const outcome = this.#lastEffect.then(effect);
    this.#lastEffect = outcome.catch(() => undefined);
    return outcome;
  }

  async #takeOver(): Promise<void> {
    const { random, faults } = this.#network;
    if (random.chance(faults.fenced ?? 0)) await this.#rival();
    if (random.chance(faults.unavailable ?? 0)) {
      throw new LogError('unavailable', 'LOG_UNAVAILABLE', 'the log cannot take writes now');
    }
  }

  /** A request, its effect and its answer; each may be lost. */
  async #send<T>(call: string, unknownRate: number, effect: () => Promise<T>): Promise<T> {
    const { random } = this.#network;
    const lost = random.chance(unknownRate);
    const happens = !lost || random.chance(0.5);
    // The delay of the request is part of the effect, so that overlapping calls stay in order.
    const answer = this.#inOrder(async () => {
      await this.#network.pause();
      if (!happens) throw unknownError(call);
      await this.#takeOver();
      return effect();
    });
    try {
      const result = await answer;
      await this.#network.pause();
      if (lost) throw unknownError(call);
      return result;
    } catch (error) {
      await this.#network.pause();
      throw error;
    }
  }

  /** An append or offsets of the open transaction: failing other than "refused" breaks it. */
  async #part<T>(call: string, effect: () => Promise<T>): Promise<T> {
    const transaction = this.#transaction;
    const part = this.#send(call, this.#network.faults.appendUnknown ?? 0, effect);
    if (!this.#transactional) return part;
    this.#inFlight.add(part);
    try {
      return await part;
    } catch (error) {
      const harmless = error instanceof LogError && error.kind === 'refused';
      if (!harmless && transaction === this.#transaction) this.#broken ??= error;
      throw error;
    } finally {
      this.#inFlight.delete(part);
    }
  }

  append(target: TopicPartition, batch: Uint8Array, acks: Acks): Promise<Appended> {
    return this.#part('an append', () => this.#inner.append(target, batch, acks));
  }

  begin(): void {
    assert(!this.#open, 'a transaction is open already');
    this.#inner.begin();
    this.#transaction++;
    this.#open = true;
    this.#broken = undefined;
    this.#late = undefined;
  }

  sendOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    return this.#part('sending offsets', () => this.#inner.sendOffsets(group, offsets));
  }

  async commit(): Promise<void> {
    if (!this.#open) throw noTransaction();
    await Promise.allSettled(this.#inFlight);
    if (this.#broken instanceof LogError && this.#broken.kind === 'fenced') throw this.#broken;
    if (this.#broken !== undefined) throw transactionBroken(this.#broken);
    const { random, faults } = this.#network;
    if (random.chance(faults.commitUnknown ?? 0)) {
      const outcome = random.below(3);
      if (outcome === 0) await this.#commitOf(this.#transaction);
      if (outcome === 2) this.#commitLate(this.#transaction);
      await this.#network.pause();
      this.#broken = unknownError('a commit');
      throw this.#broken;
    }
    try {
      await this.#inOrder(async () => {
        await this.#network.pause();
        await this.#takeOver();
        await this.#inner.commit();
      });
    } catch (error) {
      this.#broken = error;
      throw error;
    }
    this.#open = false;
    await this.#network.pause();
  }

  /** The effect of a commit whose answer is lost, if its transaction is still the open one. */
  async #commitOf(transaction: number): Promise<void> {
    await this.#inOrder(async () => {
      if (transaction !== this.#transaction || this.#late !== undefined || !this.#open) return;
      await this.#inner.commit();
      this.#late = 'committed';
    }).catch(() => undefined);
  }

  #commitLate(transaction: number): void {
    void (async () => {
      for (let i = 0; i < 4; i++) await this.#network.pause();
      await this.#commitOf(transaction);
    })();
  }

  async abort(): Promise<'aborted' | 'committed'> {
    await Promise.allSettled(this.#inFlight);
    return this.#send('an abort', this.#network.faults.abortUnknown ?? 0, async () => {
      if (this.#late === 'committed') {
        this.#open = false;
        return 'committed';
      }
      const end = await this.#inner.abort();
      this.#open = false;
      return end;
    });
  }

  async close(): Promise<void> {
    await this.#inOrder(() => this.#inner.close());
  }
}
