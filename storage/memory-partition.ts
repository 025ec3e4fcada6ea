/** A partition of the log in memory: its batches in a list. */

import { assert, firstNotBefore, itemAt } from '../base/index.ts';
import type { Chunk, FetchRequest } from './log.ts';
import { offsetOutOfRange } from './log-errors.ts';
import { PartitionState } from './partition-state.ts';
import { baseOffsetOf, isControl, nextOffsetOf } from './record-batch.ts';
import { Waiters } from './waiting.ts';

export class MemoryPartition {
  readonly state = new PartitionState();
  readonly batches: Uint8Array[] = [];
  readonly waiters = new Waiters();

  append(batch: Uint8Array, nowMs: number): void {
    this.batches.push(batch);
    this.state.apply(batch, 0, nowMs);
    this.waiters.changed();
  }

  /** The index of the batch that holds the offset. */
  find(offset: number): number {
    const { batches } = this;
    return firstNotBefore(batches.length, (i) => nextOffsetOf(itemAt(batches, i), 0) <= offset);
  }

  /** See `Reader.fetch`. The bytes are a copy. */
  read(request: FetchRequest, maxBytes: number): Chunk | undefined {
    const { state, batches } = this;
    const { topic, offset, isolation } = request;
    if (!(offset >= state.start && offset <= state.end)) {
      throw offsetOutOfRange(request, offset, state.start, state.end);
    }
    const limit = state.limit(isolation);
    const chosen: Uint8Array[] = [];
    let nextOffset = offset;
    let size = 0;
    for (let i = this.find(offset); i < batches.length; i++) {
      const batch = itemAt(batches, i);
      if (baseOffsetOf(batch, 0) >= limit) break;
      const shown = isolation.kind === 'uncommitted' ? !isControl(batch, 0) : state.shows(batch, 0);
      if (shown && chosen.length > 0 && size + batch.length > maxBytes) break;
      nextOffset = nextOffsetOf(batch, 0);
      if (!shown) continue;
      chosen.push(batch);
      size += batch.length;
    }
    if (nextOffset === offset) return undefined;
    const bytes = new Uint8Array(size);
    const positions: number[] = [];
    let position = 0;
    for (const batch of chosen) {
      positions.push(position);
      bytes.set(batch, position);
      position += batch.length;
    }
    let released = false;
    return {
      topic,
      partition: request.partition,
      isolation,
      bytes,
      batches: positions,
      nextOffset,
      offsets: state.offsets(),
      release() {
        assert(!released, 'a chunk is released once');
        released = true;
        // Bytes that are read after their release must show.
        bytes.fill(0xdd);
      },
    };
  }
}
