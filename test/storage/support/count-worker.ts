/** Reads partition 0 of topic `t` in a worker until the value `end` comes, then posts all it was shown. */

import { parentPort, workerData } from 'node:worker_threads';
import { utf8Text } from '../../../base/index.ts';
import { nodeFiles } from '../../../base/node/index.ts';
import { openSharedReader, type SharedLogView } from '../../../storage/file-log/index.ts';
import { decodeBatch, RecordColumns } from '../../../storage/index.ts';

const { view } = workerData as { view: SharedLogView };
const reader = openSharedReader(view, nodeFiles);
const rows: string[] = [];
let offset = 0;
while (rows.at(-1)?.endsWith(':end') !== true) {
  const request = { topic: 't', partition: 0, offset, isolation: { kind: 'committed' as const } };
  const fetched = await reader.fetch([request], { maxBytesPerPartition: 4096, maxWaitMs: 1000 });
  for (const chunk of fetched.chunks) {
    const columns = new RecordColumns();
    columns.reset(chunk.bytes);
    for (const at of chunk.batches) decodeBatch(chunk.bytes, at, columns, offset);
    for (let i = 0; i < columns.count; i++) {
      const record = columns.record(i);
      rows.push(`${record.offset}:${utf8Text(record.value ?? new Uint8Array(0))}`);
    }
    offset = chunk.nextOffset;
    chunk.release();
  }
}
parentPort?.postMessage(rows);
reader.close();
