/** Rows into sources, by whatever way they come: one by INSERT VALUES, JSON in bulk from clients, typed from a
 *  program. */

import { type Clock, UserError } from '../../base/index.ts';
import type { Position } from '../../engine/index.ts';
import { batchLimitOf, type Log, type Producer, produceRecords } from '../../storage/index.ts';
import type { Source } from '../analyze/sources.ts';
import type { Catalog } from '../catalog.ts';
import type { Inserter, TypedRow } from '../facade.ts';
import { loadFormats } from '../formats/index.ts';
import { AtomicWriter } from './atomic-writer.ts';
import { checkInsertTarget } from './insert-target.ts';
import { BulkInserter } from './inserter.ts';
import { TypedInserter } from './typed-inserter.ts';

/** One record that INSERT VALUES writes. */
export interface NewRecord {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
}

export class Inserts {
  readonly #log: Log;
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #atomic: AtomicWriter;
  #producer: Promise<Producer> | undefined;
  /** By source: one that was dropped and created again is another object. Each belongs to the topic as it is now. */
  readonly #typed = new WeakMap<Source, { readonly topicId: string; readonly inserter: TypedInserter }>();

  constructor(log: Log, catalog: Catalog, clock: Clock) {
    this.#log = log;
    this.#catalog = catalog;
    this.#clock = clock;
    this.#atomic = new AtomicWriter(log);
  }

  /** Writes one record; resolves when it is on the disk. */
  async record({ topic, key, value, timestamp }: NewRecord): Promise<void> {
    const now = this.#clock.now();
    const producer = await this.#ownProducer();
    await produceRecords(this.#log, producer, topic, [{ key, value, timestamp }], { acks: 'durable', now });
  }

  async bulk(target: string): Promise<Inserter> {
    const { topicId: _, ...options } = await this.#target(target);
    return new BulkInserter({ ...options, producer: await this.#ownProducer() });
  }

  async typed(target: string, rows: Iterable<TypedRow>): Promise<Position> {
    const { topicId, ...options } = await this.#target(target);
    let known = this.#typed.get(options.source);
    if (known?.topicId !== topicId) {
      known = { topicId, inserter: new TypedInserter({ ...options, writer: this.#atomic }) };
      this.#typed.set(options.source, known);
    }
    return known.inserter.insert(rows);
  }

  async #target(target: string) {
    const quoted = /^`(.*)`$/s.exec(target.trim());
    const name = quoted === null ? target.trim().toUpperCase() : (quoted[1] as string);
    const source = this.#catalog.require(name);
    checkInsertTarget(source);
    await loadFormats([source.keyFormat.name, source.valueFormat.name]);
    const topic = await this.#log.describeTopic(source.topic);
    if (topic === undefined) {
      const message = `the topic "${source.topic}" of "${source.name}" does not exist any more`;
      throw new UserError('SQL_UNKNOWN_TOPIC', message, {
        hint: `DROP ${source.kind.toUpperCase()} ${source.name}; and create it again.`,
      });
    }
    return {
      source,
      topicId: topic.id,
      partitions: topic.partitions,
      maxBatchBytes: batchLimitOf(topic.configs),
      now: () => this.#clock.now(),
    };
  }

  #ownProducer(): Promise<Producer> {
    if (this.#producer === undefined) {
      this.#producer = this.#log.producer();
      // One that could not be opened is asked for again.
      this.#producer.catch(() => {
        this.#producer = undefined;
      });
    }
    return this.#producer;
  }

  async close(): Promise<void> {
    await this.#atomic.close();
    await (await this.#producer)?.close();
  }
}
