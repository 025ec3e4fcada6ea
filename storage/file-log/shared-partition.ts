/**
 * One partition as another thread reads it: its segments are found by listing its directory, and its files are opened
 * by this thread.
 */

import { type BufferPool, type FileSystem, joinPath, type OpenFile } from '../../base/index.ts';
import type { Chunk } from '../log.ts';
import { PartitionState } from '../partition-state.ts';
import { OffsetIndex } from './offset-index.ts';
import type { FileUser, OpenFiles } from './open-files.ts';
import { type PartitionRead, type ReadPoint, ReadPoints, readPartition, type SegmentFiles } from './read-partition.ts';
import { offsetInName, readSideFile, segmentName } from './segment.ts';
import type { SlotOfTopic } from './shared-view.ts';

export class SharedPartition implements SegmentFiles {
  readonly slot: SlotOfTopic;
  readonly directory: string;
  /** Holds the aborted ranges, and nothing else. */
  readonly visibility = new PartitionState();
  /** The version of the aborted ranges in `visibility`. */
  knownAborted = 0;
  /** The layout that the open files and the read points belong to. */
  #layout = 0;
  readonly #files: FileSystem;
  readonly #openFiles: OpenFiles;
  /** Base offsets of the segments, in order, as of the last listing. */
  #bases: number[] = [];
  /** The segments that were read, by base offset. */
  readonly #segments = new Map<number, FileUser>();
  readonly #points = new ReadPoints();

  constructor(files: FileSystem, openFiles: OpenFiles, directory: string, slot: SlotOfTopic) {
    this.#files = files;
    this.#openFiles = openFiles;
    this.directory = directory;
    this.slot = slot;
  }

  /** Reads with the files of this layout; those of a former one are closed. */
  read(read: Omit<PartitionRead, 'state'>, layout: number, pool: BufferPool): Chunk | undefined {
    if (layout !== this.#layout) {
      this.close();
      this.#points.clear();
      this.#layout = layout;
    }
    return readPartition(this, this.#points, { ...read, state: this.visibility }, pool);
  }

  find(offset: number): ReadPoint | undefined {
    this.#list();
    const base = this.#bases.findLast((candidate) => candidate <= offset);
    if (base === undefined) return undefined;
    const bytes = readSideFile(this.#files, joinPath(this.directory, segmentName(base, 'index')));
    const { size } = this.open(base);
    const index = bytes === undefined ? undefined : OffsetIndex.decode(bytes, base, size);
    return { base, ...(index?.lookup(offset) ?? { offset: base, position: 0 }) };
  }

  open(base: number): { readonly file: OpenFile; readonly size: number } {
    let segment = this.#segments.get(base);
    if (segment === undefined) {
      const path = joinPath(this.directory, segmentName(base, 'log'));
      segment = { openFile: () => this.#files.open(path, 'read') };
      this.#segments.set(base, segment);
    }
    const file = this.#openFiles.of(segment);
    return { file, size: file.size() };
  }

  after(base: number): number | undefined {
    this.#list();
    return this.#bases.find((candidate) => candidate > base);
  }

  #list(): void {
    this.#bases = this.#files
      .readdir(this.directory)
      .map((name) => offsetInName(name, 'log'))
      .filter((base) => base !== undefined)
      .sort((a, b) => a - b);
    // A deleted file takes space until it is closed.
    for (const [base, segment] of this.#segments) if (!this.#bases.includes(base)) this.#close(base, segment);
  }

  #close(base: number, segment: FileUser): void {
    this.#openFiles.close(segment);
    this.#segments.delete(base);
  }

  close(): void {
    for (const [base, segment] of this.#segments) this.#close(base, segment);
  }
}
