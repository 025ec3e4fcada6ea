/** Windows that close on a quiet stream: by the wall clock, or when no record has come for a while. */

import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { type ClosingTime, QuietTime, type Runtime, serdes, type Topology } from '../../../engine/index.ts';
import {
  BufferConfig,
  JoinWindows,
  type KTable,
  StreamsBuilder,
  Suppressed,
  TimeWindows,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { type Log, openMemoryLog } from '../../../storage/index.ts';
import { consume, newRuntime, produce, utf8 } from './support.ts';

const { string } = serdes;
const texts = { key: string, value: string };
const idle = (idleMs: number): ClosingTime => ({ by: 'stream time', idleMs });
const wall: ClosingTime = { by: 'wall clock' };

const written = (table: KTable<Windowed<string>, number | bigint>): void =>
  table
    .toStream()
    .map((key, count) => [`${key?.key}@${key?.start}`, String(count)], texts)
    .to('out');

/** Counts by windows of 100 ms with a grace of 50 ms; final results to `out`. With `rekeyed`, by the value, behind a
 *  repartition. */
const counts = (how: 'closed' | 'suppressed', rekeyed = false): Topology => {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', texts);
  const grouped = rekeyed
    ? stream.groupBy((_key, value) => value, { key: string, name: 'by-value' })
    : stream.groupByKey();
  const windowed = grouped.windowedBy(TimeWindows.ofSizeAndGrace(100, 50));
  if (how === 'closed') written(windowed.emitStrategy('on window close').count({ store: 'counts' }));
  else
    written(
      windowed
        .count({ store: 'counts', retentionMs: 100_000 })
        .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()).withName('last')),
    );
  return builder.build();
};

describe.each(['closed', 'suppressed'] as const)('%s windows in the test driver', (how) => {
  const drive = (closing: ClosingTime | undefined, now = 1000) => {
    const driver = new TopologyTestDriver(counts(how), closing === undefined ? { now } : { now, closing });
    return {
      driver,
      pipe(key: string, ...times: readonly number[]) {
        driver.pipe(
          'in',
          times.map((timestamp) => ({ key: utf8(key), value: utf8('v'), timestamp })),
        );
        return this.out();
      },
      pass(ms: number) {
        driver.advanceWallClock(ms);
        return this.out();
      },
      out: (): string[] =>
        driver
          .output('out', texts)
          .readAll()
          .map(({ key, value, timestamp }) => `${key}: ${value} @${timestamp}`),
      late: (): number => driver.drops.filter(({ reason }) => reason === 'late').length,
    };
  };

  test('wait for a record where only stream time counts', () => {
    const on = drive(undefined);
    expect(on.pipe('a', 10)).toEqual([]);
    expect(on.pass(10_000_000)).toEqual([]);
    expect(on.pipe('b', 150)).toEqual(['a@0: 1 @10']);
  });

  test('close when no record has come for the idle time, and what was left of window and grace', () => {
    const on = drive(idle(1000));
    expect(on.pipe('a', 10)).toEqual([]);
    // Open for 140 ms more at 10.
    expect(on.pass(1139)).toEqual([]);
    expect(on.pass(1)).toEqual(['a@0: 1 @10']);
    expect(on.pass(100_000)).toEqual([]);
  });

  test('are late from then on, and only they', () => {
    const on = drive(idle(1000));
    on.pipe('a', 10);
    on.pass(1140);
    expect(on.pipe('a', 99)).toEqual([]);
    expect(on.late()).toBe(1);
    expect(on.pipe('a', 100)).toEqual([]);
    expect(on.late()).toBe(1);
    // Stream time is 150 now, that to which it was moved; the record has come at 100.
    expect(on.pass(1000 + 99)).toEqual([]);
    expect(on.pass(1)).toEqual(['a@100: 1 @100']);
  });

  test('stay open while records come, however old these are', () => {
    const on = drive(idle(1000));
    on.pipe('a', 10);
    for (let i = 0; i < 20; i++) expect([...on.pass(900), ...on.pipe('a', 10)]).toEqual([]);
    expect(on.pass(1140)).toEqual(['a@0: 21 @10']);
  });

  test('close by the wall clock', () => {
    const on = drive(wall, 1000);
    expect(on.pipe('a', 990, 1000)).toEqual([]);
    // [900, 1000) closes at 1050, [1000, 1100) at 1150.
    expect(on.pass(49)).toEqual([]);
    expect(on.pass(1)).toEqual(['a@900: 1 @990']);
    expect(on.pipe('a', 999)).toEqual([]);
    expect(on.late()).toBe(1);
    expect(on.pass(100)).toEqual(['a@1000: 1 @1000']);
  });

  test('by the wall clock are not closed by a record of the future', () => {
    const on = drive(wall, 1000);
    expect(on.pipe('a', 1000)).toEqual([]);
    expect(on.pipe('b', 9_999_999)).toEqual([]);
    expect(on.pipe('a', 1001)).toEqual([]);
    expect(on.late()).toBe(0);
    expect(on.pass(150)).toEqual(['a@1000: 2 @1001']);
  });

  test('by the wall clock take history in its own order', () => {
    const on = drive(wall, 1_000_000);
    // Two windows of long ago: what is left when all is read closes at once.
    expect(on.pipe('a', 10, 120, 20, 300)).toEqual(['a@0: 2 @20', 'a@100: 1 @120', 'a@300: 1 @300']);
    expect(on.late()).toBe(0);
    expect(on.pipe('a', 30)).toEqual([]);
    expect(on.late()).toBe(1);
  });

  test('a clock that is set back opens nothing again', () => {
    const on = drive(wall, 1000);
    on.pipe('a', 990);
    expect(on.pass(50)).toEqual(['a@900: 1 @990']);
    on.driver.clock.jump(500);
    expect(on.pipe('a', 991)).toEqual([]);
    expect(on.late()).toBe(1);
  });
});

test('windows of several partitions close behind a repartition', () => {
  for (const closing of [idle(1000), wall]) {
    const driver = new TopologyTestDriver(counts('closed', true), { partitions: 3, now: 1000, closing });
    for (let i = 0; i < 30; i++)
      driver.pipe('in', [{ key: utf8(`k${i}`), value: utf8('abc'[i % 3] as string), timestamp: 1000 + i }]);
    driver.advanceWallClock(10_000);
    const rows = driver.output('out', texts).readAll();
    expect(rows.map(({ key, value }) => `${key}: ${value}`).sort()).toEqual(['a@1000: 10', 'b@1000: 10', 'c@1000: 10']);
  }
});

test('an outer join gives up on a quiet stream', () => {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', texts);
  const right = builder.stream('right', texts);
  left.leftJoin(right, (a, b) => `${a}+${b}`, JoinWindows.ofTimeDifferenceAndGrace(10, 5), { value: string }).to('out');
  const driver = new TopologyTestDriver(builder.build(), { closing: idle(100) });
  driver.input('left', texts).pipe('k', 'a', 1);
  driver.advanceWallClock(100 + 15);
  expect(driver.output('out', texts).isEmpty).toBe(true);
  driver.advanceWallClock(1);
  expect(
    driver
      .output('out', texts)
      .readAll()
      .map(({ value }) => value),
  ).toEqual(['a+null']);
});

test('time goes on from the last record, however often it was passed on meanwhile', () => {
  const clock = new ManualClock();
  const quiet = new QuietTime(idle(100), clock);
  const commit = (came: boolean, time: number, due: number): void =>
    quiet.committed({ came, time, due, low: Number.NEGATIVE_INFINITY });
  commit(true, 50, 60);
  // Behind a repartition its time is known one commit later.
  commit(false, 55, 60);
  expect(quiet.waitMs()).toBe(105);
  clock.advance(105);
  expect(quiet.pass(true)).toBe(60);
  commit(false, 60, 80);
  expect(quiet.waitMs()).toBe(20);
  clock.advance(20);
  expect(quiet.pass(true)).toBe(80);
  // A second look at what did not go makes nothing spin.
  commit(false, 80, 80);
  expect(quiet.waitMs()).toBe(1000);
  commit(true, 70, 200);
  expect(quiet.waitMs()).toBe(100 + 120);
});

test('time that hosts were not passed on to does not count', () => {
  const clock = new ManualClock();
  const quiet = new QuietTime(idle(100), clock);
  const commit = (came: boolean, time: number): void =>
    quiet.committed({ came, time, due: 200, low: Number.NEGATIVE_INFINITY });
  commit(true, 50);
  clock.advance(400);
  expect(quiet.pass(true)).toBe(350);
  // Paused, they pass nothing on.
  commit(false, 50);
  quiet.restart();
  commit(true, 55);
  expect(quiet.waitMs()).toBe(100 + 145);
});

describe('on a log', () => {
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (clock: ManualClock, ms: number): Promise<void> => {
    // A timer may arm others.
    for (let left = ms; left > 0; left -= 10) {
      clock.advance(Math.min(10, left));
      await settle();
    }
  };
  const open = async (partitions: number): Promise<{ clock: ManualClock; log: Log }> => {
    const clock = new ManualClock(1000);
    const log = await openMemoryLog({ clock, timers: clock });
    await log.createTopic({ name: 'in', partitions });
    await log.createTopic({ name: 'out', partitions });
    return { clock, log };
  };
  const rows = async (log: Log): Promise<string[]> =>
    (await consume(log, 'out')).map(({ key, value }) => `${key}: ${value}`).sort();
  const started = async (log: Log, clock: ManualClock, topology: Topology, closing: ClosingTime): Promise<Runtime> => {
    const runtime = newRuntime(log, { clock, timers: clock });
    await runtime.start({ id: 'q', topology, closing });
    await settle();
    return runtime;
  };

  test.each([
    [idle(500), 'closed', 1, false],
    [idle(500), 'suppressed', 2, true],
    [wall, 'closed', 2, true],
    [wall, 'suppressed', 1, false],
  ] as const)('%o: %s windows, %i partitions', async (closing, how, partitions, rekeyed) => {
    const { clock, log } = await open(partitions);
    const runtime = await started(log, clock, counts(how, rekeyed), closing);
    for (let partition = 0; partition < partitions; partition++)
      await produce(log, 'in', partition, [{ key: 'a', value: 'a', timestamp: 1010 }]);
    await pass(clock, 20);
    expect(await rows(log)).toEqual([]);
    await pass(clock, 2000);
    expect(await rows(log)).toEqual([`a@1000: ${partitions}`]);
    // It has committed what it sent, and nothing since.
    const { commits } = runtime.counters('q');
    await pass(clock, 2000);
    expect(runtime.counters('q').commits).toBe(commits);
    await runtime.close();
    await log.close();
  });

  test.each([idle(500), wall])('what was late stays late after a restart, %o', async (closing) => {
    const { clock, log } = await open(1);
    // The aggregate before the suppression knows it too: it counts nothing more.
    const topology = counts('suppressed');
    let runtime = await started(log, clock, topology, closing);
    await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: 1010 }]);
    await pass(clock, 2000);
    expect(await rows(log)).toEqual(['a@1000: 1']);
    await runtime.close();
    // A clock of a former day: what was decided is not decided again.
    clock.jump(1000);
    runtime = await started(log, clock, topology, closing);
    await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: 1020 }]);
    await pass(clock, 100);
    expect(runtime.counters('q').drops).toEqual({ late: 1 });
    for await (const page of runtime.scan('q', 'counts')) expect(page.map(({ value }) => value.at(-1))).toEqual([1]);
    await pass(clock, 2000);
    expect(await rows(log)).toEqual(['a@1000: 1']);
    await runtime.close();
    await log.close();
  });

  test('a window that is open at a restart closes afterwards, without a record', async () => {
    for (const closing of [idle(500), wall]) {
      const { clock, log } = await open(1);
      let runtime = await started(log, clock, counts('suppressed'), closing);
      await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: 1010 }]);
      await pass(clock, 20);
      await runtime.close();
      expect(await rows(log)).toEqual([]);
      runtime = await started(log, clock, counts('suppressed'), closing);
      await pass(clock, 2000);
      expect(await rows(log)).toEqual(['a@1000: 1']);
      await runtime.close();
      await log.close();
    }
  });

  test.each(['closed', 'suppressed'] as const)(
    'what records have closed is sent wherever the process was killed: %s windows behind a repartition',
    async (how) => {
      const topology = counts(how, true);
      for (let turns = 0; turns < 60; turns++) {
        const { clock, log } = await open(2);
        let alive = true;
        const whileAlive = (run: () => void) => () => {
          if (alive) run();
        };
        const killed = newRuntime(log, {
          clock,
          timers: { after: (ms, run) => clock.after(ms, whileAlive(run)) },
          soon: (run) => setImmediate(whileAlive(run)),
        });
        await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: 1010 }]);
        await produce(log, 'in', 1, [{ key: 'b', value: 'v', timestamp: 3000 }]);
        await killed.start({ id: 'q', topology });
        for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
        alive = false;
        const runtime = await started(log, clock, topology, { by: 'stream time' });
        await pass(clock, 300);
        expect(await rows(log), `killed after ${turns} turns`).toEqual(['v@1000: 1']);
        await runtime.close();
        await log.close();
      }
    },
  );

  test('a paused query closes nothing, and reads what has come before it goes on', async () => {
    for (const closing of [idle(500), wall]) {
      const { clock, log } = await open(1);
      const runtime = await started(log, clock, counts('closed'), closing);
      await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: 1010 }]);
      await pass(clock, 20);
      runtime.pause('q');
      await pass(clock, 5000);
      expect(await rows(log)).toEqual([]);
      await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: 1020 }]);
      runtime.resume('q');
      await pass(clock, 2000);
      expect(await rows(log)).toEqual(['a@1000: 2']);
      // The pause itself has moved stream time nowhere.
      const next = closing.by === 'wall clock' ? clock.now() : 1200;
      await produce(log, 'in', 0, [{ key: 'a', value: 'v', timestamp: next }]);
      await pass(clock, 2000);
      expect(runtime.counters('q').drops).toEqual({});
      expect(await rows(log)).toHaveLength(2);
      await runtime.close();
      await log.close();
    }
  });

  test('an input that has been read to its end holds the others back for the idle time', async () => {
    const { clock, log } = await open(2);
    const runtime = await started(log, clock, counts('closed', true), idle(500));
    await produce(log, 'in', 0, [{ key: 'a', value: 'a', timestamp: 1010 }]);
    // The other partition is ahead, and its records come again and again.
    for (let i = 0; i < 4; i++) {
      await produce(log, 'in', 1, [{ key: 'b', value: 'b', timestamp: 2000 + i }]);
      await pass(clock, 100);
    }
    expect(await rows(log)).toEqual([]);
    for (let i = 0; i < 4; i++) {
      await produce(log, 'in', 1, [{ key: 'b', value: 'b', timestamp: 2010 + i }]);
      await pass(clock, 100);
    }
    expect(await rows(log)).toEqual(['a@1000: 1']);
    await runtime.close();
    await log.close();
  });
});
