import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { type DelayedLog, LogError, openDelayedLog, openMemoryLog, type Producer } from '../../storage/index.ts';
import { batchOf, failure, readAll } from './conformance/log-suite.ts';

const t = { topic: 't', partition: 0 };

/** Runs a promise to its end on a manual clock: whenever nothing else moves, the next timer fires. */
const settle = async <T>(clock: ManualClock, promise: Promise<T>): Promise<T> => {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!done) clock.advanceToNext();
  }
  return watched;
};

/** Transactions through a network with every fault, each ended as the contract says: abort after a failure, a new
 *  producer when fenced. */
const session = async (log: DelayedLog, random: Random, count: number) => {
  const outcomes: string[] = [];
  let producer: Producer | undefined;
  for (let i = 0; i < count; i++) {
    producer ??= await log.producer({ transactionalId: 'id' });
    producer.begin();
    const values = [`${i}a`, `${i}b`];
    try {
      for (const value of values) await producer.append(t, batchOf(value), 'append');
      await producer.sendOffsets('g', [{ ...t, offset: i }]);
      await producer.commit();
      outcomes.push(`${i} committed`);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const end = error.kind === 'fenced' ? 'fenced' : await producer.abort().catch((cause: LogError) => cause.kind);
      if (end === 'committed' || end === 'aborted') outcomes.push(`${i} ${end}`);
      else {
        // Only the log knows: a new producer has ended the transaction, and the offsets tell how.
        producer = await log.producer({ transactionalId: 'id' });
        const [position] = await log.committed('g');
        outcomes.push(`${i} ${position?.offset === i ? 'committed' : 'aborted'}`);
      }
    }
    if (random.chance(0.1)) producer = undefined;
  }
  return outcomes;
};

const everyFault = { appendUnknown: 0.1, commitUnknown: 0.3, abortUnknown: 0.3, fenced: 0.1, unavailable: 0.1 };

const run = async (seed: number) => {
  const clock = new ManualClock();
  const inner = await openMemoryLog({ clock, timers: clock });
  const log = await openDelayedLog({ timers: clock, clock, seed, log: inner });
  await settle(clock, log.createTopic({ name: 't', partitions: 1 }));
  log.setFaults(everyFault);
  const outcomes = await settle(clock, session(log, new Random(seed), 30));
  log.setFaults({});
  // Whatever is still under way takes effect, or finds that it is void.
  while (clock.advanceToNext()) await new Promise((resolve) => setImmediate(resolve));
  await inner.producer({ transactionalId: 'id' });
  return { outcomes, rows: await readAll(inner, t) };
};

test('however a commit ends in doubt, the caller finds out how it ended', async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const { outcomes, rows } = await run(seed);
    const values = rows.map((row) => row.split(':')[1]);
    const expected = outcomes
      .filter((outcome) => outcome.endsWith('committed'))
      .flatMap((outcome) => {
        const number = outcome.split(' ')[0];
        return [`${number}a`, `${number}b`];
      });
    expect(values, `seed ${seed}`).toEqual(expected);
    for (const outcome of outcomes) seen.add(outcome.split(' ')[1] ?? '');
  }
  expect([...seen].sort()).toEqual(['aborted', 'committed']);
});

test('the same seed gives the same run', async () => {
  expect(await run(5)).toEqual(await run(5));
});

test('a commit that comes late never ends the next transaction', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const clock = new ManualClock();
    const inner = await openMemoryLog({ clock, timers: clock });
    const log = await openDelayedLog({ timers: clock, clock, seed, log: inner });
    await settle(clock, log.createTopic({ name: 't', partitions: 1 }));
    const producer = await settle(clock, log.producer({ transactionalId: 'id' }));
    producer.begin();
    await settle(clock, producer.append(t, batchOf('first'), 'append'));
    log.setFaults({ commitUnknown: 1 });
    expect(await settle(clock, failure(producer.commit()))).toBe('unknown/LOG_TIMED_OUT');
    log.setFaults({});
    const end = await settle(clock, producer.abort());
    producer.begin();
    await settle(clock, producer.append(t, batchOf('second'), 'append'));
    while (clock.advanceToNext()) await new Promise((resolve) => setImmediate(resolve));
    const rows = await readAll(inner, t);
    expect(rows).toEqual(end === 'committed' ? ['0:first'] : []);
    expect((await inner.offsets(t)).stable).toBe(2);
  }
});

test('after an append in doubt only abort remains', async () => {
  const clock = new ManualClock();
  const log = await openDelayedLog({ timers: clock, clock, seed: 1 });
  await settle(clock, log.createTopic({ name: 't', partitions: 1 }));
  const producer = await settle(clock, log.producer({ transactionalId: 'id' }));
  producer.begin();
  log.setFaults({ appendUnknown: 1 });
  expect(await settle(clock, failure(producer.append(t, batchOf('a'), 'append')))).toBe('unknown/LOG_TIMED_OUT');
  log.setFaults({});
  expect(await settle(clock, failure(producer.commit()))).toBe('refused/LOG_TRANSACTION_BROKEN');
  expect(await settle(clock, producer.abort())).toBe('aborted');
});
