import { expect, test } from 'vitest';
import { joinStreamTable, mappedRows, type Serde, storedRows, tableSource } from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const row = lineValue as Serde<string>;
const options = {
  stores: [{ name: 's', kind: 'key-value' }] as const,
  given: {
    supplier: tableSource({ store: 's', row }),
    lines: `
    a: Albany
    b: Boston
    b: -`,
  },
};

const joined = (left: boolean) =>
  joinStreamTable<number, string, string>({
    table: storedRows('s', row),
    join: (record, name) => `${record.value}+${name}`,
    left,
  });

test('an inner join passes over records without a row', () => {
  expect(
    run(
      joined(false),
      `
    a: 1 @9
    b: 2
    c: 3`,
      options,
    ),
  ).toBe(`
    a: 1+Albany @9`);
});

test('a left join joins them with null', () => {
  expect(
    run(
      joined(true),
      `
    a: 1 @9
    b: 2
    c: 3`,
      options,
    ),
  ).toBe(`
    a: 1+Albany @9
    b: 2+null
    c: 3+null`);
});

test('without a value a record falls out of both; without a key it stays in a left join', () => {
  const lines = `
    a: -
    -: 1`;
  expect(run(joined(false), lines, options)).toBe(`
    ! null-value a
    ! null-key`);
  expect(run(joined(true), lines, options)).toBe(`
    ! null-value a
    -: 1+null`);
});

test('a row that the view does not show counts as absent', () => {
  const hidden = joinStreamTable<number, string, string>({
    table: mappedRows<string, string>(storedRows('s', row), () => null),
    join: (record, name) => `${record.value}+${name}`,
    left: true,
  });
  expect(
    run(
      hidden,
      `
    a: 1`,
      options,
    ),
  ).toBe(`
    a: 1+null`);
});
