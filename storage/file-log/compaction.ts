/**
 * Compaction of one partition: of each key the last record stays, and what it supersedes goes.
 *
 * It runs in slices beside appends and reads, in two passes over closed segments (the active one is never touched):
 *
 *   1. From where the last run ended, records go into a bounded offset map (`key-map.ts`): which is the last one of
 *      each key. The stretch ends at the first offset that must not be compacted yet, or when the map is full; then
 *      another run goes on there.
 *   2. All segments up to the end of the stretch are copied, the oldest first, without what is superseded. Neighbours
 *      that have become small are merged up to `segment.bytes`. Each new segment takes the place of its originals at
 *      once (`swap.ts`).
 *
 * What stays:
 * - the last record of each key; every record at or behind the end of the stretch; order and offsets of all of them.
 *   Emptied ranges of offsets are covered by empty batches (`rewrite-batch.ts`), so that a reader at any offset goes
 *   on;
 * - tombstones, until their delete horizon (`delete.retention.ms` after the first compaction that met them), or until
 *   what restores from this partition has announced that it needs none below an offset (`releaseTombstones`);
 * - the last batch of each producer that the partition knows, empty if need be: it carries the sequence number.
 *
 * What goes besides: records without a key (Kafka drops them as well), records of aborted transactions, and the marker
 * of a transaction once none of its records is left. Nothing at or above the last stable offset is touched, so every
 * transaction in reach is decided.
 *
 * A run is abandoned, without harm, when the partition is deleted, closed or loses records at its start meanwhile, or
 * when the disk is full. Segments that were swapped in before stay: each is right by itself, because a record goes only
 * when a newer one of its key follows.
 */

import { Bits, type FileSystem } from '../../base/index.ts';
import type { LogError, TopicConfigs } from '../log.ts';
import type { PartitionState } from '../partition-state.ts';
import {
  baseOffsetOf,
  batchBytes,
  checkBatch,
  isControl,
  isTransactional,
  nextOffsetOf,
  producerIdOf,
  recordCountOf,
} from '../record-batch.ts';
import { decodeBatch, RecordColumns } from '../record-columns.ts';
import { RecordKeys } from '../record-keys.ts';
import { deleteHorizonOf } from '../rewrite-batch.ts';
import { numberConfig } from '../topic-rules.ts';
import { groupRows, type KeyMap } from './key-map.ts';
import { type FinishedSegment, MergedSegment } from './merged-segment.ts';
import type { Segment } from './segment.ts';
import type { ClosedSegment } from './segment-list.ts';
import { damagedBatch, wholeBatches } from './whole-batches.ts';

/** What compaction needs of a partition. */
export interface CompactedPartition {
  readonly directory: string;
  readonly configs: TopicConfigs;
  readonly state: PartitionState;
  /** Deleted, closed, or not to be written to any more. */
  readonly gone: boolean;
  /** Tombstones below this offset may be dropped at once. */
  readonly tombstonesReleasedBelow: number;
  /** All segments but the active one, the oldest first. */
  closedSegments(): readonly ClosedSegment[];
  sync(): Promise<void>;
  /** Replaces segments by the one that was made of them; false, and nothing is changed, when they are
   *  not there any more. */
  replaceSegments(originals: readonly Segment[], merged: CompactedSegment): boolean;
}

/** What replaces the segments it was made of. */
export interface CompactedSegment extends FinishedSegment {
  /** The offset behind the last tombstone that was dropped and not superseded; 0 when there was none. */
  readonly deletionsDroppedTo: number;
}

export interface CompactionHost {
  readonly files: FileSystem;
  now(): number;
  /** Lets the log's thread do other work. */
  pause(): Promise<void>;
  /** The log closes: what is under way is abandoned. */
  stopped(): boolean;
}

export interface CompactionResult {
  /** Below this offset there is one record of each key. */
  readonly cleanedTo: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** How much is read between two pauses: about a millisecond of work. */
const sliceBytes = 512 * 1024;
const mostOriginals = 64;
/** The numbers of the records of one stretch are bits: 8 MiB of them. */
const mostRecords = 1 << 26;

/** Where the last closed segment ends that may be compacted: it is older than `min.compaction.lag.ms`, and every
 *  transaction in it has ended. */
export const compactableTo = (partition: CompactedPartition, now: number): number => {
  const minLagMs = numberConfig(partition.configs, 'min.compaction.lag.ms');
  const stable = partition.state.stable();
  let to = partition.state.start;
  for (const { segment, nextOffset } of partition.closedSegments()) {
    if (nextOffset > stable || (minLagMs > 0 && now - segment.index.lastAppendMs < minLagMs)) break;
    to = nextOffset;
  }
  return to;
};

/** Compacts from `from` on, as far as the map reaches. Undefined when there was nothing to do or the run was
 *  abandoned. */
export const compact = async (
  partition: CompactedPartition,
  from: number,
  map: KeyMap,
  host: CompactionHost,
): Promise<CompactionResult | undefined> => {
  const to = compactableTo(partition, host.now());
  if (from >= to) return undefined;
  return new Run(partition, from, map, host).run(to);
};

class Abandoned extends Error {}

class Run {
  readonly #partition: CompactedPartition;
  readonly #map: KeyMap;
  readonly #host: CompactionHost;
  readonly #from: number;
  /** Start offset when the run began: should it be raised meanwhile, what was learned about aborted transactions no
   *  longer holds. */
  readonly #start: number;
  readonly #columns = new RecordColumns();
  readonly #keys = new RecordKeys();
  /** For each record of the stretch, in order: whether it is the last of its key. */
  readonly #last = new Bits();
  #end = 0;
  #stays = new Uint8Array(1024);
  /** Number of the next record of the stretch. */
  #number = 0;
  /** Producers whose transaction, as far as it was read, has records that stay. */
  readonly #alive = new Set<number>();
  #deletionsDroppedTo = 0;

  constructor(partition: CompactedPartition, from: number, map: KeyMap, host: CompactionHost) {
    this.#partition = partition;
    this.#from = from;
    this.#map = map;
    this.#host = host;
    this.#start = partition.state.start;
  }

  async run(to: number): Promise<CompactionResult | undefined> {
    this.#map.clear();
    try {
      this.#end = await this.#fillMap(to);
      return await this.#copy();
    } catch (cause) {
      if (cause instanceof Abandoned) return undefined;
      throw cause;
    }
  }

  #check(): void {
    if (this.#host.stopped() || this.#partition.gone || this.#partition.state.start !== this.#start)
      throw new Abandoned();
  }

  // -------------------------------------------------------------- pass 1

  /** Learns which record is the last of its key; answers the offset up to which it came. */
  async #fillMap(to: number): Promise<number> {
    let end = to;
    let first = true;
    for (const { segment, nextOffset } of this.#partition.closedSegments()) {
      if (nextOffset <= this.#from) continue;
      const { position } = segment.index.lookup(this.#from);
      const whole = await this.#eachBatch(segment, position, (bytes, at) => {
        const base = baseOffsetOf(bytes, at);
        if (base < this.#from) return true;
        if (base >= to) return false;
        this.#verify(bytes, at);
        if (!this.#isData(bytes, at)) return true;
        if (this.#number + recordCountOf(bytes, at) > mostRecords || !this.#learn(bytes, at, first)) {
          end = base;
          return false;
        }
        first = false;
        return true;
      });
      if (!whole) break;
    }
    return end;
  }

  /** A batch with records that count. */
  #isData(bytes: Uint8Array, at: number): boolean {
    const { state } = this.#partition;
    return nextOffsetOf(bytes, at) > this.#start && recordCountOf(bytes, at) > 0 && state.shows(bytes, at);
  }

  /** Puts the records of a batch into the map; false when it is full. With `must`, the map grows beyond its limit. */
  #learn(bytes: Uint8Array, at: number, must: boolean): boolean {
    const keys = this.#keys;
    if (!keys.read(bytes, at)) throw this.#unreadable(bytes, at);
    const { count, start: keyStart, end: keyEnd } = keys;
    const first = this.#number;
    const last = this.#last;
    last.reserve(first + count);
    for (let group = 0; group < count; group += groupRows) {
      const end = Math.min(count, group + groupRows);
      this.#map.prepare(bytes, keyStart, keyEnd, group, end);
      const superseded = this.#map.set(bytes, keyStart, keyEnd, group, end, first + group, must);
      for (let row = group; row < end; row++) {
        const before = superseded[row - group] as number;
        if (before === -2) return false;
        if (before >= 0) last.clear(before);
        if ((keyStart[row] as number) >= 0) last.set(first + row);
      }
    }
    this.#number = first + count;
    return true;
  }

  #decode(bytes: Uint8Array, at: number): RecordColumns {
    const columns = this.#columns;
    columns.reset(bytes);
    if (decodeBatch(bytes, at, columns, 0) < 0) throw this.#unreadable(bytes, at);
    return columns;
  }

  #unreadable(bytes: Uint8Array, at: number): LogError {
    return damagedBatch(
      this.#partition.directory,
      `the batch at offset ${baseOffsetOf(bytes, at)}`,
      'its records cannot be read',
    );
  }

  /** Nothing is decided by bytes that may be wrong. */
  #verify(bytes: Uint8Array, at: number): void {
    const fault = checkBatch(bytes, at, at + batchBytes(bytes, at));
    if (fault === undefined) return;
    throw damagedBatch(this.#partition.directory, `the batch at offset ${baseOffsetOf(bytes, at)}`, fault.reason);
  }

  // -------------------------------------------------------------- pass 2

  async #copy(): Promise<CompactionResult> {
    const { state, configs } = this.#partition;
    const segmentBytes = numberConfig(configs, 'segment.bytes');
    let bytesBefore = 0;
    let bytesAfter = 0;
    let merged: MergedSegment | undefined;
    const finish = async (): Promise<void> => {
      if (merged === undefined) return;
      const finished = merged;
      merged = undefined;
      bytesAfter += await this.#finish(finished);
    };
    this.#number = 0;
    try {
      for (const { segment, nextOffset } of this.#partition.closedSegments()) {
        if (segment.baseOffset >= this.#end) break;
        const fits =
          merged !== undefined &&
          merged.nextOffset === segment.baseOffset &&
          merged.sizeBytes + segment.size <= segmentBytes &&
          merged.originals.length < mostOriginals &&
          nextOffset - merged.baseOffset <= 0x7fff_ffff;
        if (!fits) await finish();
        merged ??= new MergedSegment(this.#host.files, this.#partition, segment.baseOffset);
        merged.originals.push(segment);
        bytesBefore += segment.size;
        const into = merged;
        await this.#eachBatch(segment, 0, (bytes, at) => {
          this.#copyBatch(into, bytes, at);
          return true;
        });
      }
      await finish();
    } finally {
      merged?.discard();
    }
    // Every aborted record below is gone, and with it the need to know.
    state.replaceAborted(state.aborted.filter(({ last }) => last >= this.#end));
    return { cleanedTo: this.#end, bytesBefore, bytesAfter };
  }

  /** Swaps the new segment in; answers the bytes that are there now. */
  async #finish(merged: MergedSegment): Promise<number> {
    const before = merged.originals.reduce((sum, { size }) => sum + size, 0);
    const finished = await merged.finish();
    if (finished === undefined) return before;
    try {
      // What the originals hold is on the disk before they are replaced: the new segment holds no more than they did.
      await this.#partition.sync();
      this.#check();
      const deletionsDroppedTo = this.#deletionsDroppedTo;
      if (!this.#partition.replaceSegments(merged.originals, { ...finished, deletionsDroppedTo }))
        throw new Abandoned();
    } catch (cause) {
      merged.discard();
      throw cause;
    }
    return finished.sizeBytes;
  }

  #copyBatch(merged: MergedSegment, bytes: Uint8Array, at: number): void {
    const base = baseOffsetOf(bytes, at);
    const next = nextOffsetOf(bytes, at);
    const producerId = producerIdOf(bytes, at);
    const { state } = this.#partition;
    // The first pass has seen those of the stretch; what lies behind it is copied as it is.
    if (base < this.#from) this.#verify(bytes, at);
    if (isControl(bytes, at)) {
      // A marker behind the end stays in any case; before it, as long as it ends something.
      const stays = base >= this.#end || this.#alive.has(producerId);
      this.#alive.delete(producerId);
      if (stays) merged.keep(bytes, at);
      else merged.drop(base, next);
      return;
    }
    if (base >= this.#end) {
      if (isTransactional(bytes, at)) this.#alive.add(producerId);
      merged.keep(bytes, at);
      return;
    }
    const kept = this.#isData(bytes, at) ? this.#keptOf(bytes, at, base) : 0;
    if (kept > 0) {
      if (isTransactional(bytes, at)) this.#alive.add(producerId);
      const horizon = this.#horizonOf(bytes, at);
      if (kept === recordCountOf(bytes, at) && horizon === undefined) merged.keep(bytes, at);
      else merged.keepSome(bytes, at, { columns: this.#columns, stays: this.#stays, count: kept }, horizon);
    } else if (producerId >= 0 && state.producers.get(producerId)?.batches.at(-1)?.baseOffset === base) {
      if (recordCountOf(bytes, at) === 0) merged.keep(bytes, at);
      else merged.keepEmpty(bytes, at);
    } else merged.drop(base, next);
  }

  /** Decides which records of a data batch stay (`#stays`), and answers how many. */
  #keptOf(bytes: Uint8Array, at: number, base: number): number {
    const count = recordCountOf(bytes, at);
    const inStretch = base >= this.#from;
    const first = this.#number;
    if (inStretch) {
      this.#number += count;
      if (!this.#last.any(first, count)) return 0;
    }
    if (this.#stays.length < count) this.#stays = new Uint8Array(count * 2);
    const stays = this.#stays;
    const columns = this.#decode(bytes, at);
    const { keyStart, keyEnd, valueStart, offset } = columns;
    const horizon = deleteHorizonOf(bytes, at);
    const expired = horizon !== undefined && horizon <= this.#host.now();
    const released = this.#partition.tombstonesReleasedBelow;
    let kept = 0;
    let group = 0;
    for (let row = 0; row < count; row++) {
      if (!inStretch && row % groupRows === 0) {
        group = row;
        this.#map.prepare(bytes, keyStart, keyEnd, group, Math.min(count, group + groupRows));
      }
      const start = keyStart[row] as number;
      const recordOffset = offset[row] as number;
      let stay = start >= 0 && recordOffset >= this.#start;
      if (stay) {
        stay = inStretch
          ? this.#last.get(first + row)
          : !this.#map.has(bytes, start, keyEnd[row] as number, row - group);
      }
      if (stay && (valueStart[row] as number) < 0 && (expired || recordOffset < released)) {
        stay = false;
        this.#deletionsDroppedTo = recordOffset + 1;
      }
      stays[row] = stay ? 1 : 0;
      if (stay) kept++;
    }
    return kept;
  }

  /** The delete horizon that the batch of `#columns` gets now: it keeps a tombstone and has none yet. */
  #horizonOf(bytes: Uint8Array, at: number): number | undefined {
    if (deleteHorizonOf(bytes, at) !== undefined) return undefined;
    const retentionMs = numberConfig(this.#partition.configs, 'delete.retention.ms');
    const horizon = this.#host.now() + retentionMs;
    if (!Number.isSafeInteger(horizon)) return undefined;
    const { count, valueStart } = this.#columns;
    for (let row = 0; row < count; row++) {
      if (this.#stays[row] !== 0 && (valueStart[row] as number) < 0) return horizon;
    }
    return undefined;
  }

  // -------------------------------------------------------------- reading

  /** Visits the batches of a closed segment from a position on until `visit` answers false; pauses between slices. */
  async #eachBatch(
    segment: Segment,
    from: number,
    visit: (bytes: Uint8Array, at: number) => boolean,
  ): Promise<boolean> {
    const slices = wholeBatches(segment, from, sliceBytes);
    for (let position = from; position < segment.size; ) {
      await this.#host.pause();
      // The file is read only if it is still part of the log after the pause.
      this.#check();
      const slice = slices.next();
      if (slice.done === true) break;
      const { bytes, length } = slice.value;
      for (let at = 0; at < length; at += batchBytes(bytes, at)) if (!visit(bytes, at)) return false;
      position += length;
    }
    return true;
  }
}
