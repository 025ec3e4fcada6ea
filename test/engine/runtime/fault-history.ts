/**
 * Fault histories: queries run over a log with a bad network, lost answers, refusals and crashes, spread over hosts
 * that answer late, die and hand over their tasks. Every run follows from its seed. In the end the network mends,
 * everything comes to rest, and the history checks what was committed.
 */

import { expect, test } from 'vitest';
import { ManualClock, messageOf, Random, type Timers } from '../../../base/index.ts';
import type { Runtime, Topology } from '../../../engine/index.ts';
import {
  type DelayedLog,
  type DelayedLogFaults,
  type Log,
  openDelayedLog,
  openMemoryLog,
} from '../../../storage/index.ts';
import { type TestPlan, topologyOf } from './build-topology.ts';
import { newRuntime, Shards, slowHosts } from './support.ts';

/** Lets the promise come true, moving the clock on whenever nothing else can happen. */
const drive = async <T>(clock: ManualClock, promise: Promise<T>): Promise<T> => {
  let settled = false;
  const marked = promise.finally(() => {
    settled = true;
  });
  marked.catch(() => undefined);
  for (let steps = 0; !settled; steps++) {
    if (steps > 20_000) throw new Error('it does not come to rest');
    await new Promise((resolve) => setImmediate(resolve));
    if (!settled) clock.advanceToNext();
  }
  return marked;
};

/** Starts the query of this id. */
type Start = (runtime: Runtime, id: string, plan: unknown) => Promise<void>;

/** Answers when the queries have committed all there is, but those named, which have failed. The fenced are started
 *  again. */
const caughtUp = async (
  runtime: Runtime,
  ids: readonly string[],
  failed: readonly string[],
  revive: (runtime: Runtime, failed: readonly string[]) => void,
): Promise<void> => {
  for (const id of ids) {
    const done = async (): Promise<boolean> =>
      failed.includes(id) ? runtime.status(id).state === 'failed' : (await runtime.lag(id)) === 0;
    for (let tries = 0; !(await done()); tries++) {
      if (tries > 2_000) throw new Error(`${id} stands still: ${JSON.stringify(runtime.status(id))}`);
      revive(runtime, failed);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
};

const pauseStepMs = 25;

export interface Scenario {
  /** How many crashes to expect in all rounds. */
  readonly crashes?: number;
  /** 0 runs the tasks beside the coordinator, else they are spread over hosts whose messages take their time. */
  readonly hosts?: number;
  /** Probability that a host ends with a message to it. */
  readonly deaths?: number;
  /** The probability that a write of a checkpoint fails; there is little memory then, so that checkpoints are written
   *  and read all the time. */
  readonly diskFull?: number;
  /** Probability, at each step, that some task is moved to another host. */
  readonly moves?: number;
  /** Probability, at each step, that a query gets a thread more or less. Queries then run in threads of their own, at
   *  first one each, instead of on hosts that they share. */
  readonly threads?: number;
  /** How long nothing comes after a round, at most: checkpoints are written meanwhile. */
  readonly pausesMs?: number;
  /** A failure is looked for in less: not every fault has to come about. */
  readonly shrinking?: boolean;
}

export interface History {
  /** By id of the query. */
  readonly plans: Readonly<Record<string, unknown>>;
  /** Builds a plan; left out: each is a `TestPlan`. */
  readonly build?: (plan: unknown) => Topology;
  readonly rounds: number;
  /** Makes the topics, and `problems` with one partition. */
  prepare(log: Log): Promise<void>;
  /** Writes what comes in one round. `network` is what the queries see of the log. */
  round(round: number, log: Log, random: Random, network: DelayedLog): Promise<void>;
  /** Called when all rounds are over, before the last crash. `settle` mends the network, revives what has failed (but
   *  the queries named), and answers when all others have committed all there is. */
  beforeTheEnd?(runtime: Runtime, settle: (failed: readonly string[]) => Promise<void>): Promise<void>;
  /** Everything has come to rest. */
  check(log: Log, runtime: Runtime): Promise<void>;
}

export const runHistory = async (
  seed: number,
  faults: DelayedLogFaults,
  history: History,
  options: Scenario = {},
): Promise<void> => {
  /** A fault that never came about makes no test. */
  const happened = (times: number): void => {
    if (options.shrinking !== true) expect(times).toBeGreaterThan(0);
  };
  const { crashes = 0, hosts = 0, deaths = 0, diskFull = 0, moves = 0, threads = 0, pausesMs = 0 } = options;
  const { plans, rounds, build = (plan) => topologyOf(plan as TestPlan) } = history;
  const start: Start = (runtime, id, plan) => runtime.start({ id, topology: build(plan), plan });
  const startWithFaults: Start = (runtime, id, plan) =>
    threads === 0
      ? start(runtime, id, plan)
      : runtime.start({ id, topology: build(plan), module: { url: `file:///${id}`, config: plan } });
  const random = new Random(seed);
  const clock = new ManualClock(1_000_000);
  const inner: Log = await openMemoryLog({ clock, timers: clock });
  await history.prepare(inner);
  const shards = new Shards();
  const disk = new Random(seed + 1);
  if (diskFull > 0) shards.failing = () => disk.chance(diskFull);
  const rebuilt: string[] = [];

  /** Queries that are getting a thread more or less. */
  const changing = new Set<string>();
  let alive = { process: true };
  let network: DelayedLog | undefined;
  let settling = false;

  const open = async (): Promise<Runtime> => {
    // A process that is gone hears of no timer and no turn any more, and so no call of its own is ever answered.
    alive.process = false;
    const life = { process: true };
    alive = life;
    const timers: Timers = {
      after: (ms, run) =>
        clock.after(ms, () => {
          if (life.process) run();
        }),
    };
    const log = await openDelayedLog({ clock, timers, seed: random.u32(), maxDelayMs: 5, log: inner });
    log.setFaults(faults);
    network = log;
    const soon = (run: () => void): void => {
      setImmediate(() => life.process && run());
    };
    const messages = new Random(random.u32());
    const workers = slowHosts({
      count: hosts,
      deaths: () => (settling ? 0 : deaths),
      log,
      clock,
      timers,
      random: messages,
      soon,
      openShard: shards.open,
      build,
      load: async ({ config }) => ({ topology: build(config), onError: {} }),
    });
    const runtime = newRuntime(log, {
      clock,
      timers,
      soon,
      ...((hosts > 0 || threads > 0) && { workers }),
      openShard: shards.open,
      processingLog: 'problems',
      onEvent: (event) => {
        if (event.kind === 'note' && event.note.about === 'rebuilt') rebuilt.push(event.note.why);
      },
      limits: { commitIntervalMs: 20, ...(diskFull > 0 && { stateBytes: 2_000 }) },
    });
    for (const [id, plan] of Object.entries(plans)) void startWithFaults(runtime, id, plan).catch(() => undefined);
    changing.clear();
    return runtime;
  };

  /** Starts again what is fenced or has failed, as an operator would, but those queries that are to fail. */
  const revive = (runtime: Runtime, failing: readonly string[] = []): void => {
    for (const { queryId, state } of runtime.queries()) {
      if (state !== 'fenced' && (state !== 'failed' || failing.includes(queryId))) continue;
      void startWithFaults(runtime, queryId, plans[queryId]).catch(() => undefined);
    }
  };

  let moved = 0;
  const move = (runtime: Runtime): void => {
    const { queryId } = random.pick(runtime.queries());
    const tasks = [...runtime.assignmentOf(queryId).keys()];
    if (tasks.length === 0) return;
    runtime.moveTask(queryId, random.pick(tasks), 1 + random.below(hosts)).then(
      () => moved++,
      () => undefined,
    );
  };

  let threadsChanged = 0;
  const changeThreads = (runtime: Runtime): void => {
    const { queryId } = random.pick(runtime.queries());
    if (changing.has(queryId)) return;
    changing.add(queryId);
    const change = random.chance(0.6) ? runtime.addThread(queryId) : runtime.removeThread(queryId);
    change
      .then(
        () => threadsChanged++,
        () => undefined,
      )
      .finally(() => changing.delete(queryId));
  };

  let runtime = await open();
  for (let round = 0; round < rounds; round++) {
    await history.round(round, inner, random, network as DelayedLog);
    // Some steps of everything that goes on.
    for (let i = random.below(hosts > 0 || threads > 0 || diskFull > 0 ? 800 : 60); i > 0; i--) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceToNext();
      if (random.chance(0.1)) revive(runtime);
      if (random.chance(moves)) move(runtime);
      if (random.chance(threads)) changeThreads(runtime);
    }
    for (let ms = random.below(pausesMs + 1); ms > 0; ms -= pauseStepMs) {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(pauseStepMs);
      if (random.chance(0.1)) revive(runtime);
    }
    if (random.chance(crashes / rounds)) {
      // The process is gone: what it held is never heard of again.
      shards.crash(random);
      runtime = await open();
    }
  }
  const settle = async (failed: readonly string[]): Promise<void> => {
    settling = true;
    network?.setFaults({});
    await drive(clock, caughtUp(runtime, Object.keys(plans), failed, revive));
  };
  if (history.beforeTheEnd !== undefined) await history.beforeTheEnd(runtime, settle);
  // Each task has a thread that runs it, before a next start would give it one.
  else if (threads > 0) await settle([]);
  if (moves > 0) happened(moved);
  if (threads > 0) happened(threadsChanged);
  // The network mends; everything comes to rest.
  alive.process = false;
  shards.crash(random);
  shards.failing = () => false;
  if (diskFull > 0) happened(shards.failures);
  const mended = newRuntime(inner, {
    clock,
    timers: clock,
    openShard: shards.open,
    processingLog: 'problems',
    limits: { commitIntervalMs: 20 },
  });
  for (const [id, plan] of Object.entries(plans)) await drive(clock, start(mended, id, plan));
  await drive(clock, mended.awaitIdle());
  await history.check(inner, mended);
  await drive(clock, mended.close());
  // A failed write, a crash: none of them is damage.
  expect(rebuilt).toEqual([]);
};

interface Attempt {
  readonly rounds: number;
  readonly faults: DelayedLogFaults;
  readonly scenario: Scenario;
}

/** Attempts with less in them: a part of the rounds, one kind of fault less. */
const smallerThan = ({ rounds, faults, scenario }: Attempt): Attempt[] =>
  [
    ...[Math.ceil(rounds / 2), rounds - 1]
      .filter((fewer) => fewer > 0 && fewer < rounds)
      .map((fewer) => ({ rounds: fewer, faults, scenario })),
    ...Object.entries(faults)
      .filter(([, chance]) => chance > 0)
      .map(([fault]) => ({ rounds, faults: { ...faults, [fault]: 0 }, scenario })),
    ...(['crashes', 'deaths', 'diskFull', 'moves', 'threads'] as const)
      .filter((fault) => (scenario[fault] ?? 0) > 0)
      .map((fault) => ({ rounds, faults, scenario: { ...scenario, [fault]: 0 } })),
  ].map((attempt) => ({ ...attempt, scenario: { ...attempt.scenario, shrinking: true } }));

/** Runs a history. One that fails is reported as the least that still fails. */
const runShrunk = async (
  seed: number,
  faults: DelayedLogFaults,
  newHistory: () => History,
  scenario: Scenario = {},
): Promise<void> => {
  const failureOf = async (attempt: Attempt): Promise<unknown> => {
    const history = { ...newHistory(), rounds: attempt.rounds };
    try {
      await runHistory(seed, attempt.faults, history, attempt.scenario);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  let least: Attempt = { rounds: newHistory().rounds, faults, scenario };
  let failure = await failureOf(least);
  if (failure === undefined) return;
  const first = failure;
  for (let smaller: Attempt | undefined = least; smaller !== undefined; ) {
    least = smaller;
    smaller = undefined;
    for (const attempt of smallerThan(least)) {
      const found = await failureOf(attempt);
      if (found === undefined) continue;
      [smaller, failure] = [attempt, found];
      break;
    }
  }
  const { shrinking: _, ...what } = { ...least.scenario, ...least.faults };
  const parts = Object.entries(what).filter(([, chance]) => chance !== 0);
  const text = parts.map(([fault, chance]) => `${fault} ${chance}`).join(', ');
  throw new Error(`seed ${seed} fails with ${least.rounds} rounds and ${text || 'no fault'}: ${messageOf(failure)}`, {
    cause: first,
  });
};

/** The seeds of so many histories, from 1 on; by hand others: `RUNS=60 SEED=52001 npx vitest run test/engine/…`. */
export const seedsOf = (histories: number): number[] =>
  Array.from({ length: Number(process.env['RUNS'] ?? histories) }, (_, i) => Number(process.env['SEED'] ?? 1) + i);

/** The tests of a topology under each kind of fault; `history` makes a history of its own for each. */
export const testWithFaults = (history: () => History): void => {
  const seeds = seedsOf(8);

  test.each(seeds)('with lost answers and a log that is full now and then, seed %i', async (seed) => {
    await runShrunk(seed, { appendUnknown: 0.05, commitUnknown: 0.2, abortUnknown: 0.1, unavailable: 0.1 }, history);
  });

  test.each(seeds)('with crashes, seed %i', async (seed) => {
    const faults = { appendUnknown: 0.02, commitUnknown: 0.1, unavailable: 0.05, fenced: 0.02 };
    await runShrunk(100 + seed, faults, history, { crashes: 4 });
  });

  test.each(seeds.slice(0, 4))('with crashes some time behind checkpoints, seed %i', async (seed) => {
    await runShrunk(400 + seed, { commitUnknown: 0.05 }, history, { crashes: 4, pausesMs: 6_000 });
  });

  test.each(seeds)('with a disk that is full now and then under the checkpoints, seed %i', async (seed) => {
    await runShrunk(200 + seed, { commitUnknown: 0.05 }, history, { crashes: 3, diskFull: 0.1 });
  });

  test.each(seeds)('with tasks that move between hosts that die, seed %i', async (seed) => {
    const faults = { commitUnknown: 0.1, unavailable: 0.05 };
    await runShrunk(300 + seed, faults, history, { crashes: 1, hosts: 3, moves: 0.05, deaths: 0.01 });
  });

  test.each(seeds)('with threads that come and go, and die, seed %i', async (seed) => {
    const faults = { commitUnknown: 0.1, unavailable: 0.05 };
    await runShrunk(400 + seed, faults, history, { crashes: 1, threads: 0.05, deaths: 0.005 });
  });
};
