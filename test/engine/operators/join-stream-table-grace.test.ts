import { expect, test } from 'vitest';
import { joinStreamTableGrace, type Serde, storedRows, tableSource } from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const row = lineValue as Serde<string>;
const options = {
  stores: [
    { name: 's', kind: 'key-value' },
    { name: 'waiting', kind: 'ordered' },
  ] as const,
  given: { supplier: tableSource({ store: 's', row }), lines: 'a: Albany' },
};

const joined = (left: boolean) =>
  joinStreamTableGrace<string, string, string>({
    table: storedRows('s', row),
    join: (record, name) => `${record.value}+${name}`,
    left,
    graceMs: 10,
    store: 'waiting',
    row,
  });

test('a record waits until the grace has passed, those of one time in their order', () => {
  expect(
    run(
      joined(true),
      `
    a: x @5
    b: y @5
    a: z @4
    a: u @14
    commit
    a: v @15
    a: w @26`,
      options,
    ),
  ).toBe(`
    a: z+Albany @4
    a: x+Albany @5
    b: y+null @5
    a: u+Albany @14
    a: v+Albany @15`);
});

test('what was emitted is emitted again after a rollback', () => {
  expect(
    run(
      joined(true),
      `
    a: x @5
    commit
    b: y @20
    rollback
    b: z @16`,
      options,
    ),
  ).toBe(`
    a: x+Albany @5
    a: x+Albany @5`);
});

test('what comes too late is joined at once, without a key too in a left join; the rest is dropped', () => {
  const lines = `
    a: x @20
    a: y @10
    -: n @20
    a: - @40
    b: z @10`;
  expect(run(joined(true), lines, options)).toBe(`
    a: y+Albany @10
    -: n+null @20
    ! null-value a
    b: z+null @10`);
  expect(run(joined(false), lines, options)).toBe(`
    a: y+Albany @10
    ! null-key
    ! null-value a`);
});
