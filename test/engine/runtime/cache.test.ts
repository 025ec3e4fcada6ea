/** An application that merges the updates of a key between commits: which of its aggregates do, and for how long. */

import { expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { type EmitCache, serdes } from '../../../engine/index.ts';
import { BufferConfig, type StreamsBuilder as Builder, StreamsBuilder, Suppressed } from '../../../engine/public.ts';
import { consume, newRuntime, openLog, produce } from './support.ts';
import { decimal } from './topologies.ts';

const { string } = serdes;
const texts = { key: string, value: string };

const counted = (builder: Builder, options: { readonly cache?: boolean } = {}) =>
  builder
    .stream('in', texts)
    .groupByKey()
    .count({ store: 'counts', value: decimal, ...options });

/** What comes out, by calls: each produces three records for `a` and two for `b`, and waits until all is committed.
 *  With an interval all calls come within it, by a clock that stands still meanwhile; it passes unless `passes` is
 *  false. */
const outputs = async (
  build: (builder: Builder) => void,
  {
    cache,
    calls = 1,
    passes = true,
  }: { readonly cache?: EmitCache; readonly calls?: number; readonly passes?: boolean },
): Promise<string> => {
  const log = await openLog('memory');
  for (const name of ['in', 'table', 'out']) await log.createTopic({ name, partitions: 1 });
  const builder = new StreamsBuilder();
  build(builder);
  const intervalMs = cache?.intervalMs;
  const clock = new ManualClock(1_000_000);
  const runtime = newRuntime(log, intervalMs === undefined ? {} : { clock, timers: clock });
  const all: string[] = [];
  await runtime.start({ id: 'app', topology: builder.build(), ...(cache !== undefined && { cache }) });
  await runtime.awaitIdle();
  for (let call = 0; call < calls; call++) {
    await produce(
      log,
      'in',
      0,
      ['a', 'a', 'b', 'a', 'b'].map((key, i) => ({ key, value: 'x', timestamp: i })),
    );
    if (intervalMs === undefined) await runtime.awaitIdle();
  }
  if (intervalMs !== undefined && passes) {
    await expect.poll(() => runtime.counters('app').recordsRead).toBe(5 * calls);
    expect(await consume(log, 'out')).toEqual([]);
    clock.advance(intervalMs);
  }
  await runtime.awaitIdle();
  for (const { key, value } of await consume(log, 'out')) all.push(`${key}${value}`);
  await runtime.close();
  await log.close();
  return all.join(' ');
};

const toOut = (builder: Builder): void => counted(builder).toStream().to('out', { value: decimal });

test('without a cache every update is sent', async () => {
  expect(await outputs(toOut, {})).toBe('a1 a2 b1 a3 b2');
});

test('with one the last update of each key is sent with each commit', async () => {
  expect(await outputs(toOut, { cache: { bytes: 1e6 }, calls: 2 })).toBe('a3 b2 a6 b4');
});

test('with an interval a transaction lasts that long, although nothing is left to read', async () => {
  expect(await outputs(toOut, { cache: { bytes: 1e6, intervalMs: 400 }, calls: 3 })).toBe('a9 b6');
});

test('beyond its bytes the transaction ends before its interval', async () => {
  expect(await outputs(toOut, { cache: { bytes: 10, intervalMs: 400 }, passes: false })).toBe('a3 b2');
});

test('an aggregate may be told otherwise, either way', async () => {
  const told = (cache: boolean) => (builder: Builder) =>
    counted(builder, { cache }).toStream().to('out', { value: decimal });
  expect(await outputs(told(false), { cache: { bytes: 1e6 } })).toBe('a1 a2 b1 a3 b2');
  expect(await outputs(told(true), {})).toBe('a3 b2');
});

test('an aggregate of a grouped table sends the last update of each group', async () => {
  const grouped =
    (options: { readonly cache?: boolean } = {}) =>
    (builder: Builder): void =>
      builder
        .table('in', { ...texts, cache: false })
        .groupBy((key, value) => [key === 'a' ? 'g' : 'h', value], texts)
        .count({ store: 'sizes', value: decimal, ...options })
        .toStream()
        .to('out', { value: decimal });
  expect(await outputs(grouped({ cache: false }), { cache: { bytes: 1e6 } })).toBe('g1 g1 h1 g1 h1');
  expect(await outputs(grouped(), { cache: { bytes: 1e6 }, calls: 2 })).toBe('g1 h1 g1 h1');
  expect(await outputs(grouped({ cache: true }), {})).toBe('g1 h1');
});

test('a table of a topic sends the last row of each key, where it is kept and not looked up', async () => {
  const table =
    (options: { readonly store?: string; readonly cache?: boolean }) =>
    (builder: Builder): void =>
      builder
        .table('in', { ...texts, ...options })
        .toStream()
        .to('out');
  const cache = { bytes: 1e6 };
  expect(await outputs(table({ store: 'rows' }), { cache })).toBe('ax bx');
  expect(await outputs(table({ store: 'rows', cache: true }), {})).toBe('ax bx');
  expect(await outputs(table({ store: 'rows', cache: false }), { cache })).toBe('ax ax bx ax bx');
  expect(await outputs(table({}), { cache })).toBe('ax ax bx ax bx');
  const mapped = (builder: Builder): void =>
    builder
      .table('in', { ...texts, cache: false })
      .mapValues((value) => `${value}!`, { store: 'mapped', value: string })
      .toStream()
      .to('out');
  expect(await outputs(mapped, { cache })).toBe('ax! bx!');
  const joined = (builder: Builder): void => {
    const rows = builder.table('in', { ...texts, store: 'rows' });
    rows.toStream().to('out');
    const again = rows.mapValues((value) => value, { store: 'again', value: string });
    builder.stream('table', texts).join(again, (value) => value);
  };
  expect(await outputs(joined, { cache })).toBe('ax ax bx ax bx');
});

test('an aggregate behind which updates are held back sends each of them', async () => {
  const suppressed = (builder: Builder): void => {
    const counts = counted(builder, { cache: true });
    counts.toStream().to('out', { value: decimal });
    counts.suppress(Suppressed.untilTimeLimit(10, BufferConfig.unbounded())).toStream().to('table', { value: decimal });
  };
  expect(await outputs(suppressed, { cache: { bytes: 1e6 } })).toBe('a1 a2 b1 a3 b2');
});

test('an aggregate whose rows are looked up by others sends every update', async () => {
  const joined = (builder: Builder): void => {
    const left = counted(builder, { cache: true });
    left
      .leftJoin(builder.table('table', texts), (count) => count, { value: decimal })
      .toStream()
      .to('out', { value: decimal });
  };
  expect(await outputs(joined, { cache: { bytes: 1e6 } })).toBe('a1 a2 b1 a3 b2');
});
