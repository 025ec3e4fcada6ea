/** A short run of `npm run fuzz:sql`, with other texts each time; the seed is in the message of a failure. */

import { beforeAll, expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { loadFormats } from '../conformance/runner.ts';
import { check } from './check.ts';
import { type Found, fuzz } from './fuzz.ts';

beforeAll(loadFormats);

test('random statements are planned or refused with a place inside the text, soon', () => {
  const seed = Math.floor(Math.random() * 0x7fff_ffff);
  const found: Found[] = [];
  const { accepted, refused } = fuzz({
    random: new Random(seed),
    generated: 300,
    mutated: 3_000,
    report: (one) => found.push(one),
  });
  expect(found, `seed ${seed}`).toEqual([]);
  expect(accepted).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});

test('the check refuses what it has to', () => {
  expect(check('SELECT 1')).toBe('refused');
  expect(check('SHOW STREAMS; DESCRIBE orders;')).toBe('accepted');
});
