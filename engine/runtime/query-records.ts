/**
 * Query records: what the runtime knows for certain of each query that was ever started, apart from its state and its
 * positions.
 *
 * A query without topics and offsets of its own may be new, or may have lost them. The record decides: it is written,
 * durably, once the first start has made the query's topics and committed its first positions, and before it writes
 * anything else. It names the topics that the query uses with their ids, so that a topic which was deleted and created
 * again is recognized.
 *
 * Records are JSON in a compacted topic, one key per application id; a tombstone forgets a query. Losing this topic
 * loses no data: topics and positions are then used as they are found.
 */

import { assert, readUtf8 } from '../../base/index.ts';
import {
  consumeRecords,
  type Log,
  LogError,
  type Producer,
  produceRecords,
  type TopicConfigs,
} from '../../storage/index.ts';

export const queriesTopic = '_millrace-queries';

/** How a query uses a topic. */
export type TopicRole = 'source' | 'sink' | 'repartition' | 'changelog';

export interface RecordedTopic {
  readonly role: TopicRole;
  readonly id: string;
  readonly partitions: number;
  readonly configs: TopicConfigs;
  /** A topic of the query's own that an earlier form of its topology had. It lacks what has happened since. */
  readonly unused?: true;
}

export interface QueryRecord {
  readonly version: 1;
  readonly queryId: string;
  /** `reset`: a repair has deleted its state and its positions; the next start computes everything again from the start
   *  of its sources. */
  readonly state: 'started' | 'reset';
  readonly topics: Readonly<Record<string, RecordedTopic>>;
  /** Damage of the log that this query has accepted (`damageKey`): it was reset after it. */
  readonly accepted: readonly string[];
  /** The id under which its transactions are written. Records of earlier versions leave it out: there it is the
   *  application id. */
  readonly transactionalId?: string;
  /** By task id: shards of tasks that were moved, and so hold their state elsewhere than at home (`assignor.ts`). */
  readonly shards?: Readonly<Record<string, number>>;
}

/** Whether a topic with this role belongs to the query alone. */
export const isInternalRole = (role: TopicRole): boolean => role === 'repartition' || role === 'changelog';

const isRecord = (value: unknown): value is QueryRecord =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1;

export class QueryRecords {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #records = new Map<string, QueryRecord>();
  #producer: Promise<Producer> | undefined;
  #topic: Promise<void> | undefined;

  private constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Reads all records. The topic is made with the first one. */
  static async open(log: Log, now: () => number): Promise<QueryRecords> {
    const records = new QueryRecords(log, now);
    if ((await log.describeTopic(queriesTopic)) !== undefined) await records.#read();
    return records;
  }

  async #read(): Promise<void> {
    try {
      for await (const { key, value } of consumeRecords(this.#log, queriesTopic, { untilEnd: true })) {
        assert(key !== null, 'a query record has the application id as its key');
        const applicationId = readUtf8(key, 0, key.length);
        const record: unknown = value === null ? null : JSON.parse(readUtf8(value, 0, value.length));
        if (isRecord(record)) this.#records.set(applicationId, record);
        else this.#records.delete(applicationId);
      }
    } catch (error) {
      // Records behind a damaged batch count as lost.
      if (!(error instanceof LogError && error.code === 'LOG_CORRUPT_BATCH')) throw error;
    }
  }

  get(applicationId: string): QueryRecord | undefined {
    return this.#records.get(applicationId);
  }

  all(): ReadonlyMap<string, QueryRecord> {
    return this.#records;
  }

  /** Durable when it answers. */
  async put(applicationId: string, record: QueryRecord): Promise<void> {
    // Queries start side by side: one of them makes the topic.
    this.#topic ??= this.#makeTopic();
    await this.#topic;
    await this.#append(applicationId, JSON.stringify(record));
    this.#records.set(applicationId, record);
  }

  /** Keeps the shard of a task that was moved. */
  async keepShard(applicationId: string, taskId: string, shard: number): Promise<void> {
    const record = this.#records.get(applicationId);
    assert(record !== undefined, `the query ${applicationId} runs without a record`);
    await this.put(applicationId, { ...record, shards: { ...record.shards, [taskId]: shard } });
  }

  async #makeTopic(): Promise<void> {
    try {
      if ((await this.#log.describeTopic(queriesTopic)) !== undefined) return;
      const configs = { 'cleanup.policy': 'compact', 'max.message.bytes': '16777216' };
      await this.#log.createTopic({ name: queriesTopic, partitions: 1, configs });
    } catch (error) {
      // The next query tries again.
      this.#topic = undefined;
      throw error;
    }
  }

  async forget(applicationId: string): Promise<void> {
    if (!this.#records.has(applicationId)) return;
    await this.#append(applicationId, null);
    this.#records.delete(applicationId);
  }

  async #append(key: string, value: string | null): Promise<void> {
    this.#producer ??= this.#log.producer();
    try {
      const now = Math.floor(this.#now());
      await produceRecords(this.#log, await this.#producer, queriesTopic, [{ key, value }], { acks: 'durable', now });
    } catch (error) {
      // Another producer has no part in what became of this one's batch.
      this.#producer = undefined;
      throw error;
    }
  }
}
