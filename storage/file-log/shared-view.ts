/**
 * The shared view: what lets other threads read the segment files of a log themselves.
 *
 * The thread that owns the log writes, after every change, the offsets of the partition into a shared array. A reader
 * in another thread reads only below them, so it never meets bytes that are still being written. Layout, in 64-bit
 * words behind a first line of 64 bytes whose first two 32-bit words are a change counter (to wait on) and the number
 * of threads that wait:
 *
 *   partition   0 version (odd while it is being written)   1 start (-1: deleted)   2 stable   3 end
 *               4 aborted version   5 producer of the earliest open transaction (-1: none)   6 stable offset without that one
 *               7 layout (odd while segments are being replaced by compacted ones)   8 number of the topic
 *
 * Slots of a deleted topic are used again. Every topic has a number of its own, never used again: a reader that still
 * has a slot of a former topic finds another number there, and takes its topic for deleted.
 *
 * Aborted ranges grow without bound and change seldom: they go over a port. Whoever finds another aborted version than
 * it knows asks, before it reads below the stable offset; the owner writes the version before it raises the stable
 * offset. Topics made or deleted later are announced over the same port.
 */

import { assert } from '../../base/index.ts';
import { LogError, type TopicDescription } from '../log.ts';
import type { FilePartition } from './partition.ts';
import { Slots } from './slots.ts';

const mostPartitions = 65_536;
export const slotWords = 9;
export const firstSlotWord = 8;
export const changeCounter = 0;
export const waitingCounter = 1;
export const word = {
  version: 0,
  start: 1,
  stable: 2,
  end: 3,
  abortedVersion: 4,
  openProducer: 5,
  stableWithout: 6,
  layout: 7,
  topic: 8,
} as const;

export interface SharedTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly number: number;
  /** Slot of partition 0; the others follow. */
  readonly firstSlot: number;
}

/** Goes to another thread by `postMessage(view, [view.port])`. */
export interface SharedLogView {
  readonly directory: string;
  readonly shared: SharedArrayBuffer;
  readonly topics: readonly SharedTopic[];
  readonly port: MessagePort;
  /** How many segment files the other thread may keep open. */
  readonly openFiles: number;
}

/** Asked by a reader. */
export type SharedQuestion =
  | { readonly kind: 'aborted'; readonly request: number; readonly slot: number }
  | { readonly kind: 'deletions'; readonly request: number; readonly slot: number }
  | { readonly kind: 'topic'; readonly request: number; readonly name: string };

/** Answered or announced by the owner. `ranges` holds producer, first, last of each aborted range. */
export type SharedAnswer =
  | { readonly kind: 'aborted'; readonly request: number; readonly version: number; readonly ranges: Float64Array }
  | { readonly kind: 'deletions'; readonly request: number; readonly keptFrom: number }
  | { readonly kind: 'topic'; readonly request: number; readonly topic: SharedTopic | undefined }
  | { readonly kind: 'created'; readonly topic: SharedTopic }
  | { readonly kind: 'deleted'; readonly name: string };

export class SharedPublisher {
  readonly #directory: string;
  readonly #openFiles: number;
  readonly #shared = new SharedArrayBuffer(64 + mostPartitions * slotWords * 8);
  readonly #counters = new Int32Array(this.#shared, 0, 16);
  readonly #words = new BigInt64Array(this.#shared);
  readonly #topics = new Map<string, SharedTopic>();
  /** By slot. */
  readonly #partitions: (FilePartition | undefined)[] = [];
  readonly #slots = new Slots(mostPartitions);
  #nextNumber = 1;
  readonly #ports = new Set<MessagePort>();

  constructor(directory: string, openFiles: number) {
    this.#directory = directory;
    this.#openFiles = openFiles;
  }

  /** Throws a `LogError` when a topic of so many partitions has no room. */
  checkRoom(name: string, partitions: number): void {
    const slot = this.#slots.take(partitions);
    if (slot !== undefined) {
      this.#slots.give(slot, partitions);
      return;
    }
    throw new LogError(
      'refused',
      'LOG_TOO_MANY_PARTITIONS',
      `topic "${name}" has no room for its ${partitions} partitions`,
      {
        hint: `All topics together may have ${mostPartitions} partitions. Delete topics, or ask for fewer partitions.`,
      },
    );
  }

  add(description: TopicDescription, partitions: readonly FilePartition[]): void {
    const { name, id } = description;
    const firstSlot = this.#slots.take(partitions.length);
    assert(firstSlot !== undefined, `${name} has no room in the shared view`);
    const topic = { name, id, number: this.#nextNumber++, partitions: partitions.length, firstSlot };
    for (const [i, partition] of partitions.entries()) {
      const slot = firstSlot + i;
      this.#partitions[slot] = partition;
      // Nobody reads by this number yet.
      Atomics.store(this.#words, firstSlotWord + slot * slotWords + word.layout, 0n);
      Atomics.store(this.#words, firstSlotWord + slot * slotWords + word.topic, BigInt(topic.number));
      partition.publish = () => this.#publish(slot, partition);
      partition.publishLayout = () => void Atomics.add(this.#words, firstSlotWord + slot * slotWords + word.layout, 1n);
      this.#publish(slot, partition);
    }
    this.#topics.set(name, topic);
    this.#announce({ kind: 'created', topic });
  }

  remove(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    for (let i = 0; i < topic.partitions; i++) {
      const partition = this.#partitions[topic.firstSlot + i];
      if (partition !== undefined) {
        partition.publish = undefined;
        partition.publishLayout = undefined;
      }
      this.#partitions[topic.firstSlot + i] = undefined;
      Atomics.store(this.#words, firstSlotWord + (topic.firstSlot + i) * slotWords + word.start, -1n);
    }
    this.#slots.give(topic.firstSlot, topic.partitions);
    this.#wake();
    this.#announce({ kind: 'deleted', name });
  }

  #announce(message: SharedAnswer): void {
    for (const port of this.#ports) port.postMessage(message);
  }

  #publish(slot: number, { state }: FilePartition): void {
    const words = this.#words;
    const base = firstSlotWord + slot * slotWords;
    const stable = state.stable();
    let openProducer = -1;
    if (stable < state.end) {
      for (const open of state.openTransactions()) if (open.first === stable) openProducer = open.producerId;
    }
    const version = Atomics.load(words, base + word.version);
    Atomics.store(words, base + word.version, version + 1n);
    Atomics.store(words, base + word.abortedVersion, BigInt(state.abortedVersion));
    Atomics.store(words, base + word.start, BigInt(state.start));
    Atomics.store(words, base + word.stable, BigInt(stable));
    Atomics.store(words, base + word.end, BigInt(state.end));
    Atomics.store(words, base + word.openProducer, BigInt(openProducer));
    Atomics.store(words, base + word.stableWithout, BigInt(openProducer < 0 ? stable : state.stable(openProducer)));
    Atomics.store(words, base + word.version, version + 2n);
    this.#wake();
  }

  #wake(): void {
    Atomics.add(this.#counters, changeCounter, 1);
    if (Atomics.load(this.#counters, waitingCounter) > 0) Atomics.notify(this.#counters, changeCounter);
  }

  view(): SharedLogView {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', (event: MessageEvent) => this.#answer(port1, event.data as SharedQuestion));
    port1.start();
    // The log must not keep a process alive that has nothing else to do.
    port1.unref();
    this.#ports.add(port1);
    // The other thread has ended.
    port1.addEventListener('close', () => this.#ports.delete(port1));
    return {
      directory: this.#directory,
      shared: this.#shared,
      topics: [...this.#topics.values()],
      port: port2,
      openFiles: this.#openFiles,
    };
  }

  #answer(port: MessagePort, question: SharedQuestion): void {
    const { request } = question;
    if (question.kind === 'topic') {
      const answer: SharedAnswer = { kind: 'topic', request, topic: this.#topics.get(question.name) };
      port.postMessage(answer);
      return;
    }
    if (question.kind === 'deletions') {
      const keptFrom = this.#partitions[question.slot]?.deletionsKeptFrom ?? 0;
      port.postMessage({ kind: 'deletions', request, keptFrom } satisfies SharedAnswer);
      return;
    }
    const state = this.#partitions[question.slot]?.state;
    const ranges = new Float64Array(
      (state?.aborted ?? []).flatMap(({ producerId, first, last }) => [producerId, first, last]),
    );
    const answer: SharedAnswer = { kind: 'aborted', request, version: state?.abortedVersion ?? 0, ranges };
    port.postMessage(answer);
  }

  close(): void {
    for (const port of this.#ports) port.close();
    this.#ports.clear();
  }
}
