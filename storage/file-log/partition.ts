/**
 * A partition on disk: segments, the state that follows from them, and the way back after a crash.
 *
 *   <directory>/00000000000000000000.log        batches from offset 0 on
 *   <directory>/00000000000000000000.index      hints for finding offsets in it (rebuilt when missing)
 *   <directory>/00000000000000000000.timeindex  hints for finding timestamps in it (rebuilt when missing)
 *   <directory>/00000000000000004711.snapshot   producers and transactions as of offset 4711, and the recovery point
 *   <directory>/start                           the start offset, once records were deleted (these three: see offset-file.ts)
 *   <directory>/deletions                       which tombstones compaction has dropped (see deletions.ts)
 *   <directory>/compacted                       below which offset the partition is compacted (see housekeeping.ts)
 *
 * Appending writes to the page cache at once (an acknowledged append outlives the process); `sync` puts everything
 * written so far on the disk (it outlives the machine). A write that fails is taken back: the file is cut to its last
 * whole batch, reads go on, and the next append may succeed.
 *
 * The way back after a crash is in partition-recovery.ts.
 */

import {
  assert,
  type BufferPool,
  FileError,
  type FileSystem,
  joinPath,
  type OpenFile,
  writeFully,
} from '../../base/index.ts';
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
import { batchBytes, checkBatch, lastOffsetOf, nextOffsetOf } from '../record-batch.ts';
import { isDeleted, numberConfig } from '../topic-rules.ts';
import { Waiters } from '../waiting.ts';
import type { ClosedSegment, CompactedPartition, CompactedPiece } from './compaction.ts';
import { readDeletions, writeDeletions } from './deletions.ts';
import { findTime } from './find-time.ts';
import type { OpenFiles } from './open-files.ts';
import {
  type DamageReport,
  type PartitionRecovery,
  type RecoveryContext,
  type RecoveryOptions,
  recoverPartition,
  verifyPartition,
  writeStart,
} from './partition-recovery.ts';
import { type ReadPoint, ReadPoints, readPartition, type SegmentFiles } from './read-partition.ts';
import { type RollRules, rollRules } from './roll-rules.ts';
import { offsetInName, Segment, segmentName, writeSideFile } from './segment.ts';
import { encodeSnapshot } from './snapshot.ts';
import { isSwapDecided, swapIn } from './swap.ts';
import { damagedBatch, wholeBatches } from './whole-batches.ts';

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
  /** Throws, and fences the log, when another process has taken over the data directory. */
  checkOwner(): void;
  /** Something runs in the background; the log waits for it when it closes. */
  background(work: Promise<unknown>): void;
  /** A segment was closed: retention and compaction may have something to do. */
  segmentClosed(): void;
}

interface PendingMarker {
  readonly type: ControlType;
  readonly producerId: number;
  readonly epoch: number;
}

/** Log appended since the last snapshot after which another one is due: it bounds what a restart reads. */
const snapshotEveryBytes = 16 * 1024 * 1024;
/** How much is read at once where every batch is visited. */
const sliceBytes = 512 * 1024;

export class FilePartition implements CompactedPartition, SegmentFiles {
  readonly target: TopicPartition;
  readonly directory: string;
  readonly state = new PartitionState();
  readonly waiters = new Waiters();
  /** Called after every change that readers may see. */
  publish: (() => void) | undefined;
  /** Called before and after segments are replaced by others: readers in other threads must not mix old and new ones.
   *  */
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
  #segments: Segment[] = [];
  #syncedEnd = 0;
  #sinceSnapshot = 0;
  #snapshotting = false;
  /** Offset of the last snapshot written or found; nothing is to be written while the end is still there. */
  #snapshotAt = -1;
  /** Why the tail of the active file cannot be trusted: it could not be cut back after a failed write. */
  #broken: unknown;
  #offline: LogError | undefined;
  /** Markers that could not be written yet (full disk): nothing is appended before them. */
  #pendingMarkers: PendingMarker[] = [];
  /** Deleted segments whose files are still there. */
  #unremoved: Segment[] = [];
  #removalFailure: FileError | undefined;
  readonly #readPoints = new ReadPoints();

  constructor(host: PartitionHost, target: TopicPartition, directory: string, configs: TopicConfigs) {
    this.#host = host;
    this.target = target;
    this.directory = directory;
    this.configs = configs;
    this.#rollRules = rollRules(configs);
    this.#indexInterval = numberConfig(configs, 'index.interval.bytes');
  }

  /** Everything below is on the disk. */
  get syncedEnd(): number {
    return this.#syncedEnd;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  // -------------------------------------------------------------- opening

  /** Reads what is on the disk; see partition-recovery.ts. A partition that the file system does not let read is
   *  offline until the next start. */
  recover(report: PartitionRecovery, options: RecoveryOptions, damage: DamageReport): void {
    try {
      const recovered = recoverPartition(this.#recoveryContext(options, damage), report);
      this.#segments = recovered.segments;
      this.#syncedEnd = recovered.syncedEnd;
      this.#snapshotAt = recovered.snapshotAt;
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
    verifyPartition(
      this.#recoveryContext({ distrust: false, expectation: 'everything', knownEnd: 0 }, damage),
      this.#segments,
    );
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
      throw new LogError('unavailable', 'LOG_WRITE_FAILED', `${this.directory} takes no writes until the next start`, {
        cause: this.#broken,
      });
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

  /** Appends a stamped batch to the page cache, or throws and leaves everything as it was. */
  append(batch: Uint8Array): void {
    this.#host.checkOwner();
    const segment = this.#active(batch);
    const position = segment.size;
    try {
      writeFully(segment.file, batch, 0, batch.length, position);
    } catch (cause) {
      this.#takeBack(segment, cause);
    }
    segment.size = position + batch.length;
    segment.sync.touch();
    const now = this.#host.now();
    segment.note(batch, 0, position, this.#indexInterval, now);
    this.state.apply(batch, 0, now);
    this.#sinceSnapshot += batch.length;
    this.changed();
    if (this.#sinceSnapshot >= snapshotEveryBytes) this.#host.background(this.snapshot());
  }

  changed(): void {
    this.publish?.();
    this.waiters.changed();
  }

  #takeBack(segment: Segment, cause: unknown): never {
    try {
      segment.file.truncate(segment.size);
      // A power cut must not bring the bytes back behind the start of a later segment.
      segment.sync.touch();
    } catch (again) {
      this.#broken = again;
    }
    throw writeError(this.directory, cause);
  }

  /** The segment that takes this batch: the last one, or a new one when it is full. */
  #active(batch: Uint8Array): Segment {
    const last = this.#segments.at(-1);
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
    const last = this.#segments.at(-1);
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
        // What cannot be removed is an empty file; recovery takes it for what it is.
      }
      throw writeError(this.directory, cause);
    }
    this.#segments.push(segment);
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

  /** Starts the append of a batch in a segment of its own: what lies before can then be deleted as a whole. */
  roll(): void {
    const last = this.#segments.at(-1);
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
      for (const segment of this.#segments) if (segment.dirty) syncs.push(segment.sync.sync());
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
    return this.#sinceSnapshot;
  }

  /** Writes a snapshot of now, once a sync has put everything below it on the disk. */
  async snapshot(): Promise<void> {
    if (this.#snapshotting || this.deleted || this.state.end === this.#snapshotAt) return;
    this.#snapshotting = true;
    this.#sinceSnapshot = 0;
    try {
      const segment = this.#segments.at(-1);
      const { end } = this.state;
      const at = {
        offset: end,
        segment: segment?.baseOffset ?? end,
        position: segment?.size ?? 0,
        segments: new Map(this.#segments.map(({ baseOffset, size }) => [baseOffset, size])),
      };
      this.state.expireProducers(this.#host.now());
      const encoded = encodeSnapshot(at, this.state);
      const indexes = segment?.encodeIndexes();
      await this.sync();
      // A segment that was compacted meanwhile has other positions.
      if (this.deleted || (segment !== undefined && !this.#segments.includes(segment))) return;
      const { files } = this.#host;
      if (indexes !== undefined) segment?.writeIndexes(indexes);
      const path = joinPath(this.directory, segmentName(end, 'snapshot'));
      if (!writeSideFile(files, path, encoded)) return;
      this.#snapshotAt = end;
      const old = files
        .readdir(this.directory)
        .filter((name) => (offsetInName(name, 'snapshot') ?? end) < end)
        .slice(0, -1);
      for (const name of old) files.unlink(joinPath(this.directory, name));
    } catch (cause) {
      // Without this snapshot the next start reads more. A failed sync has fenced the log already.
      if (!(cause instanceof LogError || cause instanceof FileError)) throw cause;
    } finally {
      this.#snapshotting = false;
    }
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
    return readPartition(this, this.#readPoints, read, this.#host.pool);
  }

  // See `SegmentFiles`.

  find(offset: number): ReadPoint | undefined {
    const segment = this.#segments[Math.max(0, this.#after(offset) - 1)];
    return segment && { base: segment.baseOffset, ...segment.index.floor(offset) };
  }

  open(base: number): { readonly file: OpenFile; readonly size: number } {
    const segment = this.#segments[this.#after(base) - 1];
    assert(segment?.baseOffset === base, () => `${this.directory} has no segment with offset ${base}`);
    return segment;
  }

  after(base: number): number | undefined {
    return this.#segments[this.#after(base)]?.baseOffset;
  }

  /** The index of the first segment that begins behind the offset. */
  #after(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** See `Log.offsetForTime`. The time index says where to begin in a segment, and most segments need no look at all.
   *  */
  offsetForTime(timestamp: number): TimedOffset | undefined {
    const { state } = this;
    const stable = state.stable();
    for (const segment of this.#segments) {
      if (segment.baseOffset >= stable) break;
      if (segment.index.maxTimestamp < timestamp) continue;
      const found = findTime({ ...this.target, segment, state, timestamp, stable, pool: this.#host.pool });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Calls `visit` for every batch from the start on, uncommitted ones and markers included. */
  forEachBatch(visit: (bytes: Uint8Array, at: number) => void): void {
    for (const segment of this.#segments) {
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
    writeStart(this.#host.files, this.directory, offset);
    this.state.raiseStart(offset);
    this.#deleteBelow(offset);
    this.changed();
  }

  #deleteBelow(offset: number): void {
    while (this.#segments.length > 1 && (this.#segments[1] as Segment).baseOffset <= offset) {
      const [oldest] = this.#segments.splice(0, 1);
      this.#readPoints.clear();
      if (oldest !== undefined) this.#unremoved.push(oldest);
    }
    this.#removeFiles();
  }

  /** Removes the files of segments that are not part of the log any more. What the file system refuses now is tried
   *  again later. */
  #removeFiles(): void {
    this.#removalFailure = undefined;
    this.#unremoved = this.#unremoved.filter((segment) => {
      try {
        segment.remove();
        return false;
      } catch (cause) {
        if (!(cause instanceof FileError)) throw cause;
        this.#removalFailure = cause;
        return true;
      }
    });
  }

  /** Deletes what the topic's retention does not keep: whole segments, the oldest first, never beyond the last stable
   *  offset. The active segment is closed first when it is as old. Age counts from the last append: old events that
   *  came today stay, and an event dated in the future keeps nothing. Throws a `FileError` or `LogError` when the disk
   *  refuses; nothing is lost then, and a later call goes on. */
  retain(): void {
    this.#host.checkOwner();
    if (this.gone) return;
    this.#removeFiles();
    if (!isDeleted(this.configs)) {
      if (this.#removalFailure !== undefined) throw this.#removalFailure;
      return;
    }
    const bytes = numberConfig(this.configs, 'retention.bytes');
    const ms = numberConfig(this.configs, 'retention.ms');
    const now = this.#host.now();
    const isOld = ({ index }: Segment): boolean => ms >= 0 && now - index.lastAppendMs > ms;
    const active = this.#segments.at(-1);
    const ended = this.state.stable() === this.state.end;
    if (active !== undefined && active.size > 0 && isOld(active) && ended && this.#broken === undefined) this.roll();
    const stable = this.state.stable();
    let total = this.sizeBytes;
    let to = 0;
    for (let i = 0; i + 1 < this.#segments.length; i++) {
      const oldest = this.#segments[i] as Segment;
      const { baseOffset } = this.#segments[i + 1] as Segment;
      const due = isOld(oldest) || (bytes >= 0 && total - oldest.size >= bytes);
      if (!due || baseOffset > stable) break;
      total -= oldest.size;
      to = baseOffset;
    }
    this.deleteRecords(to);
    if (this.#removalFailure !== undefined) throw this.#removalFailure;
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
    return this.#segments
      .slice(0, -1)
      .map((segment, i) => ({ segment, nextOffset: (this.#segments[i + 1] as Segment).baseOffset }));
  }

  replaceSegments(originals: readonly Segment[], compacted: CompactedPiece): boolean {
    const { sizeBytes, index, timeIndex, deletionsDroppedTo } = compacted;
    this.#host.checkOwner();
    if (this.gone) return false;
    const first = this.#segments.indexOf(originals[0] as Segment);
    const together = originals.every((segment, i) => this.#segments[first + i] === segment && !segment.dirty);
    if (first < 0 || first + originals.length >= this.#segments.length || !together) return false;
    const { files } = this.#host;
    if (deletionsDroppedTo > this.deletionsKeptFrom) {
      writeDeletions(files, this.directory, deletionsDroppedTo);
      this.#deletionsKeptFrom = deletionsDroppedTo;
    }
    const piece = this.#newSegment((originals[0] as Segment).baseOffset);
    piece.size = sizeBytes;
    piece.index = index;
    piece.timeIndex = timeIndex;
    this.publishLayout?.(true);
    try {
      const bases = originals.map(({ baseOffset }) => baseOffset);
      swapIn(files, this.directory, bases);
      this.#segments.splice(first, originals.length, piece);
      for (const original of originals) original.close();
      this.#readPoints.clear();
    } catch (cause) {
      // Half-way through, what is on the disk is no longer what is in memory: the next start finishes the swap.
      if (isSwapDecided(files, this.directory, piece.baseOffset)) this.#host.fence(cause);
      throw cause;
    } finally {
      this.publishLayout?.(false);
    }
    piece.writeIndexes();
    const newest = joinPath(this.directory, segmentName(Math.max(0, this.#snapshotAt), 'snapshot'));
    if (files.stat(newest) === undefined) this.#snapshotAt = -1;
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const segment of this.#segments) segment.close();
  }
}

const offlineError = ({ topic, partition }: TopicPartition, cause: FileError): LogError =>
  new LogError('unavailable', 'LOG_PARTITION_OFFLINE', `${topic}/${partition} could not be opened: ${cause.message}`, {
    hint: 'Check the disk and the permissions of the file, then start again.',
    cause,
  });

const writeError = (directory: string, cause: unknown): LogError => {
  const code = cause instanceof FileError ? cause.code : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LogError('unavailable', 'LOG_DISK_FULL', `no space is left on the device of ${directory}`, {
      hint: 'Free some space: writing goes on by itself.',
      cause,
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LogError('unavailable', 'LOG_WRITE_FAILED', `writing to ${directory} failed: ${why}`, { cause });
};
