/**
 * Repair: the two ways out of a contradiction, for a log that no server has open.
 *
 * `list` names what contradicts itself, query by query, and changes nothing. `resetQuery` forgets what a query has
 * computed, so that its next start computes it again from the start of its sources. `acceptLoss` continues with what is
 * there of a topic. Both may be interrupted and called again: each step leaves either the former contradiction or none.
 *
 * Everything follows from the query records, so that no topology and no statement is needed.
 */

import { closestName, UserError } from '../../base/index.ts';
import { type CommittedOffset, type Damage, type Log, offsetsTopic, transactionsTopic } from '../../storage/index.ts';
import { checkpointPosition } from '../stores/checkpoint-position.ts';
import { KvError, type OrderedKv } from '../stores/ordered-kv.ts';
import { changelogTopic } from '../topology-nodes.ts';
import { type Contradiction, checkpointMismatch, damageKey, examine, offsetsIfKnown } from './contradictions.ts';
import { type QueryRecord, QueryRecords } from './query-records.ts';
import { recordedInternalTopics, recordedTopics, type TopologyTopic } from './query-topics.ts';
import { deleteOwnTopics } from './reset.ts';
import { type KnownStore, StoreIds } from './store-ids.ts';

export interface RepairOptions {
  readonly log: Log;
  /** All shards of the state directory that can be opened. */
  readonly shards: readonly OrderedKv[];
  readonly now: () => number;
}

export interface QueryFindings {
  readonly queryId: string;
  readonly contradictions: readonly Contradiction[];
}

export interface RepairFindings {
  /** Queries that cannot start. */
  readonly queries: readonly QueryFindings[];
  /** Damage of the log that keeps no query from starting. */
  readonly otherDamage: readonly Damage[];
}

const isInput = ({ role }: TopologyTopic): boolean => role === 'source' || role === 'repartition';

interface Shard {
  readonly kv: OrderedKv;
  readonly ids: StoreIds;
}

interface StoredCheckpoint {
  readonly ids: StoreIds;
  readonly store: KnownStore;
  readonly mismatch: Contradiction;
}

export class Repair {
  readonly #log: Log;
  readonly #shards: readonly Shard[];
  readonly #records: QueryRecords;

  private constructor(log: Log, shards: readonly Shard[], records: QueryRecords) {
    this.#log = log;
    this.#shards = shards;
    this.#records = records;
  }

  static async open(options: RepairOptions): Promise<Repair> {
    const shards: Shard[] = [];
    for (const kv of options.shards) {
      try {
        shards.push({ kv, ids: await StoreIds.load(kv) });
      } catch (error) {
        // A damaged shard holds no checkpoint that counts.
        if (!(error instanceof KvError) || error.kind !== 'corrupt') throw error;
      }
    }
    return new Repair(options.log, shards, await QueryRecords.open(options.log, options.now));
  }

  async list(): Promise<RepairFindings> {
    const queries: QueryFindings[] = [];
    for (const [applicationId, record] of this.#records.all()) {
      const contradictions = await this.#contradictions(applicationId, record);
      if (contradictions.length > 0) queries.push({ queryId: record.queryId, contradictions });
    }
    const concerned = new Set(queries.flatMap(({ contradictions }) => contradictions.map(({ damage }) => damage)));
    return { queries, otherDamage: this.#log.damage.filter((damage) => !concerned.has(damage)) };
  }

  async #contradictions(applicationId: string, record: QueryRecord): Promise<readonly Contradiction[]> {
    const committed = await this.#log.committed(applicationId);
    const { contradictions } = await examine(this.#log, {
      applicationId,
      topics: recordedTopics(record),
      record,
      committed,
    });
    const checkpoints = await this.#mismatches(applicationId, record);
    return [...contradictions, ...checkpoints.map(({ mismatch }) => mismatch)];
  }

  /** Checkpoints outside of their changelogs. */
  async #mismatches(applicationId: string, record: QueryRecord): Promise<readonly StoredCheckpoint[]> {
    const found: StoredCheckpoint[] = [];
    for (const { kv, ids } of record.state === 'reset' ? [] : this.#shards) {
      for (const store of ids.storesOf(applicationId)) {
        const topic = changelogTopic(applicationId, store.name);
        const description = await this.#log.describeTopic(topic);
        const partition = Number(store.taskId.split('_')[1]);
        if (description === undefined || !(partition < description.partitions)) continue;
        const offsets = await offsetsIfKnown(this.#log, { topic, partition });
        // What cannot be read is in `damage`.
        if (offsets === undefined) continue;
        const position = checkpointPosition(kv, store.storeId, description.id);
        const mismatch = checkpointMismatch({ topic, partition }, store.name, position, offsets);
        if (mismatch !== undefined) found.push({ ids, store, mismatch });
      }
    }
    return found;
  }

  /** Deletes the state and the positions of a query. Answers what was done, as sentences. */
  async resetQuery(queryId: string): Promise<readonly string[]> {
    const known = [...this.#records.all()];
    const found = known.find(([, record]) => record.queryId.toUpperCase() === queryId.toUpperCase());
    if (found === undefined) {
      const names = known.map(([, record]) => record.queryId);
      const near = closestName(queryId, names);
      throw new UserError('QUERY_UNKNOWN', `there is no query "${queryId}" in this data directory`, {
        hint: near === undefined ? `Its queries are: ${names.join(', ') || 'none'}.` : `Did you mean "${near}"?`,
      });
    }
    const [applicationId, record] = found;
    await this.#deleteOwn(applicationId, record);
    const accepted = this.#log.damage.map(damageKey);
    await this.#records.put(applicationId, { ...record, state: 'reset', accepted });
    return [`${record.queryId} is reset: its next start computes it again from the start of its sources`];
  }

  /** Deletes what belongs to queries of which nothing else is left. The topics that they read and wrote stay. */
  async forgetQueries(which: (applicationId: string) => boolean): Promise<readonly string[]> {
    const forgotten = [...this.#records.all()].filter(([applicationId]) => which(applicationId));
    for (const [applicationId, record] of forgotten) {
      await this.#deleteOwn(applicationId, record);
      await this.#records.forget(applicationId);
    }
    return forgotten.map(([, { queryId }]) => `${queryId} is forgotten, with its state`);
  }

  /** Deletes state, internal topics and positions. */
  async #deleteOwn(applicationId: string, record: QueryRecord): Promise<void> {
    for (const { ids } of this.#shards) for (const store of ids.storesOf(applicationId)) await ids.forget(store);
    await deleteOwnTopics(this.#log, applicationId, recordedInternalTopics(record));
  }

  /** Goes on with what is there of a topic, for all queries that use it. Answers what was done, as sentences. */
  async acceptLoss(topic: string): Promise<readonly string[]> {
    const concerned: [string, QueryRecord][] = [];
    for (const [applicationId, record] of this.#records.all()) {
      const contradictions = await this.#contradictions(applicationId, record);
      if (contradictions.some((contradiction) => contradiction.topic === topic))
        concerned.push([applicationId, record]);
    }
    const accepted = await this.#log.acceptLoss(topic);
    if (concerned.length === 0 && accepted.length === 0) throw await this.#nothingLost(topic);
    const done = accepted.map(({ message }) => `accepted: ${message}`);
    for (const [applicationId, record] of concerned) {
      done.push(...(await this.#createIfMissing(topic, record)));
      for (const { ids, store, mismatch } of await this.#mismatches(applicationId, record)) {
        if (mismatch.topic !== topic) continue;
        await ids.forget(store);
        done.push(`the checkpoint of ${store.name}, task ${store.taskId} of ${record.queryId}, is dropped`);
      }
      done.push(...(await this.#setPositions(applicationId, record, topic)));
      await this.#records.put(applicationId, await this.#withIdOf(record, topic));
    }
    return done;
  }

  async #nothingLost(topic: string): Promise<UserError> {
    const { queries, otherDamage } = await this.list();
    const topics = new Set(queries.flatMap(({ contradictions }) => contradictions.map((found) => found.topic)));
    for (const damage of otherDamage) if (damage.topic !== undefined) topics.add(damage.topic);
    return new UserError('REPAIR_NOTHING_LOST', `nothing is missing of the topic "${topic}"`, {
      hint: topics.size === 0 ? 'Nothing is missing at all.' : `Something is missing of: ${[...topics].join(', ')}.`,
    });
  }

  async #createIfMissing(name: string, record: QueryRecord): Promise<readonly string[]> {
    const known = record.topics[name];
    if (known === undefined || (await this.#log.describeTopic(name)) !== undefined) return [];
    await this.#log.createTopic({ name, partitions: known.partitions, configs: known.configs });
    return [`the topic "${name}" is created again, empty, with ${known.partitions} partitions`];
  }

  /** Puts positions that are missing or out of range to where there is something to continue from. */
  async #setPositions(applicationId: string, record: QueryRecord, topic: string): Promise<readonly string[]> {
    const log = this.#log;
    const committed = await log.committed(applicationId);
    const all = topic === offsetsTopic || topic === transactionsTopic;
    const set: CommittedOffset[] = [];
    for (const input of recordedTopics(record).filter(isInput)) {
      if (!all && input.name !== topic) continue;
      const { partitions = 0, id } = (await log.describeTopic(input.name)) ?? {};
      for (let partition = 0; partition < partitions; partition++) {
        const target = { topic: input.name, partition };
        const { start, stable, end } = await log.offsets(target);
        const known = committed.find((offset) => offset.topic === input.name && offset.partition === partition);
        // In a topic that was created again everything is new: a position in it is one of the former topic.
        if (id !== record.topics[input.name]?.id) set.push({ ...target, offset: start });
        // What was read is not known any more.
        else if (known === undefined) set.push({ ...target, offset: stable });
        else if (known.offset > end) set.push({ ...known, offset: stable });
        else if (known.offset < start) set.push({ ...known, offset: start });
      }
    }
    if (set.length > 0) await log.commitOffsets(applicationId, set);
    return set.map((at) => `${record.queryId} continues at offset ${at.offset} of ${at.topic}/${at.partition}`);
  }

  async #withIdOf(record: QueryRecord, name: string): Promise<QueryRecord> {
    const known = record.topics[name];
    const id = (await this.#log.describeTopic(name))?.id;
    if (known === undefined || id === undefined) return record;
    return { ...record, topics: { ...record.topics, [name]: { ...known, id } } };
  }
}
