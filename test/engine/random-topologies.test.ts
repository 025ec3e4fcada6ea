/** Topologies drawn at random give the same results however transactions are cut, and on a log as in the test
 *  driver. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';
import { openDelayedLog, openMemoryLog } from '../../storage/index.ts';
import { type Drawn, drawHistory, drawTopology, type Event, texts } from './random-topologies.ts';
import { consume, newRuntime, produce, Shards } from './runtime/support.ts';

const runs = Number(process.env.RUNS ?? 60);
const first = Number(process.env.SEED ?? 1);

/** The results of each output and key, in order. */
type Results = Readonly<Record<string, readonly string[]>>;

const resultsOf = (driver: TopologyTestDriver, { outputs }: Drawn): Results => {
  const found: Record<string, string[]> = {};
  for (const topic of outputs) {
    for (const { key, value, timestamp } of driver.output(topic, texts).readAll())
      (found[`${topic} ${key}`] ??= []).push(`${value} @${timestamp}`);
  }
  return found;
};

const topicsReadBy = ({ topology }: Drawn): ReadonlySet<string> =>
  new Set(topology.subTopologies().flatMap(({ sources }) => sources.map(({ topic }) => topic)));

const inDriver = (drawn: Drawn, batches: readonly (readonly Event[])[]): Results => {
  const driver = new TopologyTestDriver(drawn.topology);
  const reads = topicsReadBy(drawn);
  for (const batch of batches) {
    const [head] = batch;
    if (head !== undefined && reads.has(head.topic)) driver.input(head.topic, texts).pipeAll(batch);
  }
  const results = resultsOf(driver, drawn);
  driver.close();
  return results;
};

test('the results of each key are the same for every cut into transactions', () => {
  for (let seed = first; seed < first + runs; seed++) {
    const random = new Random(seed);
    const drawn = drawTopology(random, { rekeys: false });
    const history = drawHistory(random, 60);
    // Records of one topic that follow each other.
    const batches: Event[][] = [];
    for (const event of history) {
      const last = batches.at(-1);
      if (last?.[0]?.topic === event.topic && random.chance(0.8)) last.push(event);
      else batches.push([event]);
    }
    const one = inDriver(
      drawn,
      history.map((event) => [event]),
    );
    expect(inDriver(drawn, batches), `seed ${seed}: ${drawn.steps.join(', ')}`).toEqual(one);
  }
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** On a log with one partition. `oneByOne`: each record when all that follows from the one before is committed; else
 *  all are there at first. `kills`: after how many turns of the event loop each process ends. */
const onLog = async (
  drawn: Drawn,
  history: readonly Event[],
  { oneByOne = false, kills = [] }: { readonly oneByOne?: boolean; readonly kills?: readonly number[] } = {},
): Promise<Results> => {
  const clock = new ManualClock(1000);
  const log = await openMemoryLog({ clock, timers: clock });
  const shards = new Shards();
  for (const name of ['a', 'b', 't', 'u', ...drawn.outputs]) await log.createTopic({ name, partitions: 1 });
  /** Moves the clock on until the promise is fulfilled. */
  const driven = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const marked = promise.finally(() => {
      settled = true;
    });
    marked.catch(() => undefined);
    for (let turns = 0; !settled; turns++) {
      if (turns > 5000) throw new Error('it does not come to rest');
      await turn();
      if (!settled) clock.advanceToNext();
    }
    return marked;
  };
  const write = ({ topic, ...row }: Event): Promise<void> => produce(log, topic, 0, [row]);
  if (!oneByOne) for (const event of history) await write(event);
  const start = async (isAlive: () => boolean) => {
    const whileAlive = (run: () => void) => () => {
      if (isAlive()) run();
    };
    // A process that is gone gets no answer from the log any more.
    const timers = { after: (ms: number, run: () => void) => clock.after(ms, whileAlive(run)) };
    const seen = await openDelayedLog({ clock, timers, seed: 1, maxDelayMs: 2, log });
    const runtime = newRuntime(seen, {
      clock,
      timers,
      soon: (run) => setImmediate(whileAlive(run)),
      openShard: shards.open,
      // A few records for each commit.
      limits: { blockBytes: 200, commitIntervalMs: 2 },
    });
    return { runtime, started: runtime.start({ id: 'q', topology: drawn.topology }) };
  };
  for (const turns of kills) {
    let alive = true;
    const { started } = await start(() => alive);
    started.catch(() => undefined);
    for (let i = 0; i < turns; i++) {
      await turn();
      clock.advanceToNext();
    }
    alive = false;
  }
  const { runtime, started } = await start(() => true);
  await driven(started);
  const settle = async (): Promise<void> => {
    for (let quiet = 0, turns = 0; quiet < 12; turns++) {
      if (turns > 5000) throw new Error(`it does not come to rest: ${JSON.stringify(runtime.status('q'))}`);
      await turn();
      clock.advance(20);
      quiet = (await driven(runtime.lag('q'))) === 0 ? quiet + 1 : 0;
    }
  };
  await settle();
  if (oneByOne) {
    for (const event of history) {
      await write(event);
      await settle();
    }
  }
  const found: Record<string, string[]> = {};
  for (const topic of drawn.outputs) {
    for (const { key, value, timestamp } of await consume(log, topic))
      (found[`${topic} ${key}`] ??= []).push(`${value} @${timestamp}`);
  }
  await driven(runtime.close());
  await log.close();
  return found;
};

const logRuns = Number(process.env.LOG_RUNS ?? 12);

test('a log with one partition gives the results of the test driver', async () => {
  for (let seed = first; seed < first + logRuns; seed++) {
    const random = new Random(seed, 2);
    const drawn = drawTopology(random, { rekeys: true });
    const history = drawHistory(random, 40);
    const driven = inDriver(
      drawn,
      history.map((event) => [event]),
    );
    const read = topicsReadBy(drawn);
    const found = await onLog(
      drawn,
      history.filter(({ topic }) => read.has(topic)),
      { oneByOne: true },
    );
    expect(found, `seed ${seed}: ${drawn.steps.join(', ')}`).toEqual(driven);
  }
});

test('processes that were killed give the results of one that was not', async () => {
  for (let seed = first; seed < first + logRuns; seed++) {
    const random = new Random(seed, 3);
    const drawn = drawTopology(random, { rekeys: false });
    const history = drawHistory(random, 60);
    const whole = await onLog(drawn, history);
    const kills = Array.from({ length: 1 + random.below(3) }, () => random.below(250));
    const found = await onLog(drawn, history, { kills });
    expect(found, `seed ${seed}, killed after ${kills}: ${drawn.steps.join(', ')}`).toEqual(whole);
  }
});
