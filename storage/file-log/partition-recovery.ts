/**
 * Opening a partition again: what is on the disk is read, checked, and repaired where a crash has left it half-written.
 *
 * Below the offset of the newest whole snapshot everything is known to be on the disk. There only the sizes of segments
 * are compared with those that the snapshot lists; from there on batches are read, checked and applied. Without a
 * snapshot everything is read. What was read counts as unsynced, so that the next sync covers it, closed segments
 * included.
 *
 * A crash leaves one kind of trace: a torn end of the last segment, behind everything that was acknowledged as durable.
 * It is cut off. (A segment is on the disk before the next one begins.) Anything else is damage: a batch that is not
 * whole with whole ones behind it, segments that do not begin where the one before ends, or an end below what is known
 * to have been acknowledged. How far that is follows from snapshots, and from commits and committed offsets
 * (`knownEnd`). Bytes that cannot be read are copied aside and the loss is reported, both on the disk before anything
 * is changed; then a gap batch (gap-batch.ts) covers the offsets that are lost, and everything else is served. So no
 * offset is ever given out twice.
 *
 * After a kill everything written is there, and a batch that is not whole with whole ones behind it is damage. After a
 * power cut it may also be a write of which the last sectors reached the disk and the first did not: behind the known
 * end, in the last segment, it counts as a torn end.
 */

import { type BufferPool, type FileSystem, itemAt, joinPath, parentOf, writeFully } from '../../base/index.ts';
import { gapBatch, mostGapOffsets } from '../gap-batch.ts';
import type { Damage } from '../log.ts';
import { PartitionState } from '../partition-state.ts';
import type { DamageReport } from './damage-list.ts';
import { recoverSalvage } from './salvage.ts';
import { type BatchPosition, guessEndOffset, nextWholeBatch, scanBytes, scanSegment } from './scan-segment.ts';
import { offsetInName, readSideFile, type Segment, segmentName } from './segment.ts';
import { decodeSnapshot, type Snapshot } from './snapshot.ts';
import { readStart, startPath, writeStart } from './start-offset.ts';
import { recoverSwaps } from './swap.ts';

/** What recovery of all partitions adds up to. */
export interface PartitionRecovery {
  batchesScanned: number;
  bytesTruncated: number;
}

/** What must be there of what was written after the last sync: all of it (clean shutdown), all but a torn end (the
 *  process was killed, the machine ran on), or nothing (the machine may have lost its power). */
export type Expectation = 'everything' | 'written' | 'synced';

export interface RecoveryOptions {
  /** What may not have been synced is written again, because a sync has failed (see fencing in file-log.ts). */
  readonly distrust: boolean;
  readonly expectation: Expectation;
  /** Offsets below were acknowledged as durable, as far as commits and committed offsets show. */
  readonly knownEnd: number;
  /** Reads everything, also what a snapshot covers. */
  readonly readAll?: boolean;
}

export interface RecoveryContext extends RecoveryOptions {
  readonly files: FileSystem;
  readonly pool: BufferPool;
  readonly directory: string;
  /** Empty at first; filled by recovery. */
  readonly state: PartitionState;
  readonly indexInterval: number;
  readonly now: () => number;
  readonly newSegment: (baseOffset: number) => Segment;
  readonly damage: DamageReport;
}

export interface RecoveredPartition {
  readonly segments: Segment[];
  /** Everything below is on the disk. */
  readonly syncedEnd: number;
  /** Offset of the snapshot that was used, -1 for none. */
  readonly snapshotAt: number;
}

export const recoverPartition = (context: RecoveryContext, report: PartitionRecovery): RecoveredPartition =>
  new Recovery(context, report).run();

/** Checks every batch of an open partition up to its end; what is damaged is treated as at opening. The segments may be
 *  more afterwards. */
export const verifyPartition = (context: RecoveryContext, segments: Segment[]): void =>
  new Recovery(context, { batchesScanned: 0, bytesTruncated: 0 }).verify(segments);

interface Reading {
  /** Whether checksums are verified, or only that each batch begins where the one before ends. */
  readonly check: boolean;
  /** Whether batches are applied to the state. */
  readonly apply: boolean;
  /** The time of the last append that the index gets; undefined: the index is not changed. */
  readonly noteMs: number | undefined;
}

class Recovery {
  readonly #context: RecoveryContext;
  readonly #report: PartitionRecovery;
  readonly #state: PartitionState;
  #segments: Segment[] = [];
  /** Offsets below are known to have been acknowledged. */
  #expected: number;
  /** The loss of offsets below is reported. */
  #reportedTo = 0;
  /** Base offset of the segment that was written to last, if there is no trace of it. */
  #activeGone: number | undefined;
  /** Paths of snapshots that were passed over. */
  readonly #unfit: string[] = [];

  constructor(context: RecoveryContext, report: PartitionRecovery) {
    this.#context = context;
    this.#report = report;
    this.#state = context.state;
    this.#expected = context.knownEnd;
  }

  run(): RecoveredPartition {
    const { files, directory, newSegment, knownEnd } = this.#context;
    const state = this.#state;
    if (files.stat(directory) === undefined) {
      this.#lose('partition', 0, knownEnd, directory, 'its directory is gone');
      files.mkdir(directory);
      files.syncDirectory(parentOf(directory));
    }
    recoverSwaps(files, directory);
    recoverSalvage(files, directory);
    const names = files.readdir(directory);
    this.#segments = names
      .map((name) => offsetInName(name, 'log'))
      .filter((base) => base !== undefined)
      .sort((a, b) => a - b)
      .map((base) => {
        const segment = newSegment(base);
        segment.size = files.stat(segment.path)?.size ?? 0;
        return segment;
      });
    const start = this.#readStart();
    const snapshot = this.#restoreSnapshot(names);
    const begin = Math.min(start, this.#segments[0]?.baseOffset ?? start);
    if (snapshot === undefined) state.end = begin;
    // An empty partition needs no snapshot.
    const snapshotAt = snapshot?.offset ?? (this.#segments.length === 0 ? start : -1);
    this.#readSegments(begin, (segment, next) =>
      snapshot !== undefined && segment.baseOffset < snapshot.segment
        ? this.#readClosed(segment, next, snapshot)
        : this.#readOpen(segment, next, snapshot),
    );
    if (state.end < start && this.#expected <= start) {
      // All that was lost had been deleted anyway: the partition goes on, empty, at its start.
      for (const segment of this.#segments.splice(0)) segment.remove();
      state.end = start;
    }
    this.#fillUp(state.end);
    if (this.#activeGone !== undefined && this.#reportedTo <= this.#activeGone) {
      const path = joinPath(directory, segmentName(this.#activeGone, 'log'));
      this.#lose('records', 0, 0, path, `the segment with offset ${this.#activeGone}, the last one, is missing`);
    }
    this.#removeUnfit();
    state.raiseStart(Math.min(state.end, Math.max(start, this.#segments[0]?.baseOffset ?? 0)));
    return { segments: this.#segments, syncedEnd: snapshot?.offset ?? 0, snapshotAt };
  }

  verify(segments: Segment[]): void {
    this.#segments = segments;
    const { state } = this.#context;
    this.#expected = state.end;
    const [first] = segments;
    if (first === undefined) return;
    const end = this.#readSegments(first.baseOffset, (segment, next) => {
      const from = { position: 0, offset: segment.baseOffset };
      return this.#readFrom(segment, next, from, { check: true, apply: false, noteMs: undefined });
    });
    this.#fillUp(end);
  }

  // -------------------------------------------------------------- segment by segment

  /** Goes through the segments, each of which has to begin where the one before ends; answers the end of the last
   *  one. */
  #readSegments(begin: number, read: (segment: Segment, next: Segment | undefined) => number): number {
    const segments = this.#segments;
    let end = begin;
    for (let i = 0; i < segments.length; i++) {
      const segment = itemAt(segments, i);
      const { baseOffset } = segment;
      if (baseOffset < end) {
        this.#setAside(segment);
        segments.splice(i--, 1);
        continue;
      }
      if (baseOffset > end) {
        const path = joinPath(this.#context.directory, segmentName(end, 'log'));
        this.#lose('records', end, baseOffset, path, `the segment with offset ${end} is missing`);
        i += this.#fill(segments[i - 1], i, end, baseOffset);
      }
      end = read(segment, segments[i + 1]);
    }
    return end;
  }

  /** Writes gap batches for [from, to) behind `last`, or, where that cannot reach so far, into segments of their own,
   *  at `index` of the list and behind; answers how many those are. */
  #fill(last: Segment | undefined, index: number, from: number, to: number): number {
    let added = 0;
    let segment = last;
    for (let offset = from; offset < to; ) {
      const next = Math.min(to, offset + mostGapOffsets);
      if (segment === undefined || next - segment.baseOffset > mostGapOffsets) {
        segment = this.#context.newSegment(offset);
        segment.create();
        this.#segments.splice(index + added++, 0, segment);
      }
      const gap = gapBatch(offset, next);
      writeFully(segment.file, gap, 0, gap.length, segment.size);
      segment.note(gap, 0, segment.size, this.#context.indexInterval, this.#context.now());
      segment.size += gap.length;
      segment.sync.touch();
      segment.sync.now();
      this.#forgetIndex(segment);
      // Below the recovery point the state has it already.
      if (this.#state.end === offset) this.#state.apply(gap, 0, this.#context.now());
      offset = next;
    }
    return added;
  }

  /** A segment below the recovery point: its size shows that it is unchanged; otherwise its end is looked for. */
  #readClosed(segment: Segment, next: Segment | undefined, { segments }: Snapshot): number {
    const known = segment.readIndexes();
    const bases = [...segments.keys()];
    const listedNext = bases[bases.indexOf(segment.baseOffset) + 1];
    if (known && segments.get(segment.baseOffset) === segment.size && next?.baseOffset === listedNext && next) {
      return next.baseOffset;
    }
    const { index } = segment;
    const last = known && index.count > 0 ? index.lookup(Number.MAX_SAFE_INTEGER) : undefined;
    const from = last ?? { position: 0, offset: segment.baseOffset };
    const noteMs = known ? undefined : this.#context.now();
    return this.#readFrom(segment, next, { ...from }, { check: false, apply: false, noteMs });
  }

  /** A segment above the recovery point, or the one in which it lies. */
  #readOpen(segment: Segment, next: Segment | undefined, snapshot: Snapshot | undefined): number {
    const known = segment.readIndexes();
    const from = { position: 0, offset: segment.baseOffset };
    if (segment.baseOffset === snapshot?.segment) {
      const { position, offset } = snapshot;
      // The part that needs no check is read for its index alone.
      if (!known)
        this.#scan(segment, { ...from }, position, { check: false, apply: false, noteMs: this.#context.now() });
      from.position = position;
      from.offset = offset;
    }
    segment.cutIndexes(from.position, from.offset);
    const { position } = from;
    const end = this.#readFrom(segment, next, from, { check: true, apply: true, noteMs: this.#context.now() });
    if (segment.size > position) {
      if (this.#context.distrust) this.#rewrite(segment, position);
      segment.sync.touch();
    }
    return end;
  }

  /** Reads from a position to the end of the segment, and repairs what is damaged; answers the offset at its end. */
  #readFrom(segment: Segment, next: Segment | undefined, from: BatchPosition, reading: Reading): number {
    let begin = from;
    for (let how = reading; ; ) {
      const reached = this.#scan(segment, begin, segment.size, how);
      if (reached.position >= segment.size || !this.#repair(segment, next, reached)) return reached.offset;
      // Reading goes on with the gap batch; from here on the index is rebuilt.
      begin = reached;
      segment.cutIndexes(reached.position, reached.offset);
      how = { ...reading, noteMs: reading.noteMs ?? segment.index.lastAppendMs };
    }
  }

  #scan(segment: Segment, from: BatchPosition, to: number, { check, apply, noteMs }: Reading): BatchPosition {
    const { pool, indexInterval, now } = this.#context;
    const visit = (bytes: Uint8Array, at: number, position: number): void => {
      if (apply) {
        this.#state.apply(bytes, at, now());
        this.#report.batchesScanned++;
      }
      if (noteMs !== undefined) segment.note(bytes, at, position, indexInterval, noteMs);
    };
    return scanSegment(segment, from, { to, check, visit }, pool);
  }

  // -------------------------------------------------------------- damage

  /** Bytes begin here that are not a whole batch. Covers them with a gap batch where whole ones follow; otherwise cuts
   *  the file. Answers whether there is more to read. */
  #repair(segment: Segment, next: Segment | undefined, damaged: BatchPosition): boolean {
    const { position, offset } = damaged;
    const { expectation } = this.#context;
    // A gap batch reaches so far.
    const limit = Math.min(next?.baseOffset ?? Number.POSITIVE_INFINITY, offset + mostGapOffsets);
    const found = nextWholeBatch(segment, damaged, limit);
    const mayBeTorn = expectation === 'synced' || (expectation === 'written' && found === undefined);
    if (next === undefined && offset >= this.#expected && mayBeTorn) {
      this.#report.bytesTruncated += segment.size - position;
      this.#cut(segment, damaged);
      return false;
    }
    const to = found?.offset ?? next?.baseOffset ?? Math.max(this.#expected, guessEndOffset(segment, damaged));
    const until = found?.position ?? segment.size;
    const keptAt = this.#keepAside(segment, position, until);
    const what = `${until - position} bytes from byte ${position} on are not readable`;
    this.#lose('records', offset, to, segment.path, what, keptAt);
    if (found === undefined) {
      this.#expected = Math.max(this.#expected, to);
      this.#cut(segment, damaged);
      return false;
    }
    const gap = gapBatch(offset, to, until - position);
    writeFully(segment.file, gap, 0, gap.length, position);
    segment.sync.touch();
    segment.sync.now();
    this.#forgetIndex(segment);
    return true;
  }

  /** Behind the last batch: offsets up to what was acknowledged are gone. */
  #fillUp(end: number): void {
    if (end >= this.#expected) return;
    this.#lose('records', end, this.#expected, this.#context.directory, `it ends at offset ${end}`);
    this.#fill(this.#segments.at(-1), this.#segments.length, end, this.#expected);
  }

  #lose(kind: Damage['kind'], from: number, to: number, path: string, what: string, keptAt?: string): void {
    if (kind === 'records' && to > from && to <= this.#reportedTo) return;
    this.#reportedTo = Math.max(this.#reportedTo, to);
    const lost = to > from ? { lost: { from, to } } : {};
    this.#context.damage.found({ kind, path, what, ...lost, ...(keptAt !== undefined && { keptAt }) });
  }

  #keepAside(segment: Segment, from: number, to: number): string {
    const { damage, directory, pool } = this.#context;
    const name = `${directory.split('/').slice(-2).join('-')}-${segmentName(segment.baseOffset, 'log')}-${from}`;
    return damage.keep(name, to - from, (write) => {
      for (let position = from; position < to; ) {
        const bytes = pool.take(Math.min(scanBytes, to - position));
        const length = segment.fill(bytes, Math.min(bytes.length, to - position), position);
        if (length > 0) write(bytes, length);
        pool.give(bytes);
        if (length === 0) break;
        position += length;
      }
    });
  }

  /** A segment that begins before the one before it ends: the log never writes that. */
  #setAside(segment: Segment): void {
    const keptAt = this.#keepAside(segment, 0, segment.size);
    const what = `a segment begins at offset ${segment.baseOffset}, before the one before it ends`;
    this.#context.damage.found({ kind: 'records', path: segment.path, what, keptAt });
    segment.remove();
  }

  #cut(segment: Segment, { position, offset }: BatchPosition): void {
    segment.file.truncate(position);
    segment.size = position;
    segment.cutIndexes(position, offset);
    segment.sync.touch();
    this.#forgetIndex(segment);
  }

  /** An index with entries beyond the end of the file would mislead later reads. */
  #forgetIndex(segment: Segment): void {
    const { files, directory } = this.#context;
    const paths = [segment.indexPath, segment.timeIndexPath].filter((path) => files.stat(path) !== undefined);
    for (const path of paths) files.unlink(path);
    if (paths.length > 0) files.syncDirectory(directory);
  }

  #rewrite(segment: Segment, from: number): void {
    const { pool } = this.#context;
    for (let position = from; position < segment.size; ) {
      const bytes = pool.take(Math.min(scanBytes, segment.size - position));
      const length = segment.fill(bytes, Math.min(bytes.length, segment.size - position), position);
      writeFully(segment.file, bytes, 0, length, position);
      pool.give(bytes);
      position += length;
    }
  }

  // -------------------------------------------------------------- snapshot and start offset

  /** The newest snapshot that is whole and fits the files. Newer ones, which do not fit, show how far the
   *  partition reached, and are removed: the partition may grow to their offset again, with other batches. */
  #restoreSnapshot(names: readonly string[]): Snapshot | undefined {
    const { files, directory, readAll, now } = this.#context;
    const offsets = names.map((name) => offsetInName(name, 'snapshot')).filter((offset) => offset !== undefined);
    for (const offset of offsets.sort((a, b) => b - a)) {
      const path = joinPath(directory, segmentName(offset, 'snapshot'));
      const bytes = readSideFile(files, path);
      const snapshot = bytes === undefined ? undefined : decodeSnapshot(bytes, new PartitionState(), now());
      if (snapshot !== undefined) this.#noteExpected(snapshot);
      const segment = this.#segments.find((candidate) => candidate.baseOffset === snapshot?.segment);
      const fits =
        segment === undefined
          ? this.#segments.length === 0 && snapshot?.segments.size === 0
          : segment.size >= (snapshot?.position ?? 0);
      if (readAll === true) continue;
      if (bytes === undefined || snapshot === undefined || !fits) {
        this.#unfit.push(path);
        continue;
      }
      decodeSnapshot(bytes, this.#state, now());
      return snapshot;
    }
    return undefined;
  }

  /** What has to be there according to a whole snapshot, even if it does not fit the files any more. */
  #noteExpected({ offset, segment, segments }: Snapshot): void {
    this.#expected = Math.max(this.#expected, offset);
    const first = this.#segments[0]?.baseOffset ?? 0;
    const wasThere = segments.has(segment) && segment >= first;
    if (wasThere && !this.#segments.some(({ baseOffset }) => baseOffset >= segment)) this.#activeGone = segment;
  }

  #removeUnfit(): void {
    const { files, directory } = this.#context;
    for (const path of this.#unfit) files.unlink(path);
    if (this.#unfit.length > 0) files.syncDirectory(directory);
  }

  #readStart(): number {
    const { files, directory, damage } = this.#context;
    const start = readStart(files, directory);
    if ('offset' in start) return start.offset;
    const fallback = this.#segments[0]?.baseOffset ?? 0;
    const { unreadable } = start;
    const keptAt =
      unreadable &&
      damage.keep(`${directory.split('/').slice(-2).join('-')}-start`, unreadable.length, (write) =>
        write(unreadable, unreadable.length),
      );
    const what = `the start offset cannot be read; it is set to ${fallback}, so deleted records may be visible again`;
    damage.found({ kind: 'start', path: startPath(directory), what, ...(keptAt !== undefined && { keptAt }) });
    writeStart(files, directory, fallback);
    return fallback;
  }
}
