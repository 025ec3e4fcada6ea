/** A producer of the log in memory: every effect happens within the call. */

import { encodeControlBatch } from './control-batch.ts';
import type {
  Acks,
  Appended,
  CommittedOffset,
  OffsetToCommit,
  Producer,
  TopicDescription,
  TopicPartition,
} from './log.ts';
import type { MemoryPartition } from './memory-partition.ts';
import type { ProducerSession } from './producer-session.ts';

/** What a producer needs of the log it belongs to. */
export interface MemoryHost {
  now(): number;
  checkOpen(): void;
  describe(topic: string): TopicDescription;
  partition(target: TopicPartition): MemoryPartition;
  /** Throws unless these offsets can be committed. */
  checkOffsets(offsets: readonly OffsetToCommit[]): void;
  storeOffsets(group: string, offsets: readonly CommittedOffset[]): void;
  /** A transactional id was used. */
  noteUse(transactionalId: string): void;
}

export class MemoryProducer implements Producer {
  readonly #log: MemoryHost;
  readonly #session: ProducerSession;
  /** Partitions that hold records of the open transaction. */
  readonly #touched = new Set<MemoryPartition>();
  readonly #pendingOffsets: { group: string; offsets: readonly CommittedOffset[] }[] = [];

  constructor(log: MemoryHost, session: ProducerSession) {
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
    session.checkBatch(target, this.#log.describe(target.topic), batch);
    return session.send(target, partition.state, batch, (stamped) => {
      if (session.isTransactional) this.#touched.add(partition);
      partition.append(stamped.slice(), this.#log.now());
    });
  }

  begin(): void {
    this.#session.begin();
  }

  async sendOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
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
    const timestamp = this.#log.now();
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
