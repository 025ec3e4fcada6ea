/** Tasks that move between threads while most of their state is not in memory: results are those of a recomputation,
 *  also when the process is killed meanwhile. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Millrace, type MillraceEvent, open, type Streams } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import { compared, feed, options, partitions, topics } from './support/spilling-load.ts';

const module = new URL('./support/spilling-app.ts', import.meta.url);

let data: string;
let millrace: Millrace;
let events: MillraceEvent[] = [];

const openHere = (): Promise<Millrace> => open({ data, ...options, onEvent: (event) => events.push(event) });
const start = (): Promise<Streams> => millrace.streams({ id: 'spilling', module });

beforeEach(async () => {
  events = [];
  data = mkdtempSync(join(tmpdir(), 'millrace-spilled-'));
  millrace = await openHere();
  for (const name of topics) await millrace.log.createTopic({ name, partitions });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

const expectExact = async (): Promise<void> => {
  for (const [expected, found] of await compared(millrace)) {
    expect(found.length).toBe(expected.length);
    expect(found.toSorted()).toEqual(expected.toSorted());
  }
};

/** Entries of the counts by key that are in memory. */
const inMemory = async (streams: Streams): Promise<number> =>
  (await streams.metrics())
    .filter(({ name, tags }) => name === 'num-entries' && tags['state-id'] === 'counts')
    .reduce((sum, { value }) => sum + value, 0);

test('tasks whose state has left memory move between threads, and lose nothing', async () => {
  const streams = await start();
  const random = new Random(1);
  let ended = false;
  const writing = (async () => {
    while (!ended) await feed(millrace, random);
  })();
  // The same thread again: its shards have been used before.
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 2; i++) await streams.addThread();
    for (let i = 0; i < 2; i++) await streams.removeThread();
  }
  ended = true;
  await writing;
  await streams.addThread();
  await streams.awaitIdle();
  const counted = new Set((await compared(millrace))[0]?.[0].map((update) => update.split(' ')[0])).size;
  // A good part of the keys has left memory.
  expect(await inMemory(streams)).toBeLessThan(counted * 0.75);
  await expectExact();
  expect(streams.counters).toMatchObject({ restarts: 0, aborts: 0 });
});

test('and where the process is killed meanwhile, the next one goes on from its last commit', async () => {
  await millrace.close();
  const random = new Random(2);
  const program = fileURLToPath(new URL('./support/spilling-process.ts', import.meta.url));
  for (let kills = 0; kills < 2; kills++) {
    const args = ['--conditions=millrace-source', program, data, String(kills)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    const changes = 1 + random.below(3);
    let seen = 0;
    for await (const _ of createInterface(child.stdout)) if (++seen === changes) break;
    expect(seen).toBe(changes);
    await new Promise((resolve) => setTimeout(resolve, random.below(300)));
    child.kill('SIGKILL');
    await exit;
  }
  millrace = await openHere();
  const streams = await start();
  await streams.addThread();
  await feed(millrace, random);
  await streams.removeThread();
  await streams.awaitIdle();
  await expectExact();
  expect(events.filter(({ message }) => message.includes('rebuilt'))).toEqual([]);
});
