import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { openFileLog } from '../../storage/file-log/index.ts';
import { TimeIndex } from '../../storage/file-log/time-index.ts';
import { encodeBatch, openMemoryLog } from '../../storage/index.ts';
import { FaultyFiles } from '../support/faulty-files.ts';

const t = { topic: 't', partition: 0 };

test('an entry says what is earlier; what is written is read again', () => {
  const index = new TimeIndex(100);
  index.add(10, 105);
  index.add(10, 110);
  index.add(30, 120);
  for (const each of [index, TimeIndex.decode(index.encode(), 100)]) {
    expect(each?.firstCandidate(5)).toBe(100);
    expect(each?.firstCandidate(10)).toBe(100);
    expect(each?.firstCandidate(11)).toBe(106);
    expect(each?.firstCandidate(31)).toBe(121);
  }
  index.cut(121);
  expect(index.count).toBe(2);
  index.cut(120);
  expect(index.firstCandidate(31)).toBe(106);
  expect(TimeIndex.decode(new Uint8Array(11), 0)).toBeUndefined();
});

const setUp = async () => {
  const state = { files: new FaultyFiles() };
  const clock = new ManualClock(1_700_000_000_000);
  const open = () =>
    openFileLog({ directory: '/log', files: state.files, clock, timers: clock, random: new Random(2) });
  const log = await open();
  const configs = { 'segment.bytes': '2000', 'index.interval.bytes': '150' };
  await log.createTopic({ name: 't', partitions: 1, configs });
  return { state, open, log };
};

test('the file log finds a time where the memory log finds it, with its indexes and without', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: -50, max: 500 }), { minLength: 1, maxLength: 5 }), { maxLength: 80 }),
      async (batches) => {
        const { state, open, log } = await setUp();
        const plain = await openMemoryLog();
        await plain.createTopic({ name: 't', partitions: 1 });
        for (const each of [log, plain]) {
          const producer = await each.producer();
          for (const timestamps of batches) {
            await producer.append(t, encodeBatch(timestamps.map((timestamp) => ({ timestamp }))), 'append');
          }
        }
        const wanted = new Map<number, unknown>();
        for (let time = -60; time <= 520; time += 20) wanted.set(time, await plain.offsetForTime(t, time));
        const check = async (found: typeof log) => {
          for (const [time, offset] of wanted) expect(await found.offsetForTime(t, time)).toEqual(offset);
        };
        await check(log);
        await log.close();
        const reopened = await open();
        await check(reopened);
        await reopened.close();
        for (const path of state.files.paths()) if (path.endsWith('.timeindex')) state.files.unlink(path);
        state.files = state.files.crashed('kill', new Random(1));
        await check(await open());
      },
    ),
    { numRuns: 40 },
  );
});

test('a time index with a flipped bit is made anew', async () => {
  const { state, open, log } = await setUp();
  const producer = await log.producer();
  for (let i = 0; i < 200; i++) await producer.append(t, encodeBatch([{ timestamp: i * 10 }]), 'append');
  await log.close();
  const path = state.files.paths().find((name) => name.includes('topics') && name.endsWith('.timeindex')) as string;
  const file = state.files.open(path, 'write');
  expect(file.size()).toBeGreaterThan(60);
  // The offset of an entry now lies behind records that it should lie before.
  file.writeAt(new Uint8Array([0x7f]), 0, 1, 12 * 2 + 10);
  file.close();
  const again = await open();
  for (let i = 0; i < 200; i++) expect(await again.offsetForTime(t, i * 10)).toEqual({ offset: i, timestamp: i * 10 });
});

test('looking up a time reads little of a long partition', async () => {
  const { state, log } = await setUp();
  const producer = await log.producer();
  for (let i = 0; i < 2000; i++) await producer.append(t, encodeBatch([{ timestamp: i }]), 'append');
  let reads = 0;
  state.files.onCall = ({ kind }) => {
    if (kind === 'read') reads++;
    return undefined;
  };
  expect(await log.offsetForTime(t, 1500)).toEqual({ offset: 1500, timestamp: 1500 });
  expect(reads).toBeLessThan(3);
});

test('a time that is looked for in a file that was shortened meanwhile is answered with damage', async () => {
  const { state, log } = await setUp();
  const producer = await log.producer();
  await log.createTopic({ name: 'large', partitions: 1 });
  const large = { topic: 'large', partition: 0 };
  await producer.append(large, encodeBatch([{ timestamp: 1, value: new Uint8Array(200_000) }]), 'append');
  const path =
    state.files.paths().find((one) => one.endsWith('.log') && state.files.bytesOf(one).length > 200_000) ?? '';
  state.files.corrupt(path, (bytes) => bytes.slice(0, 100_000));
  await expect(log.offsetForTime(large, 1)).rejects.toMatchObject({ code: 'LOG_CORRUPT_BATCH' });
});
