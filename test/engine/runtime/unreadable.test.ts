/** A partition that cannot be read: the queries that read it fail and say where; the others go on. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import type { QueryStatus, Runtime, RuntimeEvent } from '../../../engine/index.ts';
import { type FileLog, openFileLog } from '../../../storage/file-log/index.ts';
import { type Log, openDelayedLog } from '../../../storage/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { consume, lastOf, newRuntime, produce } from './support.ts';
import { wordCount } from './topologies.ts';

const count = (runtime: Runtime, name: string): Promise<void> =>
  runtime.start({ id: name, topology: wordCount({ repartition: false, input: name, output: `${name}-counted` }) });

const createTopics = async (log: Log, ...names: readonly string[]): Promise<void> => {
  for (const name of names) {
    await log.createTopic({ name, partitions: 1 });
    await log.createTopic({ name: `${name}-counted`, partitions: 1 });
  }
};

const word = (key: string) => [{ key, value: 'w' }];

/** Waits until the query is in the state. */
const status = async (runtime: Runtime, id: string, state: string): Promise<QueryStatus> => {
  await expect.poll(() => runtime.status(id)).toMatchObject({ state });
  return runtime.status(id);
};

const fileLog = (files: FaultyFiles, clock = systemClock as ManualClock): Promise<FileLog> =>
  openFileLog({ directory: '/data', files, clock, timers: clock, random: new Random(1) });

const segmentOf = async (log: FileLog, topic: string): Promise<string> =>
  `/data/topics/${(await log.describeTopic(topic))?.id}/0/${'0'.repeat(20)}.log`;

test('a query that meets a damaged batch fails and names it; what is before it is counted, and its neighbour goes on', async () => {
  const files = new FaultyFiles();
  const log = await fileLog(files);
  await createTopics(log, 'a', 'b');
  for (const key of ['x', 'y', 'z']) {
    await produce(log, 'a', 0, word(key));
    await produce(log, 'b', 0, word(key));
  }
  const path = await segmentOf(log, 'a');
  const file = files.open(path, 'write');
  const size = file.size();
  const last = new Uint8Array([0xff]);
  file.writeAt(last, 0, 1, size - 1);
  const events: RuntimeEvent[] = [];
  const runtime = newRuntime(log, { onEvent: (event) => events.push(event) });
  await count(runtime, 'a');
  await count(runtime, 'b');
  const { error } = await status(runtime, 'a', 'failed');
  expect(error?.code).toBe('LOG_CORRUPT_BATCH');
  expect(error?.message).toContain('the batch at offset 2 of a/0 is damaged');
  await runtime.awaitIdle();
  await produce(log, 'b', 0, word('x'));
  await runtime.awaitIdle();
  expect(lastOf(await consume(log, 'b-counted'))).toEqual({ x: '2', y: '1', z: '1' });
  expect(runtime.status('b').state).toBe('running');
  expect(events.filter((event) => event.kind === 'state' && event.queryId === 'a').at(-1)).toMatchObject({
    state: 'failed',
    why: error?.message,
  });
  await runtime.close();
  await log.close();
});

/** Advances the clock by small steps so that everything that waits for it goes on. */
const pass = async (clock: ManualClock, ms: number): Promise<void> => {
  for (let at = 0; at < ms; at += 50) {
    clock.advance(50);
    for (let i = 0; i < 5; i++) await new Promise((wake) => setImmediate(wake));
  }
};

test.each([
  ['passes', 5_000],
  ['does not pass', 60_000],
])('a read error that %s is tried again for ten seconds; the neighbour is not delayed', async (_name, ms) => {
  const clock = new ManualClock(1_000_000);
  const files = new FaultyFiles();
  const log = await fileLog(files, clock);
  await createTopics(log, 'a', 'b');
  await produce(log, 'a', 0, word('x'));
  await produce(log, 'b', 0, word('x'));
  const path = await segmentOf(log, 'a');
  let reads = 0;
  files.onCall = (call) => {
    if (call.kind !== 'read' || call.path !== path) return undefined;
    reads++;
    return { error: 'EIO' };
  };
  const runtime = newRuntime(log, { clock, timers: clock });
  await count(runtime, 'a');
  await count(runtime, 'b');
  await pass(clock, 1_000);
  expect(lastOf(await consume(log, 'b-counted'))).toEqual({ x: '1' });
  expect(runtime.status('a').state).toBe('running');
  await pass(clock, ms - 1_000);
  if (ms < 10_000) {
    files.onCall = undefined;
    await pass(clock, 2_000);
    expect(lastOf(await consume(log, 'a-counted'))).toEqual({ x: '1' });
  } else {
    const { state, error } = runtime.status('a');
    expect({ state, code: error?.code }).toEqual({ state: 'failed', code: 'LOG_READ_FAILED' });
    expect(error?.hint).toContain('"millrace repair --data DIR --accept-loss a"');
    expect(error?.message).toMatch(/^a\/0 cannot be read from offset 0 on: .*EIO.*\(tried again for 10 s\)$/);
    expect(reads).toBeLessThan(25);
  }
  expect(runtime.status('b').state).toBe('running');
});

test('reads that fail now and then cost time and nothing else', async () => {
  const log = await openDelayedLog({ clock: systemClock, timers: systemClock, seed: 5, maxDelayMs: 1 });
  await createTopics(log, 'a');
  for (let i = 0; i < 40; i++) await produce(log, 'a', 0, word(`k${i % 4}`));
  log.setFaults({ readUnavailable: 0.3 });
  const runtime = newRuntime(log, { limits: { blockBytes: 100 } });
  await count(runtime, 'a');
  await runtime.awaitIdle();
  await runtime.close();
  log.setFaults({});
  expect(lastOf(await consume(log, 'a-counted'))).toEqual({ k0: '10', k1: '10', k2: '10', k3: '10' });
});
