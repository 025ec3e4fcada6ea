/** Data directories that former builds wrote open in this one, with their queries and their state. */

import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MillraceEvent, open } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unpack } from './golden-data/archive.ts';
import { define, results, sendFirst, sendSecond, sendThird, startWords } from './golden-data/scenario.ts';

const archives = join(import.meta.dirname, 'golden-data');
const folder = mkdtempSync(join(tmpdir(), 'millrace-golden-'));
let beforeHere: Awaited<ReturnType<typeof results>>;
let afterHere: typeof beforeHere;

beforeAll(async () => {
  const millrace = await open({ data: join(folder, 'here') });
  await define(millrace);
  await startWords(millrace);
  await sendFirst(millrace);
  await millrace.awaitIdle();
  await sendSecond(millrace);
  beforeHere = await results(millrace);
  await sendThird(millrace);
  afterHere = await results(millrace);
  await millrace.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = readdirSync(archives).filter((file) => file.endsWith('.gz'));

test('there are data directories of former builds, closed and killed', () => {
  expect(files).toContain('2026-11-21-closed.gz');
  expect(files).toContain('2026-11-21-killed.gz');
});

describe.each(files)('%s', (file) => {
  const data = join(folder, file);

  test('opens with its views, and goes on as if this build had written it', async () => {
    unpack(join(archives, file), data);
    cpSync(data, `${data}-without-checkpoints`, { recursive: true });
    rmSync(join(`${data}-without-checkpoints`, 'state'), { recursive: true });
    await expectResults(data);
  });

  test('its changelogs alone give the same', () => expectResults(`${data}-without-checkpoints`));
});

const expectResults = async (data: string): Promise<void> => {
  const events: MillraceEvent[] = [];
  const millrace = await open({ data, onEvent: (event) => events.push(event) });
  try {
    await startWords(millrace);
    expect(await results(millrace)).toEqual(beforeHere);
    await sendThird(millrace);
    expect(await results(millrace)).toEqual(afterHere);
    expect(events.filter(({ level }) => level === 'error')).toEqual([]);
  } finally {
    await millrace.close();
  }
};
