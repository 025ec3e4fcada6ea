/** Applications whose topology is a module: threads of their own, which come and go while they run. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Millrace,
  type MillraceEvent,
  open,
  type Position,
  type RestoreProgress,
  type Streams,
  StreamsBuilder,
  type StreamsModuleOptions,
  serdes,
} from 'millrace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const decoder = new TextDecoder();
const module = new URL('./support/word-count-app.ts', import.meta.url);
const config = { input: 'words', output: 'counted' };
const keys = Array.from({ length: 40 }, (_, i) => `w${i}`);

let data: string;
let millrace: Millrace;
let events: MillraceEvent[] = [];

const openHere = (): Promise<Millrace> => open({ data, commitIntervalMs: 20, onEvent: (event) => events.push(event) });

beforeEach(async () => {
  events = [];
  data = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
  millrace = await openHere();
  await millrace.log.createTopic({ name: 'words', partitions: 4 });
  await millrace.log.createTopic({ name: 'counted', partitions: 1 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

const app = (options: Partial<StreamsModuleOptions> & { readonly start?: boolean } = {}): Promise<Streams> =>
  millrace.streams({ id: 'app', module, config, threads: 2, ...options });

/** One record for each key. */
const round = (): Promise<Position> =>
  millrace.produce(
    'words',
    keys.map((word) => ({ key: word, value: JSON.stringify(word) })),
  );

/** Writes rounds until it is stopped; answers their number. */
const load = (): { stop(): Promise<number> } => {
  let stopped = false;
  let rounds = 0;
  const writing = (async () => {
    while (!stopped) {
      await round();
      rounds++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await writing;
      return rounds;
    },
  };
};

/** Every update of every key, in order, exactly once. */
const expectExact = async (rounds: number): Promise<void> => {
  const updates = new Map<string, number[]>(keys.map((key) => [key, []]));
  for await (const { key, value } of millrace.consume('counted', { untilEnd: true }))
    updates.get(decoder.decode(key ?? undefined))?.push(Number(decoder.decode(value ?? undefined)));
  const all = Array.from({ length: rounds }, (_, i) => i + 1);
  for (const key of keys) expect(updates.get(key), key).toEqual(all);
};

/** How many tasks each thread has. */
const spread = (streams: Streams): number[] => streams.threads().map(({ tasks }) => tasks.length);
const numbers = (streams: Streams): number[] => streams.threads().map(({ thread }) => thread);

describe('threads', () => {
  test('tasks run in threads of the application, and none on the calling one', async () => {
    const streams = await app();
    await streams.running;
    expect(spread(streams)).toEqual([4, 4]);
    expect(numbers(streams).every((thread) => thread > 0)).toBe(true);
    await round();
    await streams.awaitIdle();
    await expectExact(1);
    await streams.close();
    expect(streams.state).toBe('closed');
    expect(streams.threads()).toEqual([]);
  });

  test('come and go under load: tasks move, nothing starts again, results stay exact', async () => {
    const streams = await app({ threads: 1 });
    const states: string[] = [];
    streams.on('state', (state) => states.push(state));
    expect(spread(streams)).toEqual([8]);
    const writing = load();
    const second = await streams.addThread();
    expect(spread(streams)).toEqual([4, 4]);
    const third = await streams.addThread();
    expect(spread(streams).toSorted()).toEqual([2, 3, 3]);
    expect(new Set(numbers(streams)).size).toBe(3);
    expect(await streams.removeThread(second)).toBe(second);
    expect(spread(streams)).toEqual([4, 4]);
    expect(numbers(streams)).not.toContain(second);
    expect(await streams.removeThread()).toBe(third);
    expect(spread(streams)).toEqual([8]);
    await expect(streams.removeThread()).rejects.toMatchObject({ code: 'STREAMS_THREAD_NOT_REMOVED' });
    const rounds = await writing.stop();
    await streams.awaitIdle();
    await expectExact(rounds);
    expect(streams.counters).toMatchObject({ restarts: 0, aborts: 0 });
    expect(states).toEqual(Array.from({ length: 4 }, () => ['rebalancing', 'running']).flat());
    expect(streams.counters?.recordsOut).toBe(rounds * keys.length * 2);
  });

  test('a restart finds the state of each task, whatever the number of threads', async () => {
    let streams = await app({ threads: 3 });
    await round();
    await streams.awaitIdle();
    await streams.addThread();
    await round();
    await streams.awaitIdle();
    await millrace.close();
    for (const [index, threads] of [1, 4].entries()) {
      millrace = await openHere();
      streams = await app({ threads, start: false });
      const progress: RestoreProgress[] = [];
      const off = streams.on('restore', (one) => progress.push(one));
      await streams.start();
      // What is moved afterwards to spread the tasks is not part of the start.
      off();
      const ends = progress.filter(({ phase }) => phase === 'end').slice(0, 4);
      expect(ends).toHaveLength(4);
      expect(ends.map(({ restored }) => restored)).toEqual([0, 0, 0, 0]);
      await round();
      await streams.awaitIdle();
      await expect.poll(() => Math.max(...spread(streams))).toBe(8 / threads);
      await streams.running;
      await expectExact(3 + index);
      await millrace.close();
    }
    millrace = await openHere();
  });

  test('two applications have threads and shards of their own', async () => {
    await millrace.log.createTopic({ name: 'other', partitions: 1 });
    const first = await app();
    const second = await app({ id: 'second', config: { ...config, output: 'other' } });
    const shards = (streams: Streams) => streams.threads().flatMap(({ tasks }) => tasks.map(({ shard }) => shard));
    expect(numbers(first).some((thread) => numbers(second).includes(thread))).toBe(false);
    expect(shards(first).some((shard) => shards(second).includes(shard))).toBe(false);
    const before = shards(second).toSorted();
    await millrace.close();
    millrace = await openHere();
    // In the other order.
    const again = await app({ id: 'second', config: { ...config, output: 'other' } });
    expect(shards(again).toSorted()).toEqual(before);
  });

  test('one that ends takes the tasks along to a new one, and nothing is lost', async () => {
    const times = new Int32Array(new SharedArrayBuffer(4));
    times[0] = 1;
    const streams = await app({ config: { ...config, deadly: { word: 'w7', times } } });
    await round();
    await streams.awaitIdle();
    await round();
    await streams.awaitIdle();
    await expectExact(2);
    expect(streams.counters?.restarts).toBe(1);
    expect(events.some(({ message }) => message.includes('ended'))).toBe(true);
  });

  test('reset and cleanUp reach the state in its shards', async () => {
    const streams = await app();
    await round();
    await streams.awaitIdle();
    await streams.close();
    await streams.cleanUp();
    const progress: RestoreProgress[] = [];
    streams.on('restore', (one) => progress.push(one));
    await streams.start();
    // And the schema hash of each of the four stores.
    expect(progress.filter(({ phase }) => phase === 'end').reduce((sum, { restored }) => sum + restored, 0)).toBe(
      40 + 4,
    );
    await streams.close();
    await streams.reset({ to: 'latest' });
    await streams.start();
    await round();
    await streams.awaitIdle();
    const counts: string[] = [];
    for await (const { value } of millrace.consume('counted', { untilEnd: true }))
      counts.push(decoder.decode(value ?? undefined));
    expect(counts).toEqual(Array.from({ length: 80 }, () => '1'));
  });
});

describe('modules', () => {
  test('policies for errors come from the module', async () => {
    const streams = await app();
    await millrace.produce('words', [{ value: '{' }, { value: '"a"' }]);
    await streams.awaitIdle();
    expect(streams.counters?.drops).toEqual({ deserialization: 1 });
    await millrace.produce('words', [{ value: '{ {' }]);
    await expect(streams.awaitIdle()).rejects.toMatchObject({ code: 'QUERY_RECORD_FAILED' });
    await expect.poll(() => streams.state).toBe('error');
    expect(streams.threads()).toEqual([]);
  });

  test('what is not right with one is said', async () => {
    const wrong = (options: Partial<StreamsModuleOptions>, code: string) =>
      expect(app(options), code).rejects.toMatchObject({ code });
    await wrong({ module: new URL('./support/no-such-file.ts', import.meta.url) }, 'STREAMS_MODULE_INVALID');
    await wrong({ module: new URL('./support/stated.ts', import.meta.url) }, 'STREAMS_MODULE_INVALID');
    await wrong({ config: undefined }, 'STREAMS_MODULE_INVALID');
    await wrong({ config: { ...config, run: () => 1 } }, 'STREAMS_CONFIG_INVALID');
    for (const threads of [0, 1.5, 1000]) await wrong({ threads }, 'STREAMS_THREADS_INVALID');
    const differs = new Int32Array(new SharedArrayBuffer(4));
    await wrong({ id: 'differs', config: { ...config, differs } }, 'STREAMS_MODULE_DIFFERS');
    const streams = await app({ threads: 32 });
    await wrong({ id: 'other' }, 'STREAMS_TOO_MANY_THREADS');
    await streams.close();
    await expect(streams.addThread()).rejects.toMatchObject({ code: 'QUERY_NOT_RUNNING' });
  });

  test('one that could not be started keeps no threads', async () => {
    const missing = { config: { ...config, input: 'nowhere' } };
    await expect(app({ ...missing, threads: 32 })).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    const streams = await app({ threads: 1 });
    expect(spread(streams)).toEqual([8]);
  });

  test('closures run on the calling thread only', async () => {
    const builder = new StreamsBuilder();
    builder.stream('words', { key: serdes.string, value: serdes.string }).to('counted');
    const streams = await millrace.streams({ id: 'closure', topology: builder.build() });
    expect(numbers(streams)).toEqual([0]);
    await expect(streams.addThread()).rejects.toMatchObject({ code: 'STREAMS_NOT_IN_THREADS' });
    expect(readdirSync(join(data, 'state')).some((name) => name === 'shard-13')).toBe(false);
  });
});
