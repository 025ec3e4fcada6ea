/** When a partition gets a snapshot (`snapshot.ts`), and which ones are kept: the last two. */

import { FileError, type FileSystem, joinPath } from '../../base/index.ts';
import { LogError } from '../log.ts';
import type { PartitionState } from '../partition-state.ts';
import { offsetInName, segmentName, writeSideFile } from './segment.ts';
import type { SegmentList } from './segment-list.ts';
import { encodeSnapshot } from './snapshot.ts';

export class PartitionSnapshots {
  /** Bytes appended since the last snapshot was begun. */
  bytesSince = 0;
  readonly #host: { readonly files: FileSystem; now(): number };
  readonly #directory: string;
  readonly #state: PartitionState;
  readonly #isDeleted: () => boolean;
  #writing = false;
  /** Offset of the last snapshot written or found; nothing is to be written while the end is still there. */
  #at = -1;

  constructor(
    host: { readonly files: FileSystem; now(): number },
    directory: string,
    state: PartitionState,
    isDeleted: () => boolean,
  ) {
    this.#host = host;
    this.#directory = directory;
    this.#state = state;
    this.#isDeleted = isDeleted;
  }

  /** Recovery has found a snapshot at this offset; -1: none. */
  foundAt(offset: number): void {
    this.#at = offset;
  }

  /** Writes a snapshot of now, once `sync` has put everything below it on the disk. */
  async write(segmentsNow: () => SegmentList, sync: () => Promise<void>): Promise<void> {
    const state = this.#state;
    if (this.#writing || this.#isDeleted() || state.end === this.#at) return;
    this.#writing = true;
    this.bytesSince = 0;
    try {
      const segments = segmentsNow();
      const segment = segments.active;
      const { end } = state;
      const at = {
        offset: end,
        segment: segment?.baseOffset ?? end,
        position: segment?.size ?? 0,
        segments: new Map(segments.all.map(({ baseOffset, size }) => [baseOffset, size])),
      };
      state.expireProducers(this.#host.now());
      const encoded = encodeSnapshot(at, state);
      const indexes = segment?.encodeIndexes();
      await sync();
      // A segment that was compacted meanwhile has other positions.
      if (this.#isDeleted() || (segment !== undefined && !segmentsNow().all.includes(segment))) return;
      if (indexes !== undefined) segment?.writeIndexes(indexes);
      if (!writeSideFile(this.#host.files, this.#pathOf(end), encoded)) return;
      this.#at = end;
      this.#removeOld(end);
    } catch (cause) {
      // Without this snapshot the next start reads more. A failed sync has fenced the log already.
      if (!(cause instanceof LogError || cause instanceof FileError)) throw cause;
    } finally {
      this.#writing = false;
    }
  }

  #removeOld(newest: number): void {
    const { files } = this.#host;
    const old = files
      .readdir(this.#directory)
      .filter((name) => (offsetInName(name, 'snapshot') ?? newest) < newest)
      .slice(0, -1);
    for (const name of old) files.unlink(joinPath(this.#directory, name));
  }

  /** Compaction removes snapshots that point into segments that it replaced. */
  checkNewest(): void {
    if (this.#host.files.stat(this.#pathOf(Math.max(0, this.#at))) === undefined) this.#at = -1;
  }

  #pathOf(offset: number): string {
    return joinPath(this.#directory, segmentName(offset, 'snapshot'));
  }
}
