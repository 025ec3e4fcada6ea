/** An application of `streams` as its program sees it: states, failures, pauses, ends, resets. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Millrace,
  type OpenOptions,
  open,
  type Position,
  type RestoreProgress,
  type Streams,
  StreamsBuilder,
  type StreamsOptions,
  serdes,
  type Topology,
} from 'millrace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const { string } = serdes;
const decoder = new TextDecoder();

let data: string;
let millrace: Millrace;
let fail: (word: string | null) => void = () => {};

const openHere = (options: Partial<OpenOptions> = {}): Promise<Millrace> =>
  open({ data, commitIntervalMs: 20, ...options });

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-streams-'));
  fail = () => {};
  millrace = await openHere();
  for (const name of ['words', 'counted']) await millrace.log.createTopic({ name, partitions: 2 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

/** Counts words, and throws where the test asks for it. */
const wordCount = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('words', { key: string, value: string })
    .peek((_key, word) => fail(word))
    .groupBy((_key, word) => word, { key: string })
    .count({ store: 'counts' })
    .toStream()
    .mapValues(String, { value: string })
    .to('counted');
  return builder.build();
};

const app = (options: Partial<StreamsOptions> & { readonly start?: boolean } = {}): Promise<Streams> =>
  millrace.streams({ id: 'app', topology: wordCount(), ...options });

const send = (...words: readonly string[]): Promise<Position> =>
  millrace.produce(
    'words',
    words.map((value) => ({ key: value, value })),
  );

const counted = async (): Promise<string> => {
  const rows: string[] = [];
  for await (const { key, value } of millrace.consume('counted', { untilEnd: true }))
    rows.push(`${decoder.decode(key ?? undefined)}=${decoder.decode(value ?? undefined)}`);
  return rows.toSorted().join(' ');
};

/** All states that it goes through from now on. */
const followed = (streams: Streams): string[] => {
  const states: string[] = [];
  streams.on('state', (state) => states.push(state));
  return states;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const bad = (word: string | null): void => {
  if (word === 'bad') throw new Error('this word is bad');
};

describe('states', () => {
  test('listeners hear of each state from the first start to the end', async () => {
    const streams = await app({ start: false });
    const states = followed(streams);
    expect(streams.state).toBe('created');
    const running = streams.running;
    await streams.start();
    await running;
    expect(streams.state).toBe('running');
    expect(streams.threads()).toMatchObject([
      { thread: 0, tasks: [{ id: '0_0', inputs: [{ topic: 'words', partition: 0, offset: 0 }] }, {}, {}, {}] },
    ]);
    await streams.close();
    await streams.close();
    expect(states).toEqual(['rebalancing', 'running', 'pending shutdown', 'closed']);
    await streams.start();
    await millrace.close();
    expect(states.slice(4)).toEqual(['rebalancing', 'running', 'pending shutdown', 'closed']);
  });

  test('a listener that is taken off hears nothing more', async () => {
    const streams = await app({ start: false });
    const states: string[] = [];
    const off = streams.on('state', (state) => states.push(state));
    await streams.start();
    off();
    await streams.close();
    expect(states).toEqual(['rebalancing', 'running']);
  });

  test('what waits for it to run hears that it was closed', async () => {
    const streams = await app({ start: false });
    const running = streams.running;
    await streams.close();
    await expect(running).rejects.toMatchObject({ code: 'STREAMS_CLOSED' });
  });

  test('one that is closed while it starts does not run afterwards', async () => {
    const streams = await app({ start: false });
    const states = followed(streams);
    const first = expect(streams.start()).rejects.toMatchObject({ code: 'STREAMS_CLOSED' });
    await streams.close();
    await first;
    expect(states.at(-1)).toBe('closed');
    await streams.start();
    void streams.close();
    const again = expect(streams.start()).rejects.toMatchObject({ code: 'STREAMS_CLOSED' });
    await streams.close();
    await again;
    expect(streams.state).toBe('closed');
    await streams.start();
    expect(streams.state).toBe('running');
  });

  test('a listener may close or pause it at its first state', async () => {
    const closed = await app({ start: false });
    const off = closed.on('state', () => void closed.close());
    await expect(closed.start()).rejects.toMatchObject({ code: 'STREAMS_CLOSED' });
    await closed.close();
    off();
    expect(closed.state).toBe('closed');
    await expect(closed.awaitIdle()).rejects.toMatchObject({ code: 'STREAMS_CLOSED' });

    const paused = await app({ start: false });
    const states = followed(paused);
    const once = paused.on('state', () => {
      once();
      paused.pause();
    });
    await send('a');
    await paused.start();
    await pause(100);
    expect(states).toEqual(['rebalancing', 'running']);
    expect(await counted()).toBe('');
    paused.resume();
    await paused.awaitIdle();
    expect(await counted()).toBe('a=1');
  });

  test('an idle time that is no time is refused', async () => {
    for (const idleMs of [Number.NaN, -1])
      await expect(app({ closing: { by: 'stream time', idleMs } })).rejects.toMatchObject({
        code: 'STREAMS_IDLE_INVALID',
      });
  });

  test('an id that runs already is refused, and what runs is not affected', async () => {
    const first = await app();
    await expect(app()).rejects.toMatchObject({ code: 'QUERY_EXISTS' });
    const second = await app({ start: false });
    second.pause();
    await expect(second.start()).rejects.toMatchObject({ code: 'QUERY_EXISTS' });
    await second.close();
    expect(first.state).toBe('running');
    await send('a');
    await first.awaitIdle();
    expect(await counted()).toBe('a=1');
  });
});

describe('what a topology throws', () => {
  test('ends the application: error, listeners, and everybody who waits', async () => {
    fail = bad;
    const streams = await app();
    const states = followed(streams);
    const heard: Error[] = [];
    streams.on('error', (error) => heard.push(error));
    await send('a', 'bad');
    await expect(streams.awaitIdle()).rejects.toThrow('this word is bad');
    await expect.poll(() => streams.state).toBe('error');
    expect(states).toEqual(['pending error', 'error']);
    expect(streams.error).toMatchObject({
      code: 'PROCESSING_FAILED',
      message: expect.stringMatching(/KSTREAM-PEEK.* on the record words\/. offset .*: this word is bad$/),
    });
    expect(heard).toEqual([streams.error]);
    await expect(streams.running).rejects.toThrow('this word is bad');
    await expect(millrace.awaitIdle()).rejects.toThrow('this word is bad');
    // What it had processed before belongs to a transaction that was not committed.
    expect(await counted()).toBe('');
    await streams.close();
    await millrace.awaitIdle();
  });

  test('a failed application can be started again when the cause is gone', async () => {
    fail = bad;
    const streams = await app();
    await send('a', 'bad');
    await expect(streams.awaitIdle()).rejects.toThrow('this word is bad');
    await expect.poll(() => streams.state).toBe('error');
    fail = () => {};
    await streams.start();
    expect(streams.error).toBe(undefined);
    await streams.awaitIdle();
    expect(await counted()).toBe('a=1 bad=1');
  });

  test('with replaced threads it starts again from the last commit, until it works', async () => {
    let times = 3;
    fail = (word) => {
      if (word === 'bad' && times-- > 0) throw new Error('not yet');
    };
    const errors: string[] = [];
    const streams = await app({
      onUncaught(error) {
        errors.push(error.message.replace(/^.*: /, ''));
        return 'replace thread';
      },
    });
    const states = followed(streams);
    await send('a', 'bad', 'a');
    await streams.awaitIdle();
    expect(errors).toEqual(['not yet', 'not yet', 'not yet']);
    expect(states).toEqual(Array.from({ length: 3 }, () => ['rebalancing', 'running']).flat());
    expect(streams.counters?.restarts).toBe(3);
    expect(await counted()).toBe('a=1 a=2 bad=1');
  });

  test('a policy that throws itself, or chooses to shut down, ends it', async () => {
    fail = bad;
    const streams = await app({
      onUncaught: () => {
        throw new Error('no policy');
      },
    });
    await send('bad');
    await expect(streams.awaitIdle()).rejects.toThrow('no policy');
    await streams.close();
    const other = await app({ id: 'other', onUncaught: () => 'shut down' });
    await expect(other.awaitIdle()).rejects.toThrow('this word is bad');
  });

  test('what is missing at the start rejects the start', async () => {
    const builder = new StreamsBuilder();
    builder.stream('nowhere', { key: string, value: string }).to('counted');
    const streams = await app({ start: false, topology: builder.build(), onUncaught: 'replace thread' });
    await expect(streams.start()).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await expect.poll(() => streams.state).toBe('error');
    await millrace.log.createTopic({ name: 'nowhere', partitions: 1 });
    await streams.start();
    expect(streams.state).toBe('running');
  });
});

describe('pause', () => {
  test('holds an application until it is resumed, over restarts as well', async () => {
    const streams = await app();
    streams.pause();
    expect(streams.isPaused).toBe(true);
    await send('a');
    await pause(100);
    expect(await counted()).toBe('');
    await streams.close();
    await streams.start();
    await pause(100);
    expect(await counted()).toBe('');
    const idle = streams.awaitIdle();
    streams.resume();
    expect(streams.isPaused).toBe(false);
    await idle;
    expect(await counted()).toBe('a=1');
  });

  test('it can begin with a pause', async () => {
    const streams = await app({ start: false });
    streams.pause();
    await streams.start();
    await send('a');
    await pause(100);
    expect(await counted()).toBe('');
    streams.resume();
    await streams.awaitIdle();
    expect(await counted()).toBe('a=1');
  });
});

describe('close', () => {
  test('commits what is under way; a hard stop does not, and nothing is lost or comes twice', async () => {
    await millrace.close();
    millrace = await openHere({ commitIntervalMs: 60_000 });
    const streams = await app();
    const words = Array.from({ length: 20_000 }, (_, i) => `w${i}`);
    await send(...words);
    await streams.close({ timeoutMs: 0 });
    expect(streams.state).toBe('closed');
    await streams.start();
    await streams.awaitIdle();
    await streams.close({ timeoutMs: 60_000 });
    expect((await counted()).split(' ')).toHaveLength(20_000);
    await streams.start();
    await streams.awaitIdle();
    expect((await counted()).split(' ')).toHaveLength(20_000);
  });
});

describe('at least once', () => {
  test('results can be read before they are committed, and a hard stop repeats what was not', async () => {
    await millrace.close();
    millrace = await openHere({ commitIntervalMs: 60_000 });
    const streams = await app({ guarantee: 'at least once' });
    await send('a', 'b', 'a');
    await expect.poll(counted).toBe('a=1 a=2 b=1');
    const positions = () =>
      millrace.log.committed('app').then((all) => all.map(({ offset }) => offset).reduce((sum, one) => sum + one, 0));
    expect(await positions()).toBe(0);
    await streams.close({ timeoutMs: 0 });
    await streams.start();
    // Twice by the first part of the topology, and so three times by the second one.
    await expect.poll(counted).toBe('a=1 a=1 a=2 a=2 a=3 a=4 b=1 b=1 b=2');
    await streams.close();
    expect(await positions()).toBeGreaterThan(0);
    const again = await app({ guarantee: 'at least once' });
    await send('c');
    await expect.poll(counted).toContain('c=1');
    expect((await counted()).split(' ').filter((row) => row.startsWith('b'))).toHaveLength(3);
    await again.close();
    // Whatever the guarantee was before.
    const exact = await app();
    await send('c');
    await exact.awaitIdle();
    expect(await counted()).toContain('c=2');
    await exact.close();
    const last = await app({ guarantee: 'at least once' });
    await send('c');
    await expect.poll(counted).toContain('c=3');
    await last.close();
    expect(last.counters).toMatchObject({ aborts: 0, restarts: 0 });
  });
});

describe('reset', () => {
  const last = async (words: readonly string[], to?: 'earliest' | 'latest' | Date): Promise<string> => {
    const streams = await app({ start: false });
    if (to === undefined) await streams.reset();
    else await streams.reset({ to });
    const { stable } = await millrace.log.offsets({ topic: 'counted', partition: 0 });
    const { stable: other } = await millrace.log.offsets({ topic: 'counted', partition: 1 });
    await streams.start();
    await send(...words);
    await streams.awaitIdle();
    await streams.close();
    const rows: string[] = [];
    for await (const { key, value, partition, offset } of millrace.consume('counted', { untilEnd: true })) {
      if (offset < (partition === 0 ? stable : other)) continue;
      rows.push(`${decoder.decode(key ?? undefined)}=${decoder.decode(value ?? undefined)}`);
    }
    return rows.toSorted().join(' ');
  };

  beforeEach(async () => {
    const streams = await app();
    await millrace.produce('words', [
      { key: 'a', value: 'a', timestamp: 1000 },
      { key: 'a', value: 'a', timestamp: 2000 },
    ]);
    await streams.awaitIdle();
    await streams.close();
    expect(await counted()).toBe('a=1 a=2');
  });

  test.each([
    ['earliest', 'a=1 a=2 a=3', undefined],
    ['latest', 'a=1', 'latest'],
    ['a time', 'a=1 a=2', new Date(1500)],
    ['a time behind all records', 'a=1', new Date(1e12)],
  ] as const)('to %s deletes state and offsets, and begins there', async (_, expected, to) => {
    expect(await last(['a'], to)).toBe(expected);
    // The next start continues.
    const streams = await app();
    await send('b');
    await streams.awaitIdle();
    expect((await counted()).endsWith('b=1')).toBe(true);
  });

  test('an application that runs is not reset, nor cleaned up', async () => {
    const streams = await app();
    await expect(streams.reset()).rejects.toMatchObject({ code: 'STREAMS_RUNNING' });
    await expect(streams.cleanUp()).rejects.toMatchObject({ code: 'STREAMS_RUNNING' });
  });

  test('a start waits for a reset that is under way, and a reset during a start is refused', async () => {
    const streams = await app();
    await send('a', 'b');
    await streams.awaitIdle();
    await streams.close();
    const done: string[] = [];
    const reset = streams.reset().then(() => done.push('reset'));
    const started = streams.start().then(() => done.push('started'));
    await expect(streams.cleanUp()).rejects.toMatchObject({
      code: 'STREAMS_RUNNING',
      message: 'the application "app" is starting: it cannot be cleaned up',
    });
    await Promise.all([reset, started]);
    expect(done).toEqual(['reset', 'started']);
    await streams.awaitIdle();
    await streams.close();
    const again = streams.start();
    await expect(streams.reset()).rejects.toMatchObject({ code: 'STREAMS_RUNNING' });
    await again;
  });

  test('one that never ran begins where the reset puts it', async () => {
    const streams = await app({ id: 'new', start: false });
    await streams.reset({ to: 'latest' });
    await streams.start();
    await send('z');
    await streams.awaitIdle();
    expect(await counted()).toBe('a=1 a=2 z=1');
  });
});

describe('restore', () => {
  test('progress is reported store by store; cleaned up, all of the changelog is left', async () => {
    const streams = await app();
    await send(...Array.from({ length: 5000 }, (_, i) => `w${i}`));
    await streams.awaitIdle();
    await streams.close();
    const progress: RestoreProgress[] = [];
    streams.on('restore', (one) => progress.push(one));
    await streams.start();
    const of = (phase: string) => progress.filter((one) => one.phase === phase);
    expect(of('start')).toHaveLength(2);
    expect(of('end')).toHaveLength(2);
    expect(of('end').reduce((sum, { restored }) => sum + restored, 0)).toBe(0);
    await streams.close();

    progress.length = 0;
    await streams.cleanUp();
    await streams.start();
    expect(of('start').every(({ from, remaining, end }) => from === 0 && remaining === end && end > 0)).toBe(true);
    expect(of('batch').length).toBeGreaterThan(0);
    expect(of('end').map(({ store, remaining }) => ({ store, remaining }))).toEqual([
      { store: 'counts', remaining: 0 },
      { store: 'counts', remaining: 0 },
    ]);
    // And the schema hash of each of the two stores.
    expect(of('end').reduce((sum, { restored }) => sum + restored, 0)).toBe(5000 + 2);
    await send('w1');
    await streams.awaitIdle();
    expect(await counted()).toContain('w1=2');
  });
});
