import { beforeEach, expect, test } from 'vitest';
import type { ByteWriter } from '../../base/index.ts';
import {
  aggregate,
  BlockPool,
  byValue,
  type Drop,
  filter,
  joinStreamTable,
  mapValues,
  type PartitionPosition,
  peek,
  repartitionSink,
  repartitionSource,
  type SourceOperator,
  type StreamRecord,
  serdes,
  sessionAggregate,
  sessions,
  sink,
  source,
  storedRows,
  Task,
  type TaskInput,
  type TaskOptions,
  Topology,
  tableSource,
  toStream,
  tumbling,
  windowAggregate,
} from '../../engine/index.ts';
import { createStore } from '../../engine/stores/store-kinds.ts';
import {
  decodeBatch,
  encodeBatch,
  nextOffsetOf,
  type PlainRecord,
  RecordColumns,
  stampBatch,
} from '../../storage/index.ts';

const { string, float64 } = serdes;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const shown = (bytes: Uint8Array | null): string => (bytes === null ? '-' : new TextDecoder().decode(bytes));

type Line = {
  readonly key?: string | null;
  readonly value?: string | null;
  readonly at?: number;
  readonly headers?: PlainRecord['headers'];
};

/** One task under a microscope: what was handed out, what was dropped, and the offsets of topics that nobody reads. */
class Bench {
  readonly sent: { topic: string; partition: number; records: string[]; bytes: Uint8Array }[] = [];
  readonly drops: Drop[] = [];
  readonly blocks = new BlockPool();
  readonly ends = new Map<string, number>();
  readonly task: Task;
  #batches = new Map<string, Uint8Array[]>();

  constructor(topology: Topology, options: Partial<TaskOptions> & { readonly piece?: number } = {}) {
    const piece = topology.subTopologies()[options.piece ?? 0];
    if (piece === undefined) throw new Error('no such piece');
    this.task = new Task({
      subTopology: piece,
      applicationId: 'app',
      partition: 0,
      stores: (spec) => createStore(spec, { kv: undefined, storeId: 0 }),
      outputs: () => ({ partitions: 1, maxBatchBytes: 1 << 20 }),
      outbox: {
        batch: (topic, partition, bytes) => {
          const columns = new RecordColumns();
          columns.reset(bytes);
          decodeBatch(bytes, 0, columns, 0);
          const records: string[] = [];
          for (let row = 0; row < columns.count; row++) {
            const { key, value, timestamp } = columns.record(row);
            records.push(`${shown(key)}:${shown(value)}@${timestamp}`);
          }
          this.sent.push({ topic, partition, records, bytes });
          this.ends.set(topic, (this.ends.get(topic) ?? 0) + columns.count);
        },
      },
      drops: { drop: (drop) => this.drops.push(drop) },
      ...options,
    });
    this.task.start(this.task.inputs.map(({ topic, partition }) => ({ topic, partition, offset: 0 })));
  }

  input(topic: string): TaskInput {
    const found = this.task.inputs.find((input) => input.topic === topic);
    if (found === undefined) throw new Error(`no input ${topic}`);
    return found;
  }

  /** Appends a batch to a topic without telling the task. */
  append(topic: string, lines: readonly Line[]): void {
    const bytes = encodeBatch(
      lines.map(({ key = null, value = null, at = 0, headers = [] }) => ({
        key: key === null ? null : text(key),
        value: value === null ? null : text(value),
        timestamp: at,
        headers,
      })),
    );
    const baseOffset = this.end(topic);
    stampBatch(bytes, { baseOffset, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
    this.#batches.set(topic, [...(this.#batches.get(topic) ?? []), bytes]);
  }

  end(topic: string): number {
    const last = this.#batches.get(topic)?.at(-1);
    return last === undefined ? 0 : nextOffsetOf(last, 0);
  }

  /** Offers the batches of a topic from the input's place on, or tells it that there is nothing. */
  feed(topic: string): void {
    const input = this.input(topic);
    const end = this.end(topic);
    let offered = false;
    for (const bytes of this.#batches.get(topic) ?? []) {
      if (nextOffsetOf(bytes, 0) <= input.fetchOffset) continue;
      const chunk = { topic, partition: 0, bytes, batches: [0], nextOffset: nextOffsetOf(bytes, 0), release() {} };
      const block = this.blocks.decode({ ...chunk, offsets: { start: 0, stable: end, end } }, input.fetchOffset);
      this.task.offer(input.index, block, end);
      offered = true;
    }
    if (!offered) this.task.sawEnd(input.index, end, end);
  }

  feedAll(): void {
    for (const { topic } of this.task.inputs) this.feed(topic);
  }

  drain(): number {
    let steps = 0;
    for (let done = this.task.step(1000); done > 0; done = this.task.step(1000)) steps += done;
    return steps;
  }

  commit(): void {
    this.task.flush();
    this.task.commit(this.ends);
  }
}

const passThrough = (...topics: string[]): Topology => {
  const topology = new Topology();
  for (const topic of topics) {
    topology.addSource(topic, {
      topic,
      kind: topic === 'table' ? 'table' : 'stream',
      supplier: source({ value: string }),
    });
  }
  return topology.addSink('out', {
    topic: 'out',
    parents: topics,
    supplier: sink({ topic: 'out', value: string }),
  });
};

let bench: Bench;

test('a task hands over its batches and its positions at a flush', () => {
  bench = new Bench(passThrough('in'));
  bench.append('in', [
    { key: 'a', value: '1', at: 5 },
    { key: 'b', value: null, at: 6 },
  ]);
  expect(bench.task.wants().map(({ topic, fetchOffset }) => [topic, fetchOffset])).toEqual([['in', 0]]);
  bench.feedAll();
  expect(bench.task.drained).toBe(false);
  expect(bench.drain()).toBe(2);
  expect(bench.task.drained).toBe(true);
  expect(bench.sent).toEqual([]);
  expect(bench.task.inputs.map(({ pending }) => pending)).toEqual([2]);
  const { positions, records } = bench.task.flush();
  expect({ positions, records }).toEqual({ positions: [{ topic: 'in', partition: 0, offset: 2 }], records: 2 });
  expect(bench.sent.map((batch) => batch.records)).toEqual([['a:1@5', 'b:-@6']]);
  expect(bench.task.counters.recordsOut).toBe(0);
  bench.task.commit(new Map());
  expect(bench.task.inputs.map(({ pending }) => pending)).toEqual([0]);
  expect([bench.task.counters.recordsRead, bench.task.counters.recordsOut]).toEqual([2, 2]);
  expect(bench.task.flush().records).toBe(0);
});

test('a batch leaves as soon as it is full', () => {
  bench = new Bench(passThrough('in'));
  bench.append(
    'in',
    Array.from({ length: 3000 }, (_, at) => ({ key: `k${at}`, value: 'x'.repeat(100) })),
  );
  bench.feedAll();
  bench.drain();
  expect(bench.sent.length).toBeGreaterThan(1);
  for (const { bytes } of bench.sent) expect(bytes.length).toBeLessThanOrEqual(128 * 1024);
});

test('a record larger than the topic takes is left out', () => {
  bench = new Bench(passThrough('in'), { outputs: () => ({ partitions: 1, maxBatchBytes: 500 }) });
  bench.append('in', [
    { key: 'a', value: 'x'.repeat(200) },
    { key: 'b', value: 'x'.repeat(600) },
    { key: 'c', value: 'x'.repeat(200) },
    { key: 'd', value: 'x'.repeat(200) },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(bench.drops.map(({ reason, offset }) => [reason, offset])).toEqual([['serialization', 1]]);
  expect(bench.sent.flatMap(({ records }) => records.map((record) => record[0]))).toEqual(['a', 'c', 'd']);
  for (const { bytes } of bench.sent) expect(bytes.length).toBeLessThanOrEqual(500);
});

test('records that are invisible move the position', () => {
  bench = new Bench(passThrough('in'));
  bench.task.sawEnd(0, 7, 7);
  expect(bench.task.position(0)).toBe(7);
  expect(bench.task.drained).toBe(true);
  expect(bench.task.flush()).toMatchObject({ positions: [{ topic: 'in', partition: 0, offset: 7 }], records: 0 });
});

const order = (): string[] => bench.sent.flatMap(({ records }) => records);

test('of several inputs the record with the lowest time goes first', () => {
  bench = new Bench(passThrough('left', 'right'));
  bench.append('left', [
    { key: 'l', value: '1', at: 1 },
    { key: 'l', value: '2', at: 4 },
    { key: 'l', value: '3', at: 3 },
    { key: 'l', value: '4', at: 9 },
  ]);
  bench.append('right', [
    { key: 'r', value: '1', at: 2 },
    { key: 'r', value: '2', at: 4 },
    { key: 'r', value: '3', at: 5 },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(order()).toEqual(['l:1@1', 'r:1@2', 'l:2@4', 'l:3@3', 'r:2@4', 'r:3@5', 'l:4@9']);
});

test('tables go before streams where times are equal', () => {
  bench = new Bench(passThrough('stream', 'table'));
  expect(bench.task.inputs.map(({ topic }) => topic)).toEqual(['table', 'stream']);
  bench.append('stream', [{ key: 's', value: '1', at: 4 }]);
  bench.append('table', [
    { key: 't', value: '1', at: 4 },
    { key: 't', value: '2', at: 5 },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(order()).toEqual(['t:1@4', 's:1@4', 't:2@5']);
});

test('an input with nothing at hand is waited for until it is known to be at its end', () => {
  bench = new Bench(passThrough('left', 'right'));
  bench.append('left', [
    { key: 'l', value: '1', at: 1 },
    { key: 'l', value: '2', at: 10 },
  ]);
  bench.append('right', [{ key: 'r', value: '1', at: 5 }]);
  bench.feed('left');
  expect(bench.drain()).toBe(0);
  // It has more than was fetched.
  bench.task.sawEnd(bench.input('right').index, 0, 1);
  expect(bench.drain()).toBe(0);
  bench.feed('right');
  expect(bench.drain()).toBe(3);
  bench.commit();
  expect(order()).toEqual(['l:1@1', 'r:1@5', 'l:2@10']);
});

test('one topic read by two sources is read once, each record by both', () => {
  const seen: string[] = [];
  const topology = new Topology()
    .addSource('one', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addSource('two', { topic: 'in', kind: 'table', supplier: source({ value: string }) })
    .addProcessor(
      'p',
      peek<string>(({ value }) => void seen.push(`stream ${value}`)),
      ['one'],
    )
    .addProcessor(
      'q',
      peek<string>(({ value }) => void seen.push(`table ${value}`)),
      ['two'],
    );
  bench = new Bench(topology);
  expect(bench.task.inputs.length).toBe(1);
  bench.append('in', [{ value: '1' }, { value: '2' }]);
  bench.feedAll();
  expect(bench.drain()).toBe(2);
  expect(seen).toEqual(['table 1', 'stream 1', 'table 2', 'stream 2']);
});

test('a source that takes time from the value sets the order of inputs', () => {
  const byValue = (...args: Parameters<ReturnType<typeof source<string>>>): SourceOperator => ({
    run: source({ value: string })(...args).run,
    timestampAt: ({ columns }, row) =>
      Number(shown(columns.bytes.slice(columns.valueStart[row], columns.valueEnd[row]))),
  });
  const topology = new Topology()
    .addSource('left', { topic: 'left', kind: 'stream', supplier: byValue })
    .addSource('right', { topic: 'right', kind: 'stream', supplier: byValue })
    .addSink('out', { topic: 'out', parents: ['left', 'right'], supplier: sink({ topic: 'out', value: string }) });
  bench = new Bench(topology);
  bench.append('left', [{ value: '3' }, { value: '5' }]);
  bench.append('right', [{ value: '2' }, { value: '4' }]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(order()).toEqual(['-:2@0', '-:3@0', '-:4@0', '-:5@0']);
});

test('two children get every record, in the order in which they were added', () => {
  const seen: string[] = [];
  const note = (name: string) => peek<string>(({ value }) => void seen.push(`${name}${value}`));
  const topology = new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addProcessor('a', note('a'), ['in'])
    .addProcessor('b', note('b'), ['in'])
    .addProcessor('c', note('c'), ['a']);
  bench = new Bench(topology);
  bench.append('in', [{ value: '1' }, { value: '2' }]);
  bench.feedAll();
  bench.drain();
  expect(seen).toEqual(['a1', 'c1', 'b1', 'a2', 'c2', 'b2']);
});

const number = {
  name: 'number',
  write(value: number, out: ByteWriter) {
    out.utf8(String(value));
  },
  read: (bytes: Uint8Array, start: number, end: number) => Number(string.read(bytes, start, end)),
};

const summing = (): Topology =>
  new Topology()
    .addSource('table', { topic: 'table', kind: 'table', supplier: source({ value: number }) })
    .addStore({ name: 'rates', kind: 'key-value' })
    .addProcessor('rates-table', tableSource<number>({ store: 'rates', row: number }), ['table'], { stores: ['rates'] })
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: number }) })
    .addProcessor(
      'join',
      joinStreamTable<number, number, number>({
        table: storedRows('rates', number),
        join: (record, rate) => (record.value ?? 0) * (rate ?? 1),
        left: true,
      }),
      ['in'],
      { stores: ['rates'] },
    )
    .addProcessor(
      'kept',
      filter((record: StreamRecord<number>) => record.value !== 13),
      ['join'],
    )
    .addStore({ name: 'sums', kind: 'key-value' })
    .addProcessor(
      'sum',
      aggregate({
        store: 'sums',
        accumulation: byValue<number, number>(
          float64,
          () => 0,
          (sum, { value }) => sum + (value ?? 0),
        ),
      }),
      ['kept'],
      { stores: ['sums'] },
    )
    .addProcessor('changes', toStream<number>(), ['sum'])
    .addProcessor(
      'rounded',
      mapValues((record: StreamRecord<number>) => record.value),
      ['changes'],
    )
    .addSink('out', { topic: 'out', parents: ['rounded'], supplier: sink({ topic: 'out', value: number }) });

test('after a rollback the same records bring the same outputs', () => {
  bench = new Bench(summing());
  const lines = Array.from({ length: 200 }, (_, at) => ({ key: `k${at % 7}`, value: String(at % 15), at }));
  const rates = Array.from({ length: 40 }, (_, at) => ({ key: `k${at % 7}`, value: String(at % 5), at: at * 5 }));
  bench.append('in', [...lines.slice(0, 90), { key: null, value: '1', at: 90 }]);
  bench.append('in', lines.slice(90));
  bench.append('table', rates.slice(0, 10));
  bench.append('table', rates.slice(10));

  // Straight through, a commit after the first third.
  const positions = () => bench.task.inputs.map(({ topic, position }) => ({ topic, partition: 0, offset: position }));
  bench.feedAll();
  bench.task.step(80);
  bench.commit();
  const committed = positions();
  bench.drain();
  bench.task.flush();
  const straight = bench.sent.map(({ topic, records }) => ({ topic, records }));
  const dropped = bench.drops.length;

  // Once more, with transactions that fail after any number of records.
  const after = bench.sent.length;
  for (const records of [0, 1, 33, 101]) {
    bench.task.rollback(committed);
    expect(positions()).toEqual(committed);
    for (const { pending } of bench.task.inputs) expect(pending).toBe(0);
    bench.feedAll();
    bench.task.step(records);
    if (records === 33) bench.task.flush();
  }
  bench.task.rollback(committed);
  bench.sent.length = after;
  bench.drops.length = 0;
  bench.feedAll();
  bench.drain();
  bench.task.flush();
  const firstThird = straight.findIndex(({ topic }) => topic === 'out') + 1;
  expect(bench.sent.slice(after).map(({ topic, records }) => ({ topic, records }))).toEqual(straight.slice(firstThird));
  expect(bench.drops.length).toBe(dropped);
  bench.task.commit(bench.ends);
  expect(bench.task.counters.drops).toEqual(new Map([['null-key', 1]]));
});

test('state changes reach the changelog, one entry for each changed key', () => {
  bench = new Bench(summing());
  bench.append('in', [
    { key: 'a', value: '1' },
    { key: 'a', value: '2' },
    { key: 'b', value: '3' },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  const changelog = bench.sent.filter(({ topic }) => topic === 'app-sums-changelog');
  expect(changelog.flatMap(({ records }) => records).length).toBe(2);
  expect(bench.task.stores.map(({ changelog: topic }) => topic)).toEqual(['app-rates-changelog', 'app-sums-changelog']);
});

test('what is left out is reported with its place and its original bytes', () => {
  const topology = new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: float64 }) })
    .addSink('out', { topic: 'out', parents: ['in'], supplier: sink({ topic: 'out', value: float64 }) });
  bench = new Bench(topology);
  bench.append('in', [
    { key: 'a', value: '12345678', at: 1 },
    { key: 'b', value: 'not eight bytes', at: 2 },
    { key: 'c', value: '12345678', at: -3 },
  ]);
  bench.feedAll();
  bench.drain();
  expect(bench.drops).toEqual([
    {
      reason: 'deserialization',
      taskId: '0_0',
      node: 'in',
      topic: 'in',
      partition: 0,
      offset: 1,
      timestamp: 2,
      detail: 'float64 takes 8 bytes, there are 15',
      key: text('b'),
      value: text('not eight bytes'),
      headers: [],
    },
    {
      reason: 'invalid-timestamp',
      taskId: '0_0',
      node: 'in',
      topic: 'in',
      partition: 0,
      offset: 2,
      timestamp: -3,
      detail: 'the timestamp -3 is not one that a record may have',
      key: text('c'),
      value: text('12345678'),
      headers: [],
    },
  ]);
});

// ---------------------------------------------------------------- origins

const counting = (graceMs: number, retentionMs: number): Topology =>
  new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addRepartition('by-key', {
      parents: ['in'],
      sink: repartitionSink<string>({ name: 'by-key', value: string }),
      source: repartitionSource<string>({ value: string }),
    })
    .addStore({ name: 'counts', kind: 'window', retentionMs })
    .addProcessor(
      'count',
      windowAggregate({
        store: 'counts',
        windows: tumbling(10),
        graceMs,
        retentionMs,
        accumulation: byValue(
          float64,
          () => 0,
          (count) => count + 1,
        ),
      }),
      ['by-key'],
      { stores: ['counts'] },
    )
    .addProcessor('changes', toStream<number>(), ['count'])
    .addSink('out', {
      topic: 'out',
      parents: ['changes'],
      supplier: sink({ topic: 'out', value: number, windowBytes: 8 }),
    });

const topic = 'app-by-key-repartition';

/** The header with an origin time; with a low watermark it begins a batch. */
const origin = (time: number, low?: number) => {
  const value = new DataView(new ArrayBuffer(low === undefined ? 8 : 16));
  value.setBigInt64(0, BigInt(time));
  if (low !== undefined) value.setBigInt64(8, BigInt(low));
  return { key: 'millrace.time', value: new Uint8Array(value.buffer) };
};

/** The headers of the records of a batch: times as numbers, others as text. */
const headersOf = (bytes: Uint8Array): unknown[][] => {
  const columns = new RecordColumns();
  columns.reset(bytes);
  decodeBatch(bytes, 0, columns, 0);
  return Array.from({ length: columns.count }, (_, row) =>
    columns.record(row).headers.map(({ key, value }) => {
      if (key !== 'millrace.time' || value === null) return [key, shown(value)];
      const view = new DataView(value.buffer, value.byteOffset, value.length);
      return Array.from({ length: value.length / 8 }, (_, at) => Number(view.getBigInt64(at * 8)));
    }),
  );
};

const user = { key: 'user', value: text('x') };

test('where several tasks write a topic, batches begin with origin time and low watermark, and a record behind its time says so', () => {
  bench = new Bench(counting(0, 10), { tasks: 3 });
  bench.task.setLow({ subTopologies: [500, 400], mixed: [false, true], ownTimes: new Map() });
  bench.append('in', [
    { key: 'a', value: '1', at: 1000, headers: [user] },
    { key: 'a', value: '2', at: 1000 },
    { key: 'a', value: '3', at: 990, headers: [user] },
    { value: '4', at: 5000 },
    { key: 'a', value: '5', at: 1001 },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(headersOf(bench.sent[0]?.bytes ?? new Uint8Array())).toEqual([
    [
      [1000, 500],
      ['user', 'x'],
    ],
    [],
    [[1000], ['user', 'x']],
    [],
  ]);
  expect(bench.drops.map(({ reason }) => reason)).toEqual(['null-key']);
});

test('a task that is alone writes no origin times but those that it has read, each kind in batches of its own', () => {
  bench = new Bench(counting(0, 10));
  bench.append('in', [
    { key: 'a', value: '1', at: 1000 },
    { key: 'a', value: '2', at: 3 },
  ]);
  bench.append('in', [
    { key: 'a', value: '3', at: 7, headers: [origin(8, 2), user] },
    { key: 'a', value: '4', at: 9 },
  ]);
  bench.append('in', [{ key: 'a', value: '5', at: 4 }]);
  bench.feedAll();
  bench.drain();
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(bench.sent.map(({ bytes }) => headersOf(bytes))).toEqual([
    [[], []],
    [
      [
        [8, -1],
        ['user', 'x'],
      ],
      [],
    ],
    [[]],
  ]);
});

test('a task goes on from the times of its outputs, after a rollback and in its next life', () => {
  const started = (positions?: PartitionPosition[]): Bench => {
    const made = new Bench(counting(0, 10), { tasks: 2 });
    if (positions !== undefined) made.task.start(positions);
    return made;
  };
  const write = (at: number): unknown[][] | undefined => {
    bench.append('in', [{ key: 'a', value: 'x', at }]);
    bench.feedAll();
    bench.drain();
    bench.task.handOverRepartitions();
    return headersOf(bench.sent.at(-1)?.bytes ?? new Uint8Array());
  };
  bench = started();
  write(1000);
  const { positions } = bench.task.flush();
  bench.task.commit(new Map());
  expect(positions).toEqual([{ topic: 'in', partition: 0, offset: 1, metadata: 'times 1000' }]);
  write(2000);
  bench.task.rollback(positions);
  expect(bench.task.inputTimes()[0]?.time).toBe(1000);
  bench = started([{ topic: 'in', partition: 0, offset: 0, metadata: 'times 1000' }]);
  expect(write(7)).toEqual([[[1000, -1]]]);
  // What is no such text, or not whole, is no reason to stop.
  for (const metadata of ['times', 'times x', 'else', '']) {
    bench = started([{ topic: 'in', partition: 0, offset: 0, metadata }]);
    expect(write(7)).toEqual([[[7, -1]]]);
  }
});

test('origins at different places in time drop nothing that is in time', () => {
  bench = new Bench(counting(0, 1_000_000), { piece: 1 });
  bench.append(topic, [{ key: 'a', value: 'x', at: 1000, headers: [origin(1000, -1)] }]);
  bench.append(topic, [{ key: 'a', value: 'x', at: 5, headers: [origin(5, -1)] }]);
  bench.append(topic, [
    { key: 'a', value: 'x', at: 999, headers: [origin(1000, -1)] },
    { key: 'a', value: 'x', at: 1010 },
    { key: 'a', value: 'x', at: 15 },
    { key: 'a', value: 'x', at: 9, headers: [origin(15)] },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(bench.drops.map(({ reason, offset }) => [reason, offset])).toEqual([
    ['late', 2],
    ['late', 5],
  ]);
  expect(bench.sent.filter((batch) => batch.topic === 'out').flatMap(({ records }) => records).length).toBe(4);
});

test('a session that was over by a later origin, and has been overlapped since, is joined by a record of an earlier one', () => {
  const sessionsOf = new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addStore({ name: 'sessions', kind: 'ordered', retentionMs: 5 })
    .addProcessor(
      'count',
      sessionAggregate({
        store: 'sessions',
        windows: sessions(5),
        graceMs: 0,
        retentionMs: 5,
        accumulation: {
          ...byValue<string, number>(
            float64,
            () => 0,
            (count) => count + 1,
          ),
          merge: (count: number, other: number) => count + other,
        },
      }),
      ['in'],
      { stores: ['sessions'] },
    )
    .addSink('out', {
      topic: 'out',
      parents: ['count'],
      supplier: sink({ topic: 'out', value: number, windowBytes: 16 }),
    });
  bench = new Bench(sessionsOf);
  bench.append('in', [
    { key: 'a', value: 'x', at: 100, headers: [origin(100, -1)] },
    { key: 'a', value: 'x', at: 104, headers: [origin(107)] },
    { key: 'a', value: 'x', at: 99, headers: [origin(107)] },
    { key: 'a', value: 'x', at: 94, headers: [origin(107)] },
    { key: 'a', value: 'x', at: 100, headers: [origin(100)] },
  ]);
  bench.feedAll();
  bench.drain();
  bench.commit();
  expect(bench.drops).toEqual([]);
  const out = bench.sent.filter((batch) => batch.topic === 'out').flatMap(({ records }) => records);
  const results = out.map((record) => record.slice(record.lastIndexOf(':') + 1));
  expect(results.slice(0, 2)).toEqual(['1@100', '1@104']);
  // It takes the second session back to 99 and to 94.
  expect(results.slice(2, 6)).toEqual(['-@104', '2@104', '-@104', '3@104']);
  expect(results.slice(6)).toEqual(['-@100', '-@104', '5@104']);
});

test('a batch has origin times even where reading begins within it', () => {
  bench = new Bench(counting(0, 1_000_000), { piece: 1 });
  bench.append(topic, [
    { key: 'a', value: 'x', at: 1000, headers: [origin(1000, -1)] },
    { key: 'a', value: 'x', at: 5 },
    { key: 'a', value: 'x', at: 6 },
  ]);
  bench.feedAll();
  bench.task.step(2);
  bench.commit();
  const positions = [{ topic, partition: 0, offset: bench.task.position(0) }];
  expect(positions[0]?.offset).toBe(2);
  bench.task.step(1);
  bench.task.rollback(positions);
  bench.feedAll();
  expect(bench.drain()).toBe(1);
  bench.commit();
  expect(bench.drops).toEqual([]);
});

test('windows over several origins expire by the low watermark, those over one by its own time', () => {
  const windows = (): number[] => {
    const store = bench.task.stores[0]?.store;
    return store?.kind === 'window' ? store.committedWindows() : [];
  };
  const read = (...lines: Line[]): void => {
    bench.append(topic, lines);
    bench.feedAll();
    bench.drain();
    bench.commit();
  };
  const low = (time: number): void =>
    bench.task.setLow({ subTopologies: [0, time], mixed: [false, true], ownTimes: new Map() });
  bench = new Bench(counting(0, 20), { piece: 1 });
  read({ key: 'a', value: 'x', at: 5, headers: [origin(5, -1)] }, { key: 'a', value: 'x', at: 100 });
  // Nothing is known yet of what may still come.
  expect(windows()).toEqual([0, 100]);
  low(30);
  read({ key: 'a', value: 'x', at: 30, headers: [origin(30, -1)] });
  expect(windows()).toEqual([30, 100]);
  low(5000);
  read({ key: 'a', value: 'x', at: 110, headers: [origin(110, 30)] });
  expect(windows()).toEqual([100, 110]);

  bench = new Bench(counting(0, 20), { piece: 1 });
  read({ key: 'a', value: 'x', at: 5 }, { key: 'a', value: 'x', at: 100 });
  expect(windows()).toEqual([100]);
});

beforeEach(() => bench?.task.close());

/** A source that needs something for its blocks, which comes when the test says so. */
const slowSource = (answers: { resolve: () => void; reject: (error: Error) => void; from: number }[]): Topology =>
  new Topology()
    .addSource('slow', {
      topic: 'slow',
      kind: 'stream',
      supplier: (context, forward) => ({
        ...source({ value: string })(context, forward),
        prepare: (_block, from) =>
          new Promise<void>((resolve, reject) => {
            answers.push({ resolve, reject, from });
          }),
      }),
    })
    .addSource('quick', { topic: 'quick', kind: 'stream', supplier: source({ value: string }) })
    .addSink('out', { topic: 'out', parents: ['slow', 'quick'], supplier: sink({ topic: 'out', value: string }) });

test('a block is stepped when what its source needs has come; until then the other inputs wait too', async () => {
  const answers: Parameters<typeof slowSource>[0] = [];
  const told: unknown[] = [];
  const preparation = { ready: () => told.push('ready'), failed: (error: unknown) => told.push(error) };
  bench = new Bench(slowSource(answers), { preparation });
  bench.append('slow', [{ value: 's1', at: 1 }]);
  bench.append('quick', [{ value: 'q2', at: 2 }]);
  bench.feedAll();
  expect(bench.drain()).toBe(0);
  expect(answers.map(({ from }) => from)).toEqual([0]);
  // A block that is taken away before it was ready must not make the next one ready.
  bench.task.rollback(bench.task.inputs.map(({ topic, partition }) => ({ topic, partition, offset: 0 })));
  bench.feedAll();
  answers[0]?.resolve();
  await Promise.resolve();
  expect(bench.drain()).toBe(0);
  expect(told).toEqual([]);
  answers[1]?.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(told).toEqual(['ready']);
  expect(bench.drain()).toBe(2);
  bench.commit();
  expect(bench.sent.flatMap(({ records }) => records)).toEqual(['-:s1@1', '-:q2@2']);
  bench.append('slow', [{ value: 's3', at: 3 }]);
  bench.feed('slow');
  answers[2]?.reject(new Error('no answer'));
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(String(told[1])).toBe(
    'PreparationError: what is needed to read records of slow could not be fetched: no answer',
  );
});

test('a driver that cannot wait is told so by the first block that needs it', () => {
  bench = new Bench(slowSource([]));
  bench.append('slow', [{ value: 's1' }]);
  expect(() => bench.feed('slow')).toThrow(/prepares a block/);
});
