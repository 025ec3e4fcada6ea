/**
 * The way back of a partition after a crash.
 *
 * The newest whole snapshot says up to where everything is known and on the disk; from there on batches are
 * read, checked and applied; at the first bad byte the file is cut, and later segments are deleted. Without a snapshot everything is read.
 * What was read again counts as unsynced, so that the next sync covers it, closed segments included.
 */

import {
  type BufferPool,
  ByteWriter,
  type FileSystem,
  joinPath,
  readI64,
  readWholeFile,
  replaceFile,
  writeFully,
} from '../../base/index.ts';
import { PartitionState } from '../partition-state.ts';
import { baseOffsetOf, batchBytes, batchHeaderBytes, checkBatch } from '../record-batch.ts';
import { offsetInName, readSideFile, type Segment, segmentName } from './segment.ts';
import { decodeSnapshot, type Snapshot } from './snapshot.ts';
import { recoverSwaps } from './swap.ts';

/** What recovery of all partitions adds up to. */
export interface PartitionRecovery {
  batchesScanned: number;
  bytesTruncated: number;
}

export interface RecoveryContext {
  readonly files: FileSystem;
  readonly pool: BufferPool;
  readonly directory: string;
  /** Empty at first; filled by recovery. */
  readonly state: PartitionState;
  readonly indexInterval: number;
  readonly now: () => number;
  readonly newSegment: (baseOffset: number) => Segment;
  /** Whether what was not synced for certain is written anew (see the file log's fencing). */
  readonly distrust: boolean;
}

export interface RecoveredPartition {
  readonly segments: Segment[];
  /** Everything below is on the disk. */
  readonly syncedEnd: number;
  /** Offset of the snapshot that was used, -1 for none. */
  readonly snapshotAt: number;
}

const scanBytes = 1024 * 1024;

export const recoverPartition = (context: RecoveryContext, report: PartitionRecovery): RecoveredPartition =>
  new Recovery(context, report).run();

class Recovery {
  readonly #context: RecoveryContext;
  readonly #report: PartitionRecovery;
  readonly #state: PartitionState;
  #segments: Segment[] = [];

  constructor(context: RecoveryContext, report: PartitionRecovery) {
    this.#context = context;
    this.#report = report;
    this.#state = context.state;
  }

  run(): RecoveredPartition {
    const { files, directory, newSegment } = this.#context;
    recoverSwaps(files, directory);
    const names = files.readdir(directory);
    for (const name of names) if (name.endsWith('.new')) files.unlink(joinPath(directory, name));
    this.#segments = names
      .map((name) => offsetInName(name, 'log'))
      .filter((base) => base !== undefined)
      .sort((a, b) => a - b)
      .map((base) => {
        const segment = newSegment(base);
        segment.size = files.stat(segment.path)?.size ?? 0;
        return segment;
      });
    const state = this.#state;
    const start = readStart(files, directory);
    const from = this.#restoreSnapshot(names);
    if (from === undefined) state.end = this.#segments[0]?.baseOffset ?? start;
    // An empty partition needs no snapshot.
    const snapshotAt = from?.offset ?? (this.#segments.length === 0 ? start : -1);
    this.#scanFrom(from?.segment ?? -1, from?.position ?? 0);
    if (state.end < start) {
      // All that was lost had been deleted anyway: the partition goes on, empty, at its start.
      for (const segment of this.#segments.splice(0)) segment.remove();
      state.end = start;
    }
    state.raiseStart(Math.min(state.end, Math.max(start, this.#segments[0]?.baseOffset ?? 0)));
    return { segments: this.#segments, syncedEnd: from?.offset ?? 0, snapshotAt };
  }

  /** The newest snapshot that is whole and fits the files. */
  #restoreSnapshot(names: readonly string[]): Snapshot | undefined {
    const { files, directory } = this.#context;
    const offsets = names.map((name) => offsetInName(name, 'snapshot')).filter((offset) => offset !== undefined);
    for (const offset of offsets.sort((a, b) => b - a)) {
      const path = joinPath(directory, segmentName(offset, 'snapshot'));
      const bytes = readSideFile(files, path);
      const state = new PartitionState();
      const snapshot = bytes === undefined ? undefined : decodeSnapshot(bytes, state);
      const segment = this.#segments.find((candidate) => candidate.baseOffset === snapshot?.segment);
      if (bytes === undefined || snapshot === undefined) continue;
      // One whose segment was deleted meanwhile says nothing about what is left.
      if (segment === undefined ? this.#segments.length > 0 : segment.size < snapshot.position) continue;
      decodeSnapshot(bytes, this.#state);
      return snapshot;
    }
    return undefined;
  }

  #scanFrom(base: number, position: number): void {
    const report = this.#report;
    let damaged = false;
    const kept: Segment[] = [];
    for (const segment of this.#segments) {
      // A segment that does not begin where the one before ends outlived what lay between.
      if (kept.length > 0 && segment.baseOffset > base && segment.baseOffset !== this.#state.end) damaged = true;
      if (damaged) {
        report.bytesTruncated += segment.size;
        segment.remove();
        continue;
      }
      kept.push(segment);
      const known = segment.readIndexes();
      if (segment.baseOffset < base && known) continue;
      const from = segment.baseOffset < base ? segment.size : segment.baseOffset === base ? position : 0;
      if (!known) {
        // The part that needs no check is read for its index alone.
        this.#scan(segment, 0, from, false);
      }
      const fromOffset = segment.baseOffset === base ? this.#state.end : segment.baseOffset;
      if (segment.baseOffset >= base) segment.cutIndexes(from, fromOffset);
      const scanned = this.#scan(segment, from, segment.size, true);
      report.batchesScanned += scanned.batches;
      if (scanned.end < segment.size) {
        report.bytesTruncated += segment.size - scanned.end;
        segment.file.truncate(scanned.end);
        segment.size = scanned.end;
        segment.sync.touch();
        damaged = true;
      }
      if (scanned.end > from) {
        if (this.#context.distrust) this.#rewrite(segment, from);
        segment.sync.touch();
      }
    }
    this.#segments = kept;
  }

  /** Goes through the batches of [from, to); with `apply` each is checked and applied. Answers where whole batches end. */
  #scan(segment: Segment, from: number, to: number, apply: boolean): { end: number; batches: number } {
    const { pool, indexInterval, now } = this.#context;
    let position = from;
    let batches = 0;
    let want = scanBytes;
    while (position < to) {
      const bytes = pool.take(Math.min(want, to - position));
      const length = segment.fill(bytes, Math.min(bytes.length, to - position), position);
      let at = 0;
      let sound = true;
      let whole = true;
      while (at < length) {
        if (length - at < batchHeaderBytes) {
          whole = false;
          break;
        }
        const size = batchBytes(bytes, at);
        if (size < batchHeaderBytes) {
          sound = false;
          break;
        }
        if (size > length - at) {
          whole = false;
          want = Math.max(want, size);
          break;
        }
        if (apply) {
          if (checkBatch(bytes, at, length) !== undefined || baseOffsetOf(bytes, at) !== this.#state.end) {
            sound = false;
            break;
          }
          this.#state.apply(bytes, at);
          batches++;
        }
        segment.note(bytes, at, position + at, indexInterval, now());
        at += size;
      }
      pool.give(bytes);
      position += at;
      if (!sound) break;
      // A batch that is longer than what is left of the file was torn.
      if (!whole && at === 0 && (length === to - position || want > to - position)) break;
      if (length === 0) break;
    }
    return { end: position, batches };
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
}

const readStart = (files: FileSystem, directory: string): number => {
  const path = joinPath(directory, 'start');
  if (files.stat(path) === undefined) return 0;
  const bytes = readWholeFile(files, path);
  return bytes.length === 8 ? readI64(bytes, 0) : 0;
};

/** Keeps the start offset of a partition for good. */
export const writeStart = (files: FileSystem, directory: string, offset: number): void => {
  const out = new ByteWriter(8);
  out.i64(offset);
  replaceFile(files, joinPath(directory, 'start'), out.slice());
};
