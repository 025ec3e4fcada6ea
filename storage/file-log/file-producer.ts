/**
 * A producer of the file log: stamps and appends batches, and runs the commit protocol that coordinator.ts describes.
 */

import { assert } from '../../base/index.ts';
import {
  type Acks,
  type Appended,
  type CommittedOffset,
  LogError,
  type Producer,
  type TopicDescription,
  type TopicPartition,
} from '../log.ts';
import {
  badBatch,
  closedError,
  fencedError,
  noTransaction,
  outOfOrder,
  tooLarge,
  transactionBroken,
} from '../log-errors.ts';
import { addSequence, type ControlType, checkNewBatch, recordCountOf, stampBatch } from '../record-batch.ts';
import { numberConfig, offsetsTopic } from '../topic-rules.ts';
import type { CommitRecord, Coordinator, StoredOffset } from './coordinator.ts';
import type { FilePartition } from './partition.ts';

/** What a producer needs of the log it belongs to. */
export interface ProducerHost {
  readonly coordinator: Coordinator;
  /** The error to reject writes with, once fenced. */
  readonly fenced: LogError | undefined;
  checkOpen(): void;
  /** What is on the disk is not known any more: nothing is acknowledged until the next start. */
  fence(cause: unknown): void;
  topic(name: string): { readonly description: TopicDescription };
  partition(target: TopicPartition): FilePartition;
  /** Checks offsets and puts them in the form in which they are stored. */
  storedOffsets(offsets: readonly CommittedOffset[]): StoredOffset[];
  /** The partitions whose records below a committed offset are not all on the disk. */
  unsyncedSources(offsets: readonly StoredOffset[]): FilePartition[];
  /** Writes the markers that wait for space in partitions where this producer's last transaction is still open, or
   *  throws why not. */
  finishMarkers(producerId: number): void;
  /** After the end of a transaction: housekeeping that nobody waits for. */
  transactionEnded(partitions: Iterable<FilePartition>): void;
}

type ProducerState = 'idle' | 'open' | 'committing' | 'aborting' | 'fenced' | 'closed';

export class FileProducer implements Producer {
  readonly producerId: number;
  readonly epoch: number;
  readonly #log: ProducerHost;
  readonly #transactionalId: string | undefined;
  #state: ProducerState = 'idle';
  /** Why the open transaction can only be aborted. */
  #broken: unknown;
  /** Set while a commit runs: whoever takes over waits for its end. */
  #committing: Promise<unknown> | undefined;
  /** Weak: a producer outlives the topics that it wrote to. */
  readonly #sequences = new WeakMap<FilePartition, number>();
  readonly #written = new Map<FilePartition, { first: number; last: number; topicId: string }>();
  #offsets: { readonly group: string; readonly stored: readonly StoredOffset[] }[] = [];

  constructor(log: ProducerHost, producerId: number, epoch: number, transactionalId: string | undefined) {
    this.#log = log;
    this.producerId = producerId;
    this.epoch = epoch;
    this.#transactionalId = transactionalId;
  }

  #check(inTransaction: boolean): void {
    if (this.#state === 'fenced') throw fencedError(this.#transactionalId);
    this.#log.checkOpen();
    if (this.#state === 'closed') throw closedError();
    if (inTransaction && this.#state === 'aborting') throw transactionBroken(this.#broken);
    if (inTransaction && this.#state !== 'open') throw noTransaction();
  }

  async append(target: TopicPartition, batch: Uint8Array, acks: Acks): Promise<Appended> {
    const transactional = this.#transactionalId !== undefined;
    this.#check(transactional);
    const partition = this.#log.partition(target);
    const { configs, id: topicId } = this.#log.topic(target.topic).description;
    const fault = checkNewBatch(batch);
    if (fault !== undefined) throw badBatch(target, fault);
    for (const config of ['max.message.bytes', 'segment.bytes']) {
      const limit = numberConfig(configs, config);
      if (batch.length > limit) throw tooLarge(target, batch.length, limit, config);
    }
    const { state } = partition;
    let baseOffset: number;
    try {
      partition.checkWritable();
      const baseSequence = this.#sequences.get(partition) ?? 0;
      const count = recordCountOf(batch, 0);
      const verdict = state.checkSequence(this.producerId, this.epoch, baseSequence, count);
      if (verdict.kind === 'fenced') throw fencedError(this.#transactionalId);
      if (verdict.kind === 'out-of-order') throw outOfOrder(target, verdict.expected, baseSequence);
      assert(verdict.kind === 'append', 'a producer of this process never sends a batch twice');
      baseOffset = state.end;
      stampBatch(batch, { baseOffset, producerId: this.producerId, epoch: this.epoch, baseSequence, transactional });
      partition.append(batch);
      this.#sequences.set(partition, addSequence(baseSequence, count));
    } catch (cause) {
      if (transactional) this.#broken ??= cause;
      throw cause;
    }
    const nextOffset = baseOffset + recordCountOf(batch, 0);
    if (transactional) {
      const written = this.#written.get(partition);
      if (written === undefined) this.#written.set(partition, { first: baseOffset, last: nextOffset - 1, topicId });
      else written.last = nextOffset - 1;
    } else if (acks === 'durable') await partition.sync();
    return { baseOffset, nextOffset };
  }

  begin(): void {
    assert(this.#transactionalId !== undefined, 'a producer without transactional id has no transactions');
    if (this.#state === 'fenced' || this.#state === 'closed') return;
    assert(this.#state === 'idle', 'a transaction is open already');
    this.#state = 'open';
    this.#broken = undefined;
  }

  async sendOffsets(group: string, offsets: readonly CommittedOffset[]): Promise<void> {
    this.#check(true);
    this.#offsets.push({ group, stored: this.#log.storedOffsets(offsets) });
  }

  async commit(): Promise<void> {
    this.#check(true);
    if (this.#broken !== undefined) throw transactionBroken(this.#broken);
    this.#state = 'committing';
    const committing = this.#commit();
    this.#committing = committing;
    try {
      await committing;
      this.#state = 'idle';
    } catch (cause) {
      this.#broken = cause;
      this.#state = 'open';
      throw cause;
    } finally {
      this.#committing = undefined;
    }
  }

  async #commit(): Promise<void> {
    const { coordinator } = this.#log;
    const transactionalId = this.#transactionalId ?? '';
    const { producerId, epoch } = this;
    const offsets = this.#offsets.filter(({ stored }) => stored.length > 0);
    if (offsets.length > 0) {
      const first = coordinator.offsets.state.end;
      for (const { group, stored } of offsets) {
        coordinator.writeOffsets(group, stored, this);
        const last = coordinator.offsets.state.end - 1;
        this.#written.set(coordinator.offsets, { first, last, topicId: offsetsTopic });
      }
    }
    for (const partition of this.#written.keys()) if (partition.deleted) this.#written.delete(partition);
    if (this.#written.size > 0) {
      const sources = this.#log.unsyncedSources(offsets.flatMap(({ stored }) => stored));
      await Promise.all([...this.#written.keys(), ...sources].map((partition) => partition.sync()));
      const record: CommitRecord = {
        transactionalId,
        producerId,
        epoch,
        partitions: [...this.#written].map(([partition, { first, last, topicId }]) => [
          topicId,
          partition.target.partition,
          first,
          last,
        ]),
      };
      coordinator.decide(record);
      try {
        await coordinator.transactions.sync();
      } catch (cause) {
        // The record may be on the disk or not, also when its file could not even be opened for the sync: only the next
        // start finds out. An abort now would contradict a record that a start finds later.
        this.#log.fence(cause);
        throw new LogError('unknown', 'LOG_COMMIT_UNKNOWN', 'the disk failed while the commit was written', { cause });
      }
      const partitions = [...this.#written.keys()].filter((partition) => !partition.deleted);
      this.#mark('commit');
      coordinator.finish(record, partitions);
      // The offsets count before the housekeeping may write them anew.
      for (const { group, stored } of offsets) coordinator.applyOffsets(group, stored);
      this.#log.transactionEnded(partitions);
    }
    this.#offsets = [];
  }

  #mark(type: ControlType): void {
    const { producerId, epoch } = this;
    for (const partition of this.#written.keys()) {
      if (!partition.deleted) partition.mark({ type, producerId, epoch });
    }
    this.#written.clear();
  }

  async abort(): Promise<'aborted' | 'committed'> {
    const committed = await this.#committing?.then(
      () => true,
      () => false,
    );
    this.#check(false);
    if (committed === true) return 'committed';
    if (this.#isOpen) this.#abort();
    return 'aborted';
  }

  get #isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'aborting';
  }

  /** Throws `unavailable` while the disk does not take all abort markers; the transaction can only be aborted again
   *  then. */
  #abort(): void {
    if (this.#log.fenced !== undefined) throw this.#log.fenced;
    this.#state = 'aborting';
    this.#offsets = [];
    const partitions = [...this.#written.keys()];
    this.#mark('abort');
    this.#log.transactionEnded(partitions);
    this.#log.finishMarkers(this.producerId);
    this.#state = 'idle';
  }

  /** A newer producer takes over: a commit under way is waited for, what is open is aborted. */
  async fence(): Promise<void> {
    await this.#committing?.catch(() => undefined);
    if (this.#isOpen) this.#abort();
    this.#state = 'fenced';
  }

  /** The log closes: a commit under way is waited for, what is open is aborted. */
  async abandon(): Promise<void> {
    await this.#committing?.catch(() => undefined);
    if (this.#isOpen) this.#abort();
  }

  async close(): Promise<void> {
    try {
      await this.abandon();
    } finally {
      if (this.#state !== 'fenced') this.#state = 'closed';
    }
  }
}
