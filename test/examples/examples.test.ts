/** Each example runs as it stands, twice on the same directory. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

test('the word count counts by the DSL, and counts on when it runs again', async () => {
  const [first, second] = await outputs('word-count.ts', 2);
  expect(first).toMatch(/'mill' => 2/);
  expect(first).toMatch(/'race' => 1/);
  expect(second).toMatch(/'mill' => 4/);
  expect(second).toMatch(/'race' => 2/);
});

test('the README shows the program as it is', () => {
  const program = readFileSync(join(home, 'examples/ten-lines.ts'), 'utf8').replace(/^\/\*\*.*?\*\/\s*/s, '');
  expect(readFileSync(join(home, 'README.md'), 'utf8')).toContain(program.trim());
});
