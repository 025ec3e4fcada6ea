/** Drops: records, or parts of one, that a task left out, and what a task counts. */

import type { RecordHeader } from '../../storage/index.ts';
import type { Block } from '../block.ts';
import type { DropReason } from '../operator.ts';
import type { StreamRecord } from '../record.ts';

/** A record, or a part of one, that was left out. `key` and `value` are copies of the original bytes, null where there
 *  are none or they are not known. */
export interface Drop {
  readonly reason: DropReason;
  readonly taskId: string;
  /** The node that left it out. */
  readonly node: string;
  readonly topic: string;
  readonly partition: number;
  /** −1 where not known. */
  readonly offset: number;
  readonly timestamp: number;
  readonly detail: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Those of the original. */
  readonly headers: readonly RecordHeader[];
}

/** Takes what was left out, within the open transaction: after a rollback the same drops come again. */
export interface DropSink {
  drop(drop: Drop): void;
}

/** What a task has done. `recordsRead` counts as it happens (again after a rollback), the others count what is
 *  committed. */
export class TaskCounters {
  recordsRead = 0;
  recordsOut = 0;
  readonly drops = new Map<DropReason, number>();
}

/** Original key, value and headers of a record that is being processed: from its block where its offset is found there,
 *  else the key as the record has it. */
export const originalOf = (
  record: StreamRecord<unknown>,
  block: Block | undefined,
): Pick<Drop, 'key' | 'value' | 'headers'> => {
  if (block !== undefined && record.offset >= 0) {
    const { columns } = block;
    const row = rowOf(columns.offset, columns.count, record.offset);
    if (row >= 0) {
      const { key, value, headers } = columns.record(row);
      return { key, value, headers };
    }
  }
  const { keyBytes, keyStart, keyEnd } = record;
  return { key: keyStart < 0 ? null : keyBytes.slice(keyStart, keyEnd), value: null, headers: [] };
};

/** The row that holds this offset, or −1; offsets ascend. */
const rowOf = (offsets: Float64Array, count: number, offset: number): number => {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = offsets[middle] as number;
    if (found === offset) return middle;
    if (found < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
};
