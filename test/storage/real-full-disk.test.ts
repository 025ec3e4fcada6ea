/** A real file system that is really full: a tmpfs of two megabytes. Where none can be mounted (that takes root) the
 *  test is skipped, with the reason. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { openFileLog } from '../../storage/file-log/index.ts';
import { LogError } from '../../storage/index.ts';
import { batchOf, failure, readAll } from './conformance/log-suite.ts';

let directory: string;
let refusal: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory], { encoding: 'utf8' });
  refusal = mounted.status === 0 ? '' : (mounted.error?.message ?? mounted.stderr.trim());
});

afterEach(() => {
  if (refusal === '') spawnSync('umount', ['--lazy', directory]);
  rmSync(directory, { recursive: true, force: true });
});

const open = () =>
  openFileLog({
    directory: join(directory, 'log'),
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random: systemRandom(),
    rotateBytes: 20_000,
  });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a disk that fills up and is freed again loses nothing, shows nothing aborted, and can be opened while it is full', async (context) => {
  if (refusal !== '') {
    console.warn(`skipped: no tmpfs can be mounted here (${refusal})`);
    context.skip(`no tmpfs can be mounted here (${refusal})`);
  }
  const ballast = join(directory, 'ballast');
  let log = await open();
  await log.createTopic({ name: 't', partitions: 2, configs: { 'segment.bytes': '50000' } });
  const writer = await log.producer({ transactionalId: 'id' });
  const committed: string[][] = [[], []];
  let position = 0;
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    // Space for about three transactions; then none; then all of it again.
    if (round % 10 === 2) {
      try {
        writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024));
      } catch {
        // The disk is full now.
      }
      truncateSync(ballast, Math.max(0, statSync(ballast).size - 12_288));
    }
    const freed = round % 10 === 6;
    const values = [0, 1].map((partition) => `${round}-${partition}-${'x'.repeat(1500)}`);
    writer.begin();
    try {
      for (const [partition, value] of values.entries())
        await writer.append({ topic: 't', partition }, batchOf(value), 'append');
      await writer.sendOffsets('g', [{ topic: 't', partition: 0, offset: round }]);
      await writer.commit();
      for (const [partition, value] of values.entries()) committed[partition]?.push(value);
      position = round;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      refused++;
      if (freed) rmSync(ballast, { force: true });
      for (let tries = 0; (await failure(writer.abort())) !== 'fine'; tries++) {
        if (tries === 2) rmSync(ballast, { force: true });
        await pause(5);
      }
      for (const [partition, value] of values.entries()) {
        const own = { kind: 'own', producerId: writer.producerId } as const;
        const rows = await readAll(log, { topic: 't', partition }, own);
        expect(rows.map((row) => row.slice(row.indexOf(':') + 1))).not.toContain(value);
      }
    }
    if (freed) rmSync(ballast, { force: true });
  }
  expect(refused).toBeGreaterThan(5);
  await log.close();

  const check = async () => {
    expect(log.damage).toEqual([]);
    for (const partition of [0, 1]) {
      const rows = await readAll(log, { topic: 't', partition });
      expect(rows.map((row) => row.slice(row.indexOf(':') + 1))).toEqual(committed[partition]);
    }
    expect(await log.committed('g')).toEqual([{ topic: 't', partition: 0, offset: position }]);
  };
  // A start needs no space.
  rmSync(ballast, { force: true });
  try {
    writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024));
  } catch {
    // The disk is full now.
  }
  log = await open();
  await check();
  const large = batchOf('x'.repeat(20_000));
  const appended = log.producer().then((producer) => producer.append({ topic: 't', partition: 0 }, large, 'durable'));
  expect(await failure(appended)).toBe('unavailable/LOG_DISK_FULL');
  rmSync(ballast);
  await log.close();
  log = await open();
  await check();
  await log.close();
});
