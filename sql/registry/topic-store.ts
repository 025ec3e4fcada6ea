/**
 * The records of the embedded registry in a topic of the log: one partition, compacted, as Confluent's `_schemas`.
 *
 * The topic is made with the first record, so a log without schemas has none. This process is its only writer; records
 * that others would read are there when an append answers.
 */

import { utf8Bytes } from '../../base/index.ts';
import { BatchBuilder, type Log, LogError, type Producer, readTextRecords } from '../../storage/index.ts';
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
    if ((await this.#log.describeTopic(schemaTopic)) === undefined) return [];
    const { start, end } = await this.#log.offsets(partition);
    const records = await readTextRecords(this.#log, schemaTopic, start, end);
    return records.flatMap(({ key, value }) => (key === null ? [] : (readable({ key, value }) ?? [])));
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
