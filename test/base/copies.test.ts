import { describe, expect, test } from 'vitest';
import { copyOf } from '../../base/index.ts';
import { installNative } from '../../base/node/index.ts';

describe('copies of bytes', () => {
  test('are what was there, whatever becomes of the source and of other copies', () => {
    const lengths = [0, 1, 63, 64, 65, 150, 2047, 2048, 2049, 20_000, 7, 150];
    const source = Uint8Array.from({ length: 30_000 }, (_, i) => i * 7);
    const copies = Array.from({ length: 300 }, (_, i) => {
      const start = i * 31;
      return { start, copy: copyOf(source, start, start + (lengths[i % lengths.length] as number)) };
    });
    const before = source.slice();
    source.fill(0);
    for (const [i, { start, copy }] of copies.entries()) {
      const end = start + (lengths[i % lengths.length] as number);
      expect(copy).toEqual(before.slice(start, end));
      copy.fill(255);
    }
  });

  test('that share memory cannot be taken from each other by a transfer', () => {
    installNative();
    // The first one may still lie in a chunk of before.
    const shared = Array.from({ length: 20 }, () => copyOf(new Uint8Array(1000), 0, 1000)).at(-1) as Uint8Array;
    expect(() => structuredClone(shared, { transfer: [shared.buffer as ArrayBuffer] })).toThrow();
    expect(shared.length).toBe(1000);
  });
});
