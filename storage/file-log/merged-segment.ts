/**
 * What compaction writes: one segment that replaces some neighbours, in a file of its own (`<base>.cleaned`) until it
 * is swapped in.
 *
 * Batches are kept as they are, rewritten without some records, or dropped. Dropped ranges of offsets are covered by
 * empty batches, so that a reader at any offset goes on. Its indexes are built on the way.
 */

import {
  assert,
  ByteWriter,
  FileError,
  type FileSystem,
  joinPath,
  type OpenFile,
  writeFully,
} from '../../base/index.ts';
import type { TopicConfigs } from '../log.ts';
import { baseOffsetOf, batchBytes, nextOffsetOf } from '../record-batch.ts';
import { writeEmptyBatches, writeKept, writeWithoutRecords } from '../rewrite-batch.ts';
import { numberConfig } from '../topic-rules.ts';
import { OffsetIndex } from './offset-index.ts';
import { noteInIndexes, type Segment, segmentName } from './segment.ts';
import { TimeIndex } from './time-index.ts';

const writeBytes = 256 * 1024;

/** A file that is on the disk and can replace its originals. */
export interface FinishedSegment {
  readonly sizeBytes: number;
  readonly index: OffsetIndex;
  readonly timeIndex: TimeIndex;
}

export class MergedSegment {
  readonly baseOffset: number;
  readonly originals: Segment[] = [];
  readonly #path: string;
  readonly #files: FileSystem;
  readonly #file: OpenFile;
  readonly #interval: number;
  readonly #out = new ByteWriter(writeBytes * 2);
  readonly #index: OffsetIndex;
  readonly #timeIndex: TimeIndex;
  #written = 0;
  #dropped = false;
  #closed = false;
  /** Offsets [from, to) that are gone and not covered by an empty batch yet. */
  #emptyFrom = -1;
  nextOffset: number;

  constructor(
    files: FileSystem,
    { directory, configs }: { readonly directory: string; readonly configs: TopicConfigs },
    baseOffset: number,
  ) {
    this.#files = files;
    this.baseOffset = baseOffset;
    this.nextOffset = baseOffset;
    this.#interval = numberConfig(configs, 'index.interval.bytes');
    this.#index = new OffsetIndex(baseOffset);
    this.#timeIndex = new TimeIndex(baseOffset);
    this.#path = joinPath(directory, segmentName(baseOffset, 'cleaned'));
    this.#file = files.open(this.#path, 'create');
    this.#file.truncate(0);
  }

  get sizeBytes(): number {
    return this.#written + this.#out.length;
  }

  keep(bytes: Uint8Array, at: number): void {
    this.#cover(baseOffsetOf(bytes, at));
    const from = this.#out.length;
    this.#out.bytes(bytes, at, at + batchBytes(bytes, at));
    this.#wrote(from, nextOffsetOf(bytes, at));
  }

  keepSome(bytes: Uint8Array, at: number, kept: Parameters<typeof writeKept>[3], horizon: number | undefined): void {
    this.#cover(baseOffsetOf(bytes, at));
    const from = this.#out.length;
    writeKept(this.#out, bytes, at, kept, horizon);
    this.#dropped = true;
    this.#wrote(from, nextOffsetOf(bytes, at));
  }

  keepEmpty(bytes: Uint8Array, at: number): void {
    this.#cover(baseOffsetOf(bytes, at));
    const from = this.#out.length;
    writeWithoutRecords(this.#out, bytes, at);
    this.#dropped = true;
    this.#wrote(from, nextOffsetOf(bytes, at));
  }

  /** The offsets [from, to) hold nothing any more. */
  drop(from: number, to: number): void {
    if (this.#emptyFrom < 0) this.#emptyFrom = from;
    this.#dropped = true;
    this.nextOffset = to;
  }

  #cover(to: number): void {
    if (this.#emptyFrom < 0) return;
    const from = this.#out.length;
    writeEmptyBatches(this.#out, this.#emptyFrom, to - 1);
    this.#emptyFrom = -1;
    this.#wrote(from, to);
  }

  /** Indexes what was written behind `from`. */
  #wrote(from: number, nextOffset: number): void {
    const out = this.#out;
    for (let at = from; at < out.length; at += batchBytes(out.buffer, at)) {
      noteInIndexes(this.#index, this.#timeIndex, out.buffer, at, this.#written + at, this.#interval);
    }
    assert(nextOffset >= this.nextOffset, () => `offset ${nextOffset} follows ${this.nextOffset}`);
    this.nextOffset = nextOffset;
    if (out.length >= writeBytes) this.#flush();
  }

  #flush(): void {
    writeFully(this.#file, this.#out.buffer, 0, this.#out.length, this.#written);
    this.#written += this.#out.length;
    this.#out.reset();
  }

  /** Puts the file on the disk. Undefined, and the file is gone, when it would hold what its only original holds. */
  async finish(): Promise<FinishedSegment | undefined> {
    try {
      if (!this.#dropped && this.originals.length === 1) {
        this.discard();
        return undefined;
      }
      this.#cover(this.nextOffset);
      this.#flush();
      await this.#file.datasync();
      this.#close();
    } catch (cause) {
      this.discard();
      throw cause;
    }
    const [first] = this.originals;
    this.#index.firstAppendMs = first?.index.firstAppendMs ?? 0;
    for (const { index } of this.originals) {
      this.#index.lastAppendMs = Math.max(this.#index.lastAppendMs, index.lastAppendMs);
    }
    return { sizeBytes: this.#written, index: this.#index, timeIndex: this.#timeIndex };
  }

  #close(): void {
    if (!this.#closed) this.#file.close();
    this.#closed = true;
  }

  discard(): void {
    this.#close();
    try {
      if (this.#files.stat(this.#path) !== undefined) this.#files.unlink(this.#path);
    } catch (cause) {
      // The next run of the partition, or the next start, removes it.
      if (!(cause instanceof FileError)) throw cause;
    }
  }
}
