import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const home = join(import.meta.dirname, '../..');

test('the ten-line program counts clicks, and counts on when it runs again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-embed-'));
  const run = async () => {
    const args = ['--conditions=millrace-source', join(home, 'examples/ten-lines.ts'), join(folder, 'data')];
    return (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout;
  };
  try {
    expect(await run()).toContain("{ PAGE: '/', CLICKS: 2, AVERAGE_MS: 50 }");
    expect(await run()).toContain("{ PAGE: '/', CLICKS: 4, AVERAGE_MS: 50 }");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the README shows the program as it is', () => {
  const program = readFileSync(join(home, 'examples/ten-lines.ts'), 'utf8').replace(/^\/\*\*.*?\*\/\s*/s, '');
  expect(readFileSync(join(home, 'README.md'), 'utf8')).toContain(program.trim());
});
