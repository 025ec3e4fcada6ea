/** Versioned tables: named cases as text, and histories against a list of all versions. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  joinStreamTable,
  type Serde,
  type StoreSpec,
  versionedRows,
  versionedTableSource,
} from '../../../engine/index.ts';

import { lineValue, run } from '../../support/changes.ts';

const row = lineValue as Serde<string>;
const historyMs = 100;
const stores = { rows: 't', history: 't-history', historyMs };
const specs: readonly StoreSpec[] = [
  { name: 't', kind: 'key-value' },
  { name: 't-history', kind: 'ordered', retentionMs: historyMs },
];
const table = versionedTableSource<string>({ stores, row });

test('the latest version goes on with the row before it; an older one is outdated', () => {
  expect(
    run(
      table,
      `
    a: x @10
    a: y @20
    a: z @15
    a: - @30
    a: w @25
    a: v @30`,
      { stores: specs, asked: true },
    ),
  ).toBe(`
    a: - -> x @10
    a: x -> y @20
    a: z @15
    a: y -> - @30
    a: w @25
    a: - -> v @30`);
});

test('what is older than the history is late, also after a commit and a rollback', () => {
  expect(
    run(
      table,
      `
    a: x @10
    b: y @110
    a: z @9
    a: z @10
    commit
    c: u @120
    rollback
    a: w @10
    c: u @120
    a: w @19
    -: n @120`,
      { stores: specs },
    ),
  ).toBe(`
    a: x @10
    b: y @110
    ! late a
    a: z @10
    c: u @120
    a: w @10
    c: u @120
    ! late a
    ! null-key`);
});

const change = fc.record({
  key: fc.constantFrom('a', 'b'),
  value: fc.option(fc.constantFrom('x', 'y', 'z', 'u', 'v'), { nil: null }),
  time: fc.integer({ min: 0, max: 160 }),
});

test('the row at a time is that of the last version at or before it', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 25 }), (changes) => {
      const versions = new Map<string, Map<number, string | null>>();
      let latest = 0;
      for (const { key, value, time } of changes) {
        latest = Math.max(latest, time);
        if (time < latest - historyMs) continue;
        let ofKey = versions.get(key);
        if (ofKey === undefined) versions.set(key, (ofKey = new Map()));
        ofKey.set(time, value);
      }
      const asked: string[] = [];
      const expected: string[] = [];
      for (const key of ['a', 'b']) {
        for (let time = latest - historyMs; time <= 170; time += 7) {
          if (time < 0) continue;
          asked.push(`${key}: ? @${time}`);
          const found = [...(versions.get(key) ?? [])]
            .filter(([from]) => from <= time)
            .sort(([a], [b]) => b - a)[0]?.[1];
          expected.push(`    ${key}: ${found ?? '-'}${time === 0 ? '' : ` @${time}`}`);
        }
      }
      const lines = changes.map(({ key, value, time }) => `${key}: ${value ?? '-'} @${time}`);
      const joined = joinStreamTable<string, string, string>({
        table: versionedRows(stores, row),
        join: (_record, found) => found,
        left: true,
      });
      const found = run(joined, asked.map((line) => line.replace('?', 'q')).join('\n'), {
        stores: specs,
        given: { supplier: table, lines: lines.join('\n') },
      });
      expect(found.split('\n').filter((line) => line.startsWith('    ') && !line.includes('! late'))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});
