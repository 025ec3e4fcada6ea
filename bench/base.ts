/**
 * BASE: the rate of the plainest reader of a segment. Read the file, decode the batches to positions, make a latin1
 * string of each value, and `JSON.parse` it. No state, no output, no commit. Every other figure is a ratio to this,
 * measured in the same process before and after.
 */

import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { nodeText } from '../base/node/index.ts';
import { batchBytes, batchHeaderBytes, decodeBatch, RecordColumns } from '../storage/index.ts';

const READ_BYTES = 1 << 20;

/** Records per second over the log files of one partition. */
export const measureBase = (partitionDirectory: string): number => {
  const started = performance.now();
  const records = readAll(partitionDirectory);
  return records / ((performance.now() - started) / 1000);
};

const readAll = (directory: string): number => {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const columns = new RecordColumns();
  let records = 0;
  let fields = 0;
  for (const name of readdirSync(directory)
    .filter((file) => file.endsWith('.log'))
    .sort()) {
    const file = openSync(join(directory, name), 'r');
    try {
      let position = 0;
      for (;;) {
        const read = readSync(file, buffer, 0, READ_BYTES, position);
        let at = 0;
        while (at + batchHeaderBytes <= read && at + batchBytes(buffer, at) <= read) {
          columns.reset(buffer);
          decodeBatch(buffer, at, columns, 0);
          for (let i = 0; i < columns.count; i++) {
            const start = columns.valueStart[i] as number;
            if (start < 0) continue;
            const value = JSON.parse(nodeText.readLatin1(buffer, start, columns.valueEnd[i] as number)) as {
              readonly qty?: number;
            };
            if (value.qty !== undefined) fields++;
          }
          records += columns.count;
          at += batchBytes(buffer, at);
        }
        if (at === 0) break;
        position += at;
      }
    } finally {
      closeSync(file);
    }
  }
  if (fields > records) throw new Error('more fields than records');
  return records;
};
