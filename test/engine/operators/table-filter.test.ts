import { expect, test } from 'vitest';
import { tableFilter } from '../../../engine/index.ts';
import { run } from '../../support/changes.ts';

const above100 = tableFilter((ms: number) => ms > 100);

test('a table filter retracts a row that stops matching, once', () => {
  expect(
    run(
      above100,
      `
    a: - -> 120
    a: 120 -> 80
    a: 80 -> 70
    a: 70 -> 130`,
      { before: 'needed' },
    ),
  ).toBe(`
    a: - -> 120
    a: 120 -> -
    a: - -> 130`);
});

test('a row that never matched goes nowhere', () => {
  expect(
    run(
      above100,
      `
    a: - -> 80
    a: 80 -> -`,
      { before: 'needed' },
    ),
  ).toBe('\n');
});

test('a retraction goes out where the row before is unknown', () => {
  expect(
    run(
      above100,
      `
    a: ? -> 80
    a: ? -> -
    a: ? -> 120`,
      { before: 'needed' },
    ),
  ).toBe(`
    a: -
    a: -
    a: 120`);
});

test('filterNot keeps the rows that do not match, and no absent ones', () => {
  expect(
    run(
      tableFilter((ms: number) => ms > 100, { not: true }),
      `
    a: - -> 80
    a: 80 -> 120
    b: - -> -`,
      { before: 'needed' },
    ),
  ).toBe(`
    a: - -> 80
    a: 80 -> -`);
});
