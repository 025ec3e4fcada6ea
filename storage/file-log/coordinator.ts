/**
 * The transaction coordinator: which producer is the newest of a transactional id, and which transactions are decided.
 *
 * It keeps the transaction log, a partition in the same form as all others; its records are JSON. (The other partition
 * of the log's own, with the offsets of groups, is in group-offsets.ts.)
 *
 *   ["ids"]             {"limit":2000}                producer ids below are given out, or lost
 *   ["producer",id]     {"producerId":7,"epoch":3}    the newest producer of a transactional id; the time of the record
 *                                                     is when it was last used
 *   ["commit",id]       {"producerId":7,"epoch":3,"partitions":[[topic id, partition, first, last],…]}
 *   ["topic",topic id]  {"name":…,"partitions":…,"configs":…}    a topic that exists, or null: it was deleted
 *   ["offsets",""]      {"end":47}                    the offsets partition reached at least so far
 *
 * The commit protocol. (1) Every partition the transaction wrote to is synced, and every partition it read from up to
 * the offset that it commits: a committed position never lies beyond what is on the disk. (2) The commit record, which
 * lists the offsets written, is appended to the transaction log and synced: this is the commit point. (3) Commit
 * markers are appended to the partitions; nobody waits for them to reach the disk, because recovery writes those that
 * are missing again: wherever a partition has an open transaction of that producer that begins within the listed range.
 * Every other open transaction is aborted by recovery.
 *
 * A commit record is needed until its markers are on the disk. When the transaction log has grown by `rotateBytes` it
 * begins a new segment with what still counts (ids, producers, topics, commits whose markers may be missing) and
 * deletes the old ones. A transactional id that nobody has used for seven days is not among them.
 */

import { assert, isCount, JsonFault, JsonFields } from '../../base/index.ts';
import type { PlainRecord } from '../batch-builder.ts';
import { dropUnused, noteUse, transactionalIdExpirationMs } from '../last-use.ts';
import { LogError, type TopicDescription } from '../log.ts';
import { lastEpoch } from '../producer-session.ts';
import { offsetsTopic } from '../topic-rules.ts';
import { topicOf } from './data-directory.ts';
import { type GroupOffsets, partitionKey } from './group-offsets.ts';
import { appendRecords, type InternalRecord, internalRecord, keyText, readRecords } from './internal-records.ts';
import type { FilePartition } from './partition.ts';

export interface CommitRecord {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly epoch: number;
  readonly partitions: readonly WrittenOffsets[];
}

/** Offsets that a transaction has written to a partition; `last` is included. */
type WrittenOffsets = readonly [topicId: string, partition: number, first: number, last: number];

/** A commit that a start has found in the transaction log. */
export interface FoundCommit {
  readonly record: CommitRecord;
  /** Those that it wrote to; their markers are written by now, or wait there for space. */
  readonly partitions: readonly FilePartition[];
  /** A partition that it wrote to is missing or cannot be read now, and may hold records without a marker. */
  readonly isOutOfReach: boolean;
}

/** A commit marker that may not be on the disk yet: it is once the partition is synced up to this offset. */
interface Marker {
  readonly partition: FilePartition;
  readonly offset: number;
}

/** Producer ids are given out from blocks; one sync for each block. */
const idBlock = 1000;

/** The offsets up to which partitions are known to have been on the disk, by `partitionKey`. */
export type KnownEnds = ReadonlyMap<string, number>;

/** The newest producer of a transactional id. */
export interface Identity {
  producerId: number;
  epoch: number;
  /** When it was last opened or committed, epoch milliseconds. */
  lastUseMs: number;
}

export class Coordinator {
  readonly transactions: FilePartition;
  readonly groups: GroupOffsets;
  /** By transactional id, in order of last use. */
  readonly #identities = new Map<string, Identity>();
  /** The topics in the transaction log, by id. */
  readonly topics = new Map<string, TopicDescription>();
  /** The offsets partition is known to have reached this offset. */
  #offsetsEnd = 0;
  readonly #now: () => number;
  readonly #rotateBytes: number;
  #nextId = 1;
  #idLimit = 1;
  #commits: CommitRecord[] = [];
  readonly #unfinished = new Map<CommitRecord, readonly Marker[]>();
  #finishedSinceSweep = 0;
  /** Instead of markers: keeps the record of a commit until the next start. */
  readonly #neverSynced: Marker;
  /** The next rotation comes when twice as much has been added, so that it stays rare however much has to be kept. */
  #sizeAtRotation = 0;

  constructor(transactions: FilePartition, groups: GroupOffsets, now: () => number, rotateBytes: number) {
    this.transactions = transactions;
    this.#neverSynced = { partition: transactions, offset: Number.POSITIVE_INFINITY };
    this.groups = groups;
    this.#now = now;
    this.#rotateBytes = rotateBytes;
  }

  // -------------------------------------------------------------- at start

  /** Reads the transaction log: producers, and the commits whose markers may be missing. */
  load(): readonly CommitRecord[] {
    this.transactions.forEachBatch((bytes, at) =>
      readRecords(this.transactions, bytes, at, (record) => this.#load(record)),
    );
    return this.#commits;
  }

  #load({ key, value, timestamp }: InternalRecord): void {
    const kind = keyText(key, 0);
    switch (kind) {
      case 'ids':
        this.#idLimit = new JsonFields(value).count('limit');
        return;
      case 'offsets':
        this.#offsetsEnd = new JsonFields(value).count('end');
        return;
      case 'topic': {
        const id = keyText(key, 1);
        if (value === null) this.topics.delete(id);
        else this.topics.set(id, topicOf(id, new JsonFields(value)));
        return;
      }
      case 'producer':
        noteUse(this.#identities, keyText(key, 1), { ...identityOf(value), lastUseMs: timestamp }, timestamp);
        return;
      case 'commit': {
        const commit = commitOf(keyText(key, 1), value);
        this.#commits.push(commit);
        this.#noteUse(commit, timestamp);
        return;
      }
      default:
        throw new JsonFault(`records of the kind "${kind}" are not known`);
    }
  }

  /** Up to where the offsets partition is known to have been on the disk. */
  get offsetsKnownEnd(): number {
    let end = this.#offsetsEnd;
    for (const { partitions } of this.#commits) {
      for (const [topicId, , , last] of partitions) if (topicId === offsetsTopic) end = Math.max(end, last + 1);
    }
    return end;
  }

  /** Up to where partitions are known to have been on the disk: commits and committed offsets name only what was. */
  knownEnds(): KnownEnds {
    const ends = new Map<string, number>();
    const raise = (key: string, to: number): void => void ends.set(key, Math.max(ends.get(key) ?? 0, to));
    for (const { partitions } of this.#commits) {
      for (const [topicId, partition, , last] of partitions) raise(partitionKey(topicId, partition), last + 1);
    }
    for (const { topicId, partition, offset, seen } of this.groups.all()) {
      raise(partitionKey(topicId, partition), seen ?? offset);
    }
    return ends;
  }

  /** Producer ids and epochs that partitions have seen are never given out again. */
  noteProducer(producerId: number, epoch: number): void {
    if (producerId >= this.#idLimit) this.#idLimit = producerId + 1;
    for (const identity of this.#identities.values()) {
      if (identity.producerId === producerId && identity.epoch < epoch) identity.epoch = epoch;
    }
  }

  /** Takes over the commits that were found. Ids are given out above all former ones. */
  begin(commits: readonly FoundCommit[]): void {
    this.#nextId = this.#idLimit;
    this.#commits = [];
    for (const { record, partitions, isOutOfReach } of commits) {
      if (isOutOfReach) this.#unfinished.set(record, [this.#neverSynced]);
      else this.finish(record, partitions);
    }
  }

  // -------------------------------------------------------------- topics

  /** The topic exists. */
  noteTopic(topic: TopicDescription): void {
    this.#append([topicRecord(topic)]);
    this.topics.set(topic.id, topic);
  }

  /** The topic was deleted. Nothing of it is missed any more once `transactions.sync()` has answered. */
  noteDeleted(topicId: string): void {
    this.#append([internalRecord(['topic', topicId], null)]);
    this.topics.delete(topicId);
  }

  /** Records how far the offsets partition reaches on the disk: the first time that it holds anything, and at every
   *  rotation. */
  noteOffsetsEnd(): void {
    const end = this.groups.partition.syncedEnd;
    if (this.#offsetsEnd > 0 || end === 0) return;
    try {
      this.#append([offsetsEndRecord(end)]);
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
      const limit = this.#nextId + idBlock;
      this.#append([idsRecord(limit)]);
      this.#idLimit = limit;
      await this.transactions.sync();
    }
    return this.#nextId++;
  }

  /** The newest producer of a transactional id. */
  identityOf(transactionalId: string): Identity | undefined {
    return this.#identities.get(transactionalId);
  }

  /** A newer producer of a transactional id. */
  saveIdentity(transactionalId: string, { producerId, epoch }: Omit<Identity, 'lastUseMs'>): void {
    const now = this.#now();
    noteUse(this.#identities, transactionalId, { producerId, epoch, lastUseMs: now }, now);
    this.#append([identityRecord(transactionalId, { producerId, epoch, lastUseMs: now })]);
  }

  #noteUse({ transactionalId, producerId }: CommitRecord, nowMs: number): void {
    const identity = this.#identities.get(transactionalId);
    if (identity?.producerId === producerId) noteUse(this.#identities, transactionalId, identity, nowMs);
  }

  /** Forgets the transactional ids that nobody has used for long; answers them. */
  expireIdentities(isInUse: (transactionalId: string, identity: Identity) => boolean): readonly string[] {
    const unused = { nowMs: this.#now(), keepMs: transactionalIdExpirationMs };
    return dropUnused(this.#identities, unused, (identity, transactionalId) => isInUse(transactionalId, identity));
  }

  /** The transactional id of a producer, for reports. */
  nameOf(producerId: number): string {
    for (const [name, identity] of this.#identities) if (identity.producerId === producerId) return name;
    return `producer ${producerId}`;
  }

  // -------------------------------------------------------------- commits

  /** Makes sure that the transaction log holds something before there is any topic: found empty later, it has been
   *  lost. */
  async open(): Promise<void> {
    if (this.transactions.state.end > 0) return;
    this.#append([idsRecord(this.#idLimit)]);
    await this.transactions.sync();
  }

  /** Appends the commit record. The transaction is decided once `transactions.sync()` has answered. */
  decide(record: CommitRecord): void {
    for (const written of record.partitions) assertWritten(written);
    this.#append([commitRecord(record)]);
    this.#noteUse(record, this.#now());
    // Until its markers are written the record must survive a rotation.
    this.#unfinished.set(record, [this.#neverSynced]);
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

  #append(records: readonly PlainRecord[]): void {
    appendRecords(this.transactions, records, this.#now());
  }

  /** Keeps both partitions from growing without bound; called now and then. */
  async rotate(): Promise<void> {
    const { transactions } = this;
    if (transactions.sizeBytes >= this.#rotateBytes + 2 * this.#sizeAtRotation) {
      const unsynced = new Set<FilePartition>();
      for (const markers of this.#unfinished.values()) {
        for (const marker of markers) if (isUnsynced(marker)) unsynced.add(marker.partition);
      }
      await Promise.all([...unsynced].map((partition) => partition.sync()));
      this.#dropFinished();
      transactions.checkWritable();
      transactions.roll();
      const from = transactions.state.end;
      this.#offsetsEnd = this.groups.partition.syncedEnd;
      this.#append([
        idsRecord(this.#idLimit),
        offsetsEndRecord(this.#offsetsEnd),
        ...[...this.topics.values()].map(topicRecord),
        ...[...this.#identities].map(([id, identity]) => identityRecord(id, identity)),
        ...[...this.#unfinished.keys()].map(commitRecord),
      ]);
      await transactions.sync();
      transactions.deleteRecords(from);
      this.#sizeAtRotation = transactions.sizeBytes;
    }
    await this.groups.rotate();
  }
}

const isUnsynced = ({ partition, offset }: Marker): boolean => !partition.deleted && partition.syncedEnd < offset;

const assertWritten = ([topicId, partition, first, last]: WrittenOffsets): void =>
  assert(isCount(first) && last >= first, () => `[${first}, ${last}] of ${topicId}/${partition} are not offsets`);

// ---------------------------------------------------------------- records

const idsRecord = (limit: number): PlainRecord => internalRecord(['ids'], { limit });

const offsetsEndRecord = (end: number): PlainRecord => internalRecord(['offsets', ''], { end });

const topicRecord = ({ id, name, partitions, configs }: TopicDescription): PlainRecord =>
  internalRecord(['topic', id], { name, partitions, configs });

const identityRecord = (id: string, { producerId, epoch, lastUseMs }: Identity): PlainRecord =>
  internalRecord(['producer', id], { producerId, epoch }, lastUseMs);

const commitRecord = ({ transactionalId, producerId, epoch, partitions }: CommitRecord): PlainRecord =>
  internalRecord(['commit', transactionalId], { producerId, epoch, partitions });

const identityOf = (value: unknown): { readonly producerId: number; readonly epoch: number } => {
  const fields = new JsonFields(value);
  const [producerId, epoch] = [fields.count('producerId'), fields.count('epoch')];
  if (epoch > lastEpoch) throw new JsonFault(`the field "epoch" must be at most ${lastEpoch}, not ${epoch}`);
  return { producerId, epoch };
};

const commitOf = (transactionalId: string, value: unknown): CommitRecord => ({
  transactionalId,
  ...identityOf(value),
  partitions: new JsonFields(value).list('partitions').map((written): WrittenOffsets => {
    const [topicId, partition, first, last] = Array.isArray(written) ? (written as readonly unknown[]) : [];
    if (typeof topicId !== 'string' || !isCount(partition) || !isCount(first) || !isCount(last) || last < first) {
      throw new JsonFault(
        `the field "partitions" must list [topic id, partition, first, last], not ${JSON.stringify(written)}`,
      );
    }
    return [topicId, partition, first, last];
  }),
});
