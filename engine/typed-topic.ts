/**
 * A topic of typed records, for programs: what they produce and what they consume, beside the topologies that they run.
 *
 *   const orders = await millrace.topic('orders', { key: string, value: json<Order>(), partitions: 4 });
 *   await orders.produce([{ key: 'a', value: { amount: 3 } }]);
 *   for await (const { key, value } of orders.consume()) …
 */

import { ByteWriter, UserError } from '../base/index.ts';
import type { ConsumedRecord, ConsumeOptions, Log, ProducedRecord, RecordHeader } from '../storage/index.ts';
import type { Position } from './runtime/views/store-reader.ts';
import { type Serde, SerdeError } from './serde.ts';

export interface TopicOptions<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** How many partitions the topic has: it is made with them where it does not exist (1 when left out), and it is an
   *  error where it has another number. */
  readonly partitions?: number;
}

export interface TypedRecord<K, V> {
  readonly key?: K | null;
  /** Null is a tombstone. */
  readonly value: V | null;
  /** Epoch milliseconds; left out: now. */
  readonly timestamp?: number;
  readonly partition?: number;
  readonly headers?: readonly RecordHeader[];
}

export type TypedConsumedRecord<K, V> = Omit<ConsumedRecord, 'key' | 'value'> & {
  readonly key: K | null;
  readonly value: V | null;
};

/** Begins to fetch what a serde needs for one value. */
const prepare = ({ prepare }: Pick<Serde<unknown>, 'prepare'>, bytes: Uint8Array): Promise<void> | undefined =>
  prepare?.(bytes, Int32Array.of(0), Int32Array.of(bytes.length), 0, 1);

/** What a topic needs of the program's log. */
export interface TopicAccess {
  readonly produce: (topic: string, records: Iterable<ProducedRecord>) => Promise<Position>;
  readonly consume: (topic: string, options: ConsumeOptions) => AsyncIterable<ConsumedRecord>;
}

export class TypedTopic<K, V> {
  readonly name: string;
  readonly #options: TopicOptions<K, V>;
  readonly #access: TopicAccess;

  constructor(name: string, options: TopicOptions<K, V>, access: TopicAccess) {
    this.name = name;
    this.#options = options;
    this.#access = access;
  }

  /** Appends the records; answers when they are on the disk, with the position behind them. Rejects with
   *  RECORD_INVALID, and nothing is appended, where a key or a value cannot be written. */
  async produce(records: Iterable<TypedRecord<K, V>>): Promise<Position> {
    const { key, value } = this.#options;
    const written = Array.from(records, (record, i) => ({
      ...record,
      key: this.#written(record.key ?? null, key, `the key of record ${i}`),
      value: this.#written(record.value, value, `the value of record ${i}`),
    }));
    return this.#access.produce(this.name, written);
  }

  /** Committed records, as they come. A record that its serdes cannot read ends the iteration with
   *  RECORD_UNREADABLE. */
  async *consume(options: ConsumeOptions = {}): AsyncGenerator<TypedConsumedRecord<K, V>, void, undefined> {
    const { key, value } = this.#options;
    for await (const record of this.#access.consume(this.name, options)) {
      for (const [serde, bytes] of [[key, record.key] as const, [value, record.value] as const]) {
        const preparing = bytes === null ? undefined : prepare(serde, bytes);
        if (preparing !== undefined) await preparing;
      }
      yield { ...record, key: this.#read(record, 'key', key), value: this.#read(record, 'value', value) };
    }
  }

  #written<T>(value: T | null, serde: Serde<T>, what: string): Uint8Array | null {
    if (value === null) return null;
    const out = new ByteWriter(64);
    try {
      serde.write(value, out);
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      throw new UserError('RECORD_INVALID', `${what} cannot be written to "${this.name}": ${error.message}`, {
        cause: error,
      });
    }
    return out.slice();
  }

  #read<T>(record: ConsumedRecord, part: 'key' | 'value', serde: Serde<T>): T | null {
    const bytes = record[part];
    if (bytes === null) return null;
    try {
      return serde.read(bytes, 0, bytes.length);
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      const place = `${record.topic}/${record.partition} at offset ${record.offset}`;
      throw new UserError(
        'RECORD_UNREADABLE',
        `the ${part} of the record in ${place} cannot be read: ${error.message}`,
        {
          hint: 'Consume the topic with the serdes that it was written with.',
          cause: error,
        },
      );
    }
  }
}

/** Finds the topic, or makes it. Rejects with TOPIC_PARTITIONS_DIFFER. */
export const ensureTopic = async (log: Log, name: string, partitions: number | undefined): Promise<void> => {
  const found = await log.describeTopic(name);
  if (found === undefined) {
    await log.createTopic({ name, partitions: partitions ?? 1 });
    return;
  }
  if (partitions === undefined || found.partitions === partitions) return;
  throw new UserError(
    'TOPIC_PARTITIONS_DIFFER',
    `the topic "${name}" has ${found.partitions} partitions, not ${partitions}`,
    { hint: 'Leave `partitions` out to take it as it is.' },
  );
};
