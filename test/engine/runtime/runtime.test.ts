/** The engine's suite: the same behaviour on every log. */

import { afterEach, describe, expect, test } from 'vitest';
import { type RowSink, type Runtime, type RuntimeEvent, result, serdes, type Topology } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { queriesTopic } from '../../../engine/runtime/query-records.ts';
import { decodeBatch, type Log, RecordColumns } from '../../../storage/index.ts';
import { consume, lastOf, logKinds, newRuntime, openLog, produce, type Row, Shards, text, utf8 } from './support.ts';
import { decimal, enriched, minuteSums, wordCount } from './topologies.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const closedLater = <T extends { close(): Promise<void> }>(thing: T): T => {
  closing.push(() => thing.close());
  return thing;
};

/** A topology whose last node's texts go to the client. */
const withResult = (topology: Topology): Topology =>
  topology.addResult('result', {
    parents: [topology.nodes.at(-1)?.name ?? ''],
    supplier: result<string>(serdes.string),
  });

/** Reads texts, and keeps the batches until somebody gives them back. */
class Client implements RowSink {
  readonly texts: string[] = [];
  readonly batches: Uint8Array[] = [];
  held = 0;

  rows(batch: Uint8Array): void {
    const columns = new RecordColumns();
    columns.reset(batch);
    decodeBatch(batch, 0, columns, 0);
    for (let i = 0; i < columns.count; i++) this.texts.push(text(columns.record(i).value ?? new Uint8Array()));
    this.batches.push(batch);
    this.held += batch.buffer.byteLength;
  }

  ended(error: Error): void {
    throw error;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const words = (...values: string[]): Row[] => values.map((value) => ({ key: null, value }));

describe.each(logKinds)('on the %s log', (kind) => {
  const open = async (topics: Record<string, number>): Promise<Log> => {
    const log = closedLater(await openLog(kind));
    for (const [name, partitions] of Object.entries(topics)) await log.createTopic({ name, partitions });
    return log;
  };
  const start = (log: Log, options: Parameters<typeof newRuntime>[1] = {}): Runtime =>
    closedLater(newRuntime(log, options));

  test('a query reads, keeps state behind a repartition, and writes every update', async () => {
    const log = await open({ words: 2, counted: 2 });
    const runtime = start(log, { openShard: new Shards().open });
    await runtime.start({ id: 'count', topology: wordCount({ repartition: true }) });
    await produce(log, 'words', 0, words('a', 'b', 'a'));
    await produce(log, 'words', 1, words('a', 'c'));
    await runtime.awaitIdle();
    const rows = await consume(log, 'counted');
    expect(rows.length).toBe(5);
    expect(lastOf(rows)).toEqual({ a: '3', b: '1', c: '1' });
    expect(runtime.counters('count')).toMatchObject({
      recordsRead: 10,
      recordsOut: 10,
      aborts: 0,
      restarts: 0,
      lag: 0,
    });
  });

  test('streams of different numbers of partitions are merged, and counted behind a repartition', async () => {
    const log = await open({ words: 3, more: 1, counted: 2 });
    const runtime = start(log);
    const builder = new StreamsBuilder();
    const texts = { key: serdes.string, value: serdes.string };
    builder
      .stream('words', texts)
      .merge(builder.stream('more', texts))
      .groupBy((_key, word) => word, { key: serdes.string, name: 'by-word' })
      .count({ store: 'counts' })
      .toStream()
      .to('counted', { value: decimal });
    await runtime.start({ id: 'count', topology: builder.build() });
    for (const partition of [0, 1, 2]) await produce(log, 'words', partition, words('a', `${partition}`));
    await produce(log, 'more', 0, words('a', 'b'));
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '4', b: '1', 0: '1', 1: '1', 2: '1' });
    await runtime.stop('count');
    await runtime.start({ id: 'count', topology: builder.build() });
    await produce(log, 'words', 2, words('a'));
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '5', b: '1', 0: '1', 1: '1', 2: '1' });
  });

  test('a stopped query goes on where it stopped, with the state it had', async () => {
    const log = await open({ words: 1, counted: 1 });
    const shards = new Shards();
    const runtime = start(log, { openShard: shards.open });
    const topology = wordCount({ repartition: true });
    await runtime.start({ id: 'count', topology });
    await produce(log, 'words', 0, words('a', 'b'));
    await runtime.awaitIdle();
    await runtime.stop('count');
    expect(runtime.status('count').state).toBe('stopped');
    await produce(log, 'words', 0, words('a'));
    await runtime.start({ id: 'count', topology });
    await runtime.awaitIdle();
    expect((await consume(log, 'counted')).map(({ key, value }) => `${key}${value}`)).toEqual(['a1', 'b1', 'a2']);
  });

  test('a runtime without a state directory rebuilds its stores from the changelog', async () => {
    const log = await open({ words: 1, counted: 1 });
    const topology = wordCount({ repartition: false });
    const first = newRuntime(log);
    await first.start({ id: 'count', topology });
    await produce(log, 'words', 0, [
      { key: 'a', value: '1' },
      { key: 'b', value: '1' },
    ]);
    await first.awaitIdle();
    await first.close();
    const second = start(log);
    await second.start({ id: 'count', topology });
    // Two counts, and the schema hash.
    expect(second.counters('count').replayed).toBe(3);
    await produce(log, 'words', 0, [{ key: 'a', value: '1' }]);
    await second.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '2', b: '1' });
  });

  test('a chain of queries is idle when its last query is', async () => {
    const log = await open({ words: 2, counted: 2, again: 2 });
    const runtime = start(log);
    await runtime.start({ id: 'first', topology: wordCount({ repartition: true }) });
    await runtime.start({
      id: 'second',
      topology: wordCount({ repartition: false, input: 'counted', output: 'again' }),
    });
    await produce(log, 'words', 0, words('a', 'b', 'a'));
    await produce(log, 'words', 1, words('a'));
    await runtime.awaitIdle();
    // The second counts the updates of the first.
    expect(lastOf(await consume(log, 'again'))).toEqual({ a: '3', b: '1' });
  });

  test('rows that were acknowledged in a table before a stream row was sent are seen by it', async () => {
    const log = await open({ customers: 2, orders: 2, enriched: 2 });
    const runtime = start(log);
    await runtime.start({ id: 'join', topology: enriched(true) });
    const expected: string[] = [];
    for (let i = 0; i < 20; i++) {
      const partition = i % 2;
      await produce(log, 'customers', partition, [{ key: `c${i}`, value: `name${i}`, timestamp: i }]);
      await produce(log, 'orders', partition, [{ key: `c${i}`, value: `o${i}`, timestamp: i }]);
      expected.push(`o${i}/name${i}`);
    }
    await runtime.awaitIdle();
    const rows = await consume(log, 'enriched');
    expect(rows.length).toBe(expected.length);
    expect(new Set(rows.map(({ value }) => value))).toEqual(new Set(expected));
  });

  test('late records are left out, counted, and reported once each in the same transaction', async () => {
    const log = await open({ amounts: 1, sums: 1, problems: 1 });
    const runtime = start(log, { processingLog: 'problems' });
    await runtime.start({ id: 'sums', topology: minuteSums() });
    await produce(log, 'amounts', 0, [
      { key: 'a', value: '1', timestamp: 10_000 },
      { key: 'a', value: '2', timestamp: 75_000 },
      { key: 'a', value: '4', timestamp: 59_999 },
      { key: 'a', value: '8', timestamp: 69_999 },
      { key: 'a', value: '16', timestamp: 20_000 },
      { key: 'a', value: 'x', timestamp: 80_000 },
    ]);
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'sums'))).toEqual({ 'a@0': '1', 'a@1': '10' });
    const problems = (await consume(log, 'problems')).map(({ value }) => JSON.parse(value ?? ''));
    expect(problems.map(({ reason, offset, query, topic }) => [reason, offset, query, topic])).toEqual([
      ['late', 2, 'sums', 'amounts'],
      ['late', 4, 'sums', 'amounts'],
      ['deserialization', 5, 'sums', 'amounts'],
    ]);
    expect(atob(problems[2].value)).toBe('x');
    expect(runtime.counters('sums').drops).toEqual({ late: 2, deserialization: 1 });
  });

  test('a partition full of bad records is read to its end, and not again after a restart', async () => {
    const log = await open({ amounts: 1, sums: 1, problems: 1 });
    const bad = Array.from({ length: 200 }, () => ({ key: 'a', value: 'bad', timestamp: 1 }));
    await produce(log, 'amounts', 0, bad);
    for (const life of ['first', 'second']) {
      const runtime = newRuntime(log, { processingLog: 'problems' });
      await runtime.start({ id: 'sums', topology: minuteSums() });
      await runtime.awaitIdle();
      expect(runtime.counters('sums').recordsRead, life).toBe(life === 'first' ? 200 : 0);
      await runtime.close();
    }
    expect(await consume(log, 'sums')).toEqual([]);
    expect((await consume(log, 'problems')).length).toBe(200);
    expect(await log.committed('sums')).toEqual([{ topic: 'amounts', partition: 0, offset: 200 }]);
  });

  test('reads and scans show committed entries only, by key and by window', async () => {
    const log = await open({ amounts: 2, sums: 2 });
    const runtime = start(log, { openShard: new Shards().open });
    await runtime.start({ id: 'sums', topology: minuteSums() });
    const amounts: Row[] = [];
    for (let minute = 0; minute < 30; minute++) amounts.push({ key: 'a', value: '1', timestamp: minute * 60_000 });
    await produce(log, 'amounts', 0, amounts);
    await produce(log, 'amounts', 1, [{ key: 'b', value: '5', timestamp: 0 }]);
    await runtime.awaitIdle();
    const found = await runtime.read('sums', 'minutes', utf8('a'), { windows: { from: 5 * 60_000, to: 7 * 60_000 } });
    expect(found.map(({ windowStart }) => (windowStart ?? 0) / 60_000)).toEqual([5, 6, 7]);
    let scanned = 0;
    for await (const page of runtime.scan('sums', 'minutes')) scanned += page.length;
    expect(scanned).toBe(31);
    for await (const page of runtime.scan('sums', 'minutes', { toWindow: 60_000 })) {
      expect(page.map(({ key }) => text(key)).length).toBeGreaterThan(0);
      break;
    }
    await expect(runtime.read('sums', 'nothing', utf8('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' });
  });

  test('a transient query hands its rows to its client, and leaves nothing behind', async () => {
    const log = await open({ words: 1 });
    const runtime = start(log);
    const builder = new StreamsBuilder();
    builder.stream('words', { key: serdes.string, value: serdes.string }).mapValues((value) => `${value}!`);
    await produce(log, 'words', 0, words('before'));
    const client = new Client();
    const topology = withResult(builder.build());
    await runtime.start({ id: 'push', topology, transient: { sink: client, window: 1 << 20 }, offsetReset: 'latest' });
    await produce(log, 'words', 0, words('a', 'b'));
    await expect.poll(() => client.texts).toEqual(['a!', 'b!']);
    runtime.pause('push');
    await produce(log, 'words', 0, words('c'));
    runtime.resume('push');
    await expect.poll(() => client.texts).toEqual(['a!', 'b!', 'c!']);
    await runtime.stop('push');
    expect((await log.describeTopics()).map(({ name }) => name)).toEqual(['words']);
    expect(await log.groups()).toEqual([]);
  });

  test('a transient query behind a repartition makes no topic at all', async () => {
    const log = await open({ words: 2 });
    const made: string[] = [];
    const runtime = start(
      new Proxy(log, {
        get(target, name) {
          const member = Reflect.get(target, name, target) as unknown;
          if (name === 'createTopic' || name === 'producer') made.push(name);
          return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
        },
      }),
    );
    const builder = new StreamsBuilder();
    builder
      .stream('words', { key: serdes.string, value: serdes.string })
      .groupBy((_key, word) => word, { key: serdes.string })
      .count()
      .toStream()
      .mapValues((count, key) => `${key}${count}`);
    await produce(log, 'words', 0, words('a', 'b', 'a'));
    const client = new Client();
    await runtime.start({
      id: 'push',
      topology: withResult(builder.build()),
      transient: { sink: client, window: 1 << 20 },
    });
    await expect.poll(() => client.texts.toSorted()).toEqual(['a1', 'a2', 'b1']);
    await produce(log, 'words', 1, words('b'));
    await expect.poll(() => client.texts.at(-1)).toBe('b2');
    await runtime.stop('push');
    expect(made).toEqual([]);
  });

  test('a transient query waits for a client that gives nothing back, and goes on when it does', async () => {
    const log = await open({ words: 1 });
    const runtime = start(log);
    const builder = new StreamsBuilder();
    builder
      .stream('words', { key: serdes.string, value: serdes.string })
      .mapValues((value) => value?.repeat(50_000) ?? null);
    const topology = withResult(builder.build());
    const client = new Client();
    const transient = { sink: client, window: 300_000 };
    await runtime.start({ id: 'push', topology, transient });
    const many = Array.from({ length: 400 }, () => 'x');
    await produce(log, 'words', 0, words(...many));
    await expect.poll(() => client.held).toBeGreaterThan(300_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The window, the step that went beyond it (64 records at first), and what that step left in its last batch.
    expect(client.held).toBeLessThan(300_000 + 65 * 65_536 * 2);
    expect(runtime.counters('push').recordsRead).toBeLessThan(200);
    while (client.texts.length < 400) {
      for (const batch of client.batches.splice(0)) {
        client.held -= batch.buffer.byteLength;
        runtime.acknowledge('push', batch);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(client.held).toBeLessThan(300_000 + 65 * 65_536 * 2);
    }
    expect(client.texts.every((row) => row.length === 50_000)).toBe(true);
    await runtime.stop('push');
  });

  test('a window that is set while a transient query starts counts from its first row on', async () => {
    const log = await open({ words: 1 });
    const runtime = start(log);
    const builder = new StreamsBuilder();
    builder
      .stream('words', { key: serdes.string, value: serdes.string })
      .mapValues((value) => value?.repeat(50_000) ?? null);
    await produce(log, 'words', 0, words(...Array.from({ length: 400 }, () => 'x')));
    const client = new Client();
    const transient = { sink: client, window: 1 << 30 };
    const starting = runtime.start({ id: 'push', topology: withResult(builder.build()), transient });
    runtime.setWindow('push', 300_000);
    await starting;
    await expect.poll(() => client.held).toBeGreaterThan(300_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client.held).toBeLessThan(300_000 + 65 * 65_536 * 2);
    await runtime.stop('push');
  });

  test('a query whose processor throws stops and says why; its neighbours go on', async () => {
    const log = await open({ words: 1, counted: 1, out: 1 });
    const events: RuntimeEvent[] = [];
    const runtime = start(log, { onEvent: (event) => events.push(event) });
    const builder = new StreamsBuilder();
    builder
      .stream('words', { key: serdes.string, value: serdes.string })
      .mapValues(
        (value) => {
          if (value === 'bomb') throw new TypeError('cannot read the bomb');
          return value;
        },
        { value: serdes.string },
      )
      .to('out');
    await runtime.start({ id: 'fragile', topology: builder.build() });
    await runtime.start({ id: 'count', topology: wordCount({ repartition: true }) });
    await produce(log, 'words', 0, words('a'));
    await runtime.awaitIdle();
    await produce(log, 'words', 0, words('b', 'bomb'));
    await produce(log, 'words', 0, words('c'));
    while (runtime.status('fragile').state === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
    await runtime.awaitIdle();
    expect(runtime.status('fragile')).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('cannot read the bomb') },
    });
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '1', b: '1', bomb: '1', c: '1' });
    expect((await consume(log, 'out')).map(({ value }) => value)).toEqual(['a']);
    await expect(runtime.read('fragile', 'x', utf8('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' });
  });

  test('a query cannot start on a topic that does not exist', async () => {
    const log = await open({ words: 1 });
    const runtime = start(log);
    await expect(runtime.start({ id: 'count', topology: wordCount({ repartition: true }) })).rejects.toMatchObject({
      code: 'TOPIC_UNKNOWN',
      message: 'the query writes the topic "counted", which does not exist',
    });
    expect(runtime.status('count').state).toBe('failed');
  });

  test('a query that starts at the latest record does not lose what comes before its first commit', async () => {
    const log = await open({ words: 1, counted: 1 });
    await produce(log, 'words', 0, [{ key: 'old', value: '1' }]);
    const topology = wordCount({ repartition: false });
    const first = newRuntime(log);
    await first.start({ id: 'count', topology, offsetReset: 'latest' });
    await first.close();
    await produce(log, 'words', 0, [{ key: 'new', value: '1' }]);
    const second = start(log);
    await second.start({ id: 'count', topology, offsetReset: 'latest' });
    await second.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toEqual({ new: '1' });
  });

  test('a forgotten query leaves no topics, offsets or state, and starts from nothing', async () => {
    const log = await open({ words: 1, counted: 1 });
    const shards = new Shards();
    const runtime = start(log, { openShard: shards.open });
    const topology = wordCount({ repartition: true });
    await runtime.start({ id: 'count', topology });
    await produce(log, 'words', 0, words('a', 'a'));
    await runtime.awaitIdle();
    await runtime.stop('count', { forget: true });
    expect((await log.describeTopics()).map(({ name }) => name)).toEqual([queriesTopic, 'counted', 'words']);
    expect(await log.groups()).toEqual([]);
    // Of the store nothing is left but the counter of its shard.
    expect([...shards.kvs.values()].map(({ size }) => size).filter((size) => size > 0)).toEqual([1]);
    await runtime.start({ id: 'count', topology });
    await runtime.awaitIdle();
    expect((await consume(log, 'counted')).map(({ value }) => value)).toEqual(['1', '2', '1', '2']);
  });

  test('records that retention has taken away are passed over, and that is said', async () => {
    const log = await open({ words: 1, counted: 1 });
    const events: RuntimeEvent[] = [];
    const runtime = start(log, { onEvent: (event) => events.push(event) });
    await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
    await produce(log, 'words', 0, [{ key: 'a', value: '1' }]);
    await runtime.awaitIdle();
    runtime.pause('count');
    for (const key of ['b', 'c', 'd']) {
      for (let i = 0; i < 10; i++) await produce(log, 'words', 0, [{ key, value: '1' }]);
    }
    await runtime.stop('count');
    await log.deleteRecords({ topic: 'words', partition: 0 }, 11);
    await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '1', c: '10', d: '10' });
    runtime.pause('count');
    // It stands at the end and waits there; what comes goes before it can be read.
    await log.deleteRecords({ topic: 'words', partition: 0 }, 31);
    runtime.resume('count');
    await produce(log, 'words', 0, [{ key: 'e', value: '1' }]);
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toMatchObject({ a: '1', e: '1' });
  });

  test('a query whose source topic is deleted and created again reads nothing of the new one', async () => {
    const log = await open({ words: 1, counted: 1 });
    const runtime = start(log);
    await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
    const words = (key: string, count: number): Row[] => Array.from({ length: count }, () => ({ key, value: '1' }));
    await produce(log, 'words', 0, words('former', 10));
    await runtime.awaitIdle();
    runtime.pause('count');
    // It keeps what it may, and asks for no more: it does not see that the topic is gone for a while.
    for (let i = 0; i < 30; i++) {
      await produce(log, 'words', 0, words('former', 5));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await log.deleteTopic('words');
    await log.createTopic({ name: 'words', partitions: 1 });
    await produce(log, 'words', 0, words('new', 500));
    runtime.resume('count');
    await runtime.awaitIdle();
    const hint = expect.stringContaining('"millrace repair --data DIR --reset-query count"');
    const error = { code: 'LOG_TOPIC_REPLACED', hint };
    expect(runtime.status('count')).toMatchObject({ state: 'failed', error });
    expect(lastOf(await consume(log, 'counted'))).not.toHaveProperty('new');
  });

  test.each(['exactly once', 'at least once'] as const)(
    'a query that commits after its source was replaced, %s, leaves no position in the new one',
    async (guarantee) => {
      const log = await open({ words: 1, counted: 1 });
      const cache = { bytes: 1e6, intervalMs: 60_000 };
      const query = { id: 'count', topology: wordCount({ repartition: false }), guarantee, cache };
      const shards = new Shards();
      const runtime = start(log, { limits: { commitIntervalMs: 60_000 }, openShard: shards.open });
      await runtime.start(query);
      const words = (count: number): Row[] => Array<Row>(count).fill({ key: 'a', value: '1' });
      await produce(log, 'words', 0, words(10));
      while (runtime.counters('count').recordsRead < 10) await pause(1);
      runtime.pause('count');
      // It keeps what it may, and asks for no more: it does not see that the topic is gone for a while.
      for (let i = 0; i < 30; i++) {
        await produce(log, 'words', 0, words(5));
        await pause(5);
      }
      await log.deleteTopic('words');
      await log.createTopic({ name: 'words', partitions: 1 });
      await produce(log, 'words', 0, words(500));
      expect(runtime.status('count').state).toBe('running');
      await runtime.stop('count');
      expect(await log.committed('count')).toEqual([]);
      const next = start(log, { openShard: shards.open });
      await expect(next.start(query)).rejects.toMatchObject({ code: 'QUERY_TOPIC_REPLACED' });
    },
  );

  test('a query whose source topic is deleted stops and says so; its neighbours go on', async () => {
    const log = await open({ words: 1, counted: 1, amounts: 1, sums: 1 });
    const runtime = start(log);
    await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
    await runtime.start({ id: 'sums', topology: minuteSums() });
    await runtime.awaitIdle();
    await log.deleteTopic('words');
    while (runtime.status('count').state === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
    const hint = expect.stringContaining('"millrace repair --data DIR --reset-query count"');
    expect(runtime.status('count')).toMatchObject({ state: 'failed', error: { code: 'LOG_UNKNOWN_TOPIC', hint } });
    await produce(log, 'amounts', 0, [{ key: 'a', value: '3', timestamp: 0 }]);
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'sums'))).toEqual({ 'a@0': '3' });
  });
});
