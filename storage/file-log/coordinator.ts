/**
 * The coordinator: who may write under which name, which transactions are decided, and which offsets groups have
 * committed.
 *
 * It keeps two partitions of its own, the transaction log and the offsets, in the same form as all others; their
 * records are JSON.
 *
 *   transactions   ["ids"]            {"limit":2000}                     producer ids below are given out, or lost
 *                  ["producer",id]    {"producerId":7,"epoch":3}         the newest producer of a transactional id
 *                  ["commit",id]      {"producerId":7,"epoch":3,"partitions":[[topic id, partition, first, last],…]}
 *                  ["topic",topic id]             {"name":…,"partitions":…,"configs":…}  a topic there is, or null: it was deleted
 *                  ["offsets",""]                 {"end":47}                             the offsets partition reached at least so far
 *   offsets        [group,topic id,partition]     {"offset":9,"metadata":"…"}, or null: forgotten; with "seen" when the offset lies
 *                                                 beyond the end of its partition, which was there
 *
 * The commit protocol. (1) Every partition the transaction wrote to is synced, and every partition it read from up to
 * the offset that it commits (a committed position never outruns the disk). (2) The commit record, which lists the
 * offsets written, is appended to the transaction log and synced: this is the commit point. (3) Commit markers are
 * appended to the partitions; nobody waits for them to reach the disk, because recovery writes those that are missing
 * again: wherever a partition has an open transaction of that producer that begins within the listed range. Every other
 * open transaction is aborted by recovery.
 *
 * A commit record is needed until its markers are on the disk. When the transaction log has grown by `rotateBytes` it
 * begins a new segment with what still counts (ids, producers, commits whose markers may be missing) and deletes the
 * old ones. The offsets begin a new segment likewise, and wait until every transaction that has written offsets to the
 * old ones has ended: only then are all offsets known that count, are written anew, and the old segments deleted.
 */

import { assert, utf8Bytes, utf8Text } from '../../base/index.ts';
import { type CommittedOffset, LogError, type TopicDescription } from '../log.ts';
import {
  controlTypeOf,
  decodeBatch,
  encodeBatch,
  isControl,
  isTransactional,
  type PlainRecord,
  producerIdOf,
  RecordColumns,
  stampBatch,
} from '../record-batch.ts';
import { offsetsTopic } from '../topic-rules.ts';
import { topicOf } from './data-directory.ts';
import type { FilePartition } from './partition.ts';

export interface CommitRecord {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly epoch: number;
  readonly partitions: readonly (readonly [topicId: string, partition: number, first: number, last: number])[];
}

/** A commit marker that may not be on the disk yet: it is once the partition is synced up to this offset. */
interface Marker {
  readonly partition: FilePartition;
  readonly offset: number;
}

interface StoredOffset {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string | undefined;
  /** The end of the partition when this was committed, if the offset lies beyond it. */
  readonly seen: number | undefined;
}

/** Producer ids are given out from blocks; one sync for each block. */
const idBlock = 1000;

/** The offsets below which partitions are known to have been on the disk, by topic id and partition. */
export type Floors = ReadonlyMap<string, number>;

export const floorKey = (topicId: string, partition: number): string => `${topicId}/${partition}`;

export interface Identity {
  producerId: number;
  epoch: number;
}

export class Coordinator {
  readonly transactions: FilePartition;
  readonly offsets: FilePartition;
  readonly identities = new Map<string, Identity>();
  /** The topics that the transaction log knows, by id. */
  readonly topics = new Map<string, TopicDescription>();
  /** The offsets partition is known to have reached this offset. */
  #offsetsEnd = 0;
  readonly #groups = new Map<string, Map<string, StoredOffset>>();
  readonly #now: () => number;
  readonly #rotateBytes: number;
  #nextId = 1;
  #idLimit = 1;
  #commits: CommitRecord[] = [];
  readonly #unfinished = new Map<CommitRecord, readonly Marker[]>();
  #finishedSinceSweep = 0;
  /** Where the segment begins that will hold every offset that counts: what lies below is deleted once it does. */
  #offsetsRotatedAt = 0;
  /** Sizes after the last rotation. The next one comes when twice as much has been added, so that it stays rare however
   *  much has to be kept. */
  #offsetsSizeAtRotation = 0;
  #transactionsSizeAtRotation = 0;

  constructor(transactions: FilePartition, offsets: FilePartition, now: () => number, rotateBytes: number) {
    this.transactions = transactions;
    this.offsets = offsets;
    this.#now = now;
    this.#rotateBytes = rotateBytes;
  }

  // -------------------------------------------------------------- at start

  /** Reads the transaction log: producers, and the commits whose markers may be missing. */
  loadTransactions(): readonly CommitRecord[] {
    this.transactions.forEachBatch((bytes, at) => {
      for (const { key, value } of jsonRecords(bytes, at)) {
        const [kind, id] = key as [string, string];
        const topic = kind === 'topic' && value !== null ? topicOf(id, value as Record<string, unknown>) : undefined;
        if (topic !== undefined) this.topics.set(id, topic);
        else if (kind === 'topic') this.topics.delete(id);
        else if (kind === 'offsets') this.#offsetsEnd = (value as { end: number }).end;
        else if (kind === 'ids') this.#idLimit = (value as { limit: number }).limit;
        else if (kind === 'producer') this.identities.set(id, { ...(value as Identity) });
        else if (kind === 'commit')
          this.#commits.push({ transactionalId: id, ...(value as Omit<CommitRecord, 'transactionalId'>) });
      }
    });
    return this.#commits;
  }

  /** How far the offsets partition is known to have reached. */
  get offsetsFloor(): number {
    let floor = this.#offsetsEnd;
    for (const { partitions } of this.#commits) {
      for (const [topicId, , , last] of partitions) if (topicId === offsetsTopic) floor = Math.max(floor, last + 1);
    }
    return floor;
  }

  /** What commits and committed offsets tell of how far partitions reached: what they name was on the disk before. */
  floors(): Floors {
    const floors = new Map<string, number>();
    const raise = (key: string, to: number): void => void floors.set(key, Math.max(floors.get(key) ?? 0, to));
    for (const { partitions } of this.#commits) {
      for (const [topicId, partition, , last] of partitions) raise(floorKey(topicId, partition), last + 1);
    }
    for (const offsets of this.#groups.values()) {
      for (const { topicId, partition, offset, seen } of offsets.values()) {
        raise(floorKey(topicId, partition), seen ?? offset);
      }
    }
    return floors;
  }

  /** Producer ids and epochs that partitions have seen are never given out again. */
  noteProducer(producerId: number, epoch: number): void {
    if (producerId >= this.#idLimit) this.#idLimit = producerId + 1;
    for (const identity of this.identities.values()) {
      if (identity.producerId === producerId && identity.epoch < epoch) identity.epoch = epoch;
    }
  }

  /** The commits that were found, their markers in these partitions written by now. Ids are given out above all former
   *  ones. */
  begin(commits: readonly { readonly record: CommitRecord; readonly partitions: readonly FilePartition[] }[]): void {
    this.#nextId = this.#idLimit;
    this.#commits = [];
    for (const { record, partitions } of commits) this.finish(record, partitions);
  }

  /** Reads the offsets partition: a transaction's offsets count from its commit marker on. */
  loadOffsets(): void {
    const pending = new Map<number, { key: unknown; value: unknown }[]>();
    this.offsets.forEachBatch((bytes, at) => {
      const producerId = producerIdOf(bytes, at);
      if (isControl(bytes, at)) {
        if (controlTypeOf(bytes, at) === 'commit')
          for (const record of pending.get(producerId) ?? []) this.#load(record);
        pending.delete(producerId);
      } else if (isTransactional(bytes, at)) {
        const records = pending.get(producerId);
        if (records === undefined) pending.set(producerId, jsonRecords(bytes, at));
        else records.push(...jsonRecords(bytes, at));
      } else for (const record of jsonRecords(bytes, at)) this.#load(record);
    });
  }

  #load({ key, value }: { key: unknown; value: unknown }): void {
    const [group, topicId, partition] = key as [string, string, number];
    if (value === null) this.#forget(group, `${topicId}/${partition}`);
    else {
      const { offset, metadata, seen } = value as { offset: number; metadata?: string; seen?: number };
      this.#store(group, { topicId, partition, offset, metadata, seen });
    }
  }

  // -------------------------------------------------------------- topics

  /** The topic is there. */
  noteTopic(topic: TopicDescription): void {
    this.#appendTransactions([topicRecord(topic)]);
    this.topics.set(topic.id, topic);
  }

  /** The topic was deleted. Nothing of it is missed any more once `transactions.sync()` has answered. */
  noteDeleted(topicId: string): void {
    this.#appendTransactions([json(['topic', topicId], null)]);
    this.topics.delete(topicId);
  }

  /** Leaves word of how far the offsets partition reaches on the disk: the first time that it holds anything, and at
   *  every rotation. */
  noteOffsetsEnd(): void {
    const end = this.offsets.syncedEnd;
    if (this.#offsetsEnd > 0 || end === 0) return;
    try {
      this.#appendTransactions([json(['offsets', ''], { end })]);
      this.#offsetsEnd = end;
    } catch (cause) {
      // No space for it now: the next commit of offsets tries again.
      if (!(cause instanceof LogError)) throw cause;
    }
  }

  // -------------------------------------------------------------- producers

  /** A producer id never used before. Only the first of a block waits for the disk. */
  async newProducerId(): Promise<number> {
    if (this.#nextId >= this.#idLimit) {
      this.#idLimit = this.#nextId + idBlock;
      this.#appendTransactions([json(['ids'], { limit: this.#idLimit })]);
      await this.transactions.sync();
    }
    return this.#nextId++;
  }

  saveIdentity(transactionalId: string, identity: Identity): void {
    this.identities.set(transactionalId, identity);
    this.#appendTransactions([json(['producer', transactionalId], identity)]);
  }

  nameOf(producerId: number): string {
    for (const [name, identity] of this.identities) if (identity.producerId === producerId) return name;
    return `producer ${producerId}`;
  }

  // -------------------------------------------------------------- commits

  /** Makes sure that the transaction log holds something before there is any topic: found empty later, it has been
   *  lost. */
  async open(): Promise<void> {
    if (this.transactions.state.end > 0) return;
    this.#appendTransactions([json(['ids'], { limit: this.#idLimit })]);
    await this.transactions.sync();
  }

  /** Appends the commit record. The transaction is decided once `transactions.sync()` has answered. */
  decide(record: CommitRecord): void {
    const { transactionalId, producerId, epoch, partitions } = record;
    this.#appendTransactions([json(['commit', transactionalId], { producerId, epoch, partitions })]);
    // Until its markers are written the record must survive a rotation.
    this.#unfinished.set(record, [{ partition: this.transactions, offset: Number.POSITIVE_INFINITY }]);
  }

  /** The markers of a decided commit are in their partitions, or wait there for space. */
  finish(record: CommitRecord, partitions: readonly FilePartition[]): void {
    const markers = partitions.map((partition) => ({
      partition,
      offset: partition.hasPendingMarkers ? Number.POSITIVE_INFINITY : partition.state.end,
    }));
    this.#unfinished.set(record, markers);
    if (++this.#finishedSinceSweep >= 1000) this.#dropFinished();
  }

  #dropFinished(): void {
    this.#finishedSinceSweep = 0;
    for (const [record, markers] of this.#unfinished) {
      if (!markers.some(isUnsynced)) this.#unfinished.delete(record);
    }
  }

  #appendTransactions(records: readonly PlainRecord[]): void {
    this.#append(this.transactions, records);
  }

  #append(partition: FilePartition, records: readonly PlainRecord[], producer?: OffsetsProducer): void {
    partition.checkWritable();
    const batch = encodeBatch(records.map((record) => ({ ...record, timestamp: this.#now() })));
    stampBatch(batch, {
      baseOffset: partition.state.end,
      producerId: producer?.producerId ?? -1,
      epoch: producer?.epoch ?? -1,
      baseSequence: -1,
      transactional: producer !== undefined,
    });
    partition.append(batch);
  }

  /** Keeps both partitions from growing without bound; called now and then. */
  async rotate(): Promise<void> {
    if (this.transactions.sizeBytes >= this.#rotateBytes + 2 * this.#transactionsSizeAtRotation) {
      const unsynced = new Set<FilePartition>();
      for (const markers of this.#unfinished.values()) {
        for (const marker of markers) if (isUnsynced(marker)) unsynced.add(marker.partition);
      }
      await Promise.all([...unsynced].map((partition) => partition.sync()));
      this.#dropFinished();
      this.transactions.checkWritable();
      this.transactions.roll();
      const from = this.transactions.state.end;
      this.#offsetsEnd = this.offsets.syncedEnd;
      this.#appendTransactions([
        json(['ids'], { limit: this.#idLimit }),
        json(['offsets', ''], { end: this.#offsetsEnd }),
        ...[...this.topics.values()].map(topicRecord),
        ...[...this.identities].map(([id, identity]) => json(['producer', id], identity)),
        ...[...this.#unfinished.keys()].map(({ transactionalId, ...rest }) => json(['commit', transactionalId], rest)),
      ]);
      await this.transactions.sync();
      this.transactions.deleteRecords(from);
      this.#transactionsSizeAtRotation = this.transactions.sizeBytes;
    }
    await this.#rotateOffsets();
  }

  async #rotateOffsets(): Promise<void> {
    const { offsets } = this;
    if (offsets.state.start >= this.#offsetsRotatedAt) {
      if (offsets.sizeBytes < this.#rotateBytes + 2 * this.#offsetsSizeAtRotation) return;
      offsets.checkWritable();
      offsets.roll();
      this.#offsetsRotatedAt = offsets.state.end;
    }
    // A transaction that began below has offsets there which nobody knows yet: they count from its commit on.
    if (offsets.state.stable() < this.#offsetsRotatedAt) return;
    const records: PlainRecord[] = [];
    for (const [group, committed] of this.#groups)
      for (const stored of committed.values()) records.push(offsetRecord(group, stored));
    for (let i = 0; i < records.length; i += 1000) this.#append(offsets, records.slice(i, i + 1000));
    await offsets.sync();
    offsets.deleteRecords(this.#offsetsRotatedAt);
    this.#offsetsSizeAtRotation = offsets.sizeBytes;
  }

  // -------------------------------------------------------------- offsets

  /** Writes offsets to the log: into a transaction, or for good once `offsets.sync()` has answered. */
  writeOffsets(group: string, offsets: readonly StoredOffset[], producer?: OffsetsProducer): void {
    if (offsets.length > 0) {
      this.#append(
        this.offsets,
        offsets.map((stored) => offsetRecord(group, stored)),
        producer,
      );
    }
  }

  /** Makes offsets that were written visible. */
  applyOffsets(group: string, offsets: readonly StoredOffset[]): void {
    for (const stored of offsets) this.#store(group, stored);
  }

  #store(group: string, stored: StoredOffset): void {
    let offsets = this.#groups.get(group);
    if (offsets === undefined) {
      offsets = new Map();
      this.#groups.set(group, offsets);
    }
    offsets.set(`${stored.topicId}/${stored.partition}`, stored);
  }

  #forget(group: string, key: string): void {
    const offsets = this.#groups.get(group);
    if (offsets === undefined) return;
    offsets.delete(key);
    if (offsets.size === 0) this.#groups.delete(group);
  }

  /** Offsets of topics that do not exist (any more) are forgotten; ids are never used again, so nothing need be
   *  written. */
  forgetTopics(exists: (topicId: string) => boolean): void {
    for (const [group, offsets] of this.#groups) {
      for (const [key, stored] of offsets) if (!exists(stored.topicId)) this.#forget(group, key);
    }
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

  groups(): string[] {
    return [...this.#groups.keys()].sort();
  }

  async deleteGroup(group: string): Promise<void> {
    const offsets = this.#groups.get(group);
    if (offsets === undefined) return;
    this.#append(
      this.offsets,
      [...offsets.values()].map((stored) => ({ ...offsetRecord(group, stored), value: utf8Bytes('null') })),
    );
    this.#groups.delete(group);
    await this.offsets.sync();
  }
}

export type { StoredOffset };

const isUnsynced = ({ partition, offset }: Marker): boolean => !partition.deleted && partition.syncedEnd < offset;

export interface OffsetsProducer {
  readonly producerId: number;
  readonly epoch: number;
}

const json = (key: unknown, value: unknown): PlainRecord => ({
  key: utf8Bytes(JSON.stringify(key)),
  value: utf8Bytes(JSON.stringify(value)),
});

const offsetRecord = (group: string, { topicId, partition, offset, metadata, seen }: StoredOffset): PlainRecord =>
  json([group, topicId, partition], { offset, metadata, seen });

const topicRecord = ({ id, name, partitions, configs }: TopicDescription): PlainRecord =>
  json(['topic', id], { name, partitions, configs });

const jsonRecords = (bytes: Uint8Array, at: number): { key: unknown; value: unknown }[] => {
  const columns = new RecordColumns(16);
  columns.reset(bytes);
  const end = decodeBatch(bytes, at, columns, 0);
  assert(end > 0, 'a batch whose checksum is right decodes');
  return Array.from({ length: columns.count }, (_, i) => {
    const { key, value } = columns.record(i);
    return {
      key: JSON.parse(utf8Text(key ?? utf8Bytes('null'))) as unknown,
      value: JSON.parse(utf8Text(value ?? utf8Bytes('null'))) as unknown,
    };
  });
};
