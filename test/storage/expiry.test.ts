/** Producers and transactional ids that nobody uses are forgotten, as Kafka does, and start again cleanly. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { type Log, openMemoryLog } from '../../storage/index.ts';
import { PartitionState } from '../../storage/partition-state.ts';
import { stampBatch } from '../../storage/record-batch.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, committed, failure, readAll } from './conformance/log-suite.ts';
import { openOn } from './support/trace.ts';

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;
const t = { topic: 't', partition: 0 };
const forever = { name: 't', partitions: 1, configs: { 'retention.ms': '-1' } };

const logs: [string, (clock: ManualClock) => Promise<Log>][] = [
  ['memory', (clock) => openMemoryLog({ clock, timers: clock })],
  ['file', (clock) => openOn(new FaultyFiles(), clock)],
];

const write = async (log: Log, transactionalId: string, value: string) => {
  const producer = await log.producer({ transactionalId });
  producer.begin();
  await producer.append(t, batchOf(value), 'append');
  await producer.commit();
  return producer;
};

test.each(logs)('%s: a transactional id that nobody has used for seven days starts again', async (_, open) => {
  const clock = new ManualClock(1_700_000_000_000);
  const log = await open(clock);
  await log.createTopic(forever);
  const old = await write(log, 'old', 'a');
  await old.close();
  const kept = await write(log, 'kept', 'b');
  await kept.close();
  const idle = await write(log, 'idle', 'c');
  clock.advance(6 * dayMs);
  await (await write(log, 'kept', 'd')).close();
  clock.advance(dayMs + hourMs);
  await (await log.producer({ transactionalId: 'other' })).close();
  const again = await write(log, 'old', 'e');
  expect(again.epoch).toBe(0);
  expect(again.producerId).not.toBe(old.producerId);
  expect(await log.producer({ transactionalId: 'kept' })).toMatchObject({ producerId: kept.producerId, epoch: 2 });
  // A producer that is open is in use, however long it writes nothing.
  idle.begin();
  await idle.append(t, batchOf('f'), 'append');
  await idle.commit();
  expect(await log.producer({ transactionalId: 'idle' })).toMatchObject({ producerId: idle.producerId, epoch: 1 });
  expect(await failure(old.commit())).not.toBe('fine');
  expect((await readAll(log, t)).map((row) => row.split(':')[1])).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  await log.close();
});

test.each(['kill', 'lost', 'torn'] as const)(
  'after a crash (%s) transactional ids are forgotten by when they were last used, and none of them comes back',
  async (mode) => {
    const files = new FaultyFiles();
    files.mkdir('/data');
    files.syncDirectory('/');
    const clock = new ManualClock(1_700_000_000_000);
    const log = await openOn(files, clock);
    await log.createTopic(forever);
    const old = await write(log, 'old', 'a');
    await old.close();
    clock.advance(4 * dayMs);
    // The transaction log is rewritten meanwhile; what it holds of the others keeps its age.
    for (let i = 0; i < 60; i++) await (await write(log, 'recent', String(i))).close();
    await (await log.producer()).close();
    clock.advance(3 * dayMs + hourMs);
    const next = files.crashed(mode, new Random(5));
    const again = await openOn(next, clock);
    expect(await again.producer({ transactionalId: 'recent' })).toMatchObject({ epoch: 60 });
    const fresh = await write(again, 'old', 'b');
    expect(fresh.epoch).toBe(0);
    expect(fresh.producerId).toBeGreaterThan(old.producerId);
    expect((await readAll(again, t, committed)).at(-1)).toMatch(/:b$/);
    await again.close();
    const third = await openOn(next, clock);
    expect(await third.producer({ transactionalId: 'old' })).toMatchObject({ producerId: fresh.producerId, epoch: 1 });
    await third.close();
  },
);

test('what a log keeps of transactional ids is bounded by those in use', async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock);
  await log.createTopic(forever);
  const sizeOfTransactions = (): number =>
    files
      .paths()
      .filter((path) => path.includes('/internal/transactions/') && path.endsWith('.log'))
      .reduce((sum, path) => sum + files.bytesOf(path).length, 0);
  for (let day = 0; day < 100; day++) {
    for (let i = 0; i < 10; i++) await (await write(log, `job-${day}-${i}`, 'v')).close();
    clock.advance(dayMs);
  }
  // Seven days with ten ids each, and what is added between two rotations.
  expect(sizeOfTransactions()).toBeLessThan(60_000);
  await log.close();
});

test('a partition and its snapshot forget producers that wrote nothing for a day', async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock);
  await log.createTopic(forever);
  const first = await log.producer();
  await first.append(t, batchOf('first'), 'append');
  for (let day = 0; day < 30; day++) {
    for (let i = 0; i < 20; i++) {
      const producer = await log.producer();
      await producer.append(t, batchOf('v'), 'append');
      await producer.close();
    }
    clock.advance(dayMs);
  }
  // It is not remembered any more, and goes on where it stopped.
  await first.append(t, batchOf('second'), 'append');
  await first.append(t, batchOf('third'), 'append');
  expect((await readAll(log, t)).slice(-2)).toEqual(['601:second', '602:third']);
  await log.close();
  const snapshot = files.paths().find((path) => path.includes('/topics/') && path.endsWith('.snapshot')) ?? '';
  // One producer takes 44 bytes.
  expect(files.bytesOf(snapshot).length).toBeLessThan(42 * 44);
});

test('a producer with an open transaction is remembered however long it takes', () => {
  const state = new PartitionState();
  const apply = (producerId: number, transactional: boolean, nowMs: number): void => {
    const batch = batchOf('v');
    stampBatch(batch, { baseOffset: state.end, producerId, epoch: 0, baseSequence: 0, transactional });
    state.apply(batch, 0, nowMs);
  };
  apply(1, true, 0);
  apply(2, false, 0);
  apply(3, false, 2 * dayMs);
  expect([...state.producers.keys()]).toEqual([1, 3]);
  expect(state.stable()).toBe(0);
});

test('what was used while the clock was ahead is forgotten too, and keeps nothing else', async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const state = new PartitionState();
  const apply = (producerId: number): void => {
    const batch = batchOf('v');
    stampBatch(batch, { baseOffset: state.end, producerId, epoch: 0, baseSequence: 0, transactional: false });
    state.apply(batch, 0, clock.now());
  };
  clock.jump(1_700_000_000_000 + 9000 * dayMs);
  for (const producerId of [1, 2]) apply(producerId);
  clock.jump(1_700_000_000_000);
  for (let producerId = 3; producerId < 13; producerId++) {
    apply(producerId);
    clock.advance(dayMs);
  }
  expect(state.producers.size).toBeLessThanOrEqual(3);
});
