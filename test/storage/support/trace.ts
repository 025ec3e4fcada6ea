/**
 * A random trace of calls on a log, what the log answered, and what a reader must therefore be shown after a crash.
 *
 * The promises: what was acknowledged as durable is there, at the offset it was given; what was acknowledged at all is
 * there after a kill; a transaction whose commit was answered is there as a whole, with its offsets; one whose commit
 * was under way is there as a whole or not at all; every other one is not there. Nothing else is there, and partitions
 * keep their order.
 */

import { expect } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { type FileLog, type FileLogOptions, openFileLog } from '../../../storage/file-log/index.ts';
import { type Log, LogError, type Producer } from '../../../storage/index.ts';
import type { CrashMode, FaultyFiles } from '../../support/faulty-files.ts';
import { batchOf, committed, readAll } from '../conformance/log-suite.ts';

interface Written {
  readonly value: string;
  readonly partition: number;
  /** -1 when the append was not answered. */
  offset: number;
}

interface Transaction {
  readonly written: Written[];
  /** What its commit makes of the group's position. */
  position: number | undefined;
  end: 'committed' | 'in doubt' | 'not committed';
}

export interface Trace {
  /** `refused`: the log said that nothing happened. */
  readonly plain: (Written & { durable: boolean; refused: boolean })[];
  readonly transactions: Transaction[];
  /** For each writer's group the positions that it may have at the end: the last one acknowledged, and those in
   *  doubt. */
  readonly positions: Map<string, (number | undefined)[]>;
  deletedTo: number[];
  deletedAtMost: number[];
  created: boolean;
}

export const partitions = 2;
const writerIds = ['one', 'two'];
export const traceDirectory = '/data/log';

export const openOn = (
  files: FaultyFiles,
  clock = new ManualClock(1_700_000_000_000),
  options: Partial<FileLogOptions> = {},
): Promise<FileLog> =>
  openFileLog({
    directory: traceDirectory,
    files,
    clock,
    timers: clock,
    random: new Random(3),
    rotateBytes: 2500,
    ...options,
  });

export const emptyTrace = (): Trace => ({
  plain: [],
  transactions: [],
  positions: new Map(writerIds.map((id) => [id, [undefined]])),
  deletedTo: Array.from({ length: partitions }, () => 0),
  deletedAtMost: Array.from({ length: partitions }, () => 0),
  created: false,
});

/** Runs up to `steps` calls; ends early when the machine is gone. Errors of a full disk are taken as answers. */
export const runTrace = async (files: FaultyFiles, seed: number, steps: number): Promise<Trace> => {
  const random = new Random(seed);
  const trace = emptyTrace();
  const clock = new ManualClock(1_700_000_000_000);
  let log: FileLog;
  try {
    log = await openOn(files, clock);
    await log.createTopic({
      name: 't',
      partitions,
      configs: { 'segment.bytes': '1024', 'index.interval.bytes': '200' },
    });
    trace.created = true;
  } catch {
    return trace;
  }
  let count = 0;
  const gone = (): boolean => files.crashedAt >= 0;
  const writers: Writer[] = [];
  for (const id of writerIds) {
    const producer = await log.producer({ transactionalId: id }).catch(() => undefined);
    if (producer === undefined) return trace;
    writers.push(new Writer(trace, producer, id));
  }
  const plain = await log.producer().catch(() => undefined);
  if (plain === undefined) return trace;

  for (let step = 0; step < steps && !gone(); step++) {
    const partition = random.below(partitions);
    const target = { topic: 't', partition };
    const writer = random.pick(writers);
    const size = random.below(10) === 0 ? 300 : 3;
    const value = `${count++}-${'x'.repeat(size)}`;
    try {
      switch (random.below(12)) {
        case 0:
        case 1:
        case 2: {
          const durable = random.chance(0.4);
          const written = { value, partition, offset: -1, durable: false, refused: false };
          trace.plain.push(written);
          const appended = plain.append(target, batchOf(value), durable ? 'durable' : 'append');
          const { baseOffset } = await appended.catch((error: unknown) => {
            written.refused = error instanceof LogError && error.code === 'LOG_DISK_FULL';
            throw error;
          });
          written.offset = baseOffset;
          written.durable = durable;
          break;
        }
        case 3:
        case 4:
        case 5:
        case 6:
          await writer.append(partition, value);
          break;
        case 7:
          if (writer.open !== undefined) {
            writer.open.position = step;
            await writer.producer.sendOffsets(writer.id, [{ ...target, partition: 0, offset: step }]);
          }
          break;
        case 8:
          await writer.commit();
          break;
        case 9:
          if (random.chance(0.5)) await Promise.allSettled(writers.map((each) => each.commit()));
          else await writer.abort();
          break;
        case 10:
          if (random.chance(0.3)) {
            const { start, stable } = await log.offsets(target);
            const to = random.between(start, stable);
            trace.deletedAtMost[partition] = Math.max(trace.deletedAtMost[partition] as number, to);
            await log.deleteRecords(target, to);
            trace.deletedTo[partition] = Math.max(trace.deletedTo[partition] as number, to);
          } else if (random.below(3) === 0) await writer.reopen(log);
          break;
        default:
          clock.advance(random.below(400));
      }
    } catch (error) {
      if (gone()) break;
      if (!(error instanceof LogError)) throw error;
    }
    for (const each of writers) if (each.broken) await each.abort().catch(() => undefined);
  }
  if (!gone()) await log.close();
  return trace;
};

class Writer {
  readonly trace: Trace;
  readonly id: string;
  producer: Producer;
  open: Transaction | undefined;
  broken = false;

  constructor(trace: Trace, producer: Producer, id: string) {
    this.trace = trace;
    this.producer = producer;
    this.id = id;
  }

  async append(partition: number, value: string): Promise<void> {
    if (this.open === undefined) {
      this.producer.begin();
      this.open = { written: [], position: undefined, end: 'not committed' };
      this.trace.transactions.push(this.open);
    }
    const written = { value, partition, offset: -1 };
    this.open.written.push(written);
    try {
      written.offset = (await this.producer.append({ topic: 't', partition }, batchOf(value), 'append')).baseOffset;
    } catch (error) {
      this.broken = true;
      throw error;
    }
  }

  async commit(): Promise<void> {
    const { open } = this;
    if (open === undefined) return;
    open.end = 'in doubt';
    if (open.position !== undefined) this.trace.positions.get(this.id)?.push(open.position);
    try {
      await this.producer.commit();
    } catch (error) {
      this.broken = true;
      throw error;
    }
    open.end = 'committed';
    if (open.position !== undefined) this.trace.positions.set(this.id, [open.position]);
    this.open = undefined;
  }

  async abort(): Promise<void> {
    const { open } = this;
    if (open === undefined) return;
    open.end = (await this.producer.abort()) === 'committed' ? 'committed' : 'not committed';
    this.open = undefined;
    this.broken = false;
  }

  async reopen(log: Log): Promise<void> {
    this.producer = await log.producer({ transactionalId: this.id });
    if (this.open !== undefined) this.open.end = 'not committed';
    this.open = undefined;
    this.broken = false;
  }
}

/** Opens the log on what a crash left and holds it to the promises. */
export const checkAfterCrash = async (files: FaultyFiles, trace: Trace, mode: CrashMode): Promise<void> => {
  const log = await openOn(files);
  expect(log.damage, 'a crash damages nothing').toEqual([]);
  if ((await log.describeTopic('t')) === undefined) {
    expect(trace.created).toBe(false);
    await log.close();
    return;
  }
  const contents = await contentOf(log);
  const at = new Map<string, { partition: number; offset: number }>();
  contents.rows.forEach((rows, partition) => {
    for (const row of rows) {
      const colon = row.indexOf(':');
      const value = row.slice(colon + 1);
      expect(at.has(value), `${value} is shown twice`).toBe(false);
      at.set(value, { partition, offset: Number(row.slice(0, colon)) });
    }
  });
  const present = ({ value, partition, offset }: Written): boolean => {
    const found = at.get(value);
    if (found === undefined) return false;
    expect(found.partition).toBe(partition);
    if (offset >= 0) expect(found.offset).toBe(offset);
    at.delete(value);
    return true;
  };
  contents.starts.forEach((start, partition) => {
    expect(start).toBeGreaterThanOrEqual(trace.deletedTo[partition] as number);
    expect(start).toBeLessThanOrEqual(trace.deletedAtMost[partition] as number);
  });
  const deleted = ({ partition, offset }: Written): boolean =>
    offset >= 0 && offset < (contents.starts[partition] as number);

  for (const written of trace.plain) {
    const shown = present(written);
    const promised = written.durable || (mode === 'kill' && written.offset >= 0);
    if (written.refused) expect(shown, `${written.value} was refused`).toBe(false);
    if (promised && !deleted(written)) expect(shown, `${written.value} was acknowledged`).toBe(true);
  }
  for (const transaction of trace.transactions) {
    const kept = transaction.written.filter((written) => !deleted(written));
    const shown = kept.filter(present);
    if (transaction.end === 'committed') expect(shown).toEqual(kept);
    else if (transaction.end === 'not committed') expect(shown).toEqual([]);
    else if (shown.length > 0) expect(shown).toEqual(kept);
  }
  expect([...at.keys()], 'nothing else is shown').toEqual([]);
  for (const [id, positions] of trace.positions) expect(positions).toContain(contents.positions[id]);

  // The log goes on: another transaction, and a clean restart that changes nothing.
  const producer = await log.producer({ transactionalId: 'one' });
  producer.begin();
  for (let partition = 0; partition < partitions; partition++) {
    await producer.append({ topic: 't', partition }, batchOf(`after-${partition}`), 'append');
  }
  await producer.commit();
  const before = await contentOf(log);
  before.rows.forEach((rows, partition) => {
    expect(rows.at(-1)?.endsWith(`:after-${partition}`)).toBe(true);
    expect(rows.slice(0, -1)).toEqual(contents.rows[partition]);
  });
  await log.close();
  const again = await openOn(files);
  expect(again.recovery.cleanShutdown).toBe(true);
  expect(again.recovery.bytesTruncated).toBe(0);
  expect(await contentOf(again)).toEqual(before);
  await again.close();
};

const contentOf = async (log: Log) => {
  const rows: string[][] = [];
  const starts: number[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const target = { topic: 't', partition };
    const { start, stable, end } = await log.offsets(target);
    expect(stable).toBe(end);
    starts.push(start);
    rows.push(await readAll(log, target, committed, start));
  }
  const positions: Record<string, number | undefined> = {};
  for (const id of writerIds) positions[id] = (await log.committed(id))[0]?.offset;
  return { rows, starts, positions };
};
