import { expect, test } from 'vitest';
import { type Serde, tableSource } from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const row = lineValue as Serde<number>;
const stores = [{ name: 's', kind: 'key-value' }] as const;

test('a table knows the row before when a child asks for it', () => {
  expect(
    run(
      tableSource({ store: 's', row }),
      `
    a: 1 @1
    a: 2 @2
    b: 5 @3
    a: - @4
    a: - @5
    a: 3 @6`,
      { stores, asked: true },
    ),
  ).toBe(`
    a: - -> 1 @1
    a: 1 -> 2 @2
    b: - -> 5 @3
    a: 2 -> - @4
    a: - -> - @5
    a: - -> 3 @6`);
});

test('behind a filter a row that was never shown is not taken back', () => {
  expect(
    run(
      tableSource({ store: 's', row, knownDeletesOnly: true }),
      `
    a: - @1
    a: 2 @2
    a: 2 @3
    a: - @4
    a: - @5`,
      { stores },
    ),
  ).toBe(`
    a: 2 @2
    a: 2 @3
    a: - @4`);
});

test('a table that keeps nothing does not know the row before', () => {
  expect(
    run(
      tableSource({ row }),
      `
    a: 1
    a: 2`,
    ),
  ).toBe(`
    a: 1
    a: 2`);
});

test('a row without a key is left out', () => {
  expect(
    run(
      tableSource({ row }),
      `
    -: 1
    a: 2`,
    ),
  ).toBe(`
    ! null-key
    a: 2`);
});

test('later arrival wins, whatever the timestamps say', () => {
  expect(
    run(
      tableSource({ store: 's', row }),
      `
    a: 1 @10
    a: 2 @5
    a: 3 @7`,
      { stores, asked: true },
    ),
  ).toBe(`
    a: - -> 1 @10
    a: 1 -> 2 @5
    a: 2 -> 3 @7`);
});

test('a rollback restores the rows of the last commit', () => {
  expect(
    run(
      tableSource({ store: 's', row }),
      `
    a: 1
    commit
    a: 2
    b: 3
    rollback
    a: 4
    b: 5`,
      { stores, asked: true },
    ),
  ).toBe(`
    a: - -> 1
    a: 1 -> 2
    b: - -> 3
    a: 1 -> 4
    b: - -> 5`);
});
