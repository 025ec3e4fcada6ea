import { expect, test } from 'vitest';
import { filter, type StreamRecord } from '../../../engine/index.ts';
import { run } from '../../support/changes.ts';

const above100 = (record: StreamRecord<number>): boolean => record.value !== null && record.value > 100;

test('a filter lets those records pass that it keeps', () => {
  expect(
    run(
      filter(above100),
      `
    a: 120 @1
    b: 80 @2
    a: 101 @3`,
    ),
  ).toBe(`
    a: 120 @1
    a: 101 @3`);
});

test('with `not` a filter lets the others pass', () => {
  expect(
    run(
      filter(above100, { not: true }),
      `
    a: 120
    b: 80`,
    ),
  ).toBe(`
    b: 80`);
});

test('the predicate sees null keys and null values', () => {
  const seen: string[] = [];
  const output = run(
    filter((record: StreamRecord<number>) => {
      seen.push(`${record.hasKey()} ${record.value}`);
      return true;
    }),
    `
    -: 1
    a: -`,
  );
  expect(seen).toEqual(['false 1', 'true null']);
  expect(output).toBe(`
    -: 1
    a: -`);
});
