/**
 * The state of a partition besides its batches: who has written to it and which transactions are open or aborted.
 *
 * Everything here follows from the batches in order of offset, so it can always be rebuilt by reading them again
 * (`apply`).
 *
 * Idempotence. Of each producer the last five batches are kept. A batch with the same epoch and sequence numbers as one
 * of them was sent twice: it is answered with the first one's offset and not appended. Otherwise its first sequence
 * number must follow the last one (numbers wrap from 2^31 - 1 to 0), or be 0 when the epoch is new. A lower epoch is
 * fenced. A producer never seen before may begin anywhere, because what was known of it may have been deleted with the
 * records, or forgotten since it had written nothing for a day.
 *
 * Transactions. The first batch of a producer after its last marker opens a transaction here; a control batch ends it.
 * The last stable offset is the first offset of the earliest open one. Aborted ranges [first batch, marker] stay as
 * long as their records.
 */

import { assert, firstNotBefore, itemAt } from '../base/index.ts';
import { controlTypeOf } from './control-batch.ts';
import { isGap } from './gap-batch.ts';
import { dropUnused, noteUse, producerIdExpirationMs } from './last-use.ts';
import type { Isolation, PartitionOffsets } from './log.ts';
import {
  addSequence,
  baseOffsetOf,
  baseSequenceOf,
  isControl,
  isTransactional,
  lastOffsetOf,
  producerEpochOf,
  producerIdOf,
  recordCountOf,
} from './record-batch.ts';

/** How many batches of a producer are remembered. */
const remembered = 5;

export interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

export interface ProducerEntry {
  epoch: number;
  /** Of this epoch, the oldest first. */
  batches: RememberedBatch[];
  /** First offset of the open transaction, -1 when there is none. */
  openFrom: number;
  /** When it last wrote here, epoch milliseconds. */
  lastUseMs: number;
}

export interface AbortedRange {
  readonly producerId: number;
  readonly first: number;
  /** Offset of the abort marker. */
  readonly last: number;
}

/** What to do with a batch that a producer sends. */
export type SequenceCheck =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly lastOffset: number }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'out-of-order'; readonly expected: number };

const append: SequenceCheck = { kind: 'append' };

export class PartitionState {
  start = 0;
  end = 0;
  /** In order of last use. */
  readonly producers = new Map<number, ProducerEntry>();
  #lastProducer = -1;
  /** In order of marker. */
  #aborted: AbortedRange[] = [];
  #abortedOf = new Map<number, AbortedRange[]>();
  /** Grows with every aborted range: readers in other threads compare it. */
  abortedVersion = 0;
  /** Producers with an open transaction. */
  readonly #open = new Set<number>();

  get aborted(): readonly AbortedRange[] {
    return this.#aborted;
  }

  /** The first offset of the earliest open transaction, or the end. `except` names a producer whose own does not
   *  count. */
  stable(except = -1): number {
    let stable = this.end;
    for (const producerId of this.#open) {
      const openFrom = this.producers.get(producerId)?.openFrom ?? -1;
      if (producerId !== except && openFrom >= 0 && openFrom < stable) stable = openFrom;
    }
    return stable;
  }

  offsets(): PartitionOffsets {
    return { start: this.start, stable: this.stable(), end: this.end };
  }

  /** The offset at which a reader has to stop. */
  limit(isolation: Isolation): number {
    switch (isolation.kind) {
      case 'uncommitted':
        return this.end;
      case 'committed':
        return this.stable();
      case 'own':
        return this.stable(isolation.producerId);
    }
  }

  /** Producers with an open transaction here, and where it began. */
  *openTransactions(): IterableIterator<{
    readonly producerId: number;
    readonly epoch: number;
    readonly first: number;
  }> {
    for (const producerId of this.#open) {
      const entry = this.producers.get(producerId);
      if (entry !== undefined) yield { producerId, epoch: entry.epoch, first: entry.openFrom };
    }
  }

  openFrom(producerId: number): number {
    return this.producers.get(producerId)?.openFrom ?? -1;
  }

  /** Whether a producer's next batch may be appended, by its epoch and its sequence numbers; or which batch it
   *  repeats. */
  checkSequence(producerId: number, epoch: number, firstSequence: number, count: number): SequenceCheck {
    const entry = this.producers.get(producerId);
    if (entry === undefined) return append;
    if (epoch < entry.epoch) return { kind: 'fenced' };
    if (epoch > entry.epoch) return firstSequence === 0 ? append : { kind: 'out-of-order', expected: 0 };
    const last = entry.batches.at(-1);
    if (last === undefined) return append;
    const lastSequence = addSequence(firstSequence, count - 1);
    for (const batch of entry.batches) {
      if (batch.firstSequence === firstSequence && batch.lastSequence === lastSequence) {
        return { kind: 'duplicate', baseOffset: batch.baseOffset, lastOffset: batch.lastOffset };
      }
    }
    const expected = addSequence(last.lastSequence, 1);
    return firstSequence === expected ? append : { kind: 'out-of-order', expected };
  }

  /** Notes a stamped batch that was appended, the next one in order of offset, at `nowMs` (epoch milliseconds). */
  apply(bytes: Uint8Array, position: number, nowMs: number): void {
    const baseOffset = baseOffsetOf(bytes, position);
    const lastOffset = lastOffsetOf(bytes, position);
    assert(baseOffset >= this.end, () => `gap in the log: expected ${this.end}, got ${baseOffset}`);
    this.end = lastOffset + 1;
    const producerId = producerIdOf(bytes, position);
    if (producerId < 0) {
      if (isGap(bytes, position)) this.#abortOpen(lastOffset);
      return;
    }
    const epoch = producerEpochOf(bytes, position);
    let entry = this.producers.get(producerId);
    if (entry === undefined) {
      this.expireProducers(nowMs);
      entry = { epoch, batches: [], openFrom: -1, lastUseMs: nowMs };
    }
    if (producerId === this.#lastProducer) entry.lastUseMs = nowMs;
    else noteUse(this.producers, producerId, entry, nowMs);
    this.#lastProducer = producerId;
    if (epoch > entry.epoch) {
      entry.epoch = epoch;
      entry.batches = [];
    }
    if (isControl(bytes, position)) {
      if (entry.openFrom >= 0 && controlTypeOf(bytes, position) === 'abort') {
        this.addAborted({ producerId, first: entry.openFrom, last: lastOffset });
      }
      entry.openFrom = -1;
      this.#open.delete(producerId);
      return;
    }
    const firstSequence = baseSequenceOf(bytes, position);
    if (firstSequence >= 0) {
      if (entry.batches.length === remembered) entry.batches.shift();
      const lastSequence = addSequence(firstSequence, lastOffset - baseOffset);
      entry.batches.push({ firstSequence, lastSequence, baseOffset, lastOffset });
    }
    if (isTransactional(bytes, position) && entry.openFrom < 0 && recordCountOf(bytes, position) > 0) {
      entry.openFrom = baseOffset;
      this.#open.add(producerId);
    }
  }

  /** Every open transaction counts as aborted from here on: how it ended is lost. */
  #abortOpen(last: number): void {
    for (const producerId of this.#open) {
      const entry = this.producers.get(producerId);
      if (entry === undefined) continue;
      this.addAborted({ producerId, first: entry.openFrom, last });
      entry.openFrom = -1;
    }
    this.#open.clear();
  }

  addAborted(range: AbortedRange): void {
    assert(range.first >= 0 && range.first <= range.last, () => `[${range.first}, ${range.last}] is not a range`);
    this.#aborted.push(range);
    const own = this.#abortedOf.get(range.producerId);
    if (own === undefined) this.#abortedOf.set(range.producerId, [range]);
    else own.push(range);
    this.abortedVersion++;
  }

  /** Restores a producer from a snapshot. */
  restoreProducer(producerId: number, entry: ProducerEntry): void {
    assert(producerId >= 0 && entry.epoch >= 0, () => `${producerId}, ${entry.epoch} name no producer`);
    assert(entry.batches.length <= remembered, () => `${entry.batches.length} batches of one producer`);
    this.producers.set(producerId, entry);
    if (entry.openFrom >= 0) this.#open.add(producerId);
  }

  /** Forgets the producers that have written nothing for long and have no open transaction. */
  expireProducers(nowMs: number): void {
    dropUnused(this.producers, { nowMs, keepMs: producerIdExpirationMs }, ({ openFrom }) => openFrom >= 0);
    if (!this.producers.has(this.#lastProducer)) this.#lastProducer = -1;
  }

  /** Forgets the producers that have no open transaction: none of them sends another batch. */
  forgetProducers(): void {
    for (const [producerId, { openFrom }] of this.producers) if (openFrom < 0) this.producers.delete(producerId);
    this.#lastProducer = -1;
  }

  /** Raises the start offset; aborted ranges that lie wholly below it are forgotten. */
  raiseStart(start: number): void {
    if (start <= this.start) return;
    assert(start <= this.end, () => `a start of ${start} lies beyond the end ${this.end}`);
    this.start = start;
    if (this.#aborted.some((range) => range.last < start)) {
      this.replaceAborted(this.#aborted.filter((range) => range.last >= start));
    }
  }

  /** Replaces all aborted ranges, as a reader in another thread receives them. */
  replaceAborted(ranges: readonly AbortedRange[]): void {
    const version = this.abortedVersion;
    this.#aborted = [];
    this.#abortedOf = new Map();
    for (const range of ranges) this.addAborted(range);
    this.abortedVersion = version;
  }

  /** Whether a batch of this producer at this offset was aborted. */
  isAborted(producerId: number, offset: number): boolean {
    const ranges = this.#abortedOf.get(producerId);
    if (ranges === undefined) return false;
    // Ranges of one producer do not overlap and are in order: the first that ends at or behind the offset decides.
    const first = firstNotBefore(ranges.length, (i) => itemAt(ranges, i).last < offset);
    const range = ranges[first];
    return range !== undefined && range.first <= offset;
  }

  /** Whether a reader of committed records is shown the batch at `position` (which lies below the reader's limit). */
  shows(bytes: Uint8Array, position: number): boolean {
    if (isControl(bytes, position)) return false;
    return (
      !isTransactional(bytes, position) || !this.isAborted(producerIdOf(bytes, position), baseOffsetOf(bytes, position))
    );
  }
}
