/**
 * Random histories in which things go wrong beside each other: many producers commit while the log rotates its own
 * partitions and single files run out of space; files are damaged between two runs. `npm run test:planted` shows that
 * each of the faults it plants is found here.
 */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import type { FileLog } from '../../storage/file-log/index.ts';
import { LogError, type Producer } from '../../storage/index.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, readAll } from './conformance/log-suite.ts';
import { openOn } from './support/trace.ts';

const fresh = (): FaultyFiles => {
  const files = new FaultyFiles();
  files.mkdir('/data');
  files.syncDirectory('/');
  return files;
};

const ticks = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

const valueOf = (row: string): string => row.slice(row.indexOf(':') + 1);

// ---------------------------------------------------------------- producers beside each other

const partitions = 3;

/** One transactional producer with a group of its own, and what it was promised. */
class Worker {
  readonly committed: string[] = [];
  position: number | undefined;
  readonly #log: FileLog;
  readonly #producer: Producer;
  readonly #random: Random;
  readonly #id: string;

  constructor(log: FileLog, producer: Producer, random: Random, id: string) {
    this.#log = log;
    this.#producer = producer;
    this.#random = random;
    this.#id = id;
  }

  get group(): string {
    return this.#id;
  }

  async transaction(number: number): Promise<void> {
    const random = this.#random;
    const values: string[] = [];
    const touched = new Set<number>();
    this.#producer.begin();
    try {
      for (let i = random.between(1, 3); i > 0; i--) {
        const partition = random.below(partitions);
        const value = `${this.#id}-${number}-${i}`;
        await this.#producer.append({ topic: 't', partition }, batchOf(value), 'append');
        touched.add(partition);
        values.push(value);
      }
      const moves = random.chance(0.8);
      if (moves) await this.#producer.sendOffsets(this.#id, [{ topic: 't', partition: 0, offset: number }]);
      if (random.chance(0.2)) throw new LogError('refused', 'CHANGED_ITS_MIND', 'it is aborted');
      await this.#producer.commit();
      this.committed.push(...values);
      if (moves) this.position = number;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      await this.#abort(values, touched);
    }
  }

  /** Aborts until it is answered; from then on nobody sees the records. */
  async #abort(values: readonly string[], touched: ReadonlySet<number>): Promise<void> {
    for (;;) {
      try {
        expect(await this.#producer.abort()).toBe('aborted');
        break;
      } catch (error) {
        if (!(error instanceof LogError) || error.kind !== 'unavailable') throw error;
        await ticks(20);
      }
    }
    for (const partition of touched) {
      const isolation = { kind: 'own', producerId: this.#producer.producerId } as const;
      const shown = (await readAll(this.#log, { topic: 't', partition }, isolation)).map(valueOf);
      expect(
        shown.filter((value) => values.includes(value)),
        'an aborted transaction is not seen',
      ).toEqual([]);
    }
  }
}

const runBesideEachOther = async (seed: number, withFullFiles: boolean): Promise<void> => {
  const random = new Random(seed);
  const files = fresh();
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock);
  await log.createTopic({ name: 't', partitions, configs: { 'segment.bytes': '2000' } });
  const workers: Worker[] = [];
  for (let i = 0; i < 5; i++) {
    const id = `w${i}`;
    workers.push(new Worker(log, await log.producer({ transactionalId: id }), new Random(seed * 31 + i), id));
  }
  files.onSync = () => ticks(random.below(60));
  let full = '';
  let left = 0;
  files.onCall = ({ kind, path }) => {
    if (!withFullFiles || kind !== 'write') return undefined;
    if (left === 0 && random.chance(0.02)) {
      full = random.pick(['/0/', '/1/', '/2/', '/transactions/', '/offsets/']);
      left = random.between(1, 12);
    }
    if (left === 0 || !path.includes(full)) return undefined;
    left--;
    return { error: 'ENOSPC' };
  };
  const ticking = { on: true };
  const time = (async () => {
    while (ticking.on) {
      await ticks(200);
      clock.advance(50);
    }
  })();
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let number = 1; number <= 40; number++) await worker.transaction(number);
      }),
    );
  } finally {
    ticking.on = false;
  }
  files.onCall = undefined;
  await time;
  clock.advance(1000);
  await ticks(1000);

  const again = await openOn(files.crashed('kill', random));
  expect(again.damage).toEqual([]);
  const shown: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    shown.push(...(await readAll(again, { topic: 't', partition })).map(valueOf));
  }
  expect(shown.sort()).toEqual(workers.flatMap(({ committed }) => committed).sort());
  for (const worker of workers) {
    const committed = await again.committed(worker.group);
    expect(committed[0]?.offset, `the position of ${worker.group}`).toBe(worker.position);
  }
};

test.each([false, true])(
  'transactions beside each other across rotations keep what they were promised (files full now and then: %s)',
  async (withFullFiles) => {
    for (let seed = 1; seed <= 15; seed++) {
      try {
        await runBesideEachOther(seed, withFullFiles);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  },
);

// ---------------------------------------------------------------- damage between runs

const t = { topic: 't', partition: 0 };

/** Does something to the files of the topic that no crash does. */
const damageSomething = (files: FaultyFiles, random: Random): string => {
  const segments = files.paths().filter((path) => path.includes('/topics/') && path.endsWith('.log'));
  const segment = random.chance(0.4) ? (segments.at(-1) as string) : random.pick(segments);
  const size = files.bytesOf(segment).length;
  if (random.chance(0.4)) {
    for (const path of files.paths()) {
      if (path.includes('/topics/') && path.endsWith('.snapshot') && random.chance(0.6)) files.unlink(path);
    }
  }
  switch (random.below(3)) {
    case 0: {
      const at = random.below(Math.max(1, size));
      files.corrupt(segment, (bytes) => bytes.slice(0, at));
      return `${segment} is cut at ${at}`;
    }
    case 1:
      if (size === 0) return 'nothing';
      files.corrupt(segment, (bytes) => {
        const at = random.below(size);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        return bytes;
      });
      return `a bit of ${segment} is flipped`;
    default:
      files.unlink(segment);
      return `${segment} is removed`;
  }
};

/** Durable appends; what was answered, by offset. */
const appendRows = async (log: FileLog, random: Random, name: string, count: number): Promise<Map<number, string>> => {
  const rows = new Map<number, string>();
  const producer = await log.producer();
  for (let i = 0; i < count; i++) {
    const value = `${name}-${i}-${'x'.repeat(random.below(60))}`;
    const { baseOffset } = await producer.append(t, batchOf(value), 'durable');
    rows.set(baseOffset, value);
  }
  return rows;
};

/** All rows by offset, wherever damage that is only met by reading leaves any. */
const shownRows = async (log: FileLog): Promise<Map<number, string>> => {
  await log.acceptLoss('t');
  const { start } = await log.offsets(t);
  const rows = await readAll(log, t, { kind: 'committed' }, start);
  return new Map(rows.map((row) => [Number(row.slice(0, row.indexOf(':'))), valueOf(row)]));
};

const runWithDamage = async (seed: number): Promise<void> => {
  const random = new Random(seed);
  let files = fresh();
  let log = await openOn(files);
  const configs = { 'segment.bytes': random.pick(['1024', '3000', '100000']), 'index.interval.bytes': '200' };
  await log.createTopic({ name: 't', partitions: 1, configs });
  const first = await appendRows(log, random, 'first', random.between(20, 60));
  if (random.chance(0.7)) await log.close();
  files = files.crashed('kill', random);
  const what = damageSomething(files, random);

  log = await openOn(files);
  const lost = log.damage.flatMap((damage) => (damage.lost === undefined ? [] : [damage.lost]));
  const unknown = log.damage.some((damage) => damage.lost === undefined);
  const second = await appendRows(log, random, 'second', random.between(10, 120));
  files = files.crashed(random.pick(['kill', 'lost'] as const), random);

  log = await openOn(files);
  const late = (await log.acceptLoss('t')).flatMap((damage) => (damage.lost === undefined ? [] : [damage.lost]));
  const shown = await shownRows(log);
  for (const [offset, value] of second)
    expect(shown.get(offset), `${what}; ${value} was acknowledged later`).toBe(value);
  const isLost = (offset: number): boolean =>
    [...lost, ...late].some(({ from, to }) => offset >= from && offset < to) || unknown;
  const newest = Math.max(...first.keys());
  for (const [offset, value] of first) {
    if (shown.get(offset) === value) continue;
    // Of the very last segment after a kill nothing may tell that it ever held anything.
    const untold = offset > newest - 20 && !second.has(offset);
    expect(isLost(offset) || second.has(offset) || untold, `${what}; ${value} is missing and nothing says so`).toBe(
      true,
    );
    expect(shown.get(offset) === undefined || second.has(offset), `${what}; another row at ${offset}`).toBe(true);
  }
  expect(shown.size).toBeLessThanOrEqual(first.size + second.size);
};

test('whatever is damaged between two runs, nothing acknowledged later is lost, and what is missing is named', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    try {
      await runWithDamage(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
