import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import type { FileLog } from '../../storage/file-log/index.ts';
import { crashModes, FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, committed, failure, readAll } from './conformance/log-suite.ts';
import { checkAfterCrash, openOn, runTrace } from './support/trace.ts';

const fresh = (): FaultyFiles => {
  const files = new FaultyFiles();
  files.mkdir('/data');
  files.syncDirectory('/');
  return files;
};

const t = { topic: 't', partition: 0 };

const withTopic = async (files: FaultyFiles, clock?: ManualClock): Promise<FileLog> => {
  const log = await openOn(files, clock);
  await log.createTopic({ name: 't', partitions: 2, configs: { 'segment.bytes': '2000' } });
  return log;
};

test('a disk that is full at any moment loses nothing acknowledged, keeps nothing refused, and is written to again', async () => {
  let refusals = 0;
  for (let seed = 0; seed < 40; seed++) {
    const files = fresh();
    const random = new Random(seed);
    let until = -1;
    files.onCall = ({ count }) => {
      if (count === until) files.capacity = Number.POSITIVE_INFINITY;
      else if (files.capacity === Number.POSITIVE_INFINITY && count > 60 && random.chance(0.02)) {
        files.capacity = files.usedBytes + random.below(200);
        until = count + random.below(40);
      }
      return undefined;
    };
    const trace = await runTrace(files, seed, 150);
    files.onCall = undefined;
    files.capacity = Number.POSITIVE_INFINITY;
    refusals += trace.plain.filter((written) => written.refused).length;
    for (const mode of crashModes) {
      try {
        await checkAfterCrash(files.crashed(mode, random), trace, mode);
      } catch (cause) {
        throw new Error(`seed ${seed}, ${mode}`, { cause });
      }
    }
  }
  expect(refusals).toBeGreaterThan(20);
});

test('on a full disk appends and commits are refused, reads go on, and writes resume by themselves', async () => {
  const files = fresh();
  const clock = new ManualClock();
  const log = await withTopic(files, clock);
  const plain = await log.producer();
  const writer = await log.producer({ transactionalId: 'id' });
  await plain.append(t, batchOf('kept'), 'durable');
  writer.begin();
  await writer.append(t, batchOf('lost'), 'append');

  files.capacity = files.usedBytes + 30;
  expect(await failure(plain.append(t, batchOf('refused'), 'append'))).toBe('unavailable/LOG_DISK_FULL');
  expect(await failure(writer.commit())).toBe('unavailable/LOG_DISK_FULL');
  expect(await failure(writer.abort())).toBe('unavailable/LOG_DISK_FULL');
  expect(await failure(log.createTopic({ name: 'n', partitions: 1 }))).toBe('unavailable/LOG_DISK_FULL');
  expect(log.refusedWrite).toMatchObject({ code: 'LOG_DISK_FULL' });
  expect(await readAll(log, t)).toEqual(['0:kept']);
  // The abort marker waits for space: until it is written readers stay before the transaction.
  expect(await log.offsets(t)).toEqual({ start: 0, stable: 1, end: 2 });

  files.capacity = Number.POSITIVE_INFINITY;
  clock.advance(1000);
  expect(await log.offsets(t)).toEqual({ start: 0, stable: 3, end: 3 });
  await plain.append(t, batchOf('again'), 'durable');
  expect(log.refusedWrite).toBeUndefined();
  expect(await writer.abort()).toBe('aborted');
  writer.begin();
  await writer.append(t, batchOf('anew'), 'append');
  await writer.commit();
  expect(await readAll(log, t)).toEqual(['0:kept', '3:again', '4:anew']);
  await log.close();
});

test('a commit that is decided but finds no space for its markers is seen once there is space', async () => {
  const files = fresh();
  const clock = new ManualClock();
  const log = await withTopic(files, clock);
  const writer = await log.producer({ transactionalId: 'id' });
  writer.begin();
  await writer.append(t, batchOf('a'), 'append');
  let decided = false;
  files.onCall = ({ kind, path }) => {
    if (kind === 'sync' && path.includes('transactions')) decided = true;
    return decided && kind === 'write' ? { error: 'ENOSPC' } : undefined;
  };
  await writer.commit();
  expect(await readAll(log, t)).toEqual([]);
  files.onCall = undefined;
  clock.advance(1000);
  expect(await readAll(log, t)).toEqual(['0:a']);
  await log.close();
});

test.each([
  ['a durable append', 'unavailable/LOG_SYNC_FAILED'],
  ['the records of a commit', 'unavailable/LOG_SYNC_FAILED'],
  ['the record that decides a commit', 'unknown/LOG_COMMIT_UNKNOWN'],
])(
  'a failed sync of %s is never acknowledged, fences the log, and is found out by the next start',
  async (what, answer) => {
    const files = fresh();
    const log = await withTopic(files);
    const plain = await log.producer();
    const writer = await log.producer({ transactionalId: 'id' });
    await plain.append(t, batchOf('safe'), 'durable');
    writer.begin();
    await writer.append({ ...t, partition: 1 }, batchOf('a'), 'append');
    const where = what.includes('decides') ? 'transactions' : 'topics';
    files.onCall = ({ kind, path }) => (kind === 'sync' && path.includes(where) ? { error: 'EIO' } : undefined);
    const call = what.includes('commit') ? writer.commit() : plain.append(t, batchOf('doubtful'), 'durable');
    expect(await failure(call)).toBe(answer);
    files.onCall = undefined;

    // The disk works again, and yet nothing is acknowledged: what it lost it would not report twice.
    expect(log.fenced?.code).toBe('LOG_SYNC_FAILED');
    expect(await failure(plain.append(t, batchOf('x'), 'append'))).toBe('unavailable/LOG_SYNC_FAILED');
    expect(await failure(writer.abort())).toBe('unavailable/LOG_SYNC_FAILED');
    expect(await failure(log.producer({ transactionalId: 'id' }))).toBe('unavailable/LOG_SYNC_FAILED');
    expect(await readAll(log, t, committed)).toContain('0:safe');
    await log.close();

    // A kill keeps what is in the cache: it is written anew, so that a power cut right after the start loses nothing
    // more.
    const killed = files.crashed('kill', new Random(1));
    const again = await openOn(killed);
    expect(again.recovery.cleanShutdown).toBe(false);
    const rows = [await readAll(again, t), await readAll(again, { ...t, partition: 1 })];
    expect(rows[0]).toContain('0:safe');
    const cut = await openOn(killed.crashed('lost', new Random(1)));
    expect([await readAll(cut, t), await readAll(cut, { ...t, partition: 1 })]).toEqual(rows);
  },
);

test('a read that fails is reported, and the next one may succeed', async () => {
  const files = fresh();
  const log = await withTopic(files);
  const plain = await log.producer();
  await plain.append(t, batchOf('a'), 'durable');
  files.onCall = ({ kind }) => (kind === 'read' ? { error: 'EIO' } : undefined);
  expect(await failure(readAll(log, t))).toBe('unavailable/LOG_READ_FAILED');
  files.onCall = undefined;
  expect(await readAll(log, t)).toEqual(['0:a']);
});

test('writes that take only some of their bytes are finished', async () => {
  const files = fresh();
  files.onCall = ({ kind, count }) => (kind === 'write' && count % 2 === 0 ? { short: 7 } : undefined);
  const log = await withTopic(files);
  const plain = await log.producer();
  for (let i = 0; i < 20; i++) await plain.append(t, batchOf(`v${i}`), 'durable');
  expect(await readAll(log, t)).toHaveLength(20);
  await log.close();
  const again = await openOn(files.crashed('lost', new Random(1)));
  expect(await readAll(again, t)).toHaveLength(20);
});

const segmentOf = (files: FaultyFiles): string =>
  files.paths().find((path) => path.includes('/topics/') && path.includes('/0/') && path.endsWith('.log')) ?? '';

test('every flipped bit of a segment is reported and never served; what follows it is', async () => {
  const files = fresh();
  const log = await withTopic(files);
  const plain = await log.producer();
  const expected: string[] = [];
  for (let i = 0; i < 6; i++) {
    await plain.append(t, batchOf(`v${i}`), 'durable');
    expected.push(`${i}:v${i}`);
  }
  await log.close();
  const path = segmentOf(files);
  const size = files.bytesOf(path).length;
  for (const clean of [true, false]) {
    for (let bit = 0; bit < size * 8; bit += 5) {
      const damaged = files.crashed('kill', new Random(1));
      damaged.corrupt(path, (bytes) => {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        return bytes;
      });
      if (!clean) for (const name of damaged.paths()) if (name.endsWith('.snapshot')) damaged.unlink(name);
      const again = await openOn(damaged);
      const rows = await readAll(again, t).catch(() => [] as string[]);
      // The leader epoch is outside of the checksum and means nothing here. A damaged batch below the recovery point is
      // met by whoever reads it.
      const lost = expected[Math.floor((bit >> 3) / (size / expected.length))];
      if (clean) expect(expected.slice(0, rows.length)).toEqual(rows);
      else if (rows.length < expected.length) {
        expect(rows).toEqual(expected.filter((row) => row !== lost));
        expect(again.damage).toMatchObject([{ kind: 'records', topic: 't', partition: 0 }]);
      }
      await again.close();
    }
  }
});

test('a segment cut at any byte, with any side-files missing, is read up to its last whole batch, and no offset is given out twice', async () => {
  const files = fresh();
  const log = await withTopic(files);
  const plain = await log.producer();
  for (let i = 0; i < 4; i++) await plain.append(t, batchOf(`v${i}`), 'durable');
  const whole = files.bytesOf(segmentOf(files)).length;
  await log.close();
  const path = segmentOf(files);
  for (let cut = 0; cut <= whole; cut += 3) {
    for (const missing of [[], ['.index'], ['.snapshot'], ['.index', '.snapshot']]) {
      const damaged = files.crashed('kill', new Random(1));
      damaged.corrupt(path, (bytes) => bytes.slice(0, cut));
      for (const name of damaged.paths()) if (missing.some((suffix) => name.endsWith(suffix))) damaged.unlink(name);
      const again = await openOn(damaged);
      const rows = await readAll(again, t);
      expect(rows).toEqual(['0:v0', '1:v1', '2:v2', '3:v3'].slice(0, Math.floor((cut / whole) * 4)));
      const next = await again.producer();
      const { baseOffset } = await next.append(t, batchOf('next'), 'durable');
      // The snapshot tells how many there were. Without it only a batch that is cut in its middle tells that there was
      // one.
      const inside = cut % (whole / 4) !== 0;
      if (missing.includes('.snapshot')) expect(baseOffset).toBe(rows.length + (inside ? 1 : 0));
      else expect(baseOffset).toBe(4);
      expect(again.damage.map(({ lost }) => lost)).toEqual(
        baseOffset === rows.length ? [] : [{ from: rows.length, to: baseOffset }],
      );
      await again.close();
    }
  }
});

test('side-files that hold garbage are made anew', async () => {
  const files = fresh();
  const log = await withTopic(files);
  const writer = await log.producer({ transactionalId: 'id' });
  for (let i = 0; i < 30; i++) {
    writer.begin();
    await writer.append(t, batchOf(`v${i}-${'x'.repeat(100)}`), 'append');
    await (i % 3 === 0 ? writer.abort() : writer.commit());
  }
  const rows = await readAll(log, t);
  await log.close();
  const random = new Random(9);
  for (let round = 0; round < 30; round++) {
    const damaged = files.crashed('kill', random);
    for (const name of damaged.paths()) {
      if (/\.(index|snapshot)$/.test(name) && random.chance(0.6)) {
        damaged.corrupt(name, (bytes) => (random.chance(0.3) ? new Uint8Array(0) : random.fill(bytes)));
      }
    }
    const again = await openOn(damaged);
    expect(await readAll(again, t)).toEqual(rows);
    expect(await readAll(again, t, committed, 40)).toEqual(rows.filter((row) => Number(row.split(':')[0]) >= 40));
    await again.close();
  }
});

test('a file that cannot be deleted is reported and tried again; neither appends nor the process suffer', async () => {
  const files = fresh();
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock);
  const configs = { 'segment.bytes': '1024', 'retention.bytes': '2000' };
  await log.createTopic({ name: 't', partitions: 1, configs });
  const plain = await log.producer();
  const segments = () => files.paths().filter((path) => path.includes('/topics/') && path.endsWith('.log'));
  files.onCall = ({ kind, path }) => (kind === 'unlink' && path.endsWith('.log') ? { error: 'EIO' } : undefined);
  // Retention makes segments of 64 KiB at least here.
  const value = 'x'.repeat(450);
  for (let i = 0; i < 300; i++) {
    await plain.append(t, batchOf(`${i}-${value}`), 'durable');
    clock.advance(100);
  }
  clock.advance(10_000);
  const { start, end } = await log.offsets(t);
  expect(start).toBeGreaterThan(0);
  expect(end).toBe(300);
  expect(await readAll(log, t, committed, start)).toHaveLength(300 - start);
  expect(log.housekeepingFailure?.message).toContain('EIO');
  const before = segments().length;
  files.onCall = undefined;
  clock.advance(10_000);
  expect(log.housekeepingFailure).toBeUndefined();
  expect(segments().length).toBeLessThan(before);
  await log.close();
});

test('a topic that could not be made, and not cleared away either, leaves one topic of its name when it is made later', async () => {
  const files = fresh();
  const log = await openOn(files);
  files.onCall = ({ kind, path }) => {
    if (kind === 'sync-directory' && path.includes('/topics/')) return { error: 'EIO' };
    return kind === 'unlink' ? { error: 'EIO' } : undefined;
  };
  const create = (): Promise<unknown> => log.createTopic({ name: 'late', partitions: 1 });
  await expect(create()).rejects.toMatchObject({ message: expect.stringContaining('topic "late" cannot be made') });
  await expect(create()).rejects.toMatchObject({ message: expect.stringContaining('topic "late" cannot be made') });
  expect(await log.describeTopic('late')).toBeUndefined();
  files.onCall = undefined;
  await create();
  await log.close();
  const descriptions = files.paths().filter((path) => path.endsWith('topic.json'));
  expect(descriptions.map((path) => JSON.parse(Buffer.from(files.bytesOf(path)).toString()).name)).toEqual(['late']);
  const again = await openOn(files);
  expect((await again.describeTopic('late'))?.partitions).toBe(1);
  await again.close();
});

test('what a failed write left behind the last batch, and could not be cut off, is no damage at the next start', async () => {
  const files = fresh();
  const log = await withTopic(files);
  const plain = await log.producer();
  await plain.append(t, batchOf('a'), 'durable');
  let writes = 0;
  files.onCall = ({ kind, path }) => {
    if (!path.includes('/topics/')) return undefined;
    if (kind === 'write') return writes++ === 0 ? { short: 30 } : { error: 'EIO' };
    return kind === 'truncate' ? { error: 'EIO' } : undefined;
  };
  expect(await failure(plain.append(t, batchOf('b'), 'durable'))).toBe('unavailable/LOG_WRITE_FAILED');
  files.onCall = undefined;
  await log.close();
  const again = await openOn(files);
  expect(again.damage).toEqual([]);
  expect(again.recovery).toMatchObject({ cleanShutdown: false, bytesTruncated: 30 });
  expect(await readAll(again, t)).toEqual(['0:a']);
  await again.close();
});

test('a full disk is freed by retention alone', async () => {
  const files = fresh();
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock);
  const configs = { 'segment.bytes': '1024', 'retention.ms': '10000' };
  await log.createTopic({ name: 't', partitions: 1, configs });
  const plain = await log.producer();
  for (let i = 0; i < 30; i++) await plain.append(t, batchOf(`${i}-${'x'.repeat(90)}`), 'durable');
  files.capacity = files.usedBytes;
  expect(await failure(plain.append(t, batchOf('late'), 'durable'))).toBe('unavailable/LOG_DISK_FULL');
  clock.advance(59_000);
  expect(log.refusedWrite).toMatchObject({ code: 'LOG_DISK_FULL' });
  clock.advance(1000);
  expect(log.refusedWrite).toBeUndefined();
  expect(log.housekeepingFailure).toBeUndefined();
  expect((await log.offsets(t)).start).toBeGreaterThan(20);
  await plain.append(t, batchOf('late'), 'durable');
  for (const mode of crashModes) {
    const again = await openOn(files.crashed(mode, new Random(1)));
    expect(again.damage).toEqual([]);
    const { start, end } = await again.offsets(t);
    expect([start > 20, end]).toEqual([true, 31]);
    await again.close();
  }
  await log.close();
});
