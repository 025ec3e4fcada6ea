import { describe, expect, test } from 'vitest';
import { joinTableTable, type Serde, storedRows, tableSource, tableTableJoinBefore } from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const row = lineValue as Serde<string>;
const stores = [{ name: 's', kind: 'key-value' }] as const;
/** The other side: only b has a row, of time 5. */
const given = {
  supplier: tableSource({ store: 's', row }),
  lines: `
    b: Boston @5`,
};

const side = (keepsOwn: boolean, keepsOther: boolean, lines: string, asked = true): string =>
  run(
    joinTableTable<string, string, string>({
      other: storedRows('s', row),
      join: (own, other) => `${own}+${other}`,
      keepsOwn,
      keepsOther,
    }),
    lines,
    { stores, given, before: tableTableJoinBefore(keepsOwn), asked },
  );

const changes = `
    a: - -> 1 @3
    a: 1 -> -
    b: - -> 1 @3
    b: 1 -> 2 @7
    b: 2 -> -
    b: - -> -
    a: - -> -`;

describe('a change of one side', () => {
  test('inner: nothing without a partner; a deletion goes on, also when nothing was there', () => {
    expect(side(false, false, changes)).toBe(`
    b: - -> 1+Boston @5
    b: 1+Boston -> 2+Boston @7
    b: 2+Boston -> - @5
    b: - -> - @5`);
  });

  test('of a side whose rows are kept alone', () => {
    expect(side(true, false, changes)).toBe(`
    a: - -> 1+null @3
    a: 1+null -> -
    b: - -> 1+Boston @5
    b: 1+Boston -> 2+Boston @7
    b: 2+Boston -> - @5
    b: - -> - @5`);
  });

  test('where the other side is kept alone', () => {
    expect(side(false, true, changes)).toBe(`
    b: null+Boston -> 1+Boston @5
    b: 1+Boston -> 2+Boston @7
    b: 2+Boston -> null+Boston @5
    b: null+Boston -> null+Boston @5`);
  });

  test('where both are', () => {
    expect(side(true, true, changes)).toBe(`
    a: - -> 1+null @3
    a: 1+null -> -
    b: null+Boston -> 1+Boston @5
    b: 1+Boston -> 2+Boston @7
    b: 2+Boston -> null+Boston @5
    b: null+Boston -> null+Boston @5`);
  });
});

test('the row before is joined only where it is asked for, and stays unknown where it is', () => {
  expect(side(false, false, 'b: 1 -> 2 @7', false)).toBe(`
    b: 2+Boston @7`);
  expect(side(false, false, 'b: ? -> 2 @7')).toBe(`
    b: 2+Boston @7`);
});

test('a change without a key is dropped', () => {
  expect(side(true, true, '-: - -> 1')).toBe(`
    ! null-key`);
});
