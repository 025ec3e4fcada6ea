/**
 * A block: some consecutive decoded record batches of one source partition, shared by every task at that position.
 *
 * Columns of positions are decoded once per block. A *view* is what a deserializer makes of the block (SQL's lazily parsed columns); it
 * is made once per block and deserializer id, however many queries read it. Blocks are immutable but for that cache, and lent: after the
 * last `release` its memory is used for another block.
 */

import type { RecordColumns } from '../storage/index.ts';

export interface Block {
  readonly topic: string;
  readonly partition: number;
  readonly columns: RecordColumns;
  /** Where to read on after this block. */
  readonly nextOffset: number;
  /** The view made by `make` for this id, made at most once per block. `recycled` is a former view of the same id whose arrays may be used again. */
  view<T>(id: string, make: (columns: RecordColumns, recycled: T | undefined) => T): T;
  /** The writer of record `index`: an index into the task's writers (0 but for repartition topics, see `runtime/writers`). */
  retain(): void;
  release(): void;
}
