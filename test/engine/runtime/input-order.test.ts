/** Which input of a task is next, and what a task waits for. After the tables of Kafka's PartitionGroupTest. */

import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import { BlockPool } from '../../../engine/block.ts';
import { serdes, sink, source, Task, Topology } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { encodeBatch, nextOffsetOf, openMemoryLog, stampBatch } from '../../../storage/index.ts';
import { consume, newRuntime, produce, type Row, utf8 } from './support.ts';

const { string } = serdes;
const texts = { key: string, value: string };

/** A task over two inputs, one of which may be a table that is read first. What it takes is shown as `topic@time`. */
class Two {
  readonly taken: string[] = [];
  readonly task: Task;
  readonly #blocks = new BlockPool();
  readonly #ends = new Map<string, number>();

  constructor(maxIdleMs: number, how: { readonly bootstrap?: boolean } = {}) {
    const topology = new Topology();
    for (const topic of ['a', 'b']) {
      topology.addSource(topic, {
        topic,
        kind: topic === 'a' && how.bootstrap === true ? 'table' : 'stream',
        bootstrap: topic === 'a' && how.bootstrap === true,
        supplier: source({ value: string }),
      });
    }
    topology.addProcessor(
      'take',
      (context) => ({ process: ({ timestamp }) => void this.taken.push(`${context.inputTopic()}@${timestamp}`) }),
      ['a', 'b'],
    );
    const [subTopology] = topology.subTopologies();
    if (subTopology === undefined) throw new Error('no sub-topology');
    this.task = new Task({
      subTopology,
      applicationId: 'app',
      partition: 0,
      stores: () => {
        throw new Error('no stores');
      },
      outputs: () => ({ partitions: 1, maxBatchBytes: 1 << 20 }),
      outbox: { batch: () => undefined },
      drops: { drop: () => undefined },
      maxIdleMs,
    });
    this.start();
  }

  start(): void {
    this.task.start(this.task.inputs.map(({ topic }) => ({ topic, partition: 0, offset: 0 })));
  }

  /** Offers records of these times; `end` is where the partition ends, as far as is known, at the least behind them. */
  offer(topic: string, times: readonly number[], end?: number): this {
    const bytes = encodeBatch(times.map((timestamp) => ({ key: null, value: utf8('x'), timestamp })));
    const baseOffset = this.#ends.get(topic) ?? 0;
    stampBatch(bytes, { baseOffset, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
    const nextOffset = nextOffsetOf(bytes, 0);
    this.#ends.set(topic, nextOffset);
    const offsets = { start: 0, stable: nextOffset, end: nextOffset };
    const chunk = { topic, partition: 0, bytes, batches: [0], nextOffset, offsets, release() {} };
    const input = this.#input(topic);
    this.task.offer(input.index, this.#blocks.decode(chunk, input.fetchOffset), end ?? nextOffset);
    return this;
  }

  /** The topics begin again. */
  again(): void {
    this.#ends.clear();
  }

  /** There is nothing to read; `end` −1: where the partition ends is not known. */
  nothing(topic: string, end = this.#ends.get(topic) ?? 0): this {
    const input = this.#input(topic);
    this.task.sawEnd(input.index, input.fetchOffset, end);
    return this;
  }

  #input(topic: string): Task['inputs'][number] {
    const input = this.task.inputs.find((one) => one.topic === topic);
    if (input === undefined) throw new Error(`no input ${topic}`);
    return input;
  }

  /** What is taken at this moment. */
  at(elapsed: number): string[] {
    while (this.task.step(1000, elapsed) > 0);
    return this.taken.splice(0);
  }
}

describe('the input with the lowest time', () => {
  test('is next, in runs and one by one', () => {
    const two = new Two(0).offer('a', [1, 3, 5]).offer('b', [2, 4, 6]);
    expect(two.at(0)).toEqual(['a@1', 'b@2', 'a@3', 'b@4', 'a@5', 'b@6']);
    expect(two.offer('a', [7, 8, 20]).offer('b', [9, 10, 11]).at(0)).toEqual([
      'a@7',
      'a@8',
      'b@9',
      'b@10',
      'b@11',
      'a@20',
    ]);
  });

  test('is the one that comes first in the topology where times are equal', () => {
    expect(new Two(0).offer('b', [1, 1]).offer('a', [1, 1]).at(0)).toEqual(['a@1', 'a@1', 'b@1', 'b@1']);
  });

  test('is found by the head of each partition: what is out of order stays behind what was before it', () => {
    expect(new Two(0).offer('a', [5, 1]).offer('b', [3, 6]).at(0)).toEqual(['b@3', 'a@5', 'a@1', 'b@6']);
  });
});

describe('an input that has nothing buffered', () => {
  test('is waited for while it is behind, or does not know whether it is', () => {
    const two = new Two(0).offer('a', [5]);
    expect(two.at(0)).toEqual([]);
    expect(two.nothing('b', 3).at(1e9)).toEqual([]);
    expect(two.task.idleUntil).toBe(Infinity);
    expect(two.offer('b', [1, 2, 9], 3).at(0)).toEqual(['b@1', 'b@2', 'a@5', 'b@9']);
  });

  test('is not waited for at its end', () => {
    expect(new Two(0).offer('a', [5]).nothing('b').at(0)).toEqual(['a@5']);
  });

  test('is waited for at its end, for so long', () => {
    const two = new Two(100).offer('a', [5]).nothing('b');
    expect(two.at(1000)).toEqual([]);
    expect(two.task.idleUntil).toBe(1100);
    expect(two.at(1099)).toEqual([]);
    expect(two.at(1100)).toEqual(['a@5']);
    // It is not waited for again before it has had something.
    expect(two.offer('a', [6]).at(1101)).toEqual(['a@6']);
    two.offer('b', [4]);
    expect(two.at(1200)).toEqual([]);
    expect(two.task.idleUntil).toBe(1201);
  });

  test('is not waited for when the other has come to its end as well', () => {
    const two = new Two(100).nothing('a').nothing('b');
    expect(two.at(0)).toEqual([]);
    expect(two.task.idleUntil).toBe(Infinity);
  });

  test('brings what is older, if that comes in time', () => {
    const two = new Two(100).offer('a', [5]).nothing('b');
    expect(two.at(0)).toEqual([]);
    expect(two.offer('b', [1]).at(50)).toEqual(['b@1']);
    expect(two.at(149)).toEqual([]);
    expect(two.at(150)).toEqual(['a@5']);
  });

  test('is never waited for where that was chosen, whether it is behind or not', () => {
    const two = new Two(-1).offer('a', [5]).nothing('b', 7);
    expect(two.at(0)).toEqual(['a@5']);
    expect(two.offer('b', [1], 7).at(0)).toEqual(['b@1']);
  });
});

describe('a table that is read first', () => {
  test('is read to where it ended at the start, whatever the times; what comes later is taken in order of time', () => {
    const two = new Two(0, { bootstrap: true }).offer('b', [1, 60]);
    expect(two.at(0)).toEqual([]);
    expect(two.offer('a', [10, 20], 3).at(0)).toEqual(['a@10', 'a@20']);
    two.offer('a', [30, 50, 70], 5);
    expect(two.at(0)).toEqual(['a@30', 'b@1', 'a@50', 'b@60', 'a@70']);
  });

  test('that is empty holds nothing back', () => {
    expect(new Two(0, { bootstrap: true }).offer('b', [1]).nothing('a', 0).at(0)).toEqual(['b@1']);
  });

  test('is read first again behind a rollback', () => {
    const two = new Two(0, { bootstrap: true }).offer('a', [10, 20]).offer('b', [1]);
    expect(two.at(0)).toEqual(['a@10', 'a@20', 'b@1']);
    two.task.rollback(two.task.inputs.map(({ topic }) => ({ topic, partition: 0, offset: 0 })));
    two.again();
    expect(two.offer('b', [1]).at(0)).toEqual([]);
    expect(two.offer('a', [10, 20]).at(0)).toEqual(['a@10', 'a@20', 'b@1']);
  });

  test('joins with all its rows, while without it only older rows are joined', async () => {
    const joined = async (bootstrap: boolean): Promise<(string | null)[]> => {
      const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
      for (const name of ['people', 'visits', 'out']) await log.createTopic({ name, partitions: 1 });
      const row = (value: string, timestamp: number): Row => ({ key: 'k', value, timestamp });
      await produce(log, 'people', 0, [row('old', 10), row('new', 30)]);
      await produce(log, 'visits', 0, [row('first', 5), row('second', 20)]);
      const builder = new StreamsBuilder();
      const people = builder.table('people', { ...texts, bootstrap });
      builder
        .stream('visits', texts)
        .leftJoin(people, (visit, person) => `${visit} ${person}`, { value: string })
        .to('out');
      const runtime = newRuntime(log);
      await runtime.start({ id: 'app', topology: builder.build() });
      await runtime.awaitIdle();
      const rows = await consume(log, 'out');
      await runtime.close();
      await log.close();
      return rows.map(({ value }) => value);
    };
    expect(await joined(false)).toEqual(['first null', 'second old']);
    expect(await joined(true)).toEqual(['first new', 'second new']);
  });
});

test('a running query waits as long as it was told, by the clock of its host', async () => {
  const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
  for (const name of ['a', 'b', 'out']) await log.createTopic({ name, partitions: 1 });
  const topology = new Topology()
    .addSource('a', { topic: 'a', kind: 'stream', supplier: source({ value: string }) })
    .addSource('b', { topic: 'b', kind: 'stream', supplier: source({ value: string }) })
    .addSink('out', { topic: 'out', parents: ['a', 'b'], supplier: sink({ topic: 'out', value: string }) });
  const runtime = newRuntime(log);
  await runtime.start({ id: 'app', topology, maxTaskIdleMs: 300 });
  const begun = performance.now();
  await produce(log, 'a', 0, [{ key: null, value: 'x', timestamp: 5 }]);
  while ((await consume(log, 'out')).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(performance.now() - begun).toBeGreaterThan(250);
  await runtime.close();
  await log.close();
});

test('the test driver takes what is older at once, and waits again for the input that is empty then', () => {
  const builder = new StreamsBuilder();
  builder.stream('a', texts).merge(builder.stream('b', texts)).to('out');
  const driver = new TopologyTestDriver(builder.build(), { maxTaskIdleMs: 1000 });
  const taken = () => driver.output('out', texts).readValues();
  driver.input('a', texts).pipe('k', 'first', 0);
  driver.advanceWallClock(1);
  expect(taken()).toEqual([]);
  driver.input('b', texts).pipe('k', 'second', 1);
  expect(taken()).toEqual(['first']);
  driver.advanceWallClock(1000);
  expect(taken()).toEqual(['second']);
});

test('the test driver waits by its own clock', () => {
  const builder = new StreamsBuilder();
  builder.stream('a', texts).merge(builder.stream('b', texts)).to('out');
  const driver = new TopologyTestDriver(builder.build(), { maxTaskIdleMs: 100 });
  driver.input('a', texts).pipe('k', 'x', 5);
  expect(driver.output('out', texts).isEmpty).toBe(true);
  driver.advanceWallClock(99);
  expect(driver.output('out', texts).isEmpty).toBe(true);
  driver.advanceWallClock(1);
  expect(driver.output('out', texts).readAll()).toMatchObject([{ value: 'x' }]);
});
