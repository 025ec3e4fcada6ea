/** Each example runs as it stands, twice on the same directory. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const home = join(import.meta.dirname, '../..');

/** What the example prints, run after run. */
const outputs = async (example: string, runs: number): Promise<string[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-example-'));
  try {
    const printed: string[] = [];
    for (let i = 0; i < runs; i++) {
      const args = ['--conditions=millrace-source', join(home, 'examples', example), join(folder, 'data')];
      printed.push((await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout);
    }
    return printed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

test('the ten-line program counts clicks, and counts on when it runs again', async () => {
  const [first, second] = await outputs('ten-lines.ts', 2);
  expect(first).toContain("{ PAGE: '/', CLICKS: 2, AVERAGE_MS: 50 }");
  expect(second).toContain("{ PAGE: '/', CLICKS: 4, AVERAGE_MS: 50 }");
});

/** What each program of `millrace/engine` prints on an empty directory. */
const programs: Record<string, string> = {
  'word-count.ts': `
    mill: 2
    of: 1
    race: 2
    the: 2`,
  'sessions.ts': `
    bob 09:05-09:05: /docs
    ann 09:00-09:20: / /docs
    ann 10:30-10:30: /blog`,
  'fraud.ts': `
    4711: DE, then BR (900)`,
  'enrichment.ts': `
    1 lamp to Ann in Ulm
    4 chair to Ann in Bern
    1 desk to somebody in unknown`,
  'top-n.ts': `
    chess: jim 25, eve 20, ann 10
    go: ann 1`,
  'deduplication.ts': `
    paid
    sent
    paid again`,
  'foreign-key.ts': `
    o1: 2 x lamp = 50
    o2: 1 x lamp = 25
    o3: 3 x lamp = 75`,
  'anomalies.ts': `
    s1: 3 failures until 00:00:10`,
  'dead-letters.ts': `
    amounts/0 offset 1, processing: there is no rate for CHF
    amounts/0 offset 2, deserialization: not valid JSON: Unexpected token 'i', "five francs" is not valid JSON
    a: 3 EUR
    b: 5.25 EUR`,
  'query-over-http.ts': `
    {"/":1,"/blog":1,"/docs":2,"/docs/sql":1}
    {"/docs":2,"/docs/sql":1}`,
};

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

test.each(Object.entries(programs))('%s prints what it is about, and runs again', async (program, printed) => {
  const [first] = await outputs(program, 2);
  expect(linesOf(first ?? '')).toEqual(linesOf(printed));
});

test('every example is run by a test', () => {
  const files = readdirSync(join(home, 'examples')).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual([...Object.keys(programs), 'ten-lines.ts'].sort());
});

test('the word count goes on counting where it stood', async () => {
  const [, second] = await outputs('word-count.ts', 2);
  expect(linesOf(second ?? '')).toEqual(['mill: 4', 'of: 2', 'race: 4', 'the: 4']);
});

test('the README shows the word count', () => {
  const program = readFileSync(join(home, 'examples/word-count.ts'), 'utf8').replace(/^\/\*\*.*?\*\/\s*/s, '');
  const shown = program.slice(0, program.indexOf('\nawait streams.close'));
  expect(readFileSync(join(home, 'README.md'), 'utf8')).toContain(shown.trim());
});

test('the README shows the program as it is', () => {
  const program = readFileSync(join(home, 'examples/ten-lines.ts'), 'utf8').replace(/^\/\*\*.*?\*\/\s*/s, '');
  expect(readFileSync(join(home, 'README.md'), 'utf8')).toContain(program.trim());
});
