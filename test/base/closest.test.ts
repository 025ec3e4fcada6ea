/** "Did you mean": which guesses are made, and which are not. */

import { expect, test } from 'vitest';
import { closestName, editDistance } from '../../base/index.ts';

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['form', 'from', 1],
  ['kitten', 'sitting', 3],
  ['same', 'same', 0],
  ['ab', 'ba', 1],
])('%s and %s are %i edits apart', (left, right, edits) => {
  expect(editDistance(left, right)).toBe(edits);
  expect(editDistance(right, left)).toBe(edits);
});

test('counting stops at the limit', () => {
  expect(editDistance('aaaaaaaaaa', 'bbbbbbbbbb', 3)).toBe(3);
  expect(editDistance('a', 'aaaaaaaaaa', 3)).toBe(3);
});

test.each([
  ['delya', ['delay', 'distance'], 'delay'],
  ['DELYA', ['delay', 'distance'], 'delay'],
  ['distnce', ['delay', 'distance'], 'distance'],
  ['orgn', ['origin', 'delay'], undefined],
  ['id', ['ids', 'x'], 'ids'],
  ['ab', ['cd'], undefined],
  ['anything', [], undefined],
  ['x', ['o', 'c'], undefined],
  ['CONT', ['COT', 'COUNT'], 'COUNT'],
  ['kitten', ['sitting'], undefined],
])('the closest name to %s among %j is %s', (name, candidates, closest) => {
  expect(closestName(name, candidates)).toBe(closest);
});

test('of names equally close the first is taken', () => {
  expect(closestName('cat', ['bat', 'rat'])).toBe('bat');
});
