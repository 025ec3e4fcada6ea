/** Shared reading: what many queries read of one topic is fetched and decoded once. */

import { expect, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { consume, newRuntime, openLog, produce } from './support.ts';

const passing = (remainder: number): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('numbers', { key: serdes.string, value: serdes.string })
    .filter((_key, value) => Number(value) % 100 === remainder)
    .to(`out-${remainder}`);
  return builder.build();
};

test('a hundred queries over one topic fetch and decode each batch once', async () => {
  const log = await openLog('memory');
  await log.createTopic({ name: 'numbers', partitions: 1 });
  const runtime = newRuntime(log);
  for (let i = 0; i < 100; i++) {
    await log.createTopic({ name: `out-${i}`, partitions: 1 });
    await runtime.start({ id: `q${i}`, topology: passing(i) });
  }
  const batches = 50;
  for (let batch = 0; batch < batches; batch++) {
    const rows = Array.from({ length: 200 }, (_, i) => ({ key: null, value: String(batch * 200 + i) }));
    await produce(log, 'numbers', 0, rows);
  }
  await runtime.awaitIdle();
  const counters = (await runtime.threadCounters()).get(0);
  expect(counters?.batchesDecoded).toBe(batches);
  expect(counters?.recordsDecoded).toBe(batches * 200);
  for (const i of [0, 42, 99]) {
    const values = (await consume(log, `out-${i}`)).map(({ value }) => Number(value));
    expect(values).toEqual(Array.from({ length: batches * 2 }, (_, j) => j * 100 + i));
    expect(runtime.counters(`q${i}`).recordsRead).toBe(batches * 200);
  }
  await runtime.close();
  await log.close();
});

test('a query that starts behind the others catches up by its own reads, then shares theirs', async () => {
  const log = await openLog('memory');
  for (const name of ['numbers', 'out-0', 'out-1']) await log.createTopic({ name, partitions: 1 });
  const some = (from: number) => Array.from({ length: 100 }, (_, i) => ({ key: null, value: String(from + i) }));
  const runtime = newRuntime(log);
  await runtime.start({ id: 'first', topology: passing(0) });
  for (let batch = 0; batch < 20; batch++) await produce(log, 'numbers', 0, some(batch * 100));
  await runtime.awaitIdle();
  const before = (await runtime.threadCounters()).get(0)?.batchesDecoded ?? 0;
  expect(before).toBe(20);
  await runtime.start({ id: 'second', topology: passing(1) });
  await runtime.awaitIdle();
  const caughtUp = (await runtime.threadCounters()).get(0)?.batchesDecoded ?? 0;
  expect(caughtUp).toBe(40);
  for (let batch = 20; batch < 30; batch++) {
    await produce(log, 'numbers', 0, some(batch * 100));
    await runtime.awaitIdle();
  }
  expect((await runtime.threadCounters()).get(0)?.batchesDecoded).toBe(50);
  expect((await consume(log, 'out-1')).length).toBe(30);
  await runtime.close();
  await log.close();
});

test('a paused query holds back nobody, and catches up in blocks that others have read in part', async () => {
  const log = await openLog('memory');
  for (const name of ['numbers', 'out-0', 'out-1', 'out-2']) await log.createTopic({ name, partitions: 1 });
  const runtime = newRuntime(log, { limits: { blockBytes: 2000 } });
  for (const i of [0, 1, 2]) await runtime.start({ id: `q${i}`, topology: passing(i) });
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ key: null, value: String(from + i) }));
  await produce(log, 'numbers', 0, some(0, 50));
  await runtime.awaitIdle();
  runtime.pause('q2');
  for (let batch = 0; batch < 60; batch++) await produce(log, 'numbers', 0, some(50 + batch * 50, 50));
  await runtime.awaitIdle();
  expect(runtime.counters('q0').recordsRead).toBe(3050);
  expect(runtime.counters('q2').recordsRead).toBe(50);
  runtime.resume('q2');
  for (let batch = 60; batch < 80; batch++) await produce(log, 'numbers', 0, some(50 + batch * 50, 50));
  await runtime.awaitIdle();
  for (const i of [0, 1, 2]) {
    const values = (await consume(log, `out-${i}`)).map(({ value }) => Number(value));
    expect(values).toEqual(Array.from({ length: 41 }, (_, j) => j * 100 + i));
  }
  await runtime.close();
  await log.close();
});
