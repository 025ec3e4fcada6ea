/** Records as text, read all at once: for topics of one partition in which this process keeps what it has to know. */

import { readUtf8 } from '../base/index.ts';
import { chunksOrThrow, decodeChunk } from './fetched.ts';
import type { Log } from './log.ts';
import { RecordColumns } from './record-columns.ts';

export interface TextRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** The committed records of partition 0 with offsets in `[from, end)`, in order. */
export const readTextRecords = async (
  log: Log,
  topic: string,
  from: number,
  end: number,
): Promise<readonly TextRecord[]> => {
  const found: TextRecord[] = [];
  const columns = new RecordColumns(64);
  const reader = log.reader();
  try {
    for (let offset = from; offset < end; ) {
      const request = { topic, partition: 0, offset, isolation: { kind: 'committed' } } as const;
      const fetched = await reader.fetch([request], { maxBytesPerPartition: 1 << 20, maxWaitMs: 0 });
      const [chunk] = chunksOrThrow(fetched);
      if (chunk === undefined) break;
      const { bytes } = chunk;
      const unreadable = decodeChunk(chunk, columns, offset);
      if (unreadable !== undefined) throw unreadable;
      const textAt = (start: number, stop: number): string | null => (start < 0 ? null : readUtf8(bytes, start, stop));
      for (let row = 0; row < columns.count; row++) {
        found.push({
          offset: columns.offset[row] as number,
          key: textAt(columns.keyStart[row] as number, columns.keyEnd[row] as number),
          value: textAt(columns.valueStart[row] as number, columns.valueEnd[row] as number),
        });
      }
      offset = chunk.nextOffset;
      chunk.release();
    }
  } finally {
    reader.close();
  }
  return found;
};
