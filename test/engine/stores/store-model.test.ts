/** Stores against a plain map, under random histories of changes, commits, rollbacks, checkpoints, evictions, crashes
 *  and expiry. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KvError } from '../../../engine/stores/ordered-kv.ts';
import { formOf, groupOf, nameOf } from './forms.ts';
import { allKinds, type Fetch, type Key, type Kind, sequenceKey, World } from './world.ts';

type Step =
  | { readonly op: 'put'; readonly at: Key; readonly size: number; readonly tag: number }
  | { readonly op: 'get' | 'delete'; readonly at: Key }
  | { readonly op: 'update'; readonly at: Key; readonly tag: number }
  | { readonly op: 'fetch'; readonly fetch: Fetch }
  | { readonly op: 'expire'; readonly window: number }
  | { readonly op: 'time'; readonly calls: boolean }
  | { readonly op: 'append'; readonly time: number; readonly size: number; readonly tag: number }
  | { readonly op: 'append-later'; readonly ms: number; readonly backMs: number; readonly size: number }
  | { readonly op: 'overwrite'; readonly number: number; readonly tag: number }
  | { readonly op: 'remove'; readonly number: number }
  | { readonly op: 'extend'; readonly group: string; readonly ms: number; readonly tag: number }
  | { readonly op: 'expire-behind' }
  | { readonly op: 'meta'; readonly name: string; readonly value: number }
  | { readonly op: 'commit' | 'rollback' | 'checkpoint' | 'fail' | 'idle' | 'check' | 'scan-aside' }
  | { readonly op: 'break-scratch' }
  | { readonly op: 'fail-read'; readonly after: number }
  | { readonly op: 'block'; readonly keys: readonly Key[]; readonly size: number }
  | { readonly op: 'advance'; readonly steps: number }
  | { readonly op: 'crash'; readonly survive: number; readonly checkpoint: boolean };

const extend = fc.record({
  op: fc.constant('extend' as const),
  // The last one is that of appended entries.
  group: fc.constantFrom('', '0', '1', '2', groupOf(sequenceKey(0))),
  ms: fc.integer({ min: -2, max: 5 }).map((n) => n * 10_000),
  tag: fc.nat(9),
});

const steps = (kind: Kind): fc.Arbitrary<Step[]> => {
  const { timed } = formOf(kind);
  const time = fc.oneof(
    fc.integer({ min: -3, max: 12 }).map((n) => n * 60_000),
    fc.integer({ min: -9, max: 36 }).map((n) => n * (kind === 'window' ? 60_000 : 20_000)),
  );
  // Where appended entries mostly are.
  const appendTime = fc.oneof(
    time,
    fc.integer({ min: 0, max: 3 }).map((n) => 720_000 + n * 60_000),
  );
  const anyKey = fc.record({
    window: timed ? time : fc.constant(0),
    key: fc.oneof(
      fc.constant(''),
      fc.integer({ min: 0, max: 30 }).map((n) => `key-${n}`),
    ),
  });
  const appended = fc.record({ window: appendTime, key: fc.integer({ min: 0, max: 1 }).map(sequenceKey) });
  const key =
    kind === 'ordered by time'
      ? fc.oneof({ arbitrary: anyKey, weight: 2 }, { arbitrary: appended, weight: 1 })
      : anyKey;
  const put = fc.record({
    op: fc.constant('put' as const),
    at: key,
    size: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }), fc.constant(300), fc.constant(3_000)),
    tag: fc.nat(99),
  });
  // They mostly come in the order of time.
  const append = fc.record({
    op: fc.constant('append' as const),
    time: appendTime,
    // Two large ones fill a segment.
    size: fc.oneof(
      { arbitrary: fc.constant(20), weight: 4 },
      { arbitrary: fc.integer({ min: 0, max: 40 }), weight: 4 },
      { arbitrary: fc.constant(25_000), weight: 1 },
    ),
    tag: fc.nat(99),
  });
  const touch = fc.record({ op: fc.constantFrom('get' as const, 'delete' as const), at: key });
  const update = fc.record({ op: fc.constant('update' as const), at: key, tag: fc.nat(9) });
  const mark = fc.record({
    op: fc.constantFrom(
      'commit',
      'commit',
      'rollback',
      'checkpoint',
      'checkpoint',
      'fail',
      'idle',
      'check',
      'scan-aside' as const,
    ),
  }) as fc.Arbitrary<Step>;
  const failRead = fc.record({ op: fc.constant('fail-read' as const), after: fc.nat(6) });
  const crash = fc.record({ op: fc.constant('crash' as const), survive: fc.nat(), checkpoint: fc.boolean() });
  const advance = fc.record({ op: fc.constant('advance' as const), steps: fc.integer({ min: 1, max: 6 }) });
  const meta = fc.record({ op: fc.constant('meta' as const), name: fc.constantFrom('w:0', 'w:1'), value: fc.nat(5) });
  const block = fc.record({
    op: fc.constant('block' as const),
    keys: fc.array(key, { maxLength: 100 }),
    size: fc.nat(400),
  });
  const sample = fc.record({ op: fc.constant('time' as const), calls: fc.boolean() });
  const expire = fc.record({ op: fc.constant('expire' as const), window: time });
  const fetch = fc.record({
    op: fc.constant('fetch' as const),
    fetch: fc.record({
      group: fc.constantFrom('', '0', '1', '2', '2'),
      from: fc.option(key, { nil: undefined }),
      to: fc.option(key, { nil: undefined }),
      backward: fc.boolean(),
      changes: fc.array(
        fc.record({
          op: fc.constantFrom('put' as const, 'delete' as const),
          at: fc.option(key, { nil: undefined }),
          text: fc.nat(60).map((length) => 'c'.repeat(length)),
        }),
        { maxLength: 20 },
      ),
    }),
  });
  const options: fc.WeightedArbitrary<Step>[] = [
    { arbitrary: put, weight: 20 },
    { arbitrary: touch, weight: 8 },
    { arbitrary: update, weight: 10 },
    { arbitrary: mark, weight: 8 },
    { arbitrary: advance, weight: 6 },
    { arbitrary: meta, weight: 1 },
    { arbitrary: block, weight: 2 },
    { arbitrary: sample, weight: 2 },
    { arbitrary: failRead, weight: 2 },
    { arbitrary: crash, weight: 1 },
    { arbitrary: fc.nat(7).map((n): Step => ({ op: n === 0 ? 'break-scratch' : 'commit' })), weight: 1 },
  ];
  if (kind === 'ordered by time') options.push({ arbitrary: append, weight: 20 }, { arbitrary: extend, weight: 12 });
  if (timed) options.push({ arbitrary: expire, weight: 1 });
  if (kind === 'ordered' || kind === 'ordered by time') options.push({ arbitrary: fetch, weight: 4 });
  return fc.array(fc.oneof(...options), { minLength: 1, maxLength: 160, size: 'max' });
};

const marks = ['commit', 'commit', 'rollback', 'checkpoint', 'idle', 'idle', 'fail', 'check', 'scan-aside'] as const;

/** As a join keeps its records: mostly appended in the order of time, some of them changed or removed later. */
const stepsOfJoin = (): fc.Arbitrary<Step[]> => {
  const appendLater = fc.record({
    op: fc.constant('append-later' as const),
    ms: fc.nat(10).map((n) => n * 1_000),
    backMs: fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, { arbitrary: fc.nat(20_000), weight: 1 }),
    // Two large ones fill a segment.
    size: fc.oneof({ arbitrary: fc.nat(40), weight: 8 }, { arbitrary: fc.constant(25_000), weight: 1 }),
  });
  const number = fc.oneof(fc.nat(4), fc.nat(40));
  const overwrite = fc.record({ op: fc.constant('overwrite' as const), number, tag: fc.nat(9) });
  const remove = fc.record({ op: fc.constant('remove' as const), number });
  const put = fc.record({
    op: fc.constant('put' as const),
    at: fc.record({ window: fc.integer({ min: 72, max: 80 }).map((n) => n * 10_000), key: fc.constant('key-0') }),
    size: fc.nat(40),
    tag: fc.nat(99),
  });
  return fc.array(
    fc.oneof(
      { arbitrary: appendLater, weight: 40 },
      { arbitrary: overwrite, weight: 8 },
      { arbitrary: remove, weight: 5 },
      { arbitrary: put, weight: 1 },
      { arbitrary: extend, weight: 2 },
      { arbitrary: fc.constant<Step>({ op: 'expire-behind' }), weight: 3 },
      { arbitrary: fc.constantFrom(...marks).map((op): Step => ({ op })), weight: 20 },
      { arbitrary: fc.integer({ min: 1, max: 6 }).map((steps): Step => ({ op: 'advance', steps })), weight: 8 },
      { arbitrary: fc.nat(6).map((after): Step => ({ op: 'fail-read', after })), weight: 2 },
      { arbitrary: fc.nat().map((survive): Step => ({ op: 'crash', survive, checkpoint: true })), weight: 1 },
    ),
    { minLength: 1, maxLength: 160, size: 'max' },
  );
};

const run = async (world: World, history: readonly Step[]): Promise<void> => {
  await world.store.open();
  for (const step of history) {
    try {
      await apply(world, step);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      world.rollback();
    }
    if (world.broken) await world.crash(() => true);
  }
  world.failRead(undefined);
  await world.finishScan();
  await world.check();
  await world.finishCheckpoint();
  await world.check();
  world.commit();
  await world.crash(() => true);
  await world.check();
};

const apply = async (world: World, step: Step): Promise<void> => {
  switch (step.op) {
    case 'put':
      world.put(step.at, `${step.tag}`.padEnd(step.size, 'x').slice(0, step.size));
      break;
    case 'append':
      world.append(step.time, `${step.tag}`.padEnd(step.size, 'y').slice(0, step.size));
      break;
    case 'append-later':
      world.appendLater(step.ms, step.backMs, 'z'.repeat(step.size));
      break;
    case 'overwrite': {
      const at = world.appended(step.number);
      if (at !== undefined) world.put(at, `${step.tag}${world.open.get(nameOf(at))?.slice(1) ?? ''}`);
      break;
    }
    case 'remove': {
      const at = world.appended(step.number);
      if (at !== undefined) world.delete(at);
      break;
    }
    case 'expire-behind':
      world.expireBelow(world.now - 50_000);
      break;
    case 'update':
      world.update(step.at, `${step.tag}`);
      break;
    case 'extend':
      world.extend(step.group, step.ms, `${step.tag}`);
      break;
    case 'block':
      world.runBlock(step.keys, 'b'.repeat(step.size));
      break;
    case 'get':
      expect(world.get(step.at)).toBe(world.open.get(`${step.at.window}/${step.at.key}`));
      break;
    case 'delete':
      world.delete(step.at);
      break;
    case 'fetch':
      world.fetch(step.fetch);
      break;
    case 'time':
      world.timeCalls(step.calls);
      break;
    case 'expire':
      world.expireBelow(step.window);
      break;
    case 'meta':
      world.setMeta(step.name, step.value);
      break;
    case 'commit':
      world.commit();
      break;
    case 'rollback':
      world.rollback();
      break;
    case 'checkpoint':
      world.startCheckpoint();
      break;
    case 'advance':
      await world.advance(step.steps);
      break;
    case 'fail':
      world.failNextWrite();
      break;
    case 'crash': {
      let bits = step.survive;
      await world.crash(
        () => {
          bits = (Math.imul(bits, 1103515245) + 12345) >>> 0;
          return (bits & 0x10000) !== 0;
        },
        { checkpointWhileRestoring: step.checkpoint },
      );
      await world.check();
      break;
    }
    case 'scan-aside':
      await world.startScan();
      break;
    case 'idle':
      world.idle();
      break;
    case 'break-scratch':
      world.breakScratch();
      break;
    case 'fail-read':
      await world.finishScan();
      world.failRead(step.after);
      break;
    case 'check':
      await world.check();
      break;
    default:
      step satisfies never;
  }
};

/** How many histories a test tries. */
const runs = (few: number): number => Number(process.env['RUNS'] ?? few);

const setups = {
  'memory only': { kv: false, memoryLimitBytes: 0 },
  'a key-value store behind': { kv: true, memoryLimitBytes: 1 << 20, slow: true },
  'a tiny memory limit': { kv: true, memoryLimitBytes: 3_000, slow: true },
} as const;

describe.each(allKinds)('a %s store', (kind) => {
  test.each(Object.keys(setups) as (keyof typeof setups)[])(
    'with %s is a plain map under any history',
    async (setup) => {
      await fc.assert(
        fc.asyncProperty(steps(kind), async (history) => {
          await run(new World(kind, setups[setup]), history);
        }),
        { numRuns: runs(35) },
      );
    },
  );
});

test.each(Object.keys(setups) as (keyof typeof setups)[])(
  'the records of a join, with %s, are a plain map under any history',
  async (setup) => {
    await fc.assert(
      fc.asyncProperty(stepsOfJoin(), async (history) => {
        await run(new World('ordered by time', setups[setup]), history);
      }),
      { numRuns: runs(40) },
    );
  },
);

test.each(allKinds)('what a %s store deletes stays deleted when its checkpoint cannot be written', async (kind) => {
  const world = new World(kind, setups['a key-value store behind']);
  const at = { window: 0, key: 'gone' };
  await run(world, [
    { op: 'put', at, size: 1, tag: 1 },
    { op: 'commit' },
    { op: 'checkpoint' },
    { op: 'advance', steps: 3 },
    // Behind it entries are read from the key-value store.
    { op: 'crash', survive: 0, checkpoint: false },
    { op: 'delete', at },
    { op: 'fail' },
    { op: 'commit' },
    { op: 'checkpoint' },
    { op: 'advance', steps: 1 },
    { op: 'checkpoint' },
    { op: 'advance', steps: 1 },
    { op: 'check' },
  ]);
});

test('a scan that is overtaken by the first eviction shows no window that has expired meanwhile', async () => {
  const put = (window: number, size: number): Step => ({ op: 'put', at: { window, key: '' }, size, tag: 0 });
  await run(new World('window, several of a record', setups['a tiny memory limit']), [
    put(180_000, 300),
    put(120_000, 0),
    { op: 'commit' },
    put(120_000, 1),
    { op: 'checkpoint' },
    { op: 'commit' },
    { op: 'expire', window: 140_000 },
    { op: 'advance', steps: 2 },
    { op: 'scan-aside' },
    { op: 'commit' },
    { op: 'update', at: { window: 0, key: 'key-0' }, tag: 0 },
  ]);
});

test.each(allKinds)('a scan of a %s store whose client is slow loses no row to the first eviction', async (kind) => {
  for (let rowsBefore = 0; rowsBefore < 24; rowsBefore += 3) {
    const world = new World(kind, { kv: true, memoryLimitBytes: 64_000 });
    await world.store.open();
    const put = (i: number): void =>
      world.put(
        { window: formOf(kind).timed ? (i % 3) * 1000 : 0, key: `key-${i}` },
        `value-${i}`.padEnd(i < 1000 ? 0 : 300),
      );
    for (let i = 0; i < 30; i++) put(i);
    world.commit();
    world.startCheckpoint();
    await world.finishCheckpoint();
    expect(world.store.stats.complete).toBe(true);
    await world.startScan();
    // The scan has visited a part of the rows when others push the first ones out of memory.
    await world.advance(rowsBefore);
    for (let i = 1000; i < 1400; i++) put(i);
    world.commit();
    expect(world.store.stats.complete).toBe(false);
    await world.finishScan();
    await world.check();
  }
});

test('what is committed is read while appended entries go into pages twice', async () => {
  const at = { window: 780_000, key: sequenceKey(0) };
  await run(new World('ordered by time', setups['a key-value store behind']), [
    { op: 'append', time: 720_000, size: 0, tag: 0 },
    { op: 'commit' },
    { op: 'put', at: { window: 0, key: 'key-0' }, size: 0, tag: 0 },
    { op: 'append', time: 780_000, size: 20, tag: 0 },
    { op: 'put', at, size: 300, tag: 0 },
    { op: 'advance', steps: 1 },
  ]);
});

test('an entry that is appended in the place of one that was removed has a value before', async () => {
  const at = { window: 840_000, key: sequenceKey(0) };
  for (const tag of [1, 2]) {
    await run(new World('ordered by time', setups['a key-value store behind']), [
      { op: 'append', time: 840_000, size: 20, tag: 1 },
      { op: 'commit' },
      { op: 'delete', at },
      { op: 'append', time: 840_000, size: 20, tag },
      { op: 'commit' },
    ]);
  }
});

test('a scan shows nothing that expires with the commit that changes it', async () => {
  const append = (ms: number, size: number): Step => ({ op: 'append-later', ms, backMs: 0, size });
  await run(new World('ordered by time', setups['memory only']), [
    append(0, 25_000),
    { op: 'put', at: { window: 720_000, key: 'key-0' }, size: 0, tag: 0 },
    append(0, 0),
    { op: 'commit' },
    { op: 'overwrite', number: 0, tag: 0 },
    append(50_000, 25_000),
    // It has not come to the page of the entry that was overwritten when that expires.
    { op: 'scan-aside' },
    append(1, 0),
    { op: 'expire-behind' },
    { op: 'commit' },
  ]);
});

const timedKinds = allKinds.filter((kind) => formOf(kind).timed);

test.each(timedKinds)('a %s store that restores an older expiry than its checkpoint has is whole', async (kind) => {
  const put = (window: number, key: string): Step => ({ op: 'put', at: { window, key }, size: 1, tag: 1 });
  await run(new World(kind, setups['a key-value store behind']), [
    put(100_000, 'a'),
    put(200_000, 'a'),
    put(300_000, 'a'),
    { op: 'commit' },
    { op: 'checkpoint' },
    { op: 'advance', steps: 9 },
    put(400_000, 'a'),
    put(400_000, 'b'),
    put(400_000, 'c'),
    { op: 'expire', window: 200_000 },
    { op: 'commit' },
    { op: 'expire', window: 300_000 },
    { op: 'commit' },
    // The expiry reaches the disk, and the position of the checkpoint does not.
    { op: 'checkpoint' },
    { op: 'advance', steps: 1 },
    // The restore writes a checkpoint behind the first expiry.
    { op: 'crash', survive: 0, checkpoint: true },
    { op: 'crash', survive: 0, checkpoint: false },
  ]);
});
