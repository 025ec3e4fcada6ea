/** Dead letters under a bad network and crashes: each record left out is there once, as it was; a replay brings each
 *  back once. */

import { expect, test } from 'vitest';
import { ManualClock, Random, type Timers } from '../../../base/index.ts';
import { deadLetterOf, type Replayed, replayDeadLetters, serdes, type Topology } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import {
  type ConsumedRecord,
  consumeRecords,
  encodeBatch,
  type Log,
  openDelayedLog,
  openMemoryLog,
} from '../../../storage/index.ts';
import { newRuntime, Shards, text, utf8 } from './support.ts';

/** Passes on what is JSON; what is long does not fit into the topic it goes to. */
const passing = (): Topology => {
  const builder = new StreamsBuilder();
  builder.stream('in', { key: serdes.string, value: serdes.json<string>() }).to('out');
  return builder.build();
};

const long = 'x'.repeat(3000);

interface Sent {
  readonly kind: 'good' | 'deserialization' | 'production';
  readonly value: string;
}

const recordOf = (random: Random, number: number): Sent => {
  if (random.chance(0.3)) return { kind: 'deserialization', value: `{ ${number}` };
  if (random.chance(0.2)) return { kind: 'production', value: JSON.stringify(`${number} ${long}`) };
  return { kind: 'good', value: JSON.stringify(`${number}`) };
};

const drive = async <T>(clock: ManualClock, promise: Promise<T>): Promise<T> => {
  let settled = false;
  const marked = promise.finally(() => {
    settled = true;
  });
  marked.catch(() => undefined);
  for (let steps = 0; !settled; steps++) {
    if (steps > 20_000) throw new Error('it does not come to rest');
    await new Promise((resolve) => setImmediate(resolve));
    if (!settled) clock.advanceToNext();
  }
  return marked;
};

const all = async (log: Log, topic: string): Promise<readonly ConsumedRecord[]> => {
  const records: ConsumedRecord[] = [];
  for await (const record of consumeRecords(log, topic, { untilEnd: true })) records.push(record);
  return records;
};

const partitions = 2;
const faults = { appendUnknown: 0.03, commitUnknown: 0.15, unavailable: 0.1, abortUnknown: 0.05 };

test.each(Array.from({ length: 12 }, (_, i) => i + 1))('seed %i', async (seed) => {
  const random = new Random(seed);
  const clock = new ManualClock(1_000_000);
  const inner = await openMemoryLog({ clock, timers: clock });
  for (const name of ['in', 'letters', 'again']) await inner.createTopic({ name, partitions });
  await inner.createTopic({ name: 'out', partitions, configs: { 'max.message.bytes': '2000' } });
  await inner.createTopic({ name: 'problems', partitions: 1 });
  const shards = new Shards();
  let alive = { process: true };
  const openNetwork = async () => {
    alive.process = false;
    const life = { process: true };
    alive = life;
    const timers: Timers = { after: (ms, run) => clock.after(ms, () => life.process && run()) };
    const log = await openDelayedLog({ clock, timers, seed: random.u32(), maxDelayMs: 5, log: inner });
    log.setFaults(faults);
    return { log, timers };
  };
  const open = async () => {
    const { log, timers } = await openNetwork();
    const runtime = newRuntime(log, {
      clock,
      timers,
      openShard: shards.open,
      processingLog: 'problems',
      limits: { commitIntervalMs: 20 },
    });
    void runtime.start({ id: 'app', topology: passing(), deadLetters: 'letters' }).catch(() => undefined);
    return runtime;
  };

  let runtime = await open();
  const sent: Sent[][] = [[], []];
  for (let round = 0; round < 12; round++) {
    for (const [partition, list] of sent.entries()) {
      const rows = Array.from({ length: 1 + random.below(6) }, (_, i) => recordOf(random, list.length + i));
      const producer = await inner.producer();
      const batch = encodeBatch(
        rows.map(({ value }, i) => ({
          key: utf8('k'),
          value: utf8(value),
          timestamp: 5000 + list.length + i,
          headers: [{ key: 'trace', value: utf8(`${partition}-${list.length + i}`) }],
        })),
      );
      await producer.append({ topic: 'in', partition }, batch, 'append');
      list.push(...rows);
    }
    for (let i = random.below(80); i > 0; i--) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceToNext();
      const { state } = runtime.status('app');
      if (state === 'failed' || state === 'fenced')
        void runtime.start({ id: 'app', topology: passing(), deadLetters: 'letters' }).catch(() => undefined);
    }
    if (random.chance(0.25)) {
      shards.crash(random);
      runtime = await open();
    }
  }
  alive.process = false;
  const mended = newRuntime(inner, { clock, timers: clock, openShard: shards.open, processingLog: 'problems' });
  await drive(clock, mended.start({ id: 'app', topology: passing(), deadLetters: 'letters' }));
  await drive(clock, mended.awaitIdle());
  const counted = mended.counters('app').drops;
  await drive(clock, mended.close());

  const good = sent.flatMap((list) => list.filter(({ kind }) => kind === 'good').map(({ value }) => value));
  expect((await all(inner, 'out')).map(({ value }) => text(value ?? utf8(''))).toSorted()).toEqual(good.toSorted());
  const letters = (await all(inner, 'letters')).map((record) => deadLetterOf(record));
  expect(Object.keys(counted).every((reason) => reason === 'deserialization' || reason === 'serialization')).toBe(true);
  for (const [partition, list] of sent.entries()) {
    const expected = list.flatMap(({ kind, value }, offset) => {
      if (kind === 'good') return [];
      const trace = `${partition}-${offset}`;
      return [{ kind, value, partition, offset, timestamp: 5000 + offset, trace }];
    });
    const found = letters.flatMap((letter) => {
      if (letter === undefined || letter.partition !== partition) return [];
      const { kind, value, offset, timestamp, headers } = letter;
      expect(headers.map(({ key }) => key)).toEqual(['trace']);
      return [
        {
          kind,
          value: text(value ?? utf8('')),
          partition,
          offset,
          timestamp,
          trace: text(headers[0]?.value ?? utf8('')),
        },
      ];
    });
    expect(found).toEqual(expected);
  }
  expect((await all(inner, 'problems')).length).toBe(letters.length);

  // The replay is interrupted again and again, and crashes.
  let total = 0;
  for (let tries = 0; ; tries++) {
    expect(tries).toBeLessThan(500);
    const { log } = await openNetwork();
    let crashed = false;
    const crash = random.chance(0.3) ? random.below(30) : Number.POSITIVE_INFINITY;
    let answer: Replayed | undefined;
    let over = false;
    replayDeadLetters(log, 'letters', { to: 'again' }).then(
      (done) => {
        answer = done;
        over = true;
      },
      () => {
        over = true;
      },
    );
    for (let steps = 0; !over && !crashed; steps++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceToNext();
      crashed = steps > crash;
      expect(steps).toBeLessThan(5000);
    }
    if (answer !== undefined) {
      total += answer.replayed;
      break;
    }
  }
  alive.process = false;
  expect(await replayDeadLetters(inner, 'letters', { to: 'again' })).toMatchObject({ replayed: 0, skipped: 0 });
  const again = (await all(inner, 'again')).map(
    ({ value, headers }) => `${text(value ?? utf8(''))} ${text(headers[0]?.value ?? utf8(''))}`,
  );
  const originals = letters.flatMap((letter) =>
    letter === undefined ? [] : [`${text(letter.value ?? utf8(''))} ${text(letter.headers[0]?.value ?? utf8(''))}`],
  );
  expect(again.toSorted()).toEqual(originals.toSorted());
  expect(total).toBeLessThanOrEqual(originals.length);
});

test('a record that was a dead letter itself keeps the headers of that', async () => {
  const clock = new ManualClock(1_000_000);
  const log = await openMemoryLog({ clock, timers: clock });
  for (const name of ['in', 'out', 'letters']) await log.createTopic({ name, partitions: 1 });
  const headers = ['trace', '__streams.errors.exception', '__streams.errors.topic'].map((key) => ({
    key,
    value: utf8('of a former application'),
  }));
  const batch = encodeBatch([{ key: null, value: utf8('{ {'), timestamp: 5, headers }]);
  await (await log.producer()).append({ topic: 'in', partition: 0 }, batch, 'append');
  const runtime = newRuntime(log, { clock, timers: clock });
  await drive(clock, runtime.start({ id: 'app', topology: passing(), deadLetters: 'letters' }));
  await drive(clock, runtime.awaitIdle());
  const [letter] = (await all(log, 'letters')).map((record) => deadLetterOf(record));
  expect(letter).toMatchObject({ exception: 'deserialization', topic: 'in', offset: 0 });
  expect(letter?.headers).toEqual(headers);
  await drive(clock, runtime.close());
});
