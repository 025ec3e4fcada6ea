/**
 * A partition on disk: its segments, and the state that follows from them.
 *
 *   <directory>/00000000000000000000.log        batches from offset 0 on
 *   <directory>/00000000000000000000.index      hints for finding offsets in it (rebuilt when missing)
 *   <directory>/00000000000000000000.timeindex  hints for finding timestamps in it (rebuilt when missing)
 *   <directory>/00000000000000004711.snapshot   producers and transactions as of offset 4711, and the recovery point
 *   <directory>/start                           the start offset, once records were deleted (start-offset.ts)
 *   <directory>/deletions                       which tombstones compaction has dropped (deletions.ts)
 *   <directory>/compacted                       below which offset the partition is compacted (housekeeping.ts)
 *
 * Appending writes to the page cache at once (an acknowledged append outlives the process); `sync` puts everything
 * written so far on the disk (it outlives the machine). A write that fails is undone: the file is cut to its last
 * whole batch, reads go on, and the next append may succeed.
 *
 * This file holds what changes a partition: appending, markers, syncing, deleting, and segments replaced by compaction.
 * All of it keeps segments, state and files in step, so it is one file. The parts have files of their own: opening
 * after a crash (partition-recovery.ts), reading (read-partition.ts), the list of segments (segment-list.ts), snapshots
 * (partition-snapshots.ts), retention (retention.ts).
 */

import { assert, type BufferPool, FileError, type FileSystem, itemAt, writeFully } from '../../base/index.ts';
import { type ControlType, encodeControlBatch } from '../control-batch.ts';
import {
  type Chunk,
  type FetchRequest,
  LogError,
  type TimedOffset,
  type TopicConfigs,
  type TopicPartition,
} from '../log.ts';
import { offsetOutOfRange } from '../log-errors.ts';
import { PartitionState } from '../partition-state.ts';
import { baseOffsetOf, batchBytes, checkBatch, lastOffsetOf, nextOffsetOf } from '../record-batch.ts';
import { numberConfig } from '../topic-rules.ts';
import { Waiters } from '../waiting.ts';
import type { CompactedPartition, CompactedSegment } from './compaction.ts';
import type { DamageReport } from './damage-list.ts';
import { readDeletions, writeDeletions } from './deletions.ts';
import { findTime } from './find-time.ts';
import type { OpenFiles } from './open-files.ts';
import {
  type PartitionRecovery,
  type RecoveryContext,
  type RecoveryOptions,
  recoverPartition,
  verifyPartition,
} from './partition-recovery.ts';
import { PartitionSnapshots } from './partition-snapshots.ts';
import { ReadPoints, readPartition } from './read-partition.ts';
import { RemovedSegments } from './removed-segments.ts';
import { retentionOf } from './retention.ts';
import { type RollRules, rollRules } from './roll-rules.ts';
import { Segment } from './segment.ts';
import { type ClosedSegment, SegmentList } from './segment-list.ts';
import { writeStart } from './start-offset.ts';
import { isSwapDecided, swapIn } from './swap.ts';
import { damagedBatch, wholeBatches } from './whole-batches.ts';
import { brokenTail, isFull, offlineError, writeError } from './write-errors.ts';

/** What a partition needs of the log it belongs to. */
export interface PartitionHost {
  readonly files: FileSystem;
  readonly pool: BufferPool;
  readonly openFiles: OpenFiles;
  now(): number;
  /** A sync failed: nothing may be acknowledged any more. */
  fence(cause: unknown): void;
  /** The error to reject writes with, once fenced. */
  readonly fenced: LogError | undefined;
  /** The newest write was refused, or accepted. */
  wrote(refusal: LogError | undefined): void;
  /** Throws, and fences the log, when another process has taken over the data directory. */
  checkOwner(): void;
  /** Something runs in the background; the log waits for it when it closes. */
  background(work: Promise<unknown>): void;
  /** A segment was closed: retention and compaction may have something to do. */
  segmentClosed(): void;
}

export interface PendingMarker {
  readonly type: ControlType;
  readonly producerId: number;
  readonly epoch: number;
}

/** Log appended since the last snapshot after which another one is due: it bounds what a restart reads. */
const snapshotEveryBytes = 16 * 1024 * 1024;
/** How much is read at once where every batch is visited. */
const sliceBytes = 512 * 1024;

export class FilePartition implements CompactedPartition {
  readonly target: TopicPartition;
  readonly directory: string;
  readonly state = new PartitionState();
  readonly waiters = new Waiters();
  /** Called after every change that readers may see. */
  publish: (() => void) | undefined;
  /** Called before and after segments are replaced by others: readers in other threads must not mix the old ones with
   *  the new ones. */
  publishLayout: ((changing: boolean) => void) | undefined;
  deleted = false;
  readonly configs: TopicConfigs;
  /** Compaction may drop tombstones below at once, see `Log.releaseTombstones`. */
  tombstonesReleasedBelow = 0;
  #deletionsKeptFrom: number | undefined;
  readonly #host: PartitionHost;
  readonly #rollRules: RollRules;
  #closed = false;
  readonly #indexInterval: number;
  #segments = new SegmentList();
  #syncedEnd = 0;
  readonly #snapshots: PartitionSnapshots;
  /** Why the tail of the active file cannot be trusted: it could not be cut back after a failed write. */
  #broken: unknown;
  #offline: LogError | undefined;
  /** Markers that could not be written yet (full disk): nothing is appended before them. */
  #pendingMarkers: PendingMarker[] = [];
  readonly #removed = new RemovedSegments();
  readonly #readPoints = new ReadPoints();

  constructor(host: PartitionHost, target: TopicPartition, directory: string, configs: TopicConfigs) {
    this.#host = host;
    this.target = target;
    this.directory = directory;
    this.configs = configs;
    this.#rollRules = rollRules(configs);
    this.#snapshots = new PartitionSnapshots(host, directory, this.state, () => this.deleted);
    this.#indexInterval = numberConfig(configs, 'index.interval.bytes');
  }

  /** Everything below is on the disk. */
  get syncedEnd(): number {
    return this.#syncedEnd;
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes;
  }

  get segmentCount(): number {
    return this.#segments.all.length;
  }

  // -------------------------------------------------------------- opening

  /** Reads what is on the disk; see partition-recovery.ts. A partition that the file system does not let read is
   *  offline until the next start. */
  recover(report: PartitionRecovery, options: RecoveryOptions, damage: DamageReport): void {
    try {
      const recovered = recoverPartition(this.#recoveryContext(options, damage), report);
      this.#segments = new SegmentList(recovered.segments);
      this.#syncedEnd = recovered.syncedEnd;
      this.#snapshots.foundAt(recovered.snapshotAt);
      this.#deleteBelow(this.state.start);
    } catch (cause) {
      if (!(cause instanceof FileError)) throw cause;
      this.#offline = offlineError(this.target, cause);
    }
  }

  /** Why the partition can be neither read nor written until the next start. */
  get offline(): LogError | undefined {
    return this.#offline;
  }

  /** Checks every batch; what is damaged is reported, kept aside and replaced by a gap. */
  verify(damage: DamageReport): void {
    this.checkWritable();
    const context = this.#recoveryContext({ distrust: false, expectation: 'everything', knownEnd: 0 }, damage);
    const segments = [...this.#segments.all];
    try {
      verifyPartition(context, segments);
    } finally {
      this.#segments = new SegmentList(segments);
    }
    this.#readPoints.clear();
    this.changed();
  }

  #recoveryContext(options: RecoveryOptions, damage: DamageReport): RecoveryContext {
    return {
      ...options,
      files: this.#host.files,
      pool: this.#host.pool,
      directory: this.directory,
      state: this.state,
      indexInterval: this.#indexInterval,
      now: () => this.#host.now(),
      newSegment: (baseOffset) => this.#newSegment(baseOffset),
      damage,
    };
  }

  #newSegment(baseOffset: number): Segment {
    const { files, openFiles } = this.#host;
    return new Segment(files, openFiles, this.directory, baseOffset, (cause) => this.#host.fence(cause));
  }

  // -------------------------------------------------------------- writing

  /** Throws when nothing can be appended now. Writes markers that are due first. */
  checkWritable(): void {
    if (this.#host.fenced !== undefined) throw this.#host.fenced;
    if (this.#offline !== undefined) throw this.#offline;
    if (this.#broken !== undefined) {
      throw brokenTail(this.directory, this.#broken);
    }
    while (this.#pendingMarkers.length > 0) {
      const [marker] = this.#pendingMarkers;
      if (marker !== undefined) this.#writeMarker(marker);
      this.#pendingMarkers.shift();
    }
  }

  get hasPendingMarkers(): boolean {
    return this.#pendingMarkers.length > 0;
  }

  /** Behind the last batch the file may hold a part of one that could not be written. */
  get hasBrokenTail(): boolean {
    return this.#broken !== undefined;
  }

  /** Those that could not be written yet, in the order in which they will be. */
  get pendingMarkers(): readonly PendingMarker[] {
    return this.#pendingMarkers;
  }

  /** Appends a stamped batch to the page cache, or throws and leaves everything as it was. */
  append(batch: Uint8Array): void {
    assert(
      baseOffsetOf(batch, 0) === this.state.end,
      () => `a batch for offset ${baseOffsetOf(batch, 0)} cannot be appended at ${this.state.end}`,
    );
    this.#host.checkOwner();
    const segment = this.#active(batch);
    const position = segment.size;
    try {
      writeFully(segment.file, batch, 0, batch.length, position);
    } catch (cause) {
      this.#undoWrite(segment, cause);
    }
    segment.size = position + batch.length;
    segment.sync.touch();
    const now = this.#host.now();
    segment.note(batch, 0, position, this.#indexInterval, now);
    this.state.apply(batch, 0, now);
    this.#snapshots.bytesSince += batch.length;
    this.#host.wrote(undefined);
    this.changed();
    if (this.#snapshots.bytesSince >= snapshotEveryBytes) this.#host.background(this.snapshot());
  }

  changed(): void {
    this.publish?.();
    this.waiters.changed();
  }

  /** Cuts the file to its last whole batch after a write that failed. */
  #undoWrite(segment: Segment, cause: unknown): never {
    try {
      segment.file.truncate(segment.size);
      // A power cut must not bring the bytes back behind the start of a later segment.
      segment.sync.touch();
    } catch (again) {
      this.#broken = again;
    }
    throw this.#refused(cause);
  }

  #refused(cause: unknown): LogError {
    const error = writeError(this.directory, cause);
    this.#host.wrote(error);
    return error;
  }

  /** The segment that this batch goes to: the last one, or a new one when it is full. */
  #active(batch: Uint8Array): Segment {
    const last = this.#segments.active;
    if (last !== undefined) {
      const { bytes, ms } = this.#rollRules;
      const fits = last.size + batch.length <= bytes && this.#host.now() - last.index.firstAppendMs < ms;
      const reaches = lastOffsetOf(batch, 0) - last.baseOffset <= 0x7fff_ffff;
      if (last.size === 0 || (reaches && fits)) return last;
    }
    const segment = this.#createSegment();
    if (last !== undefined) this.#closedSegment(last);
    return segment;
  }

  /** A segment is on the disk before the next one begins: recovery relies on that. */
  #createSegment(): Segment {
    const last = this.#segments.active;
    try {
      if (last?.dirty === true) last.sync.now();
    } catch (cause) {
      throw this.#host.fenced ?? cause;
    }
    const segment = this.#newSegment(this.state.end);
    try {
      segment.create();
    } catch (cause) {
      try {
        segment.remove();
      } catch {
        // What cannot be removed is an empty file; recovery handles it.
      }
      throw this.#refused(cause);
    }
    this.#segments.append(segment);
    return segment;
  }

  /** Ends the transaction of a producer here. On a full disk the marker is kept and written before anything else is. */
  mark(marker: PendingMarker): void {
    try {
      this.checkWritable();
      this.#writeMarker(marker);
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause;
      this.#pendingMarkers.push(marker);
    }
  }

  #writeMarker({ type, producerId, epoch }: PendingMarker): void {
    if (this.state.openFrom(producerId) < 0) return;
    this.append(
      encodeControlBatch({ type, baseOffset: this.state.end, producerId, epoch, timestamp: this.#host.now() }),
    );
  }

  /** Begins a new segment: what lies before can then be deleted as a whole. */
  roll(): void {
    const last = this.#segments.active;
    if (last === undefined || last.size === 0) return;
    this.#createSegment();
    this.#closedSegment(last);
  }

  #closedSegment(segment: Segment): void {
    segment.writeIndexes();
    this.#host.background(this.snapshot());
    this.#host.segmentClosed();
  }

  /** Resolves when everything appended before the call is on the disk. */
  async sync(): Promise<void> {
    if (this.#host.fenced !== undefined) throw this.#host.fenced;
    const { end } = this.state;
    try {
      const syncs: Promise<void>[] = [];
      for (const segment of this.#segments.all) if (segment.dirty) syncs.push(segment.sync.sync());
      if (syncs.length > 0) await Promise.all(syncs);
    } catch (cause) {
      if (this.deleted) return;
      if (this.#host.fenced !== undefined) throw this.#host.fenced;
      throw cause instanceof FileError ? writeError(this.directory, cause) : cause;
    }
    this.#host.checkOwner();
    this.#syncedEnd = Math.max(this.#syncedEnd, end);
  }

  /** Bytes that a start after a crash would have to read. */
  get bytesSinceSnapshot(): number {
    return this.#snapshots.bytesSince;
  }

  /** Writes a snapshot of now, once a sync has put everything below it on the disk. */
  snapshot(): Promise<void> {
    return this.#snapshots.write(
      () => this.#segments,
      () => this.sync(),
    );
  }

  // -------------------------------------------------------------- reading

  read(request: FetchRequest, maxBytes: number): Chunk | undefined {
    const { state } = this;
    const { offset, isolation } = request;
    if (this.#offline !== undefined) throw this.#offline;
    if (!(offset >= state.start && offset <= state.end)) {
      throw offsetOutOfRange(request, offset, state.start, state.end);
    }
    const limit = state.limit(isolation);
    if (offset >= limit) return undefined;
    const read = { request, limit, offsets: state.offsets(), state, maxBytes };
    return readPartition(this.#segments, this.#readPoints, read, this.#host.pool);
  }

  /** See `Log.offsetForTime`. The time index gives where to begin in a segment, and most segments are not read at
   *  all. */
  offsetForTime(timestamp: number): TimedOffset | undefined {
    if (this.#offline !== undefined) throw this.#offline;
    const { state } = this;
    const stable = state.stable();
    for (const segment of this.#segments.all) {
      if (segment.baseOffset >= stable) break;
      if (segment.index.maxTimestamp < timestamp) continue;
      const found = findTime({ ...this.target, segment, state, timestamp, stable, pool: this.#host.pool });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Calls `visit` for every batch from the start on, uncommitted ones and markers included. */
  forEachBatch(visit: (bytes: Uint8Array, at: number) => void): void {
    for (const segment of this.#segments.all) {
      let position = 0;
      for (const { bytes, length } of wholeBatches(segment, 0, sliceBytes)) {
        for (let at = 0; at < length; at += batchBytes(bytes, at)) {
          const fault = checkBatch(bytes, at, length);
          if (fault !== undefined) {
            throw damagedBatch(segment.path, `the batch at byte ${position + at}`, fault.reason);
          }
          if (nextOffsetOf(bytes, at) > this.state.start) visit(bytes, at);
        }
        position += length;
      }
    }
  }

  // -------------------------------------------------------------- deleting

  /** Raises the start offset for good, and deletes the segments that lie wholly below it. */
  deleteRecords(offset: number): void {
    if (offset <= this.state.start) return;
    assert(offset <= this.state.end, () => `records below ${offset} cannot be deleted: the end is ${this.state.end}`);
    this.#writeStart(offset);
    this.state.raiseStart(offset);
    this.#deleteBelow(offset);
    this.changed();
  }

  /** The start offset is on the disk before anything is deleted. On a full disk the indexes of what is to be deleted
   *  make room for it. */
  #writeStart(offset: number): void {
    const { files } = this.#host;
    try {
      writeStart(files, this.directory, offset);
    } catch (cause) {
      const below = this.#segments.closed().filter(({ nextOffset }) => nextOffset <= offset);
      if (!isFull(cause) || below.length === 0) throw cause;
      for (const { segment } of below) segment.removeIndexes();
      writeStart(files, this.directory, offset);
    }
  }

  #deleteBelow(offset: number): void {
    const below = this.#segments.removeBelow(offset);
    if (below.length > 0) this.#readPoints.clear();
    this.#removed.add(below);
    this.#removed.removeFiles();
  }

  /** Deletes what the topic's retention does not keep; see retention.ts. The active segment is closed first when it
   *  is as old. Throws a `FileError` or `LogError` when the disk refuses; nothing is lost then, and a later call
   *  goes on. */
  retain(): void {
    this.#host.checkOwner();
    if (this.gone) return;
    const retention = retentionOf(this.configs);
    if (retention !== undefined) {
      const now = this.#host.now();
      const { active } = this.#segments;
      const ended = this.state.stable() === this.state.end;
      const isOld = active !== undefined && active.size > 0 && retention.isOld(active, now);
      if (isOld && ended && this.#broken === undefined) this.roll();
      this.deleteRecords(retention.deletableTo(this.#segments, now, this.state.stable()));
    }
    const failure = this.#removed.removeFiles();
    if (failure !== undefined) throw failure;
  }

  // -------------------------------------------------------------- compaction

  get gone(): boolean {
    return this.deleted || this.#closed || this.#offline !== undefined || this.#host.fenced !== undefined;
  }

  /** See `Log.deletionsKeptFrom`. */
  get deletionsKeptFrom(): number {
    this.#deletionsKeptFrom ??= readDeletions(this.#host.files, this.directory, this.state.end);
    return this.#deletionsKeptFrom;
  }

  closedSegments(): readonly ClosedSegment[] {
    return this.#segments.closed();
  }

  replaceSegments(originals: readonly Segment[], merged: CompactedSegment): boolean {
    const { sizeBytes, index, timeIndex, deletionsDroppedTo } = merged;
    this.#host.checkOwner();
    if (this.gone) return false;
    if (!this.#segments.holdsTogether(originals) || originals.some(({ dirty }) => dirty)) return false;
    const { files } = this.#host;
    if (deletionsDroppedTo > this.deletionsKeptFrom) {
      writeDeletions(files, this.directory, deletionsDroppedTo);
      this.#deletionsKeptFrom = deletionsDroppedTo;
    }
    const segment = this.#newSegment(itemAt(originals, 0).baseOffset);
    segment.size = sizeBytes;
    segment.index = index;
    segment.timeIndex = timeIndex;
    this.publishLayout?.(true);
    try {
      const bases = originals.map(({ baseOffset }) => baseOffset);
      swapIn(files, this.directory, bases);
      this.#segments.replace(originals, segment);
      for (const original of originals) original.close();
      this.#readPoints.clear();
    } catch (cause) {
      // Half-way through, what is on the disk is no longer what is in memory: the next start finishes the swap.
      if (isSwapDecided(files, this.directory, segment.baseOffset)) this.#host.fence(cause);
      throw cause;
    } finally {
      this.publishLayout?.(false);
    }
    segment.writeIndexes();
    this.#snapshots.checkNewest();
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const segment of this.#segments.all) segment.close();
  }
}
