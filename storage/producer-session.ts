/**
 * What a producer does the same way in every log of this process: which calls are allowed when, and how a batch becomes
 * the next one of this producer in a partition.
 *
 *   idle -> open            begin
 *   open -> committing      commit; back to idle when it is done, to open when it failed (only abort is left then)
 *   open -> aborting        abort; back to idle when every marker is written, otherwise abort is to be called again
 *   any  -> fenced          a newer producer with the same transactional id was opened
 *   any  -> closed          close
 */

import { assert } from '../base/index.ts';
import type { Appended, TopicDescription, TopicPartition } from './log.ts';
import {
  badBatch,
  closedError,
  fencedError,
  noTransaction,
  outOfOrder,
  tooLarge,
  transactionBroken,
} from './log-errors.ts';
import type { PartitionState } from './partition-state.ts';
import { addSequence, checkNewBatch, recordCountOf, stampBatch } from './record-batch.ts';
import { numberConfig } from './topic-rules.ts';

export type ProducerState = 'idle' | 'open' | 'committing' | 'aborting' | 'fenced' | 'closed';

/** Epochs are 16 bits wide: after the last one a transactional id goes on with another producer id. */
export const lastEpoch = 32_766;

export class ProducerSession {
  readonly producerId: number;
  readonly epoch: number;
  readonly transactionalId: string | undefined;
  state: ProducerState = 'idle';
  /** Why the open transaction can only be aborted. */
  broken: unknown;
  /** The next sequence number by partition. Weak: a producer outlives the topics that it wrote to. */
  readonly #sequences = new WeakMap<PartitionState, number>();

  constructor(producerId: number, epoch: number, transactionalId: string | undefined) {
    assert(producerId >= 0, () => `${producerId} is not a producer id`);
    assert(epoch >= 0 && epoch <= lastEpoch, () => `${epoch} is not the epoch of a producer`);
    this.producerId = producerId;
    this.epoch = epoch;
    this.transactionalId = transactionalId;
  }

  get isTransactional(): boolean {
    return this.transactionalId !== undefined;
  }

  get hasTransaction(): boolean {
    return this.state === 'open' || this.state === 'aborting';
  }

  /** Throws unless the producer may be used now, and with `inTransaction` unless a transaction is open that can
   *  still be committed. */
  check(inTransaction: boolean): void {
    if (this.state === 'fenced') throw fencedError(this.transactionalId);
    if (this.state === 'closed') throw closedError();
    if (inTransaction && this.state === 'aborting') throw transactionBroken(this.broken);
    if (inTransaction && this.state !== 'open') throw noTransaction();
  }

  begin(): void {
    assert(this.isTransactional, 'a producer without transactional id has no transactions');
    // The next call reports it.
    if (this.state === 'fenced' || this.state === 'closed') return;
    assert(this.state === 'idle', 'a transaction is open already');
    this.state = 'open';
    this.broken = undefined;
  }

  /** Throws unless the topic allows such a batch. */
  checkBatch(target: TopicPartition, { configs }: TopicDescription, batch: Uint8Array): void {
    const fault = checkNewBatch(batch);
    if (fault !== undefined) throw badBatch(target, fault);
    for (const config of ['max.message.bytes', 'segment.bytes']) {
      const limit = numberConfig(configs, config);
      if (batch.length > limit) throw tooLarge(target, batch.length, limit, config);
    }
  }

  /** Stamps the batch as the next one of this producer at the end of the partition, and appends it by `append`. When
   *  that throws, the batch counts as never sent. */
  send(
    target: TopicPartition,
    partition: PartitionState,
    batch: Uint8Array,
    append: (batch: Uint8Array) => void,
  ): Appended {
    const { producerId, epoch, isTransactional: transactional } = this;
    const baseSequence = this.#sequences.get(partition) ?? 0;
    const count = recordCountOf(batch, 0);
    const check = partition.checkSequence(producerId, epoch, baseSequence, count);
    if (check.kind === 'fenced') throw fencedError(this.transactionalId);
    if (check.kind === 'out-of-order') throw outOfOrder(target, check.expected, baseSequence);
    assert(check.kind === 'append', 'a producer of this process never sends a batch twice');
    const baseOffset = partition.end;
    stampBatch(batch, { baseOffset, producerId, epoch, baseSequence, transactional });
    append(batch);
    const nextOffset = baseOffset + count;
    assert(partition.end === nextOffset, () => `the partition ends at ${partition.end}, not at ${nextOffset}`);
    this.#sequences.set(partition, addSequence(baseSequence, count));
    return { baseOffset, nextOffset };
  }
}
