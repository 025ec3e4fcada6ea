/**
 * Reads partition 0 of the compacted topic `t` again and again from its start in a worker, as a table: the last value
 * of each key. Values of a key only grow, keys are never deleted, and the value `aborted` is never committed; whatever
 * contradicts that is a fault. Counts its passes in shared memory, ends once one ends with the key `end`, and posts the
 * faults.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { utf8Text } from '../../../base/index.ts';
import { nodeFiles } from '../../../base/node/index.ts';
import { openSharedReader, type SharedLogView } from '../../../storage/file-log/index.ts';
import { decodeBatch, RecordColumns } from '../../../storage/index.ts';

const { view, passes } = workerData as { view: SharedLogView; passes: Int32Array };
const reader = openSharedReader(view, nodeFiles);
const faults: string[] = [];
let before = new Map<string, string>();

const readTable = async (): Promise<Map<string, string>> => {
  const table = new Map<string, string>();
  let offset = 0;
  let end = Number.POSITIVE_INFINITY;
  while (offset < end) {
    const request = { topic: 't', partition: 0, offset, isolation: { kind: 'committed' as const } };
    const { chunks, failures } = await reader.fetch([request], { maxBytesPerPartition: 2000, maxWaitMs: 0 });
    for (const { error } of failures) throw error;
    const [chunk] = chunks;
    if (chunk === undefined) break;
    // One pass reads what was there when it began.
    if (end === Number.POSITIVE_INFINITY) end = chunk.offsets.stable;
    const columns = new RecordColumns();
    columns.reset(chunk.bytes);
    for (const at of chunk.batches) decodeBatch(chunk.bytes, at, columns, offset);
    for (let i = 0; i < columns.count; i++) {
      const { key, value } = columns.record(i);
      table.set(utf8Text(key ?? new Uint8Array(0)), utf8Text(value ?? new Uint8Array(0)));
    }
    offset = chunk.nextOffset;
    chunk.release();
  }
  return table;
};

while (!before.has('end') && faults.length === 0) {
  const pass = Atomics.load(passes, 0);
  try {
    const table = await readTable();
    for (const [key, value] of table) if (value === 'aborted') faults.push(`pass ${pass}: ${key} was aborted`);
    for (const [key, value] of before) {
      const now = table.get(key);
      if (now === undefined) faults.push(`pass ${pass}: ${key} is gone, it was ${value}`);
      else if (Number(now) < Number(value)) faults.push(`pass ${pass}: ${key} went back from ${value} to ${now}`);
    }
    before = table;
    Atomics.add(passes, 0, 1);
  } catch (error) {
    faults.push(`pass ${pass}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
parentPort?.postMessage(faults.slice(0, 5));
reader.close();
