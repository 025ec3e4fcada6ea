/** A short run of `npm run fuzz:sql`: texts are others each time, and the seed is in the message of a failure; queries
 *  over records are the same, so that a new difference is found by the long run. */

import { beforeAll, expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { loadFormats } from '../conformance/runner.ts';
import { type Block, blocksOf, type Found, runBlock, type Tally } from './blocks.ts';
import { check } from './check.ts';
import { type Difference, differential } from './differential.ts';
import { Progress } from './progress.ts';
import { shrunk, smallerStatements, smallerTexts } from './shrink.ts';
import { type FoundText, texts } from './texts.ts';
import { runInThreads } from './threads.ts';

beforeAll(loadFormats);

test('random statements are planned or refused with a place inside the text, soon', async () => {
  const seed = Math.floor(Math.random() * 0x7fff_ffff);
  const found: FoundText[] = [];
  const { accepted, refused } = await texts({
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

test('a text with a problem is made small', async () => {
  const text = "SELECT a, b FROM orders WHERE c = 'größe 😀' EMIT CHANGES;";
  const small = await shrunk(
    text,
    smallerTexts,
    (one) => one.includes('FROM'),
    () => false,
  );
  expect(small).toBe('FROM');
});

test('random queries give the same in each pair of ways to run them', async () => {
  const found: Difference[] = [];
  const { queries, silent, written, pulls } = await differential({
    random: new Random(5),
    cases: 30,
    perSources: 10,
    now: () => performance.now(),
    report: (one) => found.push(one),
  });
  expect(found).toEqual([]);
  // Queries that write nothing compare nothing.
  expect(silent).toBeLessThan(queries * 0.7);
  expect(written).toBeGreaterThan(100);
  expect(pulls).toBeGreaterThan(100);
});

test('a check that finds a difference makes it small', async () => {
  const found: Difference[] = [];
  await differential({
    random: new Random(1),
    cases: 3,
    now: () => performance.now(),
    // Any query over two records or more.
    checks: { length: ({ history }) => (history.length > 1 ? 'two records' : undefined) },
    report: (one) => found.push(one),
  });
  const records = (text: string): number => text.split('\n').filter((line) => / @\d+$/.test(line)).length;
  expect(found.map(({ problem, text }) => [problem, records(text)])).toEqual([
    ['two records', 2],
    ['two records', 2],
    ['two records', 2],
  ]);
  expect([...smallerStatements('SELECT a + 1 FROM s WHERE b EMIT CHANGES;')]).toEqual(
    expect.arrayContaining(['SELECT A FROM S WHERE B EMIT CHANGES;', 'SELECT A + 1 FROM S EMIT CHANGES;']),
  );
});

// ------------------------------------------------------------------------------------------------ the long run

test('a run is cut into blocks that do not depend on each other', async () => {
  const blocks = blocksOf(3, { generated: 2_500, mutated: 10_001, differential: 0 });
  expect(blocks.map(({ kind, count }) => [kind, count])).toEqual([
    ['generated', 1_000],
    ['generated', 1_000],
    ['generated', 500],
    ['mutated', 10_000],
    ['mutated', 1],
  ]);
  expect(new Set(blocks.map(({ seed }) => seed)).size).toBe(5);
  const seen = async (block: Block): Promise<string[]> => {
    const list: string[] = [];
    await runBlock(block, [], { next: (text) => list.push(text), trying: () => {}, found: () => {} });
    return list;
  };
  const block = { kind: 'generated', seed: 7, count: 5 } as const;
  expect(await seen(block)).toEqual(await seen(block));
});

/** A run over threads that do with each block what the script has for it. */
const watched = async (script: string, blocks: number, workers: number, hangMs?: number) => {
  const found: Found[] = [];
  const tallies: Tally[] = [];
  const module = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
  const block: Block = { kind: 'generated', seed: 1, count: 1 };
  await runInThreads({
    blocks: Array.from({ length: blocks }, (_, seed) => ({ ...block, seed })),
    checks: [],
    workers,
    found: (one) => found.push(one),
    done: (tally) => tallies.push(tally),
    ...(hangMs !== undefined && { hangMs }),
    module,
  });
  return { found, tallies };
};

const script = (body: string): string => `
  import { parentPort, workerData } from 'node:worker_threads';
  const numbers = new Int32Array(workerData.shared, 0, 3);
  const text = (which) => { numbers[0] = Buffer.from(workerData.shared, 12).write(which); numbers[1]++; };
  parentPort.on('message', ({ seed }) => { text('SELECT ' + seed); ${body} parentPort.postMessage({ kind: 'done', tally: { seed } }); });
  parentPort.postMessage({ kind: 'ready' });`;

test('a text that never ends is found, and the other blocks are run', async () => {
  const { found, tallies } = await watched(script('if (seed === 1) for (;;) {}'), 4, 2, 3_000);
  expect(found).toEqual([{ problem: 'no end within 3000 ms', text: 'SELECT 1' }]);
  expect(tallies.map(({ seed }) => seed).toSorted()).toEqual([0, 2, 3]);
});

test('a text that ends its thread is found', async () => {
  const { found, tallies } = await watched(script('if (seed === 0) process.exit(3);'), 2, 1);
  expect(found).toEqual([{ problem: 'the thread ended with code 3', text: 'SELECT 0' }]);
  expect(tallies).toEqual([{ seed: 1 }]);
  const died = await watched(script("if (seed === 0) throw new Error('no memory');"), 2, 1);
  expect(died.found).toMatchObject([{ problem: expect.stringContaining('no memory'), text: 'SELECT 0' }]);
});

test('the progress of a run is a line now and then', () => {
  let now = 0;
  let written = '';
  const progress = new Progress({
    what: 'texts',
    total: 10_000,
    now: () => now,
    write: (text) => (written += text),
    isTerminal: false,
  });
  for (now = 1_000; now <= 21_000; now += 1_000) progress.show(now / 10);
  expect(written).toBe(
    '1,000 of 10,000 texts, 100 a second, end in 2 min\n2,000 of 10,000 texts, 100 a second, end in 80 s\n',
  );
});
