/**
 * The offsets that groups have committed, and the partition that keeps them.
 *
 *   [group,topic id,partition]   {"offset":9,"metadata":"…"}, or null: forgotten; with "seen", the end of the partition
 *                                at the time of the commit, when the offset lies beyond it
 *
 * An offset that is part of a transaction counts from its commit marker on.
 *
 * When the partition has grown by `rotateBytes` it begins a new segment. It waits until every transaction that has
 * written offsets to the old ones has ended: only then are all offsets known that count. They are written again, and
 * the old segments are deleted.
 */

import { assert, JsonFields } from '../../base/index.ts';
import type { PlainRecord } from '../batch-builder.ts';
import { controlTypeOf } from '../control-batch.ts';
import { isGap } from '../gap-batch.ts';
import type { CommittedOffset } from '../log.ts';
import { isControl, isTransactional, producerIdOf } from '../record-batch.ts';
import {
  appendRecords,
  type InternalRecord,
  internalRecord,
  keyCount,
  keyText,
  type RecordProducer,
  readRecords,
} from './internal-records.ts';
import type { FilePartition } from './partition.ts';

export interface StoredOffset {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string | undefined;
  /** The end of the partition when this was committed, if the offset lies beyond it. */
  readonly seen: number | undefined;
}

/** Records written in one batch when offsets are written again. */
const batchRecords = 1000;

export const partitionKey = (topicId: string, partition: number): string => `${topicId}/${partition}`;

export class GroupOffsets {
  readonly partition: FilePartition;
  readonly #now: () => number;
  readonly #rotateBytes: number;
  /** By group, then by partition. */
  readonly #groups = new Map<string, Map<string, StoredOffset>>();
  /** Where the segment begins that will hold every offset that counts: what lies below is deleted once it does. */
  #rotatedAt = 0;
  /** The next rotation comes when twice as much has been added, so that it stays rare however much has to be kept. */
  #sizeAtRotation = 0;

  constructor(partition: FilePartition, now: () => number, rotateBytes: number) {
    this.partition = partition;
    this.#now = now;
    this.#rotateBytes = rotateBytes;
  }

  /** Reads the partition, whose transactions have all ended. Markers that wait for space count as written: what they
   *  commit is decided. */
  load(): void {
    const pending = new Map<number, Change[]>();
    this.partition.forEachBatch((bytes, at) => {
      if (isGap(bytes, at)) {
        // How those ended is lost: they count as aborted, as in every partition.
        pending.clear();
        return;
      }
      const producerId = producerIdOf(bytes, at);
      if (isControl(bytes, at)) {
        const changes = pending.get(producerId) ?? [];
        if (controlTypeOf(bytes, at) === 'commit') for (const change of changes) this.#change(change);
        pending.delete(producerId);
        return;
      }
      const changes: Change[] = [];
      readRecords(this.partition, bytes, at, (record) => changes.push(changeOf(record)));
      if (!isTransactional(bytes, at)) for (const change of changes) this.#change(change);
      else pending.set(producerId, [...(pending.get(producerId) ?? []), ...changes]);
    });
    for (const { type, producerId } of this.partition.pendingMarkers) {
      if (type === 'commit') for (const change of pending.get(producerId) ?? []) this.#change(change);
    }
  }

  #change({ group, topicId, partition, stored }: Change): void {
    if (stored === undefined) this.#forget(group, partitionKey(topicId, partition));
    else this.#store(group, stored);
  }

  /** Writes offsets to the partition: into a transaction, or for good once `partition.sync()` has answered. */
  write(group: string, offsets: readonly StoredOffset[], producer?: RecordProducer): void {
    if (offsets.length === 0) return;
    const records = offsets.map((stored) => recordOf(group, stored));
    appendRecords(this.partition, records, this.#now(), producer);
  }

  /** Makes offsets that were written visible. */
  apply(group: string, offsets: readonly StoredOffset[]): void {
    for (const stored of offsets) this.#store(group, stored);
  }

  #store(group: string, stored: StoredOffset): void {
    let offsets = this.#groups.get(group);
    if (offsets === undefined) {
      offsets = new Map();
      this.#groups.set(group, offsets);
    }
    offsets.set(partitionKey(stored.topicId, stored.partition), stored);
  }

  #forget(group: string, key: string): void {
    const offsets = this.#groups.get(group);
    if (offsets === undefined) return;
    offsets.delete(key);
    if (offsets.size === 0) this.#groups.delete(group);
  }

  /** Offsets of topics that do not exist any more are forgotten. Ids are never used again, so nothing is written. */
  forgetTopics(exists: (topicId: string) => boolean): void {
    for (const [group, offsets] of this.#groups) {
      for (const [key, stored] of offsets) if (!exists(stored.topicId)) this.#forget(group, key);
    }
  }

  /** Every offset of every group. */
  *all(): Generator<StoredOffset, void, undefined> {
    for (const offsets of this.#groups.values()) yield* offsets.values();
  }

  committed(group: string, nameOf: (topicId: string) => string | undefined): CommittedOffset[] {
    const committed: CommittedOffset[] = [];
    for (const { topicId, partition, offset, metadata } of this.#groups.get(group)?.values() ?? []) {
      const topic = nameOf(topicId);
      if (topic !== undefined)
        committed.push({ topic, partition, offset, ...(metadata !== undefined && { metadata }) });
    }
    return committed;
  }

  names(): string[] {
    return [...this.#groups.keys()].sort();
  }

  /** Durable when it answers. */
  async delete(group: string): Promise<void> {
    const offsets = this.#groups.get(group);
    if (offsets === undefined) return;
    const records = [...offsets.values()].map(({ topicId, partition }) =>
      internalRecord([group, topicId, partition], null),
    );
    appendRecords(this.partition, records, this.#now());
    this.#groups.delete(group);
    await this.partition.sync();
  }

  /** Keeps the partition from growing without bound; called now and then. */
  async rotate(): Promise<void> {
    const { partition } = this;
    if (partition.state.start >= this.#rotatedAt) {
      if (partition.sizeBytes < this.#rotateBytes + 2 * this.#sizeAtRotation) return;
      partition.checkWritable();
      partition.roll();
      this.#rotatedAt = partition.state.end;
    }
    // A transaction that began below has offsets there that are not known yet: they count from its commit on.
    if (partition.state.stable() < this.#rotatedAt) return;
    const records: PlainRecord[] = [];
    for (const [group, committed] of this.#groups) {
      for (const stored of committed.values()) records.push(recordOf(group, stored));
    }
    for (let i = 0; i < records.length; i += batchRecords) {
      appendRecords(partition, records.slice(i, i + batchRecords), this.#now());
    }
    await partition.sync();
    partition.deleteRecords(this.#rotatedAt);
    this.#sizeAtRotation = partition.sizeBytes;
  }
}

const recordOf = (group: string, { topicId, partition, offset, metadata, seen }: StoredOffset): PlainRecord => {
  assert(Number.isSafeInteger(offset) && offset >= 0, () => `${offset} is not an offset`);
  return internalRecord([group, topicId, partition], { offset, metadata, seen });
};

/** What a record does to the offset of a group in one partition: sets it, or with `stored` undefined forgets it. */
interface Change {
  readonly group: string;
  readonly topicId: string;
  readonly partition: number;
  readonly stored: StoredOffset | undefined;
}

const changeOf = ({ key, value }: InternalRecord): Change => {
  const [group, topicId, partition] = [keyText(key, 0), keyText(key, 1), keyCount(key, 2)];
  if (value === null) return { group, topicId, partition, stored: undefined };
  const fields = new JsonFields(value);
  const stored: StoredOffset = {
    topicId,
    partition,
    offset: fields.count('offset'),
    metadata: fields.optionalText('metadata'),
    seen: fields.optionalCount('seen'),
  };
  return { group, topicId, partition, stored };
};
