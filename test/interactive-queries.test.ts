/** Stores of an application, read from outside while it runs: typed from the table, committed values only. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type KeyValueView,
  type Millrace,
  open,
  StreamsBuilder,
  serdes,
  TimeWindows,
  type VersionedView,
  type WindowedView,
} from 'millrace';
import { SessionWindows, SlidingWindows, Stores } from 'millrace/engine';
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import { built } from './support/global-names-app.ts';

const { int32, string } = serdes;

let data: string;
let millrace: Millrace;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-views-'));
  millrace = await open({ data, commitIntervalMs: 20 });
  await millrace.log.createTopic({ name: 'words', partitions: 3 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

/** Several tables of words; each word is counted behind a repartition. */
const tables = () => {
  const builder = new StreamsBuilder();
  const words = builder
    .stream('words', { key: string, value: string })
    .groupBy((_key, word) => word, { key: string, name: 'by-word' });
  const counts = words.count({ store: 'counts', value: serdes.int64 });
  const windows = words.windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count({ store: 'windows', retentionMs: 1000 });
  const sessions = words.windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 1000)).count({ store: 'sessions' });
  return { topology: builder.build(), counts, windows, sessions };
};

const collect = async <T>(entries: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
};

const say = (...words: readonly (readonly [word: string, timestamp: number])[]) =>
  millrace.produce(
    'words',
    words.map(([value, timestamp], i) => ({ key: String(i), value, timestamp })),
  );

test('a table is read by key, by range, by prefix, whole and backwards', async () => {
  const { topology, counts } = tables();
  const streams = await millrace.streams({ id: 'app', topology });
  const view = streams.store(counts, {
    from: await say(['b', 1], ['a', 2], ['ab', 3], ['b', 4], ['c', 5], ['abc', 6]),
  });
  expectTypeOf(view).toEqualTypeOf<KeyValueView<string, number | bigint>>();
  expect(await view.get('b')).toBe(2);
  expect(await view.get('none')).toBeUndefined();
  expect(await view.entry('b')).toEqual({ key: 'b', value: 2, timestamp: 4 });
  const keys = async (entries: AsyncIterable<{ readonly key: string }>): Promise<string> =>
    (await collect(entries)).map(({ key }) => key).join(' ');
  expect(await keys(view.all())).toBe('a ab abc b c');
  expect(await keys(view.all({ order: 'descending', limit: 2 }))).toBe('c b');
  expect(await keys(view.range({ from: 'ab', to: 'b' }))).toBe('ab abc b');
  expect(await keys(view.range({ to: 'ab' }))).toBe('a ab');
  expect(await keys(view.range({ from: 'abc', order: 'descending' }))).toBe('c b abc');
  expect(await keys(view.prefix('ab'))).toBe('ab abc');
  expect((await keys(view.all({ order: 'none' }))).split(' ').sort()).toEqual(['a', 'ab', 'abc', 'b', 'c']);
  expect(await keys(view.all({ order: 'none', limit: 3 }))).toHaveLength(
    (await keys(view.all({ order: 'none', limit: 3 }))).length,
  );
  expect(await collect(view.all({ limit: 0 }))).toEqual([]);
});

test('windows and sessions are fetched by key and time', async () => {
  const { topology, windows, sessions } = tables();
  const streams = await millrace.streams({ id: 'app', topology });
  const from = await say(['a', 1], ['a', 4], ['b', 5], ['a', 12], ['a', 25]);
  const byWindow = streams.store(windows, { from });
  expectTypeOf(byWindow).toEqualTypeOf<WindowedView<string, number | bigint>>();
  const shown = async (entries: ReturnType<typeof byWindow.all>): Promise<string> =>
    (await collect(entries)).map(({ key: { key, start, end }, value }) => `${key}[${start},${end}]=${value}`).join(' ');
  expect(await shown(byWindow.fetch('a'))).toBe('a[0,10]=2 a[10,20]=1 a[20,30]=1');
  expect(await shown(byWindow.fetch('a', { from: 10, to: 20, order: 'descending' }))).toBe('a[20,30]=1 a[10,20]=1');
  expect(await byWindow.get('a', 0)).toBe(2);
  expect(await byWindow.get('a', 5)).toBeUndefined();
  expect(await shown(byWindow.all())).toBe('a[0,10]=2 b[0,10]=1 a[10,20]=1 a[20,30]=1');
  expect(await shown(byWindow.all({ from: 1, limit: 1 }))).toBe('a[10,20]=1');
  const bySession = streams.store(sessions, { from });
  expect(await shown(bySession.fetch('a'))).toBe('a[1,4]=2 a[12,12]=1 a[25,25]=1');
  expect(await shown(bySession.all({ to: 5 }))).toBe('a[1,4]=2 b[5,5]=1');
  expect(await shown(bySession.all({ order: 'descending', limit: 1 }))).toBe('a[25,25]=1');
  expect(await bySession.get('a', 12)).toBe(1);
});

test('a view shows at least the position that it is read from, also behind a repartition', async () => {
  const { topology, counts } = tables();
  const streams = await millrace.streams({ id: 'app', topology });
  for (let n = 1; n <= 30; n++) {
    const position = await say(['again', n]);
    expect(await streams.store(counts, { from: position }).get('again')).toBe(n);
  }
  expect(
    streams
      .store(counts)
      .position()
      .map(({ topic }) => topic),
  ).toContain('words');
});

test('a store is read by its name and serdes too, and stays readable when the application is started again', async () => {
  const { topology } = tables();
  const streams = await millrace.streams({ id: 'app', topology });
  const view = streams.store({ name: 'counts', key: string, value: serdes.int64 });
  await say(['a', 1]);
  await millrace.awaitIdle();
  expect(await view.get('a')).toBe(1);
  await streams.close();
  await expect(view.get('a')).rejects.toThrow('is stopped');
  await expect(
    streams
      .store({ name: 'counts', key: string, value: string }, { from: [{ topic: 'words', partition: 0, offset: 99 }] })
      .get('a'),
  ).rejects.toMatchObject({ code: 'QUERY_NOT_RUNNING' });
  await streams.start();
  expect(await view.get('a')).toBe(1);
  await expect(streams.store({ name: 'none', key: string, value: string }).get('a')).rejects.toMatchObject({
    code: 'STORE_UNKNOWN',
  });
});

test('a global table is read once, although each thread has all of its rows', async () => {
  await millrace.log.createTopic({ name: 'names', partitions: 2 });
  const { names } = built();
  await millrace.produce('names', [
    { key: 'a', value: 'Anna' },
    { key: 'b', value: 'Berta' },
  ]);
  const module = new URL('./support/global-names-app.ts', import.meta.url);
  const streams = await millrace.streams({ id: 'app', module, threads: 2 });
  const view = streams.store(names);
  expectTypeOf(view).toEqualTypeOf<KeyValueView<string, string>>();
  expect(await view.get('a')).toBe('Anna');
  expect((await collect(view.all())).map(({ value }) => value)).toEqual(['Anna', 'Berta']);
  expect(await view.get('c')).toBeUndefined();
});

test('numbers are ranged by their bytes', async () => {
  const builder = new StreamsBuilder();
  const lengths = builder
    .stream('words', { key: string, value: string })
    .groupBy((_key, word) => Number(word), { key: int32 })
    .count({ store: 'counts' });
  const streams = await millrace.streams({ id: 'app', topology: builder.build() });
  const view = streams.store(lengths, { from: await say(['300', 1], ['-1', 2], ['2', 3]) });
  expect((await collect(view.all())).map(({ key }) => key)).toEqual([2, 300, -1]);
});

test('what has to be sorted has a limit', async () => {
  const { topology, counts } = tables();
  const streams = await millrace.streams({ id: 'app', topology });
  const from = await say(['a', 1], ['b', 2], ['c', 3]);
  const view = streams.store(counts, { from, sortBytes: 300 });
  await expect(collect(view.all())).rejects.toMatchObject({ code: 'STORE_RANGE_TOO_LARGE' });
  expect(await collect(view.all({ order: 'none' }))).toHaveLength(3);
});

test('a table that is not kept cannot be read', () => {
  const { counts } = tables();
  expect(() => counts.filter(() => true).queryable()).toThrow('is not kept in a store');
});

test('the stores of processors are read by their builders', async () => {
  const plain = Stores.keyValue('plain', string, int32);
  const ordered = Stores.orderedKeyValue('ordered', int32, string);
  const times = Stores.window('times', string, int32, { retentionMs: 1000 });
  const alarms = Stores.orderedWindow('alarms', string, int32, { retentionMs: 1000 });
  const stores = [plain, ordered, times, alarms] as const;
  const builder = new StreamsBuilder();
  builder.stream('words', { key: string, value: string }).process<never, typeof stores>(
    (context) => ({
      process({ value, timestamp }) {
        if (value === null) return;
        context.getStateStore(plain).put(value, timestamp);
        context.getStateStore(ordered).put(timestamp, value);
        context.getStateStore(times).put(value, timestamp * 10, timestamp);
        context.getStateStore(alarms).put(value, timestamp * 10, timestamp);
      },
    }),
    { stores },
  );
  const streams = await millrace.streams({ id: 'app', topology: builder.build() });
  const many = Array.from({ length: 2500 }, (_, i): [string, number] => ['many', 1000 + i]);
  const from = await say(['b', 2], ['a', 1], ['a', 5], ...many);

  const byKey = streams.store(plain, { from });
  expectTypeOf(byKey).toEqualTypeOf<KeyValueView<string, number>>();
  expect(await byKey.entry('b')).toEqual({ key: 'b', value: 2, timestamp: undefined });

  const inOrder = streams.store(ordered, { from });
  expectTypeOf(inOrder).toEqualTypeOf<KeyValueView<number, string>>();
  expect(await inOrder.get(5)).toBe('a');
  expect(await inOrder.get(6)).toBeUndefined();
  const keys = (await collect(inOrder.all())).map(({ key }) => key);
  expect(keys).toEqual([1, 2, 5, ...many.map(([, time]) => time)]);
  expect((await collect(inOrder.all({ order: 'descending' }))).map(({ key }) => key)).toEqual(keys.toReversed());
  expect((await collect(inOrder.range({ from: 2, to: 1001 }))).map(({ key }) => key)).toEqual([2, 5, 1000, 1001]);
  expect(await collect(inOrder.all({ order: 'descending', limit: 2 }))).toMatchObject([{ key: 3499 }, { key: 3498 }]);

  for (const byTime of [streams.store(times, { from }), streams.store(alarms, { from })]) {
    expectTypeOf(byTime).toEqualTypeOf<WindowedView<string, number>>();
    expect((await collect(byTime.fetch('many', { from: 3498 }))).map(({ key, value }) => [key.start, value])).toEqual([
      [3498, 34980],
      [3499, 34990],
    ]);
    const startsOf = async (options: Parameters<typeof byTime.all>[0]): Promise<number[]> =>
      (await collect(byTime.all(options))).map(({ key: { start } }) => start);
    expect(await startsOf({ from: 2990, limit: 2 })).toEqual([2990, 2991]);
    expect(await startsOf({ from: 3000, to: 3002, order: 'descending' })).toEqual([3002, 3001, 3000]);
    expect(await byTime.get('many', 3400)).toBe(34000);
    expect(await byTime.get('a', 3400)).toBeUndefined();
  }
});

test('tables that are made of windowed ones, and kept, are read as those are', async () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('words', { key: string, value: string }).groupBy((_key, word) => word, { key: string });
  const doubled = words
    .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
    .count({ retentionMs: 1000 })
    .mapValues((count) => 2 * Number(count), { store: 'doubled', value: int32 });
  const frequent = words
    .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 1000))
    .count()
    .filter((_key, count) => Number(count) > 1, { store: 'frequent' });
  const streams = await millrace.streams({ id: 'app', topology: builder.build() });
  const from = await say(['b', 12], ['a', 15], ['ab', 15], ['b', 18], ['b', 2], ['b', 44], ['b', 45]);

  const windows = streams.store(doubled, { from });
  const shown = async (entries: ReturnType<typeof windows.all>): Promise<string[]> =>
    (await collect(entries)).map(
      ({ key, value, timestamp }) => `${key.key}@${key.start}-${key.end}: ${value} @${timestamp}`,
    );
  expect(await shown(windows.all())).toEqual([
    'b@0-10: 2 @2',
    'a@10-20: 2 @15',
    'ab@10-20: 2 @15',
    'b@10-20: 4 @18',
    'b@40-50: 4 @45',
  ]);
  expect(await shown(windows.all({ from: 10, order: 'descending', limit: 2 }))).toEqual([
    'b@40-50: 4 @45',
    'b@10-20: 4 @18',
  ]);
  expect(await shown(windows.fetch('a'))).toEqual(['a@10-20: 2 @15']);
  expect(await shown(windows.fetch('b', { to: 10, order: 'descending' }))).toEqual(['b@10-20: 4 @18', 'b@0-10: 2 @2']);
  expect([await windows.get('b', 10), await windows.get('b', 20)]).toEqual([4, undefined]);

  const sessions = streams.store(frequent, { from });
  expect((await collect(sessions.all())).map(({ key }) => key)).toEqual([{ key: 'b', start: 44, end: 45 }]);
  expect(await sessions.get('b', 44)).toBe(2);
  expect(await sessions.get('b', 12)).toBeUndefined();
});

test('sliding windows of all keys are read, in order of time', async () => {
  const builder = new StreamsBuilder();
  const counts = builder
    .stream('words', { key: string, value: string })
    .groupBy((_key, word) => word, { key: string })
    .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 100))
    .count({ store: 'sliding' });
  const streams = await millrace.streams({ id: 'app', topology: builder.build() });
  const view = streams.store(counts, { from: await say(['b', 12], ['a', 15], ['b', 18]) });
  const shown = async (options?: Parameters<typeof view.all>[0]): Promise<string[]> =>
    (await collect(view.all(options))).map(({ key, value }) => `${key.key}@${key.start}: ${value}`);
  expect(await shown()).toEqual(['b@2: 1', 'a@5: 1', 'b@8: 2', 'b@13: 1']);
  expect(await shown({ from: 5, to: 8 })).toEqual(['a@5: 1', 'b@8: 2']);
  expect(await shown({ from: 5, order: 'descending', limit: 2 })).toEqual(['b@13: 1', 'b@8: 2']);
});

test('a versioned table is read as of its latest rows, or as of a time, with its history', async () => {
  const builder = new StreamsBuilder();
  const rows = builder.table('words', { key: string, value: string, store: 'rows', versioned: { historyMs: 1000 } });
  const streams = await millrace.streams({ id: 'app', topology: builder.build() });
  const from = await millrace.produce('words', [
    { key: 'a', value: 'new', timestamp: 10 },
    { key: 'a', value: 'old', timestamp: 5 },
  ]);
  expect(await streams.store(rows, { from }).entry('a')).toEqual({ key: 'a', value: 'new', timestamp: 10 });
  const versions = streams.versions(rows, { from });
  expectTypeOf(versions).toEqualTypeOf<VersionedView<string, string>>();
  expect(await versions.history('a')).toEqual([
    { value: 'old', from: 5, to: 10 },
    { value: 'new', from: 10, to: undefined },
  ]);
  const asOf = (time: number): Promise<string | undefined> => versions.get('a', { asOf: time });
  expect([await asOf(4), await asOf(5), await asOf(9), await asOf(10)]).toEqual([undefined, 'old', 'old', 'new']);
  expect(await versions.get('a')).toBe('new');
  expect(await versions.get('b')).toBeUndefined();
  const plain = new StreamsBuilder().table('words', { key: string, value: string, store: 'rows' });
  expect(() => streams.versions(plain)).toThrow(expect.objectContaining({ code: 'DSL_TABLE_NOT_VERSIONED' }));
});

test('a session store and a versioned store of a processor are read by their builders', async () => {
  const visits = Stores.session('visits', string, int32, { retentionMs: 1000 });
  const rates = Stores.versioned('rates', string, int32, { historyMs: 1000 });
  const builder = new StreamsBuilder();
  builder.stream('words', { key: string, value: string }).process<never, [typeof visits, typeof rates]>(
    (context) => ({
      process({ value, timestamp }) {
        if (value === null) return;
        context.getStateStore(visits).put(value, timestamp, timestamp - 5, timestamp);
        context.getStateStore(rates).put(value, timestamp * 2, timestamp);
      },
    }),
    { stores: [visits, rates] },
  );
  const streams = await millrace.streams({ id: 'app', topology: builder.build() });
  const words = ['a', 'a', 'a'].map((value, i) => ({ key: 'k', value, timestamp: [10, 30, 20][i] ?? 0 }));
  const from = await millrace.produce('words', words);
  const sessions = streams.store(visits, { from });
  expectTypeOf(sessions).toEqualTypeOf<WindowedView<string, number>>();
  expect((await collect(sessions.fetch('a'))).map(({ key, value }) => [key.start, key.end, value])).toEqual([
    [5, 10, 10],
    [15, 20, 20],
    [25, 30, 30],
  ]);
  expect(await streams.versions(rates, { from }).history('a')).toEqual([
    { value: 20, from: 10, to: 20 },
    { value: 40, from: 20, to: 30 },
    { value: 60, from: 30, to: undefined },
  ]);
});
