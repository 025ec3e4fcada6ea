import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tumbling } from '../../../engine/index.ts';

test('every time lies in exactly one tumbling window, aligned to the epoch', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 2 ** 53 - 1 }), (size, time) => {
      const windows = tumbling(size);
      const starts: number[] = [];
      for (let start = windows.first(time); start <= time; start += windows.advanceMs) starts.push(start);
      expect(starts.length).toBe(1);
      const [start = -1] = starts;
      expect(start % size).toBe(0);
      expect(start <= time && time < start + size).toBe(true);
    }),
  );
});
