/**
 * A producer of the file log: appends batches, and runs the commit protocol that coordinator.ts describes.
 */

import type { ControlType } from '../control-batch.ts';
import {
  type Acks,
  type Appended,
  LogError,
  type OffsetToCommit,
  type Producer,
  type TopicDescription,
  type TopicPartition,
} from '../log.ts';
import { transactionBroken } from '../log-errors.ts';
import type { ProducerSession } from '../producer-session.ts';
import { offsetsTopic } from '../topic-rules.ts';
import type { CommitRecord, Coordinator } from './coordinator.ts';
import type { StoredOffset } from './group-offsets.ts';
import type { FilePartition } from './partition.ts';

/** What a producer needs of the log it belongs to. */
export interface ProducerHost {
  readonly coordinator: Coordinator;
  /** The error to reject writes with, once fenced. */
  readonly fenced: LogError | undefined;
  checkOpen(): void;
  /** What is on the disk is not known any more: nothing is acknowledged until the next start. */
  fence(cause: unknown): void;
  describe(topic: string): TopicDescription;
  partition(target: TopicPartition): FilePartition;
  /** Checks offsets and puts them in the form in which they are stored. */
  storedOffsets(offsets: readonly OffsetToCommit[]): StoredOffset[];
  /** Makes offsets that were written visible, except those on topics that were deleted meanwhile. */
  applyOffsets(group: string, offsets: readonly StoredOffset[]): void;
  /** The partitions whose records below a committed offset are not all on the disk. */
  unsyncedSources(offsets: readonly StoredOffset[]): FilePartition[];
  /** Writes the markers that wait for space in partitions where this producer's last transaction is still open, or
   *  throws why not. */
  finishMarkers(producerId: number): void;
  /** After the end of a transaction: housekeeping that nobody waits for. */
  transactionEnded(partitions: Iterable<FilePartition>): void;
}

/** What the open transaction has written to a partition: offsets from `first` to `last`. */
interface Written {
  readonly first: number;
  last: number;
  readonly topicId: string;
}

export class FileProducer implements Producer {
  readonly #log: ProducerHost;
  readonly #session: ProducerSession;
  /** Set while a commit runs: a newer producer waits for its end. */
  #committing: Promise<unknown> | undefined;
  readonly #written = new Map<FilePartition, Written>();
  #offsets: { readonly group: string; readonly stored: readonly StoredOffset[] }[] = [];

  constructor(log: ProducerHost, session: ProducerSession) {
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
    // A producer that was fenced reports that, also after the log was closed.
    if (this.#session.state !== 'fenced') this.#log.checkOpen();
    this.#session.check(inTransaction);
  }

  async append(target: TopicPartition, batch: Uint8Array, acks: Acks): Promise<Appended> {
    const session = this.#session;
    const transactional = session.isTransactional;
    this.#check(transactional);
    const partition = this.#log.partition(target);
    const description = this.#log.describe(target.topic);
    session.checkBatch(target, description, batch);
    let appended: Appended;
    try {
      partition.checkWritable();
      appended = session.send(target, partition.state, batch, (stamped) => partition.append(stamped));
    } catch (cause) {
      if (transactional) session.broken ??= cause;
      throw cause;
    }
    if (transactional) this.#noteWritten(partition, description.id, appended);
    else if (acks === 'durable') await partition.sync();
    return appended;
  }

  #noteWritten(partition: FilePartition, topicId: string, { baseOffset, nextOffset }: Appended): void {
    const written = this.#written.get(partition);
    if (written === undefined) this.#written.set(partition, { first: baseOffset, last: nextOffset - 1, topicId });
    else written.last = nextOffset - 1;
  }

  begin(): void {
    this.#session.begin();
  }

  async sendOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    this.#check(true);
    this.#offsets.push({ group, stored: this.#log.storedOffsets(offsets) });
  }

  async commit(): Promise<void> {
    const session = this.#session;
    this.#check(true);
    if (session.broken !== undefined) throw transactionBroken(session.broken);
    session.state = 'committing';
    const committing = this.#commit();
    this.#committing = committing;
    try {
      await committing;
      session.state = 'idle';
    } catch (cause) {
      session.broken = cause;
      session.state = 'open';
      throw cause;
    } finally {
      this.#committing = undefined;
    }
  }

  async #commit(): Promise<void> {
    const { coordinator } = this.#log;
    const { producerId, epoch, transactionalId = '' } = this.#session;
    const { groups } = coordinator;
    const offsets = this.#offsets.filter(({ stored }) => stored.length > 0);
    if (offsets.length > 0) {
      const first = groups.partition.state.end;
      for (const { group, stored } of offsets) {
        groups.write(group, stored, this);
        const last = groups.partition.state.end - 1;
        this.#written.set(groups.partition, { first, last, topicId: offsetsTopic });
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
        throw new LogError('unknown', 'LOG_COMMIT_UNKNOWN', 'the disk failed while the commit was written', {
          hint: 'Check the disk, then start again: the log finds out then whether the transaction is committed.',
          cause,
        });
      }
      const partitions = [...this.#written.keys()].filter((partition) => !partition.deleted);
      this.#mark('commit');
      coordinator.finish(record, partitions);
      // The offsets count before the housekeeping may rewrite them.
      for (const { group, stored } of offsets) this.#log.applyOffsets(group, stored);
      this.#log.transactionEnded(partitions);
    }
    this.#offsets = [];
  }

  #mark(type: ControlType): void {
    const { producerId, epoch } = this.#session;
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
    if (this.#session.hasTransaction) this.#abort();
    return 'aborted';
  }

  /** Throws `unavailable` while the disk does not take all abort markers; the transaction can only be aborted again
   *  then. */
  #abort(): void {
    if (this.#log.fenced !== undefined) throw this.#log.fenced;
    this.#session.state = 'aborting';
    this.#offsets = [];
    const partitions = [...this.#written.keys()];
    this.#mark('abort');
    this.#log.transactionEnded(partitions);
    this.#log.finishMarkers(this.producerId);
    this.#session.state = 'idle';
  }

  async #commitEnded(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing.catch(() => undefined);
  }

  #abortOpen(): void {
    if (this.#session.hasTransaction) this.#abort();
  }

  /** A newer producer takes over: a commit under way is waited for, what is open is aborted. */
  async fence(): Promise<void> {
    await this.#commitEnded();
    // Both within one turn: what was appended in between would become part of the newer producer's transaction.
    this.#abortOpen();
    this.#session.state = 'fenced';
  }

  /** The log closes: a commit under way is waited for, what is open is aborted. */
  async abandon(): Promise<void> {
    await this.#commitEnded();
    this.#abortOpen();
  }

  async close(): Promise<void> {
    await this.#commitEnded();
    try {
      this.#abortOpen();
    } finally {
      if (this.#session.state !== 'fenced') this.#session.state = 'closed';
    }
  }
}
