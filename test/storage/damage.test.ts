/** What was acknowledged and is gone between two runs: noticed at opening, kept in mind, never made worse. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { type FileLog, openFileLog } from '../../storage/file-log/index.ts';
import type { Damage } from '../../storage/index.ts';
import { type CrashMode, FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, committed, failure, readAll } from './conformance/log-suite.ts';

const t = { topic: 't', partition: 0 };

class World {
  files = new FaultyFiles();
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly #random = new Random(2);

  open(): Promise<FileLog> {
    const { files, clock } = this;
    return openFileLog({ directory: '/log', files, clock, timers: clock, random: this.#random, rotateBytes: 1 << 20 });
  }

  /** The next start, after a crash. */
  crash(mode: CrashMode = 'kill'): Promise<FileLog> {
    this.files = this.files.crashed(mode, this.#random);
    return this.open();
  }

  paths(part: string): string[] {
    return this.files.paths().filter((path) => path.includes(part));
  }

  /** Flips a bit in the middle of the n-th batch of a file whose batches have the same size. */
  flip(path: string, batch: number): void {
    this.files.corrupt(path, (bytes) => {
      const size = new DataView(bytes.buffer, bytes.byteOffset).getInt32(8) + 12;
      const at = batch * size + 30;
      bytes[at] = (bytes[at] as number) ^ 16;
      return bytes;
    });
  }
}

const value = (i: number): string => `v${String(i).padStart(4, '0')}-${'x'.repeat(90)}`;
const rowsOf = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}:${value(from + i)}`);

/** A topic whose partition 0 holds `count` durable batches in segments of six. */
const withRows = async (world: World, count: number): Promise<FileLog> => {
  const log = await world.open();
  await log.createTopic({ name: 't', partitions: 2, configs: { 'segment.bytes': '1024' } });
  await append(log, 0, count);
  return log;
};

const append = async (log: FileLog, from: number, to: number): Promise<void> => {
  const producer = await log.producer();
  for (let i = from; i < to; i++) await producer.append(t, batchOf(value(i)), 'durable');
};

const segments = (world: World): string[] => world.paths('/0/').filter((path) => path.endsWith('.log'));
const baseOf = (path: string): number => Number(path.slice(-24, -4));
const dropSnapshots = (world: World): void => {
  for (const path of world.paths('.snapshot')) world.files.unlink(path);
};
const records = (from: number, to: number): Partial<Damage> => ({
  kind: 'records',
  topic: 't',
  partition: 0,
  lost: { from, to },
});

test.each(['kill', 'lost'] as const)(
  'without a snapshot a flipped bit costs one batch: its bytes are kept aside, later segments are served (%s)',
  async (mode) => {
    const world = new World();
    await withRows(world, 40);
    dropSnapshots(world);
    const [, second = ''] = segments(world);
    world.flip(second, 2);
    const lost = baseOf(second) + 2;
    let log = await world.crash(mode);
    const rows = [...rowsOf(0, lost), ...rowsOf(lost + 1, 40)];
    expect(await readAll(log, t)).toEqual(rows);
    expect(await log.offsets(t)).toEqual({ start: 0, stable: 40, end: 40 });
    expect(log.damage).toMatchObject([records(lost, lost + 1)]);
    expect(log.damage[0]?.message).toContain('partition 0 of topic "t"');
    const kept = log.damage[0]?.keptAt ?? '';
    expect(world.files.bytesOf(kept).length).toBe(log.recovery.bytesQuarantined);
    expect(log.recovery.bytesTruncated).toBe(0);

    // It stays known over restarts and appends, until it is accepted; the bytes stay.
    await append(log, 40, 80);
    log = await world.crash();
    expect(log.damage).toMatchObject([records(lost, lost + 1)]);
    expect(await readAll(log, t)).toEqual([...rows, ...rowsOf(40, 80)]);
    expect(await log.acceptLoss('other')).toEqual([]);
    expect(await log.acceptLoss('t')).toMatchObject([records(lost, lost + 1)]);
    expect(log.damage).toEqual([]);
    dropSnapshots(world);
    log = await world.crash();
    expect(log.damage).toEqual([]);
    expect(await readAll(log, t)).toEqual([...rows, ...rowsOf(40, 80)]);
    expect(world.files.paths()).toContain(kept);
  },
);

test('a flipped bit in the last segment is damage after a kill, and does not take the batches behind it along', async () => {
  const world = new World();
  await withRows(world, 12);
  const last = segments(world).at(-1) ?? '';
  dropSnapshots(world);
  world.flip(last, 0);
  const log = await world.crash();
  const lost = baseOf(last);
  expect(await readAll(log, t)).toEqual([...rowsOf(0, lost), ...rowsOf(lost + 1, 12)]);
  expect(log.damage).toMatchObject([records(lost, lost + 1)]);
});

test('a torn end of the last segment is cut off and is no damage', async () => {
  const world = new World();
  await withRows(world, 10);
  const last = segments(world).at(-1) ?? '';
  world.files.corrupt(last, (bytes) => Uint8Array.of(...bytes, ...bytes.subarray(0, 70)));
  const log = await world.crash();
  expect(log.damage).toEqual([]);
  expect(log.recovery.bytesTruncated).toBe(70);
  expect(await readAll(log, t)).toEqual(rowsOf(0, 10));
});

test.each([
  ['first', 0, 'with snapshots'],
  ['middle', 2, 'with snapshots'],
  ['middle', 2, 'without snapshots'],
  ['middle', 2, 'after a clean shutdown'],
  ['last', -1, 'after a clean shutdown'],
] as const)('a segment that is gone (%s) is noticed; what is left keeps its offsets', async (_, which, how) => {
  const world = new World();
  const first = await withRows(world, 40);
  if (how === 'after a clean shutdown') await first.close();
  const all = segments(world);
  const gone = all.at(which) ?? '';
  const from = baseOf(gone);
  const to = which === -1 ? 40 : baseOf(all[which + 1] ?? '');
  world.files.unlink(gone);
  if (how === 'without snapshots') dropSnapshots(world);
  const log = await world.crash();
  expect(log.damage).toMatchObject([records(from, to)]);
  expect(await readAll(log, t)).toEqual([...rowsOf(0, from), ...rowsOf(to, 40)]);
  await append(log, 40, 41);
  expect((await readAll(log, t)).at(-1)).toEqual(rowsOf(40, 41)[0]);
});

test('after a kill a last segment that is gone is noticed, although nothing tells what was in it', async () => {
  const world = new World();
  await withRows(world, 40);
  world.files.unlink(segments(world).at(-1) ?? '');
  const log = await world.crash();
  expect(log.damage).toMatchObject([{ kind: 'records', topic: 't', partition: 0 }]);
  expect(log.damage[0]).not.toHaveProperty('lost');
});

test('a closed segment that was shortened below the recovery point is noticed', async () => {
  const world = new World();
  await (await withRows(world, 40)).close();
  const [, second = ''] = segments(world);
  world.files.corrupt(second, (bytes) => bytes.slice(0, bytes.length / 2 + 5));
  const log = await world.open();
  const from = log.damage[0]?.lost?.from ?? 0;
  const to = baseOf(segments(world)[2] ?? '');
  expect(from).toBeGreaterThan(baseOf(second));
  expect(log.damage).toMatchObject([records(from, to)]);
  expect(await readAll(log, t)).toEqual([...rowsOf(0, from), ...rowsOf(to, 40)]);
});

test('after a truncation nothing acknowledged later is cut, and indexes of the longer file mislead nobody', async () => {
  const world = new World();
  let log = await world.open();
  await log.createTopic({ name: 't', partitions: 1, configs: { 'index.interval.bytes': '150' } });
  await append(log, 0, 40);
  await log.close();
  const [segment = ''] = segments(world);
  world.files.corrupt(segment, (bytes) => bytes.slice(0, Math.floor(bytes.length / 2)));
  log = await world.open();
  const { from, to } = log.damage[0]?.lost ?? { from: -1, to: -1 };
  expect([from, to]).toEqual([19 + 1, 40]);
  // Batches of another size: the old positions are inside of them.
  const producer = await log.producer();
  const later: string[] = [];
  for (let i = 0; i < 60; i++) {
    const text = `later-${i}-${'y'.repeat(i)}`;
    const { baseOffset } = await producer.append(t, batchOf(text), 'durable');
    later.push(`${baseOffset}:${text}`);
  }
  for (const mode of ['kill', 'lost'] as const) {
    log = await world.crash(mode);
    expect(log.damage).toMatchObject([{ lost: { from, to } }]);
    expect(await readAll(log, t)).toEqual([...rowsOf(0, from), ...later]);
    for (const row of later) {
      expect((await readAll(log, t, committed, Number(row.split(':')[0])))[0]).toBe(row);
    }
  }
});

test('committed positions and commits tell what is lost at the end, and offsets are not given out again', async () => {
  const world = new World();
  let log = await withRows(world, 10);
  const writer = await log.producer({ transactionalId: 'id' });
  writer.begin();
  await writer.append({ ...t, partition: 1 }, batchOf('a'), 'append');
  await writer.append({ ...t, partition: 1 }, batchOf('b'), 'append');
  await writer.sendOffsets('g', [{ ...t, offset: 10 }]);
  await writer.commit();
  dropSnapshots(world);
  for (const path of segments(world)) world.files.unlink(path);
  for (const path of world.paths('/1/')) world.files.unlink(path);
  log = await world.crash();
  expect(log.damage).toMatchObject([
    records(0, 10),
    { kind: 'records', topic: 't', partition: 1, lost: { from: 0, to: 2 } },
  ]);
  expect(await log.committed('g')).toEqual([{ ...t, offset: 10 }]);
  await append(log, 10, 20);
  expect(await readAll(log, t)).toEqual(rowsOf(10, 20));
  expect(await readAll(log, { ...t, partition: 1 })).toEqual([]);
  expect((await world.crash()).damage).toHaveLength(2);
});

test('a group may commit an offset beyond the end: that is no damage', async () => {
  const world = new World();
  const log = await withRows(world, 3);
  await log.commitOffsets('g', [{ ...t, offset: 99 }]);
  const again = await world.crash();
  expect(again.damage).toEqual([]);
  expect(await again.committed('g')).toEqual([{ ...t, offset: 99 }]);
});

test('a partition directory that is gone is noticed, and empty from then on', async () => {
  const world = new World();
  const first = await withRows(world, 10);
  await first.commitOffsets('g', [{ ...t, offset: 7 }]);
  const { id = '' } = (await first.describeTopic('t')) ?? {};
  world.files.removeTree(`/log/topics/${id}/0`);
  let log = await world.crash();
  expect(log.damage).toMatchObject([{ kind: 'partition', topic: 't', partition: 0, lost: { from: 0, to: 7 } }]);
  expect(await log.offsets(t)).toEqual({ start: 0, stable: 7, end: 7 });
  expect(await readAll(log, t)).toEqual([]);
  await append(log, 7, 9);
  log = await world.crash();
  expect(log.damage).toHaveLength(1);
  expect(await readAll(log, t)).toEqual(rowsOf(7, 9));
});

test('a description that is gone or damaged is written anew from the transaction log', async () => {
  for (const damage of ['gone', 'damaged']) {
    const world = new World();
    const { id = '' } = (await (await withRows(world, 10)).describeTopic('t')) ?? {};
    const path = `/log/topics/${id}/topic.json`;
    if (damage === 'gone') world.files.unlink(path);
    else world.files.corrupt(path, () => new Uint8Array([123]));
    const log = await world.crash();
    expect(log.damage).toEqual([]);
    expect(await log.describeTopic('t')).toMatchObject({ id, partitions: 2 });
    expect(await readAll(log, t)).toEqual(rowsOf(0, 10));
    expect(world.files.bytesOf(path).length).toBeGreaterThan(100);
  }
});

test('a topic whose directory is gone is missed, and one of the same name is another topic', async () => {
  const world = new World();
  const first = await withRows(world, 10);
  await first.commitOffsets('g', [{ ...t, offset: 7 }]);
  const { id = '' } = (await first.describeTopic('t')) ?? {};
  world.files.removeTree(`/log/topics/${id}`);
  let log = await world.crash();
  expect(log.damage).toMatchObject([{ kind: 'topic', topic: 't', topicId: id }]);
  expect(await failure(readAll(log, t))).toBe('refused/LOG_UNKNOWN_TOPIC');
  await log.createTopic({ name: 't', partitions: 2 });
  await append(log, 0, 3);
  expect(await log.committed('g')).toEqual([]);
  log = await world.crash();
  expect(log.damage).toMatchObject([{ kind: 'topic', topic: 't', topicId: id }]);
  expect(await log.groups()).toEqual(['g']);
  expect(await log.acceptLoss('t')).toHaveLength(1);
  log = await world.crash();
  expect(log.damage).toEqual([]);
  expect(await log.groups()).toEqual([]);
  expect(await readAll(log, t)).toEqual(rowsOf(0, 3));
});

test('a directory that nothing explains is never deleted', async () => {
  const world = new World();
  const { id = '' } = (await (await withRows(world, 10)).describeTopic('t')) ?? {};
  world.files.unlink(`/log/topics/${id}/topic.json`);
  world.files.removeTree('/log/internal/transactions');
  let log = await world.crash();
  const files = world.paths(`/topics/${id}/`);
  expect(files.length).toBeGreaterThan(2);
  expect(log.damage.map(({ kind, topicId }) => [kind, topicId])).toEqual([
    ['transactions', undefined],
    ['topic', id],
  ]);
  log = await world.crash();
  expect(log.damage).toHaveLength(2);
  expect(world.paths(`/topics/${id}/`)).toEqual(files);
  await log.acceptLoss();
  expect(world.paths(`/quarantine/${id}/`)).toHaveLength(files.length);
  expect((await world.crash()).damage).toEqual([]);
});

test.each([
  ['offsets', 'gone'],
  ['offsets', 'emptied'],
  ['offsets', 'cut'],
  ['transactions', 'gone'],
  ['transactions', 'emptied'],
])("the log's own %s partition that is %s is noticed", async (name, how) => {
  const world = new World();
  const first = await withRows(world, 10);
  const producer = await first.producer({ transactionalId: 'id' });
  for (let i = 1; i < 5; i++) {
    producer.begin();
    await producer.sendOffsets('g', [{ ...t, offset: i }]);
    await producer.commit();
  }
  const directory = `/log/internal/${name}`;
  if (how === 'gone') world.files.removeTree(directory);
  for (const path of world.paths(directory)) {
    if (how === 'cut') world.files.corrupt(path, (bytes) => bytes.slice(0, bytes.length / 2));
    else world.files.unlink(path);
  }
  let log = await world.crash();
  expect(log.damage).toMatchObject([{ kind: name }]);
  await append(log, 10, 12);
  await log.commitOffsets('h', [{ ...t, offset: 1 }]);
  log = await world.crash();
  expect(log.damage).toMatchObject([{ kind: name }]);
  await log.acceptLoss();
  expect((await world.crash()).damage).toEqual([]);
});

test('offsets that were only ever committed outside of transactions are missed as well', async () => {
  const world = new World();
  const first = await withRows(world, 10);
  await first.commitOffsets('g', [{ ...t, offset: 7 }]);
  await first.close();
  world.files.removeTree('/log/internal/offsets');
  expect((await world.open()).damage).toMatchObject([{ kind: 'offsets' }]);
});

test('a start offset that cannot be read is reported, and nothing is deleted because of it', async () => {
  const world = new World();
  const first = await withRows(world, 40);
  await first.deleteRecords(t, 15);
  await first.close();
  const path = world.paths('/start')[0] ?? '';
  world.files.corrupt(path, (bytes) => bytes.fill(0x7f));
  const log = await world.open();
  expect(log.damage).toMatchObject([{ kind: 'start', topic: 't', partition: 0 }]);
  const { start, end } = await log.offsets(t);
  expect([start <= 15, end]).toEqual([true, 40]);
  expect(await readAll(log, t, committed, start)).toEqual(rowsOf(start, 40));
});

test('what is only found damaged by reading is cut out when its loss is accepted', async () => {
  const world = new World();
  await (await withRows(world, 40)).close();
  const [, second = ''] = segments(world);
  world.flip(second, 2);
  const lost = baseOf(second) + 2;
  let log = await world.open();
  expect(log.damage).toEqual([]);
  expect(await failure(readAll(log, t))).toBe('refused/LOG_CORRUPT_BATCH');
  expect(await log.acceptLoss('t')).toMatchObject([records(lost, lost + 1)]);
  const rows = [...rowsOf(0, lost), ...rowsOf(lost + 1, 40)];
  expect(await readAll(log, t)).toEqual(rows);
  await append(log, 40, 50);
  for (const how of ['kill', 'close'] as const) {
    if (how === 'close') await log.close();
    log = how === 'kill' ? await world.crash() : await world.open();
    expect(log.damage).toEqual([]);
    expect(await readAll(log, t)).toEqual([...rows, ...rowsOf(40, 50)]);
  }
});

test('a partition that the file system does not let read is offline; the others are served', async () => {
  const world = new World();
  const first = await withRows(world, 10);
  const other = await first.producer();
  await other.append({ ...t, partition: 1 }, batchOf('fine'), 'durable');
  dropSnapshots(world);
  world.files = world.files.crashed('kill', new Random(1));
  world.files.onCall = ({ kind, path }) => (kind === 'read' && path.includes('/0/') ? { error: 'EIO' } : undefined);
  let log = await world.open();
  expect(log.damage).toMatchObject([{ kind: 'partition', topic: 't', partition: 0 }]);
  expect(await failure(readAll(log, t))).toBe('unavailable/LOG_PARTITION_OFFLINE');
  expect(await failure(log.offsetForTime(t, 0))).toBe('unavailable/LOG_PARTITION_OFFLINE');
  expect(await failure(log.offsets(t))).toBe('unavailable/LOG_PARTITION_OFFLINE');
  expect(await readAll(log, { ...t, partition: 1 })).toEqual(['0:fine']);
  world.files.onCall = undefined;
  await log.close();
  log = await world.open();
  expect(log.damage).toEqual([]);
  expect(await readAll(log, t)).toEqual(rowsOf(0, 10));
});

test.each(['opened', 'offline'])(
  'of a segment with a bad sector the rest is salvaged, where the partition is %s; the file is kept',
  async (how) => {
    const world = new World();
    let log = await world.open();
    await log.createTopic({ name: 't', partitions: 1 });
    await append(log, 0, 200);
    await log.close();
    if (how === 'offline') dropSnapshots(world);
    const [path = ''] = segments(world);
    const former = world.files.bytesOf(path);
    const breakSector = (): void => {
      world.files.onCall = ({ kind, path: read, position = 0, end = 0 }) =>
        kind === 'read' && read === path && position < 9000 && end > 8500 ? { error: 'EIO' } : undefined;
    };
    breakSector();
    log = await world.open();
    expect(log.damage.map(({ kind }) => kind)).toEqual(how === 'offline' ? ['partition'] : []);
    expect([log.salvage('t'), log.salvage('none')]).toEqual([true, false]);
    await log.close();
    // The file of that name is another one now.
    world.files.onCall = undefined;
    log = await world.open();
    const accepted = await log.acceptLoss('t');
    const { from, to } = accepted.at(-1)?.lost ?? { from: 0, to: 0 };
    expect(accepted).toMatchObject([{ kind: 'records', path }, records(from, to)]);
    expect(accepted[0]?.message).toContain('4096 bytes of a segment cannot be read, and are given up');
    expect(await readAll(log, t)).toEqual([...rowsOf(0, from), ...rowsOf(to, 200)]);
    // A page, and the batches that it cuts.
    const batch = former.length / 200;
    expect(to - from).toBeLessThanOrEqual(4096 / batch + 2);
    expect(from * batch).toBeLessThan(8500);
    const kept = world.paths('quarantine/').filter((file) => world.files.bytesOf(file).length === former.length);
    expect(kept.map((file) => world.files.bytesOf(file))).toEqual([former]);
    expect([log.damage, log.salvage('t')]).toEqual([[], false]);
    await append(log, 200, 210);
    log = await world.crash();
    expect(await readAll(log, t)).toEqual([...rowsOf(0, from), ...rowsOf(to, 210)]);
  },
);

test('a crash while a segment is salvaged loses nothing without a report', async () => {
  for (let at = 0; at < 30; at++) {
    const world = new World();
    let log = await world.open();
    await log.createTopic({ name: 't', partitions: 1 });
    await append(log, 0, 40);
    await log.close();
    log = await world.open();
    const [path = ''] = segments(world);
    const before = world.files.calls;
    let changes = 0;
    world.files.onCall = ({ kind, path: read, count }) => {
      if (kind === 'read') return read === path ? { error: 'EIO' } : undefined;
      return count >= before && changes++ === at ? 'crash' : undefined;
    };
    try {
      log.salvage('t');
    } catch {
      // The machine is gone.
    }
    const whole = world.files.crashedAt < 0;
    log = await world.crash('lost');
    const rows = await readAll(log, t).catch(() => []);
    // What nobody has read since is found when the loss is accepted.
    const found = await log.acceptLoss('t');
    expect(rows.length === 40 || found.length > 0, `crash at ${at}`).toBe(true);
    if (whole) break;
    expect(at).toBeLessThan(29);
  }
});

test.each(['kill', 'lost', 'prefix'] as const)(
  'after a crash at any step of a salvage (%s) the next repair ends it: only the bad sector is lost',
  async (mode) => {
    for (let at = 0; ; at++) {
      const world = new World();
      let log = await world.open();
      await log.createTopic({ name: 't', partitions: 1 });
      await append(log, 0, 200);
      await log.close();
      const [path = ''] = segments(world);
      const former = world.files.bytesOf(path);
      /** The sector is bad wherever the file is; its copy has other bytes there. */
      const breakSector = (crashes: () => boolean = () => false): void => {
        const { files } = world;
        const isBad = (file: string): boolean => files.bytesOf(file)[8700] === former[8700];
        files.onCall = ({ kind, path: file, position = 0, end = 0 }) => {
          if (kind !== 'read') return crashes() ? 'crash' : undefined;
          return file === path && position < 9000 && end > 8500 && isBad(file) ? { error: 'EIO' } : undefined;
        };
      };
      log = await world.open();
      let changes = 0;
      breakSector(() => changes++ === at);
      try {
        log.salvage('t');
      } catch {
        // The machine is gone.
      }
      const whole = world.files.crashedAt < 0;
      world.files = world.files.crashed(mode, new Random(at));
      breakSector();
      log = await world.open();
      if (log.salvage('t')) {
        await log.close();
        log = await world.open();
      }
      const accepted = await log.acceptLoss('t');
      const { from, to } = accepted.at(-1)?.lost ?? { from: 0, to: 0 };
      expect(await readAll(log, t), `crash at ${at}`).toEqual([...rowsOf(0, from), ...rowsOf(to, 200)]);
      expect((to - from) * (former.length / 200), `crash at ${at}`).toBeLessThan(4096 + 2 * (former.length / 200));
      const kept = world.paths('quarantine/').map((file) => world.files.bytesOf(file));
      expect(kept, `crash at ${at}`).toContainEqual(former);
      expect(world.paths('.new')).toEqual([]);
      if (whole) break;
    }
  },
);
