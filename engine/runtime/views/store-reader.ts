/** What a view reads from: the committed entries of the stores of one application, wherever its tasks run. */

import type { EntryRange, ScanRange } from '../../stores/state-store.ts';
import type { PartitionPosition } from '../partition-position.ts';
import type { StoreEntry } from '../protocol.ts';

/** How far into its input topics an application has come: the next offset of each partition. */
export type Position = readonly PartitionPosition[];

export interface StoreReader {
  /** The committed entries of one key. */
  read(store: string, key: Uint8Array, range: EntryRange): Promise<readonly StoreEntry[]>;
  /** All committed entries within the range, in pages, in no order. */
  scan(store: string, range: ScanRange): AsyncIterable<readonly StoreEntry[]>;
  /** What is committed now: a read that begins later shows it, or more. */
  position(): Position;
  /** Answers when all of it is committed. Rejects when the application ends before. */
  reached(position: Position): Promise<void>;
}
