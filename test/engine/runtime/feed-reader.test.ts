/** The reading loop: what one reader cannot take ends that reader, and the others are read on. */

import { expect, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import { BlockPool } from '../../../engine/block.ts';
import type { Subscriber } from '../../../engine/runtime/feed.ts';
import { FeedReader } from '../../../engine/runtime/feed-reader.ts';
import { encodeBatch, type Fetched, type Log, openMemoryLog, type Reader } from '../../../storage/index.ts';
import { until } from '../../support/until.ts';
import { produce } from './support.ts';

const isolation = { kind: 'committed' } as const;

/** Takes whatever comes and counts its records. */
class Counting implements Subscriber {
  records = 0;
  ends = 0;
  failure: unknown;

  wants(): boolean {
    return this.failure === undefined;
  }

  able(): boolean {
    return true;
  }

  take(...[block]: Parameters<Subscriber['take']>): void {
    this.records += block.columns.count;
    block.release();
  }

  sawEnd(): void {
    this.ends++;
  }

  gone(): undefined {}

  failed(error: unknown): void {
    this.failure = error;
  }
}

const readerOf = (log: Pick<Log, 'reader' | 'offsets'>): FeedReader =>
  new FeedReader({
    log,
    clock: systemClock,
    timers: systemClock,
    pool: new BlockPool(),
    blockBytes: 1 << 20,
    served: () => {},
  });

const one = [{ key: 'k', value: 'v' }];

class FailingToTake extends Counting {
  override take(): void {
    throw new Error('no room for a block');
  }
}

class FailingAtTheEnd extends Counting {
  override sawEnd(): void {
    throw new Error('the end is not accepted');
  }
}

test.each([
  ['take a block that was fetched', FailingToTake, 'no room for a block'],
  ['take note of the end', FailingAtTheEnd, 'the end is not accepted'],
])('a subscriber that fails to %s is told, and the others read on', async (_what, Failing, message) => {
  const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
  for (const name of ['shared', 'other']) await log.createTopic({ name, partitions: 1 });
  const feeds = readerOf(log);
  const [bad, neighbour, other] = [new Failing(), new Counting(), new Counting()];
  feeds.subscribe({ topic: 'shared', partition: 0, isolation }, bad, 0);
  feeds.subscribe({ topic: 'shared', partition: 0, isolation }, neighbour, 0);
  feeds.subscribe({ topic: 'other', partition: 0, isolation }, other, 0);
  for (let round = 1; round <= 3; round++) {
    await produce(log, 'shared', 0, one);
    await produce(log, 'other', 0, one);
    feeds.wake();
    await until(() => neighbour.records === round && other.records === round);
  }
  expect((bad.failure as Error).message).toBe(message);
  expect(neighbour.failure).toBeUndefined();
  expect(other.failure).toBeUndefined();
  feeds.close();
  await log.close();
});

test('a subscriber that fails to take a block which is at hand is told, and the others read on', async () => {
  const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
  for (const name of ['shared', 'other']) await log.createTopic({ name, partitions: 1 });
  await produce(log, 'shared', 0, one);
  await produce(log, 'shared', 0, one);
  const feeds = readerOf(log);
  const [first, behind, late] = [new Counting(), new Counting(), new FailingToTake()];
  feeds.subscribe({ topic: 'shared', partition: 0, isolation }, first, 0);
  // One that stays at the start keeps the blocks at hand.
  behind.wants = () => false;
  feeds.subscribe({ topic: 'shared', partition: 0, isolation }, behind, 0);
  feeds.wake();
  await until(() => first.records === 2);
  feeds.subscribe({ topic: 'shared', partition: 0, isolation }, late, 0);
  feeds.wake();
  await until(() => late.failure !== undefined);
  await produce(log, 'shared', 0, one);
  feeds.wake();
  await until(() => first.records === 3);
  expect(first.failure).toBeUndefined();
  feeds.close();
  await log.close();
});

test('a subscriber that waits at the end of a topic which is deleted is told once, and nothing is read for it any more', async () => {
  const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
  await log.createTopic({ name: 't', partitions: 1 });
  let fetches = 0;
  const reader = (): Reader => {
    const inner = log.reader();
    // Reads that are answered at once, again and again, would leave no turn for the test to fail in.
    const fetch: Reader['fetch'] = (...asked) =>
      fetches++ < 100 ? inner.fetch(...asked) : new Promise<Fetched>(() => {});
    return { fetch, wakeup: () => inner.wakeup(), close: () => inner.close() };
  };
  const feeds = readerOf({ reader, offsets: (target) => log.offsets(target) });
  const waiting = new Counting();
  feeds.subscribe({ topic: 't', partition: 0, isolation }, waiting, 0);
  feeds.wake();
  await until(() => waiting.ends > 0);
  await log.deleteTopic('t');
  await until(() => waiting.failure !== undefined);
  const before = fetches;
  feeds.wake();
  await new Promise((resolve) => setImmediate(resolve));
  expect([String(waiting.failure), fetches]).toEqual([expect.stringContaining('"t" does not exist'), before]);
  feeds.close();
  await log.close();
});

test('what a transaction has not committed goes to the subscriptions of its own producer, and to no others', async () => {
  const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
  await log.createTopic({ name: 'shared', partitions: 1 });
  const producer = await log.producer({ transactionalId: 'id' });
  producer.begin();
  await producer.append({ topic: 'shared', partition: 0 }, encodeBatch([{ value: new Uint8Array(1) }]), 'append');
  const feeds = readerOf(log);
  const [others, own] = [new Counting(), new Counting()];
  feeds.subscribe({ topic: 'shared', partition: 0, isolation }, others, 0);
  const ownIsolation = { kind: 'own', producerId: producer.producerId } as const;
  feeds.subscribe({ topic: 'shared', partition: 0, isolation: ownIsolation }, own, 0);
  feeds.wake();
  await until(() => others.ends > 0 && own.ends > 0);
  expect([others.records, own.records]).toEqual([0, 1]);
  await producer.commit();
  await until(() => others.records > 0);
  expect([others.records, own.records]).toEqual([1, 1]);
  feeds.close();
  await log.close();
});
