/** A short run of `npm run fuzz:sql`: texts are others each time, and the seed is in the message of a failure; queries
 *  over records are the same, so that a difference that nobody has seen before is found by the long run. */

import { beforeAll, expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { loadFormats } from '../conformance/runner.ts';
import { check } from './check.ts';
import { checks, type Difference, differential } from './differential.ts';
import { type Found, fuzz } from './fuzz.ts';
import { smallerStatements } from './shrink.ts';

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

test('random queries give the same in each pair of ways to run them', () => {
  const found: Difference[] = [];
  const { queries, silent, written } = differential({
    random: new Random(5),
    cases: 50,
    perSources: 25,
    now: () => performance.now(),
    report: (one) => found.push(one),
  });
  expect(found).toEqual([]);
  // Queries that write nothing compare nothing.
  expect(silent).toBeLessThan(queries * 0.7);
  expect(written).toBeGreaterThan(100);
});

test('a check that finds a difference makes it small', () => {
  const found: Difference[] = [];
  differential({
    random: new Random(1),
    cases: 3,
    now: () => performance.now(),
    // Any query over two records or more.
    checks: { length: ({ history }) => (history.length > 1 ? 'two records' : undefined) },
    report: (one) => found.push(one),
  });
  expect(found.map(({ problem, records }) => [problem, records.length])).toEqual([
    ['two records', 2],
    ['two records', 2],
    ['two records', 2],
  ]);
  expect(Object.keys(checks)).toEqual(['rules', 'plain', 'partitions', 'batches', 'where']);
  expect([...smallerStatements('SELECT a + 1 FROM s WHERE b EMIT CHANGES;')]).toEqual(
    expect.arrayContaining(['SELECT A FROM S WHERE B EMIT CHANGES;', 'SELECT A + 1 FROM S EMIT CHANGES;']),
  );
});
