import { expect, test } from 'vitest';
import { tableMapValues } from '../../../engine/index.ts';
import { run } from '../../support/changes.ts';

test('both sides of a change are mapped; absent and unknown stay what they are', () => {
  expect(
    run(
      tableMapValues((ms: number) => ms / 1000),
      `
    a: - -> 2000
    a: 2000 -> 3000
    a: 3000 -> -
    b: ? -> 1000`,
      { before: 'passed on', asked: true },
    ),
  ).toBe(`
    a: - -> 2
    a: 2 -> 3
    a: 3 -> -
    b: 1`);
});

test('a row that is mapped to null is absent', () => {
  expect(
    run(
      tableMapValues((ms: number) => (ms > 100 ? ms : null)),
      `
    a: 120 -> 80`,
      { before: 'passed on', asked: true },
    ),
  ).toBe(`
    a: 120 -> -`);
});

test('the row before is not mapped where no child asks for it', () => {
  const mapped: number[] = [];
  const note = (ms: number): number => {
    mapped.push(ms);
    return ms;
  };
  expect(run(tableMapValues(note), 'a: 2000 -> 3000', { before: 'passed on' })).toBe('\n    a: 3000');
  expect(mapped).toEqual([3000]);
});
