/** Exceptions in code of users: where they happened is said, and the policy decides whether the stream goes on. */

import { describe, expect, test } from 'vitest';
import { assert } from '../../base/index.ts';
import { systemClock } from '../../base/node/index.ts';
import { ProcessingError, type RecordError, serdes, type Topology } from '../../engine/index.ts';
import { type KStream, StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';
import { openMemoryLog } from '../../storage/index.ts';
import { consume, newRuntime, produce } from './runtime/support.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };

const boom = (value: string | null): string | null => {
  if (value === 'boom') throw new Error(`no ${value} here`);
  return value;
};

/** Every function of the DSL that a user writes, one topology each: what is named `node` fails at the value `boom`. */
const nodes: Record<string, (stream: KStream<string, string>) => void> = {
  filter: (stream) => stream.filter((_key, value) => boom(value) !== null, { name: 'node' }).to('out'),
  map: (stream) => stream.map((key, value) => [key, boom(value)], { name: 'node', ...texts }).to('out'),
  mapValues: (stream) => stream.mapValues(boom, { name: 'node', value: string }).to('out'),
  flatMapValues: (stream) => stream.flatMapValues((value) => [boom(value)], { name: 'node', value: string }).to('out'),
  selectKey: (stream) => stream.selectKey((_key, value) => boom(value), { name: 'node', key: string }).to('out'),
  peek: (stream) => stream.peek((_key, value) => void boom(value), { name: 'node' }).to('out'),
  process: (stream) =>
    stream
      .process<string>(
        (context) => ({ process: (record) => context.forward({ ...record, value: boom(record.value) }) }),
        {
          name: 'node',
          value: string,
        },
      )
      .to('out'),
  aggregate: (stream) =>
    stream
      .groupByKey()
      .aggregate(
        () => '',
        (_key, value, text) => text + boom(value),
        { name: 'node', store: 'texts', value: string },
      )
      .toStream()
      .to('out'),
  join: (stream) =>
    stream
      .leftJoin(stream.toTable({ store: 'table' }), (value) => boom(value), { name: 'node', value: string })
      .to('out'),
};

const topologyOf = (add: (stream: KStream<string, string>) => void): Topology => {
  const builder = new StreamsBuilder();
  add(builder.stream('in', texts));
  return builder.build();
};

describe.each(Object.keys(nodes))('%s', (name) => {
  const topology = topologyOf(nodes[name] as (typeof nodes)[string]);

  test('fails with the place of the record', () => {
    const driver = new TopologyTestDriver(topology);
    const input = driver.input('in', texts);
    input.pipe('a', 'fine', 1);
    let thrown: unknown;
    try {
      input.pipe('b', 'boom', 2);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ProcessingError);
    expect(thrown).toMatchObject({
      code: 'PROCESSING_FAILED',
      message: 'the node "node" failed on the record in/0 offset 1 (task 0_0): no boom here',
      cause: { message: 'no boom here' },
      failure: { node: 'node', taskId: '0_0', topic: 'in', partition: 0, offset: 1, timestamp: 2 },
    });
  });

  test('goes on without the record where the policy is to continue', () => {
    const failures: RecordError[] = [];
    const driver = new TopologyTestDriver(topology, {
      onError: {
        processing(error) {
          failures.push(error);
          return 'continue';
        },
      },
    });
    const input = driver.input('in', texts);
    input.pipe('a', 'fine', 1);
    input.pipe('b', 'boom', 2);
    input.pipe('c', 'fine', 3);
    expect(
      driver
        .output('out', texts)
        .readAll()
        .map(({ timestamp }) => timestamp),
    ).toEqual([1, 3]);
    expect(driver.drops).toMatchObject([
      {
        reason: 'processing',
        node: 'node',
        topic: 'in',
        partition: 0,
        offset: 1,
        detail: 'no boom here',
        key: Uint8Array.of(98),
        value: new TextEncoder().encode('boom'),
      },
    ]);
    expect(failures.map(({ cause }) => String(cause))).toEqual(['Error: no boom here']);
  });
});

test('a branch that fails does not affect its siblings', () => {
  const topology = topologyOf((stream) => {
    const same = stream.filter(() => true);
    same.mapValues(boom, { value: string }).to('first');
    same.mapValues((value) => value, { value: string }).to('second');
  });
  const driver = new TopologyTestDriver(topology, { onError: { processing: 'continue' } });
  driver.input('in', texts).pipe('a', 'boom');
  expect(driver.output('first', texts).isEmpty).toBe(true);
  expect(driver.output('second', texts).readAll()).toMatchObject([{ value: 'boom' }]);
});

test('a punctuator that fails is passed over, or ends the task', () => {
  const topology = topologyOf((stream) =>
    stream.process(
      (context) => {
        context.schedule(10, 'wall clock', () => void boom('boom'));
        return { process: () => undefined };
      },
      { name: 'node' },
    ),
  );
  expect(() => new TopologyTestDriver(topology).advanceWallClock(10)).toThrow(
    'the node "node" failed (task 0_0): no boom here',
  );
  const driver = new TopologyTestDriver(topology, { onError: { processing: 'continue' } });
  driver.advanceWallClock(20);
  expect(driver.drops).toMatchObject([{ reason: 'processing', node: 'node', topic: '', offset: -1, key: null }]);
});

test('a failure of our own is never taken for that of a user', () => {
  const topology = topologyOf((stream) => void stream.peek(() => assert(false, 'a promise of ours is broken')));
  const driver = new TopologyTestDriver(topology, { onError: { processing: 'continue' } });
  expect(() => driver.input('in', texts).pipe('a', 'x')).toThrow('a promise of ours is broken');
  expect(driver.drops).toEqual([]);
});

test('an application whose code fails stops, and its status says where', async () => {
  const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
  for (const name of ['in', 'out']) await log.createTopic({ name, partitions: 1 });
  const rows = ['one', 'two', 'boom'].map((value) => ({ key: 'k', value, timestamp: 5 }));
  for (const row of rows) await produce(log, 'in', 0, [row]);
  const runtime = newRuntime(log);
  const topology = topologyOf((stream) => stream.mapValues(boom, { name: 'node', value: string }).to('out'));
  await runtime.start({ id: 'app', topology });
  await runtime.awaitIdle();
  expect(runtime.status('app')).toMatchObject({
    state: 'failed',
    error: {
      code: 'PROCESSING_FAILED',
      message: 'the node "node" failed on the record in/0 offset 2 (task 0_0): no boom here',
    },
  });
  // Nothing of the transaction is visible.
  expect((await consume(log, 'out')).every(({ value }) => value !== 'boom')).toBe(true);
  await runtime.close();
  await log.close();
});

test('a processor that asks for a commit does not wait for the interval', async () => {
  const commitsOf = async (asks: boolean): Promise<number> => {
    const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
    for (const name of ['in', 'out']) await log.createTopic({ name, partitions: 1 });
    const rows = Array.from({ length: 40_000 }, (_, i) => ({ key: 'k', value: String(i), timestamp: i }));
    await produce(log, 'in', 0, rows);
    const runtime = newRuntime(log, { limits: { commitIntervalMs: 60_000 } });
    const topology = topologyOf((stream) =>
      stream
        .process<string>(
          (context) => ({
            process(record) {
              context.forward(record);
              if (asks && record.value === '100') context.commit();
            },
          }),
          { value: string },
        )
        .to('out'),
    );
    await runtime.start({ id: 'app', topology });
    await runtime.awaitIdle();
    const { commits } = runtime.counters('app');
    expect((await consume(log, 'out')).length).toBe(40_000);
    await runtime.close();
    await log.close();
    return commits;
  };
  expect(await commitsOf(false)).toBe(1);
  expect(await commitsOf(true)).toBeGreaterThan(1);
});

test('a count that fails on its key keeps what it had', () => {
  const topology = topologyOf((stream) =>
    stream
      .groupBy((_key, value) => boom(value), { key: string })
      .count({ store: 'counts', value: int64 })
      .toStream()
      .to('out'),
  );
  const driver = new TopologyTestDriver(topology, { onError: { processing: 'continue' } });
  const input = driver.input('in', texts);
  for (const value of ['a', 'boom', 'a']) input.pipe(null, value);
  expect(driver.output('out', { key: string, value: int64 }).readTable()).toEqual(new Map([['a', 2]]));
});
