import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyMap } from '../../storage/file-log/key-map.ts';
import { decodeBatch, encodeBatch, RecordColumns } from '../../storage/index.ts';
import { RecordKeys } from '../../storage/record-keys.ts';

test('the keys of a batch are those that decoding it finds', () => {
  const bytes = fc.option(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 60, maxLength: 300 })));
  const record = fc.record({
    key: bytes,
    value: fc.oneof(bytes, fc.constant(new Uint8Array(20_000))),
    timestamp: fc.oneof(fc.nat(100), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  });
  const keys = new RecordKeys();
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 200 }), fc.nat(100), (records, before) => {
      const batch = encodeBatch(records);
      const all = new Uint8Array(before + batch.length);
      all.set(batch, before);
      const columns = new RecordColumns();
      columns.reset(all);
      decodeBatch(all, before, columns, 0);
      expect(keys.read(all, before)).toBe(true);
      expect(keys.count).toBe(columns.count);
      expect([...keys.start.subarray(0, keys.count)]).toEqual([...columns.keyStart.subarray(0, columns.count)]);
      for (let i = 0; i < keys.count; i++) if (keys.start[i] !== -1) expect(keys.end[i]).toBe(columns.keyEnd[i]);
    }),
    { numRuns: 100 },
  );
});

test('bytes that are no records are refused, and never read beyond', () => {
  const batch = encodeBatch(Array.from({ length: 20 }, (_, i) => ({ key: new Uint8Array(i * 3), timestamp: i * 100 })));
  const keys = new RecordKeys();
  fc.assert(
    fc.property(fc.nat(batch.length - 62), fc.nat(255), (at, value) => {
      const broken = batch.slice();
      broken[61 + at] = value;
      if (!keys.read(broken, 0)) return;
      for (let i = 0; i < keys.count; i++) expect(keys.end[i]).toBeLessThanOrEqual(broken.length);
    }),
    { numRuns: 2000 },
  );
});

test('the offset map remembers what a plain map remembers, and stays within its limit', () => {
  const key = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ minLength: 4, maxLength: 14 }),
    fc.uint8Array({ maxLength: 60 }),
  );
  fc.assert(
    fc.property(fc.array(fc.option(key), { maxLength: 3000 }), fc.boolean(), (keys, tight) => {
      const limit = tight ? 80_000 : 1 << 20;
      const map = new KeyMap(limit);
      const plain = new Map<string, number>();
      const bytes = new Uint8Array(keys.reduce((sum, one) => sum + (one?.length ?? 0), 0));
      const start = new Int32Array(keys.length);
      const end = new Int32Array(keys.length);
      let at = 0;
      for (const [i, one] of keys.entries()) {
        start[i] = one === null ? -1 : at;
        if (one !== null) bytes.set(one, at);
        at += one?.length ?? 0;
        end[i] = at;
      }
      for (let from = 0; from < keys.length; from += 256) {
        const to = Math.min(keys.length, from + 256);
        map.prepare(bytes, start, end, from, to);
        const before = map.set(bytes, start, end, from, to, from).slice();
        for (let i = from; i < to; i++) {
          const one = keys[i];
          if (one === null || one === undefined) continue;
          if (before[i - from] === -2) expect(tight).toBe(true);
          else {
            expect(before[i - from]).toBe(plain.get(one.join()) ?? -1);
            plain.set(one.join(), i);
          }
        }
      }
      expect(map.count).toBe(plain.size);
      expect(map.sizeBytes).toBeLessThanOrEqual(Math.max(limit, 80_000));
      for (let i = 0; i < keys.length; i++) {
        const one = keys[i];
        if (one === null || one === undefined) continue;
        map.prepare(bytes, start, end, i, i + 1);
        expect(map.has(bytes, start[i] as number, end[i] as number, 0)).toBe(plain.has(one.join()));
      }
    }),
    { numRuns: 60 },
  );
});
