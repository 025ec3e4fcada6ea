import { expect, test } from 'vitest';
import { type Block, BlockPool } from '../../../engine/block.ts';
import { ValuesAhead } from '../../../engine/operators/values-ahead.ts';
import { SerdeError } from '../../../engine/serde.ts';
import { encodeBatch, stampBatch } from '../../../storage/index.ts';

const pool = new BlockPool();

const blockOf = (texts: readonly (string | null)[], baseOffset = 0): Block => {
  const bytes = encodeBatch(
    texts.map((text) => ({
      key: Buffer.from('k'),
      value: text === null ? null : Buffer.from(text),
      timestamp: 0,
      headers: [],
    })),
  );
  stampBatch(bytes, { baseOffset, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
  const end = baseOffset + texts.length;
  const offsets = { start: 0, stable: end, end };
  return pool.decode(
    { topic: 't', partition: 0, bytes, batches: [0], nextOffset: end, offsets, release() {} },
    baseOffset,
  );
};

/** Reads texts, and notes which; one that begins with "bad" cannot be read, and one with "broken" fails the source. */
const newAhead = (
  lends?: true,
): { readonly read: string[]; readonly ahead: ValuesAhead<{ readonly text: string }> } => {
  const read: string[] = [];
  const ahead = new ValuesAhead<{ text: string }>({
    value: {
      ...(lends && { lends }),
      read(bytes, start, end) {
        const text = Buffer.from(bytes.subarray(start, end)).toString();
        read.push(text.slice(0, 8));
        if (text.startsWith('bad')) throw new SerdeError(text);
        if (text.startsWith('broken')) throw new Error(text);
        return { text };
      },
    },
  });
  return { read, ahead };
};

const take = (ahead: ValuesAhead<{ readonly text: string }>, block: Block, from: number, to: number): string[] => {
  const taken: string[] = [];
  ahead.open(block, from);
  for (let row = from; row < to; row++) {
    try {
      taken.push(ahead.take(block, row)?.text ?? '-');
    } catch (error) {
      taken.push(String(error));
    }
  }
  return taken;
};

const texts = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);

test('values are read by groups, and each once', () => {
  const { read, ahead } = newAhead();
  const block = blockOf(texts(0, 1200));
  expect(take(ahead, block, 0, 1)).toEqual(['0']);
  expect(read.length).toBe(512);
  expect(take(ahead, block, 1, 600)).toEqual(texts(1, 600));
  expect(take(ahead, block, 600, 1200)).toEqual(texts(600, 1200));
  expect(read).toEqual(texts(0, 1200));
});

test('what a row throws is thrown when it is taken, after the rows before it', () => {
  const { read, ahead } = newAhead();
  const block = blockOf(['a', 'bad 1', 'bad 2', null, 'b', 'broken', 'c', 'bad 3']);
  const expected = ['a', 'SerdeError: bad 1', 'SerdeError: bad 2', '-', 'b', 'Error: broken', 'c', 'SerdeError: bad 3'];
  expect(take(ahead, block, 0, 8)).toEqual(expected);
  expect(read).toEqual(['a', 'bad 1', 'bad 2', 'b', 'broken', 'c', 'bad 3']);
});

test('rows that are asked for again are read again', () => {
  const { read, ahead } = newAhead();
  const block = blockOf(['a', 'b', 'c', 'broken']);
  expect(take(ahead, block, 0, 2)).toEqual(['a', 'b']);
  expect(take(ahead, block, 0, 3)).toEqual(['a', 'b', 'c']);
  expect(take(ahead, block, 1, 4)).toEqual(['b', 'c', 'Error: broken']);
  expect(take(ahead, block, 3, 4)).toEqual(['Error: broken']);
  expect(read.filter((text) => text === 'broken').length).toBe(4);
});

test("a block's memory is used again for another one", () => {
  const { ahead } = newAhead();
  const first = blockOf(['a', 'b', 'c']);
  expect(take(ahead, first, 0, 1)).toEqual(['a']);
  first.release();
  const second = blockOf(['d', 'e', 'f'], 3);
  expect(second).toBe(first);
  expect(take(ahead, second, 1, 3)).toEqual(['e', 'f']);
});

test('a value that is lent is read when it is taken', () => {
  const { read, ahead } = newAhead(true);
  const block = blockOf(['a', 'b', 'c']);
  expect(take(ahead, block, 0, 2)).toEqual(['a', 'b']);
  expect(read).toEqual(['a', 'b']);
});

test('of large values few are read ahead', () => {
  const { read, ahead } = newAhead();
  const block = blockOf(Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(10_000)}`));
  take(ahead, block, 0, 1);
  expect(read.length).toBe(7);
});
