import { expect, test } from 'vitest';
import { BlockPool } from '../../engine/index.ts';
import { encodeBatch, type LentBatches, nextOffsetOf, stampBatch } from '../../storage/index.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** What marks a batch with origin times: origin time 9, low watermark 7. */
const mark = { key: 'millrace.time', value: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7]) };

/** A chunk of batches at offset 0: each list of values is a batch. Counts how often it was released. */
const chunkOf = (topic: string, ...batches: string[][]): LentBatches & { released: number } => {
  let offset = 0;
  const parts = batches.map((values) => {
    const bytes = encodeBatch(
      values.map((value, at) => ({
        value: text(value),
        headers: at === 0 ? [value === 'a' ? mark : { key: `first of ${value}`, value: null }] : [],
      })),
    );
    stampBatch(bytes, { baseOffset: offset, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
    offset = nextOffsetOf(bytes, 0);
    return bytes;
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  const positions: number[] = [];
  let at = 0;
  for (const part of parts) {
    positions.push(at);
    bytes.set(part, at);
    at += part.length;
  }
  return {
    topic,
    partition: 0,
    bytes,
    batches: positions,
    nextOffset: offset,
    offsets: { start: 0, stable: offset, end: offset },
    released: 0,
    release() {
      this.released++;
    },
  };
};

test('a chunk is decoded once and given back after the last release', () => {
  const pool = new BlockPool();
  const chunk = chunkOf('t', ['a', 'b'], ['c']);
  const block = pool.decode(chunk, 0);
  expect(block.columns.count).toBe(3);
  expect(block.nextOffset).toBe(3);
  expect([block.batchCount, block.batchRow(0), block.batchRow(1), block.batchRow(2)]).toEqual([2, 0, 2, 3]);
  block.retain();
  block.release();
  expect(chunk.released).toBe(0);
  block.release();
  expect(chunk.released).toBe(1);
  expect(() => block.release()).toThrow('given back twice');
  expect(pool.counters).toMatchObject({ blocks: 1, batches: 2, records: 3, bytes: chunk.bytes.length, views: 0 });
});

test('the low watermark of a batch is found even when reading begins behind its first record', () => {
  const pool = new BlockPool();
  const chunk = chunkOf('t', ['a', 'b', 'c'], ['d', 'e']);
  const whole = pool.decode(chunk, 0);
  expect([whole.carriesTimes, whole.batchLow(0), whole.batchLow(1)]).toEqual([true, 7, Number.NaN]);
  const block = pool.decode(chunk, 2);
  expect(block.columns.count).toBe(3);
  expect(block.columns.headersAt[0]).toBe(0);
  expect([block.carriesTimes, block.batchLow(0), block.batchLow(1)]).toEqual([true, 7, Number.NaN]);
  expect(pool.decode(chunk, 3).carriesTimes).toBe(false);
  // A batch that lies wholly before the place asked for is not shown.
  expect(pool.decode(chunk, 3).batchCount).toBe(1);
});

test('a view is made once per block and id, and made of its predecessor when the block is used again', () => {
  const pool = new BlockPool();
  const made: string[] = [];
  const viewOf = (chunk: LentBatches): void => {
    const block = pool.decode(chunk, 0);
    const make = (_columns: unknown, recycled: string | undefined): string => {
      made.push(recycled ?? 'new');
      return `view ${made.length}`;
    };
    const view = block.view('rows', make);
    expect(block.view('rows', make)).toBe(view);
    block.view('other', make);
    block.release();
  };
  viewOf(chunkOf('t', ['a']));
  viewOf(chunkOf('t', ['b']));
  viewOf(chunkOf('u', ['c']));
  expect(made).toEqual(['new', 'new', 'view 1', 'view 2', 'new', 'new']);
  expect(pool.counters.views).toBe(6);
});

test("a batch that cannot be decoded is the user's to see, and its chunk is given back", () => {
  const pool = new BlockPool();
  const chunk = chunkOf('t', ['a'], ['b']);
  chunk.bytes[(chunk.batches[1] as number) + 22] = 4; // a codec
  expect(() => pool.decode(chunk, 0)).toThrow('the batch at offset 1 of t-0 cannot be read');
  expect(chunk.released).toBe(1);
});
