/**
 * A disk that really runs full under the state directory: a small tmpfs, which takes the right to mount one (elsewhere
 * the test is skipped, and says so). The view stays exact, checkpoints go on by themselves once there is space, and a
 * restart begins from one of them.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, open } from 'millrace';
import { expect, test } from 'vitest';
import { until } from './support/until.ts';

const canMount = (): boolean => {
  const at = mkdtempSync(join(tmpdir(), 'millrace-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at], { stdio: 'ignore' });
    execFileSync('umount', [at]);
    return true;
  } catch {
    console.warn('skipped: no right to mount a tmpfs');
    return false;
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
};

const pages = 20_000;
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ key: `/page/${(from + i) % pages}`, value: `{"MS":${from + i}}` }));

/** What a plain count gives for rows 0 to `count`. */
const expected = (count: number): Map<string, string> => {
  const totals = new Map<string, [number, number]>();
  for (let i = 0; i < count; i++) {
    const [n, sum] = totals.get(`/page/${i % pages}`) ?? [0, 0];
    totals.set(`/page/${i % pages}`, [n + 1, sum + i]);
  }
  return new Map(Array.from(totals, ([page, [n, sum]]) => [page, `${n} ${sum}`]));
};

const viewOf = async (millrace: Millrace): Promise<Map<string, string>> =>
  new Map(
    (await millrace.query('SELECT * FROM by_page;')).map(({ PAGE, N, TOTAL }) => [String(PAGE), `${N} ${TOTAL}`]),
  );

/** Changelog records that no checkpoint holds. */
const unsaved = async (millrace: Millrace): Promise<number> =>
  (await millrace.metrics()).reduce((sum, { name, value }) => sum + (name === 'checkpoint-lag-records' ? value : 0), 0);

test.skipIf(!canMount())('state on a disk that runs full and has space again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-full-'));
  const data = join(folder, 'data');
  const state = join(data, 'state');
  mkdirSync(state, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', state]);
  const said: string[] = [];
  const saidSince = (from: number, text: string): boolean => said.slice(from).some((message) => message.includes(text));
  try {
    const millrace = await open({ data, onEvent: ({ message }) => said.push(message) });
    let crashed = join(folder, 'crashed');
    try {
      await millrace.sql(`
        CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (kafka_topic='clicks', partitions=2, value_format='JSON');
        SET 'auto.offset.reset' = 'earliest';
        CREATE TABLE by_page AS SELECT page, COUNT(*) AS n, SUM(ms) AS total FROM clicks GROUP BY page;`);
      let count = 0;
      const feed = async (more: number): Promise<void> => {
        await millrace.produce('clicks', rows(count, count + more));
        count += more;
        await millrace.awaitIdle();
      };
      await feed(40_000);
      for (let round = 0; round < 2; round++) {
        const from = said.length;
        // Everything but some KiB is taken: a checkpoint gets stuck in the middle of a write.
        const free = Number(execFileSync('stat', ['-f', '-c', '%a', state], { encoding: 'utf8' })) * 4096;
        writeFileSync(join(state, 'ballast'), new Uint8Array(free - 200 * 1024));
        await feed(30_000);
        await until(() => saidSince(from, 'could not be checkpointed'));
        await feed(10_000);
        expect(await viewOf(millrace)).toEqual(expected(count));
        rmSync(join(state, 'ballast'));
        await until(() => saidSince(from, 'the state is opened again'));
        await expect.poll(() => said.at(-1)).toBe('query running');
        await feed(10_000);
        await expect.poll(() => unsaved(millrace)).toBe(0);
        expect(await viewOf(millrace)).toEqual(expected(count));
        // As a crash at this moment would leave it.
        crashed = join(folder, `crashed-${round}`);
        cpSync(data, crashed, {
          recursive: true,
          filter: (path) => !/\/lock$/i.test(path),
        });
        const heard: string[] = [];
        const again = await open({ data: crashed, onEvent: ({ message }) => heard.push(message) });
        try {
          await again.awaitIdle();
          expect(await viewOf(again)).toEqual(expected(count));
          const restored = heard.filter((message) => / restored: /.test(message));
          expect(restored.length).toBe(2);
          for (const message of restored) expect(message).toMatch(/ restored: \d{1,3} changelog records/);
        } finally {
          await again.close();
        }
      }
    } finally {
      await millrace.close();
    }
  } finally {
    execFileSync('umount', ['-l', state]);
    rmSync(folder, { recursive: true, force: true });
  }
});
