import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, Random, utf8Bytes, utf8Text } from '../../base/index.ts';
import { type FileLog, openFileLog } from '../../storage/file-log/index.ts';
import {
  decodeBatch,
  encodeBatch,
  type Isolation,
  type Log,
  openMemoryLog,
  type Producer,
  RecordColumns,
  type TopicConfigs,
} from '../../storage/index.ts';
import { type CrashMode, crashModes, FaultyFiles } from '../support/faulty-files.ts';

const t = { topic: 't', partition: 0 };
const committed: Isolation = { kind: 'committed' };

interface Entry {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

const entries = async (log: Log, from = 0, isolation: Isolation = committed, target = t): Promise<Entry[]> => {
  const reader = log.reader();
  const found: Entry[] = [];
  let { start: offset } = await log.offsets(target);
  offset = Math.max(offset, from);
  for (;;) {
    const { chunks, failures } = await reader.fetch([{ ...target, offset, isolation }], {
      maxBytesPerPartition: 700,
      maxWaitMs: 0,
    });
    if (failures[0] !== undefined) throw failures[0].error;
    const [chunk] = chunks;
    if (chunk === undefined) break;
    const columns = new RecordColumns();
    columns.reset(chunk.bytes);
    for (const at of chunk.batches) expect(decodeBatch(chunk.bytes, at, columns, offset)).toBeGreaterThan(0);
    for (let i = 0; i < columns.count; i++) {
      const { key, value, timestamp, offset: recordOffset } = columns.record(i);
      found.push({ offset: recordOffset, key: text(key), value: text(value), timestamp });
    }
    expect(chunk.nextOffset).toBeGreaterThan(offset);
    offset = chunk.nextOffset;
    chunk.release();
  }
  reader.close();
  return found;
};

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : utf8Text(bytes));

/** What a reader from the beginning ends up with: the last value of each key. */
const latest = (all: readonly Entry[], upTo = Number.POSITIVE_INFINITY): Map<string, string> => {
  const map = new Map<string, string>();
  for (const { offset, key, value } of all) {
    if (key === null || offset >= upTo) continue;
    if (value === null) map.delete(key);
    else map.set(key, value);
  }
  return new Map([...map].sort());
};

const compactConfigs: TopicConfigs = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1024',
  'index.interval.bytes': '200',
  'min.cleanable.dirty.ratio': '0.1',
  'delete.retention.ms': '1000',
};

const openOn = (files: FaultyFiles, clock: ManualClock, compactionMapBytes?: number): Promise<FileLog> =>
  openFileLog({
    directory: '/log',
    files,
    clock,
    timers: clock,
    random: new Random(3),
    ...(compactionMapBytes !== undefined && { compactionMapBytes }),
  });

/** Lets the log's timers and promises run until compaction has nothing more to do. */
const settle = async (clock: ManualClock, turns = 60, ms = 200): Promise<void> => {
  for (let i = 0; i < turns; i++) {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const put = (key: string | null, value: string | null, timestamp = 1000) => ({
  key: key === null ? null : utf8Bytes(key),
  value: value === null ? null : utf8Bytes(value),
  timestamp,
});

const setUp = async (configs: TopicConfigs = {}, mapBytes?: number) => {
  const files = new FaultyFiles();
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock, mapBytes);
  await log.createTopic({ name: 't', partitions: 1, configs: { ...compactConfigs, ...configs } });
  return { files, clock, log };
};

test('of each key the last record stays, at its offset; the active segment is left alone', async () => {
  const { files, clock, log } = await setUp();
  const producer = await log.producer();
  for (let i = 0; i < 200; i++) {
    await producer.append(t, encodeBatch([put(`k${i % 7}`, `v${i}`, i), put(`only${i % 50}`, 'x', i)]), 'append');
  }
  const before = await entries(log);
  const size = files.usedBytes;
  await settle(clock);
  const after = await entries(log);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(0);
  expect(after.length).toBeLessThan(120);
  expect(files.usedBytes).toBeLessThan(size / 2);
  expect(latest(after)).toEqual(latest(before));
  for (const entry of after) expect(before[entry.offset]).toEqual(entry);
  expect(await log.offsets(t)).toEqual({ start: 0, stable: 400, end: 400 });
  // From any offset on a reader gets what is behind it.
  for (let from = 0; from < 400; from += 13) {
    expect(await entries(log, from)).toEqual(after.filter(({ offset }) => offset >= from));
  }
  await log.close();
  const again = await openOn(files, clock);
  expect(await entries(again)).toEqual(after);
});

test('nothing at or above the last stable offset is compacted', async () => {
  const { clock, log } = await setUp();
  const producer = await log.producer();
  const holder = await log.producer({ transactionalId: 'holder' });
  holder.begin();
  await holder.append(t, encodeBatch([put('held', '1')]), 'append');
  for (let i = 0; i < 100; i++) await producer.append(t, encodeBatch([put('k', `v${i}`)]), 'append');
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBe(0);
  expect(await entries(log, 0, { kind: 'uncommitted' })).toHaveLength(101);
  await holder.commit();
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(0);
  const left = await entries(log);
  expect(left.length).toBeLessThan(40);
  expect(latest(left)).toEqual(
    new Map([
      ['held', '1'],
      ['k', 'v99'],
    ]),
  );
});

test('a tombstone outlives its value by delete.retention.ms, then it goes as well', async () => {
  const { clock, log } = await setUp({ 'delete.retention.ms': '60000' });
  const producer = await log.producer();
  const fill = async (count: number) => {
    for (let i = 0; i < count; i++) await producer.append(t, encodeBatch([put('fill', `${i}`)]), 'append');
  };
  await producer.append(t, encodeBatch([put('gone', 'value', 5), put('kept', 'value', 6)]), 'append');
  await producer.append(t, encodeBatch([put('gone', null, 7), put('kept', 'again', 8)]), 'append');
  await fill(60);
  await settle(clock);
  const first = (await entries(log)).filter(({ key }) => key !== 'fill');
  expect(first).toEqual([
    { offset: 2, key: 'gone', value: null, timestamp: 7 },
    { offset: 3, key: 'kept', value: 'again', timestamp: 8 },
  ]);
  await fill(60);
  await settle(clock);
  expect((await entries(log)).filter(({ key }) => key !== 'fill')).toEqual(first);
  clock.advance(60_000);
  await fill(60);
  await settle(clock);
  expect((await entries(log)).filter(({ key }) => key !== 'fill')).toEqual([first[1]]);
});

test('where tombstones are kept for ever, they go once they are released, and no other', async () => {
  const { clock, log } = await setUp({ 'delete.retention.ms': '9223372036854775807' });
  const producer = await log.producer();
  await producer.append(t, encodeBatch([put('a', '1'), put('b', '1'), put('a', null), put('b', null)]), 'append');
  const fill = async () => {
    for (let i = 0; i < 60; i++) await producer.append(t, encodeBatch([put('fill', `${i}`)]), 'append');
    await settle(clock);
    return (await entries(log)).filter(({ key }) => key !== 'fill').map(({ offset }) => offset);
  };
  expect(await fill()).toEqual([2, 3]);
  clock.jump(clock.now() + 1e12);
  expect(await fill()).toEqual([2, 3]);
  await log.releaseTombstones(t, 3);
  expect(await fill()).toEqual([3]);
  await log.releaseTombstones(t, 4);
  expect(await fill()).toEqual([]);
});

test('records of aborted transactions go, and markers once nothing of their transaction is left', async () => {
  const { clock, log, files } = await setUp();
  const plain = await log.producer();
  const writer = await log.producer({ transactionalId: 'w' });
  for (let i = 0; i < 40; i++) {
    writer.begin();
    await writer.append(
      t,
      encodeBatch([put(`k${i % 3}`, `v${i}`), put(`once${i}`, i % 2 === 0 ? 'in' : 'out')]),
      'append',
    );
    if (i % 2 === 0) await writer.commit();
    else await writer.abort();
    await plain.append(t, encodeBatch([put('fill', `${i}`)]), 'append');
  }
  const before = await entries(log);
  await settle(clock);
  const after = await entries(log);
  expect(latest(after)).toEqual(latest(before));
  expect(latest(after).size).toBe(3 + 20 + 1);
  const shown = await entries(log, 0, { kind: 'uncommitted' });
  expect(shown.filter(({ value }) => value === 'out').length).toBeLessThan(6);
  // Nothing in the files tells of the aborted ones any more, so even a reader who knows nothing is right; so is a log
  // without snapshots.
  for (const path of files.paths()) if (path.endsWith('.snapshot')) files.unlink(path);
  const again = await openOn(files.crashed('kill', new Random(1)), clock);
  expect(await entries(again)).toEqual(after);
  expect((await again.offsets(t)).stable).toBe((await again.offsets(t)).end);
});

test('a map that is too small for all keys means several passes, and the same end', async () => {
  const { clock, log } = await setUp({}, 120_000);
  const producer = await log.producer();
  const random = new Random(4);
  for (let i = 0; i < 3000; i++) {
    await producer.append(t, encodeBatch([put(`key-${random.below(2500)}-${'x'.repeat(30)}`, `${i}`)]), 'none');
  }
  const before = await entries(log);
  await settle(clock, 2500, 1);
  await settle(clock, 20, 1000);
  const after = await entries(log);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(2);
  expect(latest(after)).toEqual(latest(before));
  expect(after.length).toBeLessThan(latest(after).size + 30);
});

test('why a topic cannot be compacted is known until it can be, or is deleted, whatever becomes of others', async () => {
  const { files, clock, log } = await setUp();
  await log.createTopic({ name: 'other', partitions: 1, configs: compactConfigs });
  const producer = await log.producer();
  for (const topic of ['t', 'other']) {
    for (let i = 0; i < 60; i++) {
      await producer.append({ topic, partition: 0 }, encodeBatch([put('k', `v${i}`)]), 'append');
    }
  }
  const { id } = (await log.describeTopic('t')) ?? { id: '' };
  const segment = files.open(`/log/topics/${id}/0/00000000000000000000.log`, 'write');
  segment.writeAt(new Uint8Array(8).fill(0xff), 0, 8, 70);
  segment.close();
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(0);
  expect(log.housekeepingFailure).toMatchObject({ code: 'LOG_CORRUPT_BATCH' });
  await log.deleteTopic('t');
  expect(log.housekeepingFailure).toBeUndefined();
  await log.close();
});

test('a batch with more keys than the map may hold brings back nothing that it deletes', async () => {
  const { clock, log } = await setUp({ 'segment.bytes': '65536' }, 1);
  const producer = await log.producer();
  const fill = async () => {
    for (let i = 0; i < 6; i++) await producer.append(t, encodeBatch([put('fill', 'x'.repeat(30_000))]), 'append');
  };
  await producer.append(t, encodeBatch([put('deleted', 'value')]), 'append');
  await fill();
  await settle(clock);
  // The map begins with room for 1,024 keys, and may not grow.
  const keys = Array.from({ length: 1500 }, (_, i) => put(`k${i}`, 'v'));
  await producer.append(t, encodeBatch([...keys, put('deleted', null)]), 'append');
  await fill();
  await log.releaseTombstones(t, (await log.offsets(t)).end);
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(1);
  const after = latest(await entries(log));
  expect(after.has('deleted')).toBe(false);
  expect(after.size).toBe(1501);
});

test('min.compaction.lag.ms holds compaction back, max.compaction.lag.ms brings it on', async () => {
  const { clock, log } = await setUp({ 'min.compaction.lag.ms': '60000' });
  const fill = async (target: Log, count = 60) => {
    const producer = await target.producer();
    for (let i = 0; i < count; i++) await producer.append(t, encodeBatch([put('k', `${i}`)]), 'append');
  };
  await fill(log);
  await settle(clock, 100);
  expect(log.housekeeping.totals.runs).toBe(0);
  clock.advance(61_000);
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(0);

  const other = await setUp({ 'min.cleanable.dirty.ratio': '1.0', 'max.compaction.lag.ms': '60000' });
  await fill(other.log);
  await settle(other.clock, 100);
  expect(other.log.housekeeping.totals.runs).toBe(0);
  other.clock.advance(61_000);
  await fill(other.log, 1);
  await settle(other.clock);
  expect(other.log.housekeeping.totals.runs).toBeGreaterThan(0);
  // The segment that was active is closed by then as well: its first record is too old.
  expect(await entries(other.log)).toHaveLength(2);
});

test('what was compacted stays so over a restart: nothing is done twice', async () => {
  const { files, clock, log } = await setUp();
  const producer = await log.producer();
  for (let i = 0; i < 100; i++) await producer.append(t, encodeBatch([put(`k${i % 5}`, `${i}`)]), 'append');
  await settle(clock);
  await log.close();
  const again = await openOn(files, clock);
  await settle(clock, 100);
  expect(again.housekeeping.totals.runs).toBe(0);
});

test('a full disk stops a run, not the log; the next run goes on', async () => {
  const { files, clock, log } = await setUp();
  const producer = await log.producer();
  for (let i = 0; i < 100; i++) await producer.append(t, encodeBatch([put(`k${i % 5}`, `${i}`)]), 'append');
  const before = await entries(log);
  files.onCall = ({ path, kind }) => (path.endsWith('.cleaned') && kind === 'write' ? { error: 'ENOSPC' } : undefined);
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBe(0);
  expect(files.paths().filter((path) => path.endsWith('.cleaned'))).toEqual([]);
  files.onCall = undefined;
  await producer.append(t, encodeBatch([put('after', 'wards')]), 'durable');
  clock.advance(60_000);
  await settle(clock);
  expect(log.housekeeping.totals.runs).toBeGreaterThan(0);
  expect(latest(await entries(log))).toEqual(new Map([...latest(before), ['after', 'wards'] as const].sort()));
});

test('a clock that was a year ahead for a while does not hold compaction back for a year', async () => {
  const { files, clock, log } = await setUp();
  const producer = await log.producer();
  for (let i = 0; i < 100; i++) await producer.append(t, encodeBatch([put(`k${i % 5}`, `${i}`)]), 'append');
  files.onCall = ({ path, kind }) => (path.endsWith('.cleaned') && kind === 'write' ? { error: 'ENOSPC' } : undefined);
  clock.jump(clock.now() + 365 * 86_400_000);
  await settle(clock);
  expect(log.housekeepingFailure?.message).toContain('ENOSPC');
  files.onCall = undefined;
  clock.jump(clock.now() - 365 * 86_400_000);
  clock.advance(60_000);
  await settle(clock);
  expect(log.housekeepingFailure).toBeUndefined();
  expect(log.housekeeping.totals.runs).toBeGreaterThan(0);
});

// ---------------------------------------------------------------- any history

type Step =
  | { readonly do: 'put'; readonly key: number; readonly tombstone: boolean; readonly count: number }
  | { readonly do: 'write'; readonly who: number; readonly key: number; readonly tombstone: boolean }
  | { readonly do: 'commit' | 'abort'; readonly who: number }
  | { readonly do: 'compact' | 'kill' | 'reopen' | 'wait' };

const key = fc.nat(12);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('put' as const), key, tombstone: fc.boolean(), count: fc.nat(6) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('write' as const), who: fc.nat(1), key, tombstone: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'abort' as const), who: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('compact' as const, 'kill' as const, 'reopen' as const, 'wait' as const),
    }),
  },
);

/** Does the same to a log that is compacted and to one that is not. */
class Twin {
  files = new FaultyFiles();
  readonly clock = new ManualClock(1_700_000_000_000);
  log: FileLog | undefined;
  plainLog: Log | undefined;
  #count = 0;
  readonly #mapBytes: number;
  #writers: (readonly [Producer, Producer])[] = [];
  #plain: readonly [Producer, Producer] | undefined;
  readonly open = [false, false];

  constructor(mapBytes: number) {
    this.#mapBytes = mapBytes;
  }

  async start(): Promise<void> {
    this.plainLog ??= await openMemoryLog({ clock: this.clock });
    this.log = await openOn(this.files, this.clock, this.#mapBytes);
    if ((await this.log.describeTopic('t')) === undefined) {
      await this.log.createTopic({ name: 't', partitions: 1, configs: compactConfigs });
      await this.plainLog.createTopic({ name: 't', partitions: 1 });
    }
    this.#writers = [];
    for (const transactionalId of ['a', 'b']) {
      this.#writers.push([
        await this.log.producer({ transactionalId }),
        await this.plainLog.producer({ transactionalId }),
      ]);
    }
    this.#plain = [await this.log.producer(), await this.plainLog.producer()];
    this.open.fill(false);
  }

  async run(step: Step): Promise<void> {
    const log = this.log as FileLog;
    const record = (number: number, tombstone: boolean) =>
      put(`key ${number}`, tombstone ? null : `value ${this.#count++}`, this.#count);
    switch (step.do) {
      case 'put': {
        const records = Array.from({ length: step.count + 1 }, (_, i) =>
          record((step.key + i * 5) % 13, step.tombstone && i % 2 === 0),
        );
        for (const producer of this.#plain ?? []) await producer.append(t, encodeBatch(records), 'append');
        return;
      }
      case 'write': {
        const records = [record(step.key, step.tombstone)];
        for (const producer of this.#writers[step.who] ?? []) {
          if (!this.open[step.who]) producer.begin();
          await producer.append(t, encodeBatch(records), 'append');
        }
        this.open[step.who] = true;
        return;
      }
      case 'commit':
      case 'abort':
        if (!this.open[step.who]) return;
        for (const producer of this.#writers[step.who] ?? []) await producer[step.do]();
        this.open[step.who] = false;
        return;
      case 'compact':
        return settle(this.clock, 30, 100);
      case 'wait':
        return settle(this.clock, 3, 1000);
      case 'kill':
        this.files = this.files.crashed('kill', new Random(this.#count));
        return this.start();
      case 'reopen':
        await log.close();
        return this.start();
    }
  }
}

test('a compacted log gives the last value of each key that the whole one gives, under any history', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 90 }),
      fc.constantFrom(200, 1 << 20),
      async (steps, mapBytes) => {
        const twin = new Twin(mapBytes);
        await twin.start();
        for (const each of steps) await twin.run(each);
        const check = async () => {
          const log = twin.log as FileLog;
          const whole = await entries(twin.plainLog as Log);
          const compacted = await entries(log);
          expect(await log.offsets(t)).toEqual(await (twin.plainLog as Log).offsets(t));
          expect(latest(compacted)).toEqual(latest(whole));
          const byOffset = new Map(whole.map((entry) => [entry.offset, entry]));
          for (const entry of compacted) expect(byOffset.get(entry.offset)).toEqual(entry);
          // Every point that a reader can stop at: what it has then, with what comes behind, is the same.
          const middle = Math.floor((await log.offsets(t)).stable / 2);
          expect(await entries(log, middle)).toEqual(compacted.filter(({ offset }) => offset >= middle));
        };
        await check();
        await twin.run({ do: 'compact' });
        await check();
        runs += (twin.log as FileLog).housekeeping.totals.runs;
        await twin.run({ do: 'kill' });
        await check();
        for (const path of twin.files.paths())
          if (/\.(snapshot|index|timeindex)$|compacted$/.test(path)) twin.files.unlink(path);
        await twin.run({ do: 'kill' });
        await check();
      },
    ),
    { numRuns: 150 },
  );
  expect(runs).toBeGreaterThan(50);
});

// ---------------------------------------------------------------- crashes

/** Writes, compacts, writes on; crashes at an I/O call. What was acknowledged as durable, in order. */
const crashing = async (at: number, kinds: (path: string) => boolean) => {
  const files = new FaultyFiles();
  const clock = new ManualClock(1_700_000_000_000);
  const durable: Entry[] = [];
  let calls = 0;
  try {
    const log = await openOn(files, clock);
    await log.createTopic({ name: 't', partitions: 1, configs: compactConfigs });
    const producer = await log.producer();
    const writer = await log.producer({ transactionalId: 'w' });
    files.onCall = ({ kind, path }) => (kind !== 'read' && kinds(path) && calls++ === at ? 'crash' : undefined);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 30; i++) {
        const records = [
          put(`k${i % 4}`, `${round}-${i}`),
          put(`t${i % 3}`, i % 2 === 0 ? null : 'x'),
          put(`once ${round} ${i % 20}`, 'y'),
        ];
        const by = i % 3 === 0 ? writer : producer;
        if (by === writer) writer.begin();
        const { baseOffset } = await by.append(t, encodeBatch(records), 'durable');
        if (by === writer) await (i % 6 === 0 ? writer.commit() : writer.abort());
        if (by === writer && i % 6 !== 0) continue;
        for (const [n, { key, value, timestamp }] of records.entries()) {
          durable.push({ offset: baseOffset + n, key: text(key), value: text(value), timestamp });
        }
      }
      await settle(clock, 25, 100);
    }
    await log.close();
  } catch (error) {
    if (files.crashedAt < 0) throw error;
    expect(error).toBeInstanceOf(Error);
  }
  files.onCall = undefined;
  return { files, clock, durable, calls };
};

const checkAfter = async (
  files: FaultyFiles,
  clock: ManualClock,
  durable: readonly Entry[],
  whole: boolean,
): Promise<void> => {
  const log = await openOn(files, clock);
  const after = await entries(log);
  // Of what was under way at the crash some may be there: it lies behind what was acknowledged.
  const end = (durable.at(-1)?.offset ?? -1) + 1;
  expect(latest(after, end)).toEqual(latest(durable));
  const byOffset = new Map(durable.map((entry) => [entry.offset, entry]));
  for (const entry of after) if (entry.offset < end) expect(byOffset.get(entry.offset)).toEqual(entry);
  if (whole) expect(log.damage).toEqual([]);
  const producer = await log.producer();
  for (let i = 0; i < 20; i++) await producer.append(t, encodeBatch([put('new', `${i}`)]), 'append');
  await settle(clock, 20, 100);
  const later = await entries(log);
  expect(latest(later.filter(({ key }) => key !== 'new'))).toEqual(latest(after));
  await log.close();
};

const crashEverywhere = async (modes: readonly CrashMode[], every: number, kinds: (path: string) => boolean) => {
  const { calls } = await crashing(-1, kinds);
  expect(calls).toBeGreaterThan(60);
  let met = 0;
  for (let at = 0; at < calls; at += every) {
    const { files, clock, durable } = await crashing(at, kinds);
    if (files.crashedAt < 0) continue;
    met++;
    for (const mode of modes) {
      try {
        await checkAfter(files.crashed(mode, new Random(at)), clock, durable, true);
      } catch (cause) {
        throw new Error(`crash at call ${at}, ${mode}`, { cause });
      }
    }
  }
  expect(met).toBeGreaterThan(10);
};

test('a crash at each call that compaction makes leaves the originals or what was made of them', async () => {
  await crashEverywhere(crashModes, 1, (path) => /\.(cleaned|swap)$/.test(path));
});

test('a crash at any call leaves a log that gives the last value of each key', async () => {
  await crashEverywhere(['kill', 'lost', 'torn'], 17, () => true);
});
