import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { openFileLog } from '../../storage/file-log/index.ts';
import { type Isolation, type Log, openMemoryLog, type Producer } from '../../storage/index.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, failure, readAll } from './conformance/log-suite.ts';

type Step =
  | { readonly do: 'append'; readonly partition: number; readonly records: number; readonly size: number }
  | { readonly do: 'begin' | 'commit' | 'abort' | 'take over'; readonly who: number }
  | { readonly do: 'write'; readonly who: number; readonly partition: number; readonly records: number }
  | { readonly do: 'send offsets'; readonly who: number; readonly offset: number }
  | { readonly do: 'commit offsets'; readonly group: string; readonly offset: number }
  | { readonly do: 'delete records'; readonly partition: number; readonly share: number }
  | { readonly do: 'reopen' | 'kill' | 'recreate' };

const partition = fc.nat(1);
const who = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      partition,
      records: fc.integer({ min: 1, max: 4 }),
      size: fc.nat(300),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      who,
      partition,
      records: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('begin' as const, 'commit' as const, 'commit' as const, 'abort' as const),
      who,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take over' as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send offsets' as const), who, offset: fc.nat(100) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('commit offsets' as const),
      group: fc.constantFrom('g', 'h'),
      offset: fc.nat(100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('delete records' as const),
      partition,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'kill' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recreate' as const) }) },
);

/** A log with its producers, driven step by step. Ending the log means the same for both: what was open is aborted. */
class Driver {
  log: Log;
  plain: Producer | undefined;
  readonly writers: Producer[] = [];
  readonly open = [false, false];
  #values = 0;
  readonly #restart: ((kill: boolean) => Promise<Log>) | undefined;

  constructor(log: Log, restart?: (kill: boolean) => Promise<Log>) {
    this.log = log;
    this.#restart = restart;
  }

  async prepare(): Promise<void> {
    this.plain = await this.log.producer();
    for (const id of [0, 1]) {
      this.writers[id] = await this.log.producer({ transactionalId: `id-${id}` });
      this.open[id] = false;
    }
  }

  async create(): Promise<void> {
    await this.log.createTopic({
      name: 't',
      partitions: 2,
      configs: { 'segment.bytes': '1500', 'max.message.bytes': '1100' },
    });
  }

  /** What the step answered, as text. */
  async run(step: Step): Promise<string> {
    const value = (size: number) => `${this.#values++}${'x'.repeat(size)}`;
    const values = (records: number, size: number) => Array.from({ length: records }, () => value(size));
    switch (step.do) {
      case 'append': {
        const batch = batchOf(...values(step.records, step.size));
        const appended = this.plain?.append({ topic: 't', partition: step.partition }, batch, 'durable');
        return appended === undefined ? '' : failure(appended);
      }
      case 'write': {
        const batch = batchOf(...values(step.records, 5));
        const target = { topic: 't', partition: step.partition };
        return failure((this.writers[step.who] as Producer).append(target, batch, 'append'));
      }
      case 'begin':
        if (!this.open[step.who]) (this.writers[step.who] as Producer).begin();
        this.open[step.who] = true;
        return 'begun';
      case 'commit': {
        const end = await failure((this.writers[step.who] as Producer).commit());
        if (end === 'fine') this.open[step.who] = false;
        return end;
      }
      case 'abort':
        this.open[step.who] = false;
        return (this.writers[step.who] as Producer).abort();
      case 'take over': {
        const old = this.writers[step.who] as Producer;
        this.writers[step.who] = await this.log.producer({ transactionalId: `id-${step.who}` });
        this.open[step.who] = false;
        return failure(old.abort());
      }
      case 'send offsets':
        return failure(
          (this.writers[step.who] as Producer).sendOffsets('g', [{ topic: 't', partition: 0, offset: step.offset }]),
        );
      case 'commit offsets':
        return failure(this.log.commitOffsets(step.group, [{ topic: 't', partition: 1, offset: step.offset }]));
      case 'delete records': {
        const target = { topic: 't', partition: step.partition };
        const { start, stable } = await this.log.offsets(target);
        return failure(this.log.deleteRecords(target, start + Math.floor((stable - start) * step.share)));
      }
      case 'reopen':
      case 'kill':
        if (this.#restart !== undefined) this.log = await this.#restart(step.do === 'kill');
        await this.prepare();
        return 'restarted';
      case 'recreate':
        for (const [id, writer] of this.writers.entries()) {
          await writer.abort();
          this.open[id] = false;
        }
        await this.log.deleteTopic('t');
        await this.create();
        return 'recreated';
    }
  }

  async state() {
    const partitions = [];
    for (const target of [0, 1].map((partition) => ({ topic: 't', partition }))) {
      const offsets = await this.log.offsets(target);
      const isolations: Isolation[] = [
        { kind: 'committed' },
        { kind: 'uncommitted' },
        ...this.writers.map(({ producerId }) => ({ kind: 'own' as const, producerId })),
      ];
      const rows = [];
      for (const isolation of isolations) rows.push(await readAll(this.log, target, isolation, offsets.start, 700));
      partitions.push({ offsets, rows });
    }
    const groups = await this.log.groups();
    const positions = [];
    for (const group of groups) positions.push(await this.log.committed(group));
    return { partitions, groups, positions };
  }
}

test('the file log answers and shows what the memory log does, under any history with restarts and kills', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      let files = new FaultyFiles();
      const clock = new ManualClock(1_700_000_000_000);
      const random = new Random(5);
      const open = () => openFileLog({ directory: '/log', files, clock, timers: clock, random, rotateBytes: 1500 });
      const onDisk = new Driver(await open(), async (kill) => {
        if (kill) files = files.crashed('kill', random);
        else await onDisk.log.close();
        return open();
      });
      const inMemory = new Driver(await openMemoryLog({ clock, timers: clock }));
      for (const driver of [onDisk, inMemory]) {
        await driver.create();
        await driver.prepare();
      }
      for (const each of steps) {
        expect(await onDisk.run(each)).toEqual(await inMemory.run(each));
      }
      expect(await onDisk.state()).toEqual(await inMemory.state());
      await onDisk.run({ do: 'kill' });
      await inMemory.run({ do: 'kill' });
      expect(await onDisk.state()).toEqual(await inMemory.state());
    }),
    { numRuns: 300 },
  );
});
