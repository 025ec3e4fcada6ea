/** State over restarts and beyond memory. */

import { expect, test } from 'vitest';
import { ManualClock, Random, writeOrderedI64 } from '../../../base/index.ts';
import { type OperatorSupplier, type RuntimeEvent, serdes, source, Topology } from '../../../engine/index.ts';
import { describeNote } from '../../../engine/runtime/observer.ts';
import { MemoryScratch } from '../../../engine/stores/memory-kv.ts';
import { KvError, type OrderedKv } from '../../../engine/stores/ordered-kv.ts';
import { encodeBatch, type Log, LogError, openMemoryLog, type Producer } from '../../../storage/index.ts';
import { consume, lastOf, newRuntime, openLog, produce, type Row, Shards, utf8 } from './support.ts';
import { wordCount } from './topologies.ts';

const keyed = (count: number, keys: number, from = 0): Row[] =>
  Array.from({ length: count }, (_, i) => ({ key: `key-${(from + i) % keys}`, value: 'x' }));

test('after a crash only what the checkpoint lacks is replayed', async () => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const shards = new Shards();
  const topology = wordCount({ repartition: false });
  const first = newRuntime(log, { openShard: shards.open });
  await first.start({ id: 'count', topology });
  await produce(log, 'words', 0, keyed(1000, 100));
  await first.awaitIdle();
  await first.stop('count'); // checkpoints
  await first.start({ id: 'count', topology });
  await produce(log, 'words', 0, keyed(10, 100));
  await first.awaitIdle();
  shards.crash(new Random(5)); // nothing of `first` is closed
  const second = newRuntime(log, { openShard: shards.open });
  await second.start({ id: 'count', topology });
  // One changelog record for each key changed in a transaction; the last checkpoint was behind the first thousand.
  expect(second.counters('count').replayed).toBe(10);
  await produce(log, 'words', 0, keyed(100, 100));
  await second.awaitIdle();
  const counts = lastOf(await consume(log, 'counted'));
  expect(counts['key-0']).toBe('12');
  expect(counts['key-99']).toBe('11');
  await second.close();
  await log.close();
});

/** Something that waits until it is let go. */
const gate = () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const pass = async (): Promise<void> => {
    arrived.resolve();
    await released.promise;
  };
  return { pass, arrived: arrived.promise, letGo: () => released.resolve() };
};

/** Shards that pass the gate before each write. */
const gatedShards =
  (pass: () => Promise<void>) =>
  async (shard: number): Promise<OrderedKv> => {
    const kv = await new Shards().open(shard);
    return {
      ...kv,
      batch: () => {
        const batch = kv.batch();
        const { write } = batch;
        batch.write = async (options) => {
          await pass();
          await write.call(batch, options);
        };
        return batch;
      },
    };
  };

/** A log that passes the gate before it answers what it has fetched of a changelog. */
const gatedLog = (log: Log, pass: () => Promise<void>): Log => {
  const gated: Log = Object.create(log);
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(log)) as (keyof Log)[]) {
    const method = log[name];
    if (typeof method === 'function') {
      Object.defineProperty(gated, name, { value: method.bind(log), writable: true });
    }
  }
  gated.reader = () => {
    const reader = log.reader();
    return {
      fetch: async (requests, options) => {
        const fetched = await reader.fetch(requests, options);
        if (requests.some(({ topic }) => topic.endsWith('-changelog'))) await pass();
        return fetched;
      },
      wakeup: () => reader.wakeup(),
      close: () => reader.close(),
    };
  };
  return gated;
};

test.each(['registers its store', 'restores its store'])(
  'a query stopped while it %s leaves no memory in use',
  async (at) => {
    const log = await openLog('memory');
    for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
    const topology = wordCount({ repartition: false });
    const first = newRuntime(log);
    await first.start({ id: 'count', topology });
    await produce(log, 'words', 0, keyed(1000, 100));
    await first.awaitIdle();
    await first.close();
    const { pass, arrived, letGo } = gate();
    const runtime =
      at === 'registers its store'
        ? newRuntime(log, { openShard: gatedShards(pass) })
        : newRuntime(gatedLog(log, pass), { openShard: new Shards().open });
    const starting = runtime.start({ id: 'count', topology }).catch(() => {});
    await arrived;
    const stopped = runtime.stop('count');
    await new Promise((resolve) => setTimeout(resolve, 20));
    letGo();
    await Promise.all([stopped, starting]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(runtime.state.memory.usedBytes).toBe(0);
    await runtime.close();
    await log.close();
  },
);

test('a restore ends although the changelog ends in control records only', async () => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const topology = wordCount({ repartition: false });
  const first = newRuntime(log);
  await first.start({ id: 'count', topology });
  await produce(log, 'words', 0, keyed(5, 5));
  await first.awaitIdle();
  await first.close();
  // A dozen transactions of another producer that wrote there and were aborted.
  const other = await log.producer({ transactionalId: 'other' });
  for (let i = 0; i < 12; i++) {
    other.begin();
    await other.append(
      { topic: 'count-counts-changelog', partition: 0 },
      encodeBatch([{ key: utf8('junk') }]),
      'append',
    );
    await other.abort();
  }
  await other.close();
  const second = newRuntime(log);
  await second.start({ id: 'count', topology });
  // And the schema hash.
  expect(second.counters('count').replayed).toBe(5 + 1);
  await second.close();
  await log.close();
});

test('a store ten times its memory limit gives the same results as one in memory', async () => {
  const results: Record<string, string>[] = [];
  for (const stateBytes of [64 * 1024 * 1024, 32 * 1024]) {
    const log = await openLog('memory');
    for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
    const shards = new Shards();
    const runtime = newRuntime(log, { openShard: shards.open, limits: { stateBytes } });
    await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
    const random = new Random(3);
    for (let i = 0; i < 20; i++) {
      const rows = Array.from({ length: 1000 }, () => ({ key: `key-${random.below(8000)}`, value: 'x' }));
      await produce(log, 'words', 0, rows);
      await runtime.awaitIdle();
    }
    results.push(lastOf(await consume(log, 'counted')));
    let entries = 0;
    for await (const page of runtime.scan('count', 'counts')) entries += page.length;
    expect(entries).toBe(Object.keys(results[0] ?? {}).length);
    await runtime.close();
    await log.close();
  }
  expect(results[1]).toEqual(results[0]);
});

test('copies of state that cannot be written are one warning for all stores of the shard, and a count of each', async () => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 8 });
  const shards = new Shards();
  const events: RuntimeEvent[] = [];
  const limits = { stateBytes: 64 * 1024 };
  const runtime = newRuntime(log, { openShard: shards.open, limits, onEvent: (event) => events.push(event) });
  await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
  const givenUp = async (): Promise<number[]> =>
    (await runtime.metrics()).filter(({ name }) => name === 'copies-given-up-total').map(({ value }) => value);
  let rounds = 0;
  const feed = async (): Promise<void> => {
    // Half of the keys are new each time.
    for (let partition = 0; partition < 8; partition++)
      await produce(log, 'words', partition, keyed(400, 100_000, 200 * rounds));
    rounds++;
    await runtime.awaitIdle();
  };
  const scratches = (): MemoryScratch[] => Array.from(shards.kvs.values(), ({ scratch }) => scratch);
  while (scratches().some(({ used }) => used === 0)) await feed();
  expect(await givenUp()).toEqual(Array(8).fill(0));
  for (const scratch of scratches()) scratch.isBroken = true;
  do await feed();
  while ((await givenUp()).includes(0));
  expect(await givenUp()).toEqual(Array(8).fill(1));
  expect(new Set(Object.values(lastOf(await consume(log, 'counted'))))).toEqual(new Set(['1', '2']));
  const notes = events.flatMap((event) => (event.kind === 'note' ? [describeNote(event.note)] : []));
  const warnings = notes.filter((note) => note.includes('scratch'));
  expect(shards.kvs.size).toBeLessThan(8);
  expect(warnings.length).toBe(shards.kvs.size);
  for (const warning of warnings) {
    expect(warning).toMatch(
      /^the scratch file .* store counts of task 0_\d, .*: the scratch file cannot be used; until the next start /,
    );
  }
  await runtime.close();
  await log.close();
});

/** Keeps records by time: what begins with `put` in a page, others in the order of arrival, as a join does. */
const keptByTime: OperatorSupplier<string, never> = (context) => {
  const store = context.store('kept', 'ordered');
  const order = new Uint8Array(12);
  return {
    process({ keyBytes, keyStart, keyEnd, timestamp, value }) {
      const bytes = utf8(value ?? '');
      writeOrderedI64(order, 0, timestamp);
      if (value?.startsWith('put') !== true)
        store.append(keyBytes, keyStart, keyEnd, timestamp, bytes, 0, bytes.length);
      else store.put(keyBytes, keyStart, keyEnd, order, 0, 12, bytes, 0, bytes.length);
    },
  };
};

test('a page that cannot be read while an idle store puts entries into pages fails the query, and nothing else', async () => {
  const clock = new ManualClock(1_000_000);
  const log = await openMemoryLog({ clock, timers: clock });
  const ids = ['kept', 'other'];
  for (const name of ids) await log.createTopic({ name, partitions: 1 });
  const shards = new Shards();
  let unreadable = false;
  const openShard = async (shard: number): Promise<OrderedKv> => {
    const kv = await shards.open(shard);
    // What leaves memory is read from the key-value store alone.
    const scratch = new MemoryScratch();
    scratch.isBroken = true;
    return {
      ...kv,
      scratch,
      getSync: (key) => {
        if (unreadable) throw new KvError('failed', 'the disk cannot be read');
        return kv.getSync(key);
      },
    };
  };
  const runtime = newRuntime(log, { openShard, clock, timers: clock, limits: { stateBytes: 400_000 } });
  for (const id of ids) {
    const topology = new Topology()
      .addSource('in', { topic: id, kind: 'stream', supplier: source({ value: serdes.string }) })
      .addStore({ name: 'kept', kind: 'ordered', retentionMs: 1_000_000 })
      .addProcessor('keep', keptByTime, ['in'], { stores: ['kept'] });
    await runtime.start({ id, topology });
  }
  const pass = async (ms: number): Promise<void> => {
    for (const until = clock.monotonic() + ms; clock.monotonic() < until; clock.advance(100))
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  await produce(log, 'kept', 0, [{ key: 'k', value: 'put', timestamp: 1 }]);
  await pass(8_000);
  // The page leaves memory, and there is room again.
  const large = Array.from({ length: 40 }, (_, i) => ({ key: `${i}`, value: 'put'.padEnd(20_000), timestamp: 1 }));
  await produce(log, 'other', 0, large);
  await pass(1_000);
  await runtime.stop('other');
  await produce(log, 'kept', 0, [{ key: 'k', value: 'appended', timestamp: 2 }]);
  await pass(1_000);
  expect(runtime.status('kept').state).toBe('running');
  unreadable = true;
  await pass(8_000);
  const { state, error } = runtime.status('kept');
  expect([state, error?.message]).toEqual(['failed', 'the disk cannot be read']);
  await runtime.close();
  await log.close();
});

/** A log whose producers fail as told. */
const failing = (log: Log, fault: () => LogError | undefined): Log => {
  const wrapped: Log = Object.create(log);
  wrapped.producer = async (options) => {
    const producer = await log.producer(options);
    const faulty: Producer = Object.create(producer);
    faulty.append = async (target, batch, acks) => {
      const error = options?.transactionalId === undefined ? undefined : fault();
      if (error !== undefined) throw error;
      return producer.append(target, batch, acks);
    };
    Object.defineProperty(faulty, 'producerId', { value: producer.producerId });
    for (const name of ['begin', 'sendOffsets', 'commit', 'abort', 'close'] as const) {
      Object.defineProperty(faulty, name, { value: producer[name].bind(producer) });
    }
    return faulty;
  };
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(log)) as (keyof Log)[]) {
    const method = log[name];
    if (name !== 'producer' && typeof method === 'function') {
      Object.defineProperty(wrapped, name, { value: method.bind(log) });
    }
  }
  return wrapped;
};

test('a query waits while the disk is full, and goes on by itself when there is space again', async () => {
  const inner = await openLog('memory');
  for (const name of ['words', 'counted']) await inner.createTopic({ name, partitions: 1 });
  let full = false;
  const log = failing(inner, () =>
    full ? new LogError('unavailable', 'LOG_DISK_FULL', 'the disk is full') : undefined,
  );
  const events: RuntimeEvent[] = [];
  const runtime = newRuntime(log, { onEvent: (event) => events.push(event) });
  await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
  await produce(inner, 'words', 0, keyed(3, 3));
  await runtime.awaitIdle();
  full = true;
  await produce(inner, 'words', 0, keyed(3, 3));
  while (runtime.counters('count').aborts < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(runtime.status('count').state).toBe('running');
  expect((await consume(inner, 'counted')).length).toBe(3);
  // What is not committed is not seen.
  const [entry] = await runtime.read('count', 'counts', utf8('key-0'));
  full = false;
  await runtime.awaitIdle();
  expect((await consume(inner, 'counted')).map(({ value }) => value)).toEqual(['1', '1', '1', '2', '2', '2']);
  const [after] = await runtime.read('count', 'counts', utf8('key-0'));
  expect(entry).not.toEqual(after);
  expect(events.some((event) => event.kind === 'aborted' && event.why === 'the disk is full')).toBe(true);
  await runtime.close();
  await inner.close();
});

test('a query that another process took over stops and says so', async () => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const runtime = newRuntime(log);
  await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
  await produce(log, 'words', 0, keyed(3, 3));
  await runtime.awaitIdle();
  // Transactional ids are per instance: this is the same one, in another process.
  const rival = await log.producer({ transactionalId: 'count-local' });
  await produce(log, 'words', 0, keyed(3, 3));
  while (runtime.status('count').state === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
  expect(runtime.status('count').state).toBe('fenced');
  expect((await consume(log, 'counted')).length).toBe(3);
  await expect(runtime.read('count', 'counts', utf8('key-0'))).rejects.toMatchObject({ code: 'QUERY_NOT_RUNNING' });
  await rival.close();
  // Started again, it takes over in its turn, and goes on where the last commit was.
  await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
  await runtime.awaitIdle();
  expect((await consume(log, 'counted')).map(({ value }) => value)).toEqual(['1', '1', '1', '2', '2', '2']);
  await runtime.close();
  await log.close();
});

test('while a checkpoint is being verified a value that is found is answered, everything else waits, and nothing is processed', async () => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const shards = new Shards();
  const topology = wordCount({ repartition: false });
  const first = newRuntime(log, { openShard: shards.open });
  await first.start({ id: 'count', topology });
  await produce(log, 'words', 0, keyed(100, 10));
  await first.awaitIdle();
  await first.close();

  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const openShard = async (shard: number): Promise<OrderedKv> => {
    const kv = await shards.open(shard);
    let iterators = 0;
    return {
      ...kv,
      iterate(range) {
        const iterator = kv.iterate(range);
        // The first one reads the register of stores.
        if (iterators++ === 0) return iterator;
        return { next: (count) => held.then(() => iterator.next(count)), close: () => iterator.close() };
      },
    };
  };
  const second = newRuntime(log, { openShard });
  await second.start({ id: 'count', topology });
  expect((await second.read('count', 'counts', utf8('key-3'))).length).toBe(1);
  let answered = 0;
  const missing = second.read('count', 'counts', utf8('nobody')).finally(() => answered++);
  const scanned = (async () => {
    let entries = 0;
    for await (const page of second.scan('count', 'counts')) entries += page.length;
    return entries;
  })().finally(() => answered++);
  await produce(log, 'words', 0, keyed(1, 1));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(answered).toBe(0);
  expect((await consume(log, 'counted')).length).toBe(100);
  goOn();
  expect(await missing).toEqual([]);
  expect(await scanned).toBe(10);
  await second.awaitIdle();
  expect(lastOf(await consume(log, 'counted'))['key-0']).toBe('11');
  await second.close();
  await log.close();
});
