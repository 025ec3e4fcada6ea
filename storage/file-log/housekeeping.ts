/**
 * What a log does in the background while it is open: retention and compaction of all topics.
 *
 * Every few seconds, and soon after a segment was closed, each partition deletes what its retention does not keep; then
 * the partitions of compacted topics are compacted one after another, the dirtiest first: those whose share of dirty
 * bytes exceeds `min.cleanable.dirty.ratio`, or that hold records older than `max.compaction.lag.ms` which no
 * compaction has seen. One offset map of `compactionMapBytes` serves all of them, and is given back when there is
 * nothing more to do. How far a partition is compacted is kept in its file `compacted` (`offset-file.ts`). Without that
 * file, or with a damaged one, everything counts as dirty and one run more is done.
 *
 * A partition that was written to gets a snapshot now and then, so that a start after a crash reads the log of some
 * seconds and no more.
 *
 * What the disk refuses is tried again later. A partition with a damaged batch is left as it is until the next start.
 */

import { FileError, type FileSystem, joinPath, type Timers } from '../../base/index.ts';
import { LogError } from '../log.ts';
import { isCompacted, numberConfig } from '../topic-rules.ts';
import { type CompactionHost, compact, compactableTo } from './compaction.ts';
import { KeyMap } from './key-map.ts';
import { decodeOffset, encodeOffset } from './offset-file.ts';
import type { FilePartition } from './partition.ts';
import { readSideFile, writeSideFile } from './segment.ts';

export interface HousekeepingOptions {
  readonly files: FileSystem;
  readonly timers: Timers;
  readonly now: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly elapsed: () => number;
  /** The partitions of all topics. */
  readonly partitions: () => Iterable<FilePartition>;
  /** Runs work that the log waits for when it closes. */
  readonly background: (work: Promise<unknown>) => void;
  /** Upper bound of the offset map. */
  readonly compactionMapBytes: number;
}

/** What compaction has done since the log was opened. */
export interface CompactionTotals {
  readonly runs: number;
  readonly bytesRead: number;
  readonly bytesFreed: number;
}

const everyMs = 5_000;
const soonMs = 20;
/** After the disk refused. */
const retryMs = 30_000;
/** Less than this is read at a start in no time. */
const snapshotBytes = 1024 * 1024;

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #compactedTo = new WeakMap<FilePartition, number>();
  /** Not to be compacted before this time, by the clock that never jumps. */
  readonly #notBefore = new WeakMap<FilePartition, number>();
  #cancelTimer: (() => void) | undefined;
  #soon = false;
  #compacting: Promise<void> | undefined;
  #stopped = false;
  /** Nothing is done by itself while set; for measurements. */
  suspended = false;
  #wake: (() => void) | undefined;
  #retentionFailure: Error | undefined;
  readonly #compactionFailures = new Map<FilePartition, Error>();
  #runs = 0;
  #bytesRead = 0;
  #bytesFreed = 0;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  get totals(): CompactionTotals {
    return { runs: this.#runs, bytesRead: this.#bytesRead, bytesFreed: this.#bytesFreed };
  }

  start(): void {
    this.#schedule(everyMs);
  }

  /** There may be something to do before the next run. */
  soon(): void {
    if (this.#soon || this.#stopped || this.#cancelTimer === undefined) return;
    this.#soon = true;
    this.#schedule(soonMs);
  }

  /** Does what there is to do now; resolves when it is done. */
  async run(): Promise<void> {
    await this.#compacting;
    this.#runOnce();
    await this.#compacting;
  }

  /** Ends what is under way at its next pause. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#wake?.();
  }

  #schedule(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.timers.after(ms, () => {
      this.#soon = false;
      this.#schedule(everyMs);
      if (!this.suspended) this.#runOnce();
    });
  }

  /** Why a partition could not be cleaned at the last try; undefined when all could. */
  get failure(): Error | undefined {
    for (const partition of this.#compactionFailures.keys()) {
      if (partition.deleted) this.#compactionFailures.delete(partition);
    }
    const [compactionFailure] = this.#compactionFailures.values();
    return this.#retentionFailure ?? compactionFailure;
  }

  #runOnce(): void {
    this.#retentionFailure = undefined;
    for (const partition of this.#options.partitions()) {
      try {
        partition.retain();
      } catch (cause) {
        if (!(cause instanceof FileError || cause instanceof LogError)) throw cause;
        this.#retentionFailure = cause;
      }
      if (!partition.gone && partition.bytesSinceSnapshot >= snapshotBytes) {
        this.#options.background(partition.snapshot());
      }
    }
    if (this.#compacting !== undefined || this.#stopped) return;
    this.#compacting = this.#compactAll().finally(() => {
      this.#compacting = undefined;
    });
    this.#options.background(this.#compacting);
  }

  async #compactAll(): Promise<void> {
    let map: KeyMap | undefined;
    for (let next = this.#dirtiest(); next !== undefined; next = this.#dirtiest()) {
      map ??= new KeyMap(this.#options.compactionMapBytes);
      await this.#compact(next, map);
    }
  }

  /** The partition to compact next, if one is due. */
  #dirtiest(): FilePartition | undefined {
    if (this.#stopped) return undefined;
    const now = this.#options.now();
    const elapsed = this.#options.elapsed();
    let found: FilePartition | undefined;
    let most = 0;
    for (const partition of this.#options.partitions()) {
      if (partition.gone || partition.segmentCount < 2 || !isCompacted(partition.configs)) continue;
      if (elapsed < (this.#notBefore.get(partition) ?? 0)) continue;
      const dirty = dirtyShare(partition, this.#positionOf(partition), now);
      if (dirty <= most) continue;
      most = dirty;
      found = partition;
    }
    return found;
  }

  #positionOf(partition: FilePartition): number {
    let position = this.#compactedTo.get(partition);
    if (position === undefined) {
      position = readPosition(this.#options.files, partition.directory);
      if (position > partition.state.end) position = 0;
      this.#compactedTo.set(partition, position);
    }
    return position;
  }

  async #compact(partition: FilePartition, map: KeyMap): Promise<void> {
    const { files, now, elapsed } = this.#options;
    const host: CompactionHost = { files, now, pause: () => this.#pause(), stopped: () => this.#stopped };
    const notBefore = (ms: number): void => void this.#notBefore.set(partition, ms);
    try {
      const result = await compact(partition, this.#positionOf(partition), map, host);
      if (result === undefined) return notBefore(elapsed() + everyMs);
      this.#runs++;
      this.#bytesRead += result.bytesBefore;
      this.#bytesFreed += result.bytesBefore - result.bytesAfter;
      this.#compactedTo.set(partition, result.cleanedTo);
      writePosition(files, partition.directory, result.cleanedTo);
      this.#compactionFailures.delete(partition);
    } catch (cause) {
      if (cause instanceof Error) this.#compactionFailures.set(partition, cause);
      if (cause instanceof FileError || (cause instanceof LogError && cause.kind === 'unavailable')) {
        notBefore(elapsed() + retryMs);
      } else if (cause instanceof LogError) notBefore(Number.POSITIVE_INFINITY);
      else throw cause;
    }
  }

  #pause(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#options.timers.after(0, resolve);
    });
  }
}

/** Dirty bytes as a share of all that compaction may touch, 0 when no compaction is due. What is too old comes first:
 *  2. */
const dirtyShare = (partition: FilePartition, compactedTo: number, now: number): number => {
  const to = compactableTo(partition, now);
  let clean = 0;
  let dirty = 0;
  let oldestMs = now;
  for (const { segment, nextOffset } of partition.closedSegments()) {
    if (nextOffset > to) break;
    if (nextOffset <= compactedTo) clean += segment.size;
    else {
      dirty += segment.size;
      oldestMs = Math.min(oldestMs, segment.index.firstAppendMs);
    }
  }
  if (dirty === 0) return 0;
  if (now - oldestMs > numberConfig(partition.configs, 'max.compaction.lag.ms')) return 2;
  const share = dirty / (clean + dirty);
  return share > numberConfig(partition.configs, 'min.cleanable.dirty.ratio') ? share : 0;
};

const pathOf = (directory: string): string => joinPath(directory, 'compacted');

const readPosition = (files: FileSystem, directory: string): number => {
  const bytes = readSideFile(files, pathOf(directory));
  return (bytes && decodeOffset(bytes)) ?? 0;
};

const writePosition = (files: FileSystem, directory: string, offset: number): void => {
  writeSideFile(files, pathOf(directory), encodeOffset(offset));
};
