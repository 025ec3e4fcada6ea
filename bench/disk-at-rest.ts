/**
 * Waits until the disk is at rest: what a claim has deleted (gigabytes, some of them) keeps a disk busy for ten seconds
 * and more where the file system discards blocks, and the claim after it would pay for that with each of its syncs.
 *
 * At rest: of the small writes of a second, each synced, at most one has taken longer than 10 ms. A disk that is never
 * that quick is waited for half a minute, once.
 */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const slowMs = 10;
const probes = 40;
const betweenMs = 20;
const longestMs = 30_000;

const block = new Uint8Array(4096);
let neverRests = false;

export const diskAtRest = async (): Promise<void> => {
  if (neverRests) return;
  const directory = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  const file = openSync(join(directory, 'probe'), 'w');
  try {
    const started = performance.now();
    while (!(await isQuick(file))) {
      neverRests = performance.now() - started > longestMs;
      if (neverRests) return void process.stderr.write('  the disk does not come to rest: syncs take over 10 ms\n');
    }
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true, force: true });
  }
};

const isQuick = async (file: number): Promise<boolean> => {
  let slow = 0;
  for (let probe = 0; probe < probes; probe++) {
    const started = performance.now();
    writeSync(file, block, 0, block.length, 0);
    fdatasyncSync(file);
    if (performance.now() - started > slowMs) slow++;
    await sleep(betweenMs);
  }
  return slow <= 1;
};
