/** Punctuators: when they are called, what becomes of what they forward and store, and what a rollback or a restart
 *  does to them. */

import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import {
  type OperatorContext,
  type OperatorSupplier,
  type Punctuation,
  repartitionSink,
  repartitionSource,
  StreamRecord,
  serdes,
  sink,
  source,
  Topology,
} from '../../../engine/index.ts';
import { Punctuators } from '../../../engine/runtime/punctuators.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { openMemoryLog } from '../../../storage/index.ts';
import { consume, newRuntime, openLog, produce, utf8 } from './support.ts';

const { string } = serdes;
const keyBytes = utf8('n');

/** Forwards each record, and says at each tick how many have come since the last one, as `n: text` at the tick's time.
 *  The count is in a store: it outlives a rollback as any state does. */
const counting =
  (punctuation: Punctuation, label = 'tick'): OperatorSupplier<string, string> =>
  (context, forward) => {
    const store = context.store('count', 'key-value');
    const out = new StreamRecord<string>();
    const read = (): number => (store.get(keyBytes, 0, 1) ? (store.valueBytes[store.valueStart] as number) : 0);
    const write = (count: number): void => void store.put(keyBytes, 0, 1, Uint8Array.of(count), 0, 1);
    context.schedule(punctuation, (time) => {
      out.keyBytes = keyBytes;
      out.keyStart = 0;
      out.keyEnd = 1;
      out.timestamp = time;
      out.value = `${label} of ${read()}`;
      write(0);
      forward(out);
    });
    return {
      process(record) {
        write(read() + 1);
        forward(record);
      },
    };
  };

const topologyOf = (
  supplier: OperatorSupplier<string, string>,
  options: { readonly schedules?: boolean } = {},
): Topology =>
  new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addStore({ name: 'count', kind: 'key-value' })
    .addProcessor('count', supplier, ['in'], { stores: ['count'], ...options })
    .addSink('out', { topic: 'out', parents: ['count'], supplier: sink({ topic: 'out', value: string }) });

/** Pipes a record at each of these times, in batches that are committed by themselves, and shows what came out. */
const piped = (topology: Topology, ...batches: readonly (readonly number[])[]): string[] => {
  const driver = new TopologyTestDriver(topology);
  for (const times of batches)
    driver.pipe(
      'in',
      times.map((timestamp) => ({ value: utf8('x'), timestamp })),
    );
  return shown(driver);
};

const shown = (driver: TopologyTestDriver): string[] =>
  driver
    .output('out', { key: string, value: string })
    .readAll()
    .map(({ key, value, timestamp }) => `${key === null ? '' : `${key}: `}${value} @${timestamp}`);

describe('by stream time', () => {
  const every10 = topologyOf(counting({ everyMs: 10, by: 'stream time' }));

  test('ticks come right after the record that reaches them, the first after the first record, missed ones are one', () => {
    expect(piped(every10, [3, 7, 10, 9, 12, 47, 49, 50])).toEqual([
      'x @3',
      'n: tick of 1 @3',
      'x @7',
      'x @10',
      'n: tick of 2 @10',
      'x @9',
      'x @12',
      'x @47',
      'n: tick of 3 @47',
      'x @49',
      'x @50',
      'n: tick of 2 @50',
    ]);
  });

  test('where commits fall makes no difference', () => {
    const times = [3, 7, 10, 9, 12, 47, 49, 50];
    const whole = piped(every10, times);
    for (let at = 1; at < times.length; at++)
      expect(piped(every10, times.slice(0, at), times.slice(at))).toEqual(whole);
    expect(piped(every10, ...times.map((time) => [time]))).toEqual(whole);
  });

  test('the first of several inputs in time moves it, whichever it is', () => {
    const topology = topologyOf(counting({ everyMs: 10, by: 'stream time' }))
      .addSource('other', { topic: 'other', kind: 'stream', supplier: source({ value: string }) })
      .addProcessor('count-other', () => ({ process() {} }), ['other'], { stores: ['count'] });
    const driver = new TopologyTestDriver(topology);
    const at = (timestamp: number) => [{ value: utf8('x'), timestamp }];
    driver.pipe('in', at(1));
    driver.pipe('other', at(20));
    driver.pipe('in', at(19));
    driver.pipe('in', at(30));
    expect(shown(driver)).toEqual([
      'x @1',
      'n: tick of 1 @1',
      'n: tick of 0 @20',
      'x @19',
      'x @30',
      'n: tick of 2 @30',
    ]);
  });

  test('one that is cancelled is not called any more, also by its own call', () => {
    const ticks: string[] = [];
    const supplier = (context: OperatorContext): { process(): void } => {
      const cancelFirst = context.schedule({ everyMs: 10, by: 'stream time' }, (time) => {
        ticks.push(`first ${time}`);
        cancelSecond();
      });
      const cancelSecond = context.schedule({ everyMs: 10, by: 'stream time' }, (time) => ticks.push(`second ${time}`));
      const cancelThird = context.schedule({ everyMs: 5, by: 'stream time' }, (time) => {
        ticks.push(`third ${time}`);
        if (time >= 20) cancelFirst();
        if (time >= 25) cancelThird();
      });
      return { process() {} };
    };
    piped(topologyOf(supplier), [0, 5, 10, 15, 20, 25, 30]);
    // At 10 both are due since then, at 20 too: the first is called before it is cancelled.
    expect(ticks).toEqual([
      'first 0',
      'third 0',
      'third 5',
      'first 10',
      'third 10',
      'third 15',
      'first 20',
      'third 20',
      'third 25',
    ]);
  });

  test('one that a record schedules is called after that record first, wherever blocks and commits end', () => {
    const topology = topologyOf(
      (context, forward) => ({
        process(record) {
          forward(record);
          if (record.timestamp !== 12) return;
          const out = new StreamRecord<string>();
          context.schedule({ everyMs: 10, by: 'stream time' }, (time) => {
            out.timestamp = time;
            out.value = 'tick';
            forward(out);
          });
        },
      }),
      { schedules: true },
    );
    const expected = ['x @3', 'x @12', 'tick @12', 'x @13', 'x @21', 'tick @21', 'x @29'];
    expect(piped(topology, [3, 12, 13, 21, 29])).toEqual(expected);
    expect(piped(topology, [3], [12], [13], [21], [29])).toEqual(expected);
  });

  test('a processor that has not declared that it schedules later cannot', () => {
    const topology = topologyOf((context) => ({
      process: () => void context.schedule({ everyMs: 10, by: 'stream time' }, () => undefined),
    }));
    expect(() => piped(topology, [1])).toThrow('the node count schedules a punctuator later than it has declared');
  });

  test('a restarted task goes on behind the last tick', async () => {
    const log = await openLog('memory');
    for (const topic of ['in', 'out']) await log.createTopic({ name: topic, partitions: 1 });
    for (const times of [
      [3, 12],
      [15, 17],
      [19, 20],
    ]) {
      const runtime = newRuntime(log);
      await runtime.start({ id: 'q', topology: every10 });
      await produce(
        log,
        'in',
        0,
        times.map((timestamp) => ({ key: null, value: 'x', timestamp })),
      );
      await runtime.awaitIdle();
      await runtime.close();
    }
    const rows = (await consume(log, 'out')).map(({ value, timestamp }) => `${value} @${timestamp}`);
    expect(rows).toEqual(piped(every10, [3, 12, 15, 17, 19, 20]).map((row) => row.replace('n: ', '')));
    await log.close();
  });

  test('where records of several partitions come together ticks go by the low watermark, at commits', () => {
    const calls: number[] = [];
    const punctuators = new Punctuators();
    punctuators.schedule({ everyMs: 100, by: 'stream time' }, (time) => calls.push(time));
    punctuators.start(Number.NEGATIVE_INFINITY);
    const take = (time: number): void => {
      punctuators.took(time, true);
      punctuators.fireByStreamTime();
    };
    const commit = (low: number): number[] => {
      punctuators.advance(low, Number.NEGATIVE_INFINITY);
      punctuators.fireByStreamTime();
      return calls.splice(0);
    };
    take(1000);
    // Nothing was measured yet.
    expect(commit(Number.POSITIVE_INFINITY)).toEqual([]);
    take(150);
    expect(commit(150)).toEqual([150]);
    take(190);
    expect(commit(190)).toEqual([]);
    expect(commit(2000)).toEqual([1000]);
  });

  test('a task behind a repartition of several partitions has ticks, too', () => {
    const ticks: string[] = [];
    const topology = new Topology()
      .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
      .addRepartition('r', {
        parents: ['in'],
        sink: repartitionSink<string>({ name: 'r', value: string }),
        source: repartitionSource<string>({ value: string }),
      })
      .addProcessor(
        'ticks',
        (context) => {
          const { partition } = context;
          context.schedule({ everyMs: 100, by: 'stream time' }, (time) => ticks.push(`${partition}: ${time}`));
          return { process: ({ timestamp }) => void ticks.push(`${partition} takes ${timestamp}`) };
        },
        ['r'],
      );
    const driver = new TopologyTestDriver(topology, { partitions: 2 });
    for (const timestamp of [50, 250]) driver.pipe('in', [{ key: keyBytes, value: keyBytes, timestamp }]);
    // It moves at the commit that follows, which comes at once when nothing is left to read.
    expect(ticks.map((tick) => tick.slice(2))).toEqual(['takes 50', ' 50', 'takes 250', ' 250']);
  });
});

describe('by the wall clock', () => {
  const every10 = topologyOf(counting({ everyMs: 10, by: 'wall clock' }));

  test('ticks come every so many milliseconds since the start, missed ones are one', () => {
    const driver = new TopologyTestDriver(every10, { now: 1_000_003 });
    driver.advanceWallClock(9);
    expect(shown(driver)).toEqual([]);
    driver.advanceWallClock(1);
    driver.pipe('in', [{ value: utf8('x'), timestamp: 5 }]);
    driver.advanceWallClock(35);
    driver.advanceWallClock(4);
    driver.advanceWallClock(1);
    expect(shown(driver)).toEqual(['n: tick of 0 @1000013', 'x @5', 'n: tick of 1 @1000048', 'n: tick of 0 @1000053']);
  });

  test('a tick that comes late does not move those behind it', () => {
    const driver = new TopologyTestDriver(every10, { now: 0 });
    const ticks = [100, 10, 12, 7, 1, 105, 5].map((ms) => {
      driver.advanceWallClock(ms);
      return shown(driver).map((tick) => tick.split('@')[1]);
    });
    expect(ticks).toEqual([['100'], ['110'], ['122'], [], ['130'], ['235'], ['240']]);
  });

  test('a clock that is set makes no difference to when they come', () => {
    const driver = new TopologyTestDriver(every10, { now: 1_000_000 });
    driver.clock.jump(500);
    driver.advanceWallClock(9);
    expect(shown(driver)).toEqual([]);
    driver.advanceWallClock(1);
    expect(shown(driver)).toEqual(['n: tick of 0 @510']);
  });

  test('a query with nothing to read commits what they forward; a paused one has no ticks', async () => {
    const clock = new ManualClock(1000);
    const log = await openMemoryLog({ clock, timers: clock });
    for (const topic of ['in', 'out']) await log.createTopic({ name: topic, partitions: 1 });
    const runtime = newRuntime(log, { clock, timers: clock });
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    const pass = async (ms: number): Promise<void> => {
      for (let i = 0; i < ms; i++) {
        clock.advance(1);
        await settle();
      }
    };
    await runtime.start({ id: 'q', topology: every10 });
    await settle();
    await pass(25);
    const rows = async (): Promise<string[]> =>
      (await consume(log, 'out')).map(({ value, timestamp }) => `${value} @${timestamp}`);
    expect(await rows()).toEqual(['tick of 0 @1010', 'tick of 0 @1020']);
    expect(runtime.counters('q').commits).toBe(2);
    runtime.pause('q');
    await pass(20);
    expect((await rows()).length).toBe(2);
    runtime.resume('q');
    await settle();
    await pass(10);
    expect((await rows()).slice(2)).toEqual(['tick of 0 @1045', 'tick of 0 @1050']);
    await runtime.close();
    await log.close();
  });

  test('they come under load as well, between steps', async () => {
    const log = await openLog('memory');
    for (const topic of ['in', 'out']) await log.createTopic({ name: topic, partitions: 1 });
    const rows = Array.from({ length: 60_000 }, (_, i) => ({ key: null, value: 'x', timestamp: i }));
    for (let from = 0; from < rows.length; from += 20_000) await produce(log, 'in', 0, rows.slice(from, from + 20_000));
    let inside = false;
    let done = 0;
    const calls: number[] = [];
    const runtime = newRuntime(log);
    await runtime.start({
      id: 'q',
      topology: topologyOf((context) => {
        context.schedule({ everyMs: 1, by: 'wall clock' }, () => {
          expect(inside).toBe(false);
          calls.push(done);
        });
        return {
          process() {
            inside = true;
            done++;
            inside = false;
          },
        };
      }),
    });
    await runtime.awaitIdle();
    await runtime.close();
    await log.close();
    expect(calls.filter((records) => records > 0 && records < rows.length).length).toBeGreaterThan(2);
  });
});

describe('a rollback', () => {
  /** What is called, as text. */
  const scheduled = () => {
    const calls: string[] = [];
    const punctuators = new Punctuators();
    const schedule = (name: string, punctuation: Punctuation) =>
      punctuators.schedule(punctuation, (time) => calls.push(`${name} ${time}`));
    return { punctuators, schedule, taken: () => calls.splice(0) };
  };

  test('takes back ticks of stream time: they come again with the records', () => {
    const { punctuators, schedule, taken } = scheduled();
    schedule('a', { everyMs: 10, by: 'stream time' });
    punctuators.start(Number.NEGATIVE_INFINITY);
    const take = (time: number): string[] => {
      punctuators.took(time, false);
      punctuators.fireByStreamTime();
      return taken();
    };
    expect(take(5)).toEqual(['a 5']);
    punctuators.commit();
    expect(take(13)).toEqual(['a 13']);
    punctuators.rollback();
    expect(punctuators.streamTime).toBe(5);
    expect(take(9)).toEqual([]);
    expect(take(13)).toEqual(['a 13']);
  });

  test('takes back ticks of the wall clock: they come again as soon as the task works', () => {
    const { punctuators, schedule, taken } = scheduled();
    schedule('a', { everyMs: 10, by: 'wall clock' });
    punctuators.start(Number.NEGATIVE_INFINITY);
    punctuators.fireByWallClock(0, 100);
    punctuators.commit();
    punctuators.fireByWallClock(10, 110);
    expect(taken()).toEqual(['a 110']);
    punctuators.rollback();
    expect(punctuators.wallDue).toBe(10);
    punctuators.fireByWallClock(14, 114);
    punctuators.fireByWallClock(20, 120);
    expect(taken()).toEqual(['a 114', 'a 120']);
  });

  test('takes back what was scheduled and cancelled', () => {
    const { punctuators, schedule, taken } = scheduled();
    const cancel = schedule('a', { everyMs: 10, by: 'stream time' });
    punctuators.start(Number.NEGATIVE_INFINITY);
    cancel();
    schedule('b', { everyMs: 10, by: 'stream time' });
    punctuators.rollback();
    punctuators.took(1, false);
    punctuators.fireByStreamTime();
    expect(taken()).toEqual(['a 1']);
  });
});
