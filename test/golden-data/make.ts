/**
 * Writes the golden data directories of this build: `node --conditions=millrace-source test/golden-data/make.ts NAME`
 * makes `NAME-closed.gz` and `NAME-killed.gz` beside this file.
 *
 * Run it when something that lies on the disk has changed its form, and keep the older files: what was written once
 * must open for ever. Both hold a checkpoint and changelog records after it. The second directory belongs to a process
 * that was killed while it processed rows.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { open } from 'millrace';
import { pack } from './archive.ts';
import { define, sendFirst, sendSecond, startWords } from './scenario.ts';

/** Longer than the time between two checkpoints. */
const CHECKPOINT_MS = 12_000;

const write = async (data: string, how: string): Promise<void> => {
  const millrace = await open({ data });
  await define(millrace);
  await startWords(millrace);
  await sendFirst(millrace);
  await millrace.awaitIdle();
  await sleep(CHECKPOINT_MS);
  await sendSecond(millrace);
  if (how === 'killed') {
    await sleep(3);
    process.kill(process.pid, 'SIGKILL');
  }
  await millrace.awaitIdle();
  await millrace.close();
};

const [name, how, data] = process.argv.slice(2);
if (name === undefined) throw new Error('usage: make.ts NAME');
if (how !== undefined && data !== undefined) await write(data, how);
else {
  for (const end of ['closed', 'killed']) {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-golden-'));
    const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), name, end, directory], {
      stdio: 'inherit',
    });
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on('exit', (...ended) => resolve(ended)),
    );
    if (end === 'killed' ? signal !== 'SIGKILL' : code !== 0) throw new Error(`the child ended with ${code ?? signal}`);
    pack(directory, join(import.meta.dirname, `${name}-${end}.gz`));
    rmSync(directory, { recursive: true });
  }
}
