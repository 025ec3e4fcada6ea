/**
 * The records of the embedded registry in a topic of the log: one partition, compacted, as Confluent's `_schemas`.
 *
 * The topic is made with the first record, so a log without schemas has none. This process is its only writer; records
 * that others would read are there when an append answers.
 */

import { readUtf8, utf8Bytes } from '../../base/index.ts';
import {
  BatchBuilder,
  chunksOrThrow,
  decodeBatch,
  type Log,
  LogError,
  type Producer,
  RecordColumns,
} from '../../storage/index.ts';
import type { RegistryStore } from './local-registry.ts';
import { type RegistryRecord, recordOf, type WireRecord, wireOf } from './records.ts';

export const schemaTopic = '_schemas';

const partition = { topic: schemaTopic, partition: 0 };

/** A record that is not of the form is no schema, and no reason to do without the others. */
const readable = (wire: WireRecord): RegistryRecord | undefined => {
  try {
    return recordOf(wire);
  } catch {
    return undefined;
  }
};

export class TopicStore implements RegistryStore {
  readonly #log: Log;
  readonly #now: () => number;
  #producer: Promise<Producer> | undefined;

  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  async read(): Promise<readonly RegistryRecord[]> {
    const found: RegistryRecord[] = [];
    if ((await this.#log.describeTopic(schemaTopic)) === undefined) return found;
    const { start, end } = await this.#log.offsets(partition);
    const reader = this.#log.reader();
    const columns = new RecordColumns(64);
    try {
      for (let offset = start; offset < end; ) {
        const request = { ...partition, offset, isolation: { kind: 'committed' } } as const;
        const fetched = await reader.fetch([request], { maxBytesPerPartition: 1 << 20, maxWaitMs: 0 });
        const [chunk] = chunksOrThrow(fetched);
        if (chunk === undefined) break;
        columns.reset(chunk.bytes);
        for (const batch of chunk.batches) decodeBatch(chunk.bytes, batch, columns, offset);
        for (let row = 0; row < columns.count; row++) {
          const keyStart = columns.keyStart[row] as number;
          const start = columns.valueStart[row] as number;
          if (keyStart < 0) continue;
          const record = readable({
            key: readUtf8(chunk.bytes, keyStart, columns.keyEnd[row] as number),
            value: start < 0 ? null : readUtf8(chunk.bytes, start, columns.valueEnd[row] as number),
          });
          if (record !== undefined) found.push(record);
        }
        offset = chunk.nextOffset;
        chunk.release();
      }
    } finally {
      reader.close();
    }
    return found;
  }

  async append(records: readonly RegistryRecord[]): Promise<void> {
    const builder = new BatchBuilder();
    for (const record of records) {
      const wire = wireOf(record);
      const key = utf8Bytes(wire.key);
      const value = wire.value === null ? undefined : utf8Bytes(wire.value);
      builder.append(key, 0, key.length, value ?? key, value === undefined ? -1 : 0, value?.length ?? -1, this.#now());
    }
    this.#producer ??= this.#open();
    this.#producer.catch(() => {
      this.#producer = undefined;
    });
    const producer = await this.#producer;
    const { end } = await this.#log.offsets(partition);
    try {
      await producer.append(partition, builder.finish(), 'durable');
    } catch (error) {
      if (!(error instanceof LogError && error.kind === 'unknown')) throw error;
      // No answer: the end of the topic shows whether the records are there, since nobody else writes it.
      if ((await this.#log.offsets(partition)).end === end) throw error;
    }
  }

  async #open(): Promise<Producer> {
    if ((await this.#log.describeTopic(schemaTopic)) === undefined) {
      await this.#log.createTopic({
        name: schemaTopic,
        partitions: 1,
        configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '16777216' },
      });
    }
    return this.#log.producer();
  }

  async close(): Promise<void> {
    await (await this.#producer?.catch(() => undefined))?.close();
  }
}
