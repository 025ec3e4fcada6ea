/**
 * The shared view: what lets other threads read the segment files of a log themselves. Here: what is shared, and what
 * is sent. The owner's side is shared-publisher.ts, the readers' side shared-reader.ts.
 *
 * After every change the thread that owns the log writes the offsets of the partition into a shared array. A reader in
 * another thread reads only below them, so it never meets bytes that are still being written. The array begins with a
 * line of 64 bytes; its first two 32-bit words are a change counter, on which readers wait, and the number of those
 * that wait. Behind it each partition has a slot of 64-bit words:
 *
 *   0 version (odd while it is being written)   1 start (-1: deleted)   2 stable   3 end
 *   4 version of the aborted ranges   5 producer of the earliest open transaction (-1: none)
 *   6 stable without that transaction
 *   7 layout (odd while segments are being replaced by compacted ones)   8 number of the topic
 *
 * Slots of a deleted topic are used again. The number of a topic is never used again: a reader that still has a slot of
 * a former topic finds another number there: its topic is deleted. A question about a slot carries the
 * number for the same reason.
 *
 * Aborted ranges have no fixed size and change seldom: they are sent over a port. A reader that finds another version
 * than its own asks for them before it reads below the stable offset; the owner writes the version before it raises
 * the stable offset. Topics made or deleted later are announced over the same port.
 */

import { assert } from '../../base/index.ts';

/** All topics together have at most so many partitions. */
export const mostPartitions = 65_536;

const headerBytes = 64;
const slotWords = 9;

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

export type Word = (typeof word)[keyof typeof word];

/** The start of a topic that is gone. */
export const deletedStart = -1;

/** The counters at the front of the shared array. */
export const changeCounter = 0;
export const waitingCounter = 1;

export const sharedBytes = headerBytes + mostPartitions * slotWords * 8;

/** Typed access to the shared array. */
export class SharedWords {
  readonly counters: Int32Array<SharedArrayBuffer>;
  readonly #words: BigInt64Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer) {
    assert(shared.byteLength === sharedBytes, () => `a shared view of ${shared.byteLength} bytes, not ${sharedBytes}`);
    this.counters = new Int32Array(shared, 0, headerBytes / 4);
    this.#words = new BigInt64Array(shared, headerBytes);
  }

  get(slot: number, which: Word): number {
    return Number(Atomics.load(this.#words, slot * slotWords + which));
  }

  set(slot: number, which: Word, value: number): void {
    Atomics.store(this.#words, slot * slotWords + which, BigInt(value));
  }

  increment(slot: number, which: Word): void {
    Atomics.add(this.#words, slot * slotWords + which, 1n);
  }
}

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

/** A partition's slot while it belongs to the topic with this number. */
export interface SlotOfTopic {
  readonly slot: number;
  readonly topicNumber: number;
}

/** Asked by a reader; `request` numbers its questions. `topic` is asked about by name. */
export type SharedQuestion =
  | { readonly kind: 'aborted'; readonly request: number; readonly about: SlotOfTopic }
  | { readonly kind: 'deletions'; readonly request: number; readonly about: SlotOfTopic }
  | { readonly kind: 'topic'; readonly request: number; readonly about: string };

/** Answered by the owner. `gone`: the slot belongs to another topic now, or to none. */
export type SharedAnswer =
  /** `ranges` holds producer, first and last offset of each aborted range. */
  | { readonly kind: 'aborted'; readonly request: number; readonly version: number; readonly ranges: Float64Array }
  | { readonly kind: 'deletions'; readonly request: number; readonly keptFrom: number }
  | { readonly kind: 'topic'; readonly request: number; readonly topic: SharedTopic | undefined }
  | { readonly kind: 'gone'; readonly request: number };

/** Sent by the owner without being asked. */
export type SharedAnnouncement =
  | { readonly kind: 'created'; readonly topic: SharedTopic }
  | { readonly kind: 'deleted'; readonly name: string };

export type SharedMessage = SharedAnswer | SharedAnnouncement;
