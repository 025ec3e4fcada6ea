/**
 * Writes of several batches, each all or nothing: in a transaction of the log, so that readers see all of a write or
 * none of it, after a crash too.
 *
 * Writes that come while a transaction is under way share the next one, in their order; when that fails they fail
 * together. The writer opens its producer with the first write, and again after a failure that leaves the old one of no
 * use.
 */

import { type Position, partitionKey } from '../../engine/index.ts';
import { type Log, LogError, type Producer, type TopicPartition } from '../../storage/index.ts';

export interface AtomicBatch {
  readonly target: TopicPartition;
  readonly bytes: Uint8Array;
}

interface Write {
  readonly batches: readonly AtomicBatch[];
  readonly bytes: number;
  resolve(position: Position): void;
  reject(error: unknown): void;
}

const transactionalId = '_millrace-insert';

/** What one transaction takes of the writes that wait; a single one may be larger. */
const transactionBytes = 32 << 20;

export class AtomicWriter {
  readonly #log: Log;
  #producer: Producer | undefined;
  #waiting: Write[] = [];
  #running: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Resolves when all batches are on the disk and can be read, with the position behind them; rejects when none will
   *  ever be. The bytes belong to the writer until then. */
  write(batches: readonly AtomicBatch[]): Promise<Position> {
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batches, bytes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const writes = this.#next();
      try {
        const position = await this.#transaction(writes);
        for (const { resolve, batches } of writes) {
          const written = new Set(batches.map(({ target }) => partitionKey(target.topic, target.partition)));
          resolve(position.filter(({ topic, partition }) => written.has(partitionKey(topic, partition))));
        }
      } catch (error) {
        for (const { reject } of writes) reject(error);
      }
    }
    this.#running = undefined;
  }

  #next(): readonly Write[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.#waiting) {
      bytes += write.bytes;
      if (count > 0 && bytes > transactionBytes) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** The position behind all of the writes. */
  async #transaction(writes: readonly Write[]): Promise<Position> {
    const producer = (this.#producer ??= await this.#log.producer({ transactionalId }));
    producer.begin();
    const behind = new Map<string, Position[number]>();
    try {
      const appends = writes.flatMap(({ batches }) =>
        batches.map(async ({ target, bytes }) => {
          const { nextOffset } = await producer.append(target, bytes, 'append');
          behind.set(partitionKey(target.topic, target.partition), { ...target, offset: nextOffset });
        }),
      );
      // All must have settled before the transaction may end.
      for (const settled of await Promise.allSettled(appends)) if (settled.status === 'rejected') throw settled.reason;
      await producer.commit();
    } catch (error) {
      if ((await this.#abort(producer)) !== 'committed') throw error;
    }
    return [...behind.values()];
  }

  /** What became of the transaction. */
  async #abort(producer: Producer): Promise<'aborted' | 'committed'> {
    try {
      return await producer.abort();
    } catch (error) {
      // The next producer ends what this one has left open.
      this.#producer = undefined;
      await producer.close().catch(() => undefined);
      if (error instanceof LogError && error.kind === 'unknown') throw error;
      return 'aborted';
    }
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#producer?.close();
  }
}
