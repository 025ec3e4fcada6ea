/** Rows ahead are looked up in groups, as long as most of them are read. */

import { expect, test } from 'vitest';
import { FlatTable } from '../../../engine/stores/flat-table.ts';
import { kinds } from '../../../engine/stores/layout.ts';
import { LookAhead } from '../../../engine/stores/look-ahead.ts';

const rows = 2_048;
const columns = {
  bytes: Uint8Array.from({ length: rows * 4 }, (_, i) => (i * 7919) >>> 3),
  keyStart: Int32Array.from({ length: rows }, (_, row) => row * 4),
  keyEnd: Int32Array.from({ length: rows }, (_, row) => row * 4 + 4),
};

/** Asks for the hashes of rows, each so many times; answers with how many rows were looked up in groups. */
const lookedUp = (read: (row: number) => boolean, times: number): number => {
  const table = new FlatTable({ seed: 5, listed: false });
  const ahead = new LookAhead(0);
  let looked = 0;
  const owner = {
    touch(_table: FlatTable, _hashes: Int32Array, count: number): void {
      looked += count;
    },
  };
  ahead.expect(columns, 0, rows);
  for (let row = 0; row < rows; row++) {
    if (!read(row)) continue;
    const [start, end] = [row * 4, row * 4 + 4];
    const hash = table.hash(kinds.data, columns.bytes, start, end);
    for (let time = 0; time < times; time++)
      expect(ahead.keyHash(table, owner, 1, columns.bytes, start, end, 0)).toBe(hash);
  }
  return looked;
};

test.each([1, 2])('all rows are looked up where all are read, each %i times', (times) => {
  expect(lookedUp(() => true, times)).toBe(rows);
});

test.each([1, 2])('few are looked up where few are read, each %i times', (times) => {
  expect(lookedUp((row) => row % 50 === 0, times)).toBeLessThan(rows / 4);
});

test('a hash is that of the key that is asked for', () => {
  const table = new FlatTable({ seed: 5, listed: false });
  const ahead = new LookAhead(0);
  const hashed = (start: number, end: number): void => {
    const hash = ahead.keyHash(table, { touch() {} }, 1, columns.bytes, start, end, 0);
    expect(hash).toBe(table.hash(kinds.data, columns.bytes, start, end));
  };
  ahead.expect(columns, 0, rows);
  hashed(0, 4);
  // The key without what is behind it, such as a window.
  hashed(0, 2);
  hashed(4, 8);
  hashed(4, 6);
});

test('what was found for a block is forgotten when the next one lies in its place', () => {
  const table = new FlatTable({ seed: 5, listed: false });
  const ahead = new LookAhead(0);
  const block = { bytes: new Uint8Array(4), keyStart: Int32Array.of(0), keyEnd: Int32Array.of(4) };
  for (let filled = 1; filled < 4; filled++) {
    block.bytes.fill(filled);
    ahead.expect(block, 0, 1);
    const hash = ahead.keyHash(table, { touch() {} }, 1, block.bytes, 0, 4, 0);
    expect(hash).toBe(table.hash(kinds.data, block.bytes, 0, 4));
  }
});
