/**
 * The stepping loop of a host: its tasks in round robin, each a few thousand records at a time, synchronously.
 *
 * Punctuators that go by the wall clock are called before their task steps; a timer wakes the loop for the next one,
 * also when there is nothing to step.
 *
 * After `roundMs` the event loop gets its share. A task is not stepped while its run is not `running`, is paused, has
 * too much that is not acknowledged, or waits for a checkpoint. At the end of a round batches for repartition topics
 * are handed over, a transient query's transaction ends, and each run reports its progress where that has changed. A
 * transient query that has read all there is may have something due by time (`quiet-time.ts`), which ends one more.
 */

import type { MemoryBudget } from '../stores/memory-budget.ts';
import type { HostParts } from './host-options.ts';
import { countersOf, fitSteps, type HostedRun, type HostedTask, positionOf } from './hosted-run.ts';
import { Meter } from './meter.ts';

/** A round ends after so long. */
const roundMs = 10;
/** How long records for a repartition topic wait for others to fill their batch. */
const handOverMs = 25;
/** How often a transient query that is busy reports what it has counted. */
const reportEveryMs = 100;

export interface StepperOptions {
  readonly host: HostParts;
  readonly memory: Pick<MemoryBudget, 'isShort'>;
  /** Tasks may take further blocks. */
  readonly wakeReading: () => void;
}

export class Stepper {
  /** Of all tasks. */
  readonly processing = new Meter();
  readonly punctuating = new Meter();
  readonly #host: HostParts;
  readonly #memory: Pick<MemoryBudget, 'isShort'>;
  readonly #wakeReading: () => void;
  readonly #monotonic: () => number;
  /** All tasks that may step, in their order. */
  #tasks: HostedTask[] = [];
  #next = 0;
  #asked = false;
  #closed = false;
  /** The timer for the next punctuator. */
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor({ host, memory, wakeReading }: StepperOptions) {
    this.#host = host;
    this.#memory = memory;
    this.#wakeReading = wakeReading;
    this.#monotonic = () => host.options.clock.monotonic();
  }

  add(hosted: HostedTask): void {
    if (!this.#tasks.includes(hosted)) this.#tasks.push(hosted);
  }

  /** Takes out the tasks of which this holds. */
  remove(which: (hosted: HostedTask) => boolean): void {
    this.#tasks = this.#tasks.filter((hosted) => !which(hosted));
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  /** Asks for a round after the event loop has had its share. */
  wake(): void {
    if (this.#asked || this.#closed) return;
    this.#asked = true;
    this.#host.options.soon(() => {
      this.#asked = false;
      if (!this.#closed) this.#round();
    });
  }

  #round(): void {
    const { clock } = this.#host.options;
    const until = clock.monotonic() + roundMs;
    const stepped = new Set<HostedRun>();
    let idle = 0;
    let late = false;
    while (idle < this.#tasks.length && !late) {
      if (this.#next >= this.#tasks.length) this.#next = 0;
      const hosted = this.#tasks[this.#next++] as HostedTask;
      const tasks = this.#tasks;
      const done = this.#step(hosted, stepped);
      // Another list: its run has failed, and its tasks are off it.
      if (this.#tasks !== tasks) idle = 0;
      else if (done === 0) idle++;
      else {
        idle = 0;
        late = clock.monotonic() >= until;
      }
    }
    const nowMs = clock.monotonic();
    for (const run of stepped) {
      if (run.exchange === undefined) this.#handOver(run, nowMs);
      else this.#endTransaction(run, nowMs);
    }
    if (!late) this.#passTime(nowMs);
    for (const run of this.#host.runs.values()) this.report(run);
    if (stepped.size > 0) this.#wakeReading();
    if (late) this.wake();
    else this.#arm();
  }

  /** Steps one task; answers how many records it has processed. Its run is added to `stepped` where it did anything. */
  #step(hosted: HostedTask, stepped: Set<HostedRun>): number {
    if (!mayStep(hosted)) return 0;
    const { run, task } = hosted;
    const { exchange } = run;
    const { atWork, clock } = this.#host.options;
    const monotonic = this.#monotonic;
    try {
      atWork?.(run.id);
      const before = run.unacknowledgedBytes;
      if (run.byWallClock) task.setClock(clock.now());
      const startMs = clock.monotonic();
      const punctuated = task.punctuateAt < Number.POSITIVE_INFINITY && task.punctuate(startMs, clock.now());
      const steppedMs = punctuated ? clock.monotonic() : startMs;
      if (punctuated) this.#measure(hosted.punctuate, this.punctuating, 1, startMs, steppedMs);
      const sampled = hosted.samples.step(task, run.stepRecords, steppedMs, monotonic);
      const done = sampled + task.step(run.stepRecords - sampled, steppedMs);
      if (done > 0) this.#processed(hosted, done, steppedMs);
      if (done > 0 || punctuated) {
        run.pending = true;
        stepped.add(run);
      }
      if (exchange !== undefined) fitSteps(run, done, run.unacknowledgedBytes - before);
      else if ((task.commitAsked || run.cacheFull) && !run.commitAsked) {
        run.commitAsked = true;
        this.#host.options.post({ kind: 'commit asked', run: run.id });
      }
      return done;
    } catch (error) {
      this.#host.fail(run, error);
      return 0;
    }
  }

  #processed(hosted: HostedTask, records: number, startMs: number): void {
    const { clock } = this.#host.options;
    const endMs = clock.monotonic();
    this.#measure(hosted.process, this.processing, records, startMs, endMs);
    const nowMs = clock.now();
    for (const { index, time, records: read } of hosted.task.inputs) {
      if (read === hosted.measured[index]) continue;
      hosted.measured[index] = read;
      hosted.latencies[index]?.add(1, Math.max(0, nowMs - time), endMs);
    }
  }

  #measure(ofTask: Meter, ofThread: Meter, count: number, startMs: number, endMs: number): void {
    ofTask.add(count, endMs - startMs, endMs);
    ofThread.add(count, endMs - startMs, endMs);
  }

  /** Sets the timer for the punctuator that is due first. */
  #arm(): void {
    let at = Number.POSITIVE_INFINITY;
    for (const hosted of this.#tasks)
      if (mayStep(hosted)) at = Math.min(at, hosted.task.punctuateAt, hosted.task.idleUntil);
    for (const run of this.#host.runs.values()) {
      const waitMs = quietWait(run);
      if (waitMs !== undefined) at = Math.min(at, this.#host.options.clock.monotonic() + waitMs);
    }
    if (at === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const { clock, timers } = this.#host.options;
    this.#cancelTimer = timers.after(Math.max(0, at - clock.monotonic()), () => {
      this.#cancelTimer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.wake();
    });
  }

  /** What is behind a repartition belongs to the same transaction, if it comes in time: batches leave when their writer
   *  has nothing left to read, and every `handOverMs`. */
  #handOver(run: HostedRun, nowMs: number): void {
    if (run.assignment.guarantee === 'at least once') {
      // It can be read without a commit.
      for (const { task } of run.tasks) task.handOver();
      return;
    }
    const now = nowMs - run.handedOverMs >= handOverMs;
    for (const { task } of run.tasks) if (now || task.drained) task.handOverRepartitions();
    if (now) run.handedOverMs = nowMs;
  }

  /** Moves stream time on where a transient query has something that is due without a record. */
  #passTime(nowMs: number): void {
    for (const run of this.#host.runs.values()) {
      const waitMs = quietWait(run);
      if (waitMs !== undefined && waitMs <= 0) this.#endTransaction(run, nowMs, run.quiet?.pass(true));
    }
  }

  /** A transient query's transaction ends with the round: nothing of it can fail half-way. `passed`: stream time moves
   *  on at least to here. */
  #endTransaction(run: HostedRun, nowMs: number, passed?: number): void {
    if (run.phase !== 'running') return;
    let came = false;
    let due = Number.POSITIVE_INFINITY;
    let time = Number.NEGATIVE_INFINITY;
    try {
      for (const { task } of run.tasks) {
        const commit = task.flush(passed);
        came ||= commit.records > 0;
        due = Math.min(due, commit.due);
        time = Math.max(time, commit.time);
        task.commit(new Map());
      }
      run.quiet?.committed({ came, due, time, low: Number.NEGATIVE_INFINITY });
      run.pending = false;
      if (run.exchange?.deliver() === true) this.wake();
      run.measureTime();
    } catch (error) {
      this.#host.fail(run, error);
      return;
    }
    if (nowMs - run.reportedMs < reportEveryMs && !run.full) return;
    // No commit makes it report what it has counted: it does so now and then, and before it waits for its client.
    run.reported = undefined;
    run.reportedMs = nowMs;
  }

  /** Reports the progress of a run, when that has changed. */
  report(run: HostedRun): void {
    if (run.phase !== 'running') return;
    const { drained, pending } = run;
    const mayLast = run.mayLast && !this.#memory.isShort;
    const behind = mayLast && run.behind;
    const positions = drained ? run.transactional.flatMap(({ task }) => task.inputs.map(positionOf)) : [];
    const tasks = run.readable.length;
    const offsets = positions.map(({ offset }) => offset).join(' ');
    const reported = `${tasks} ${pending} ${drained} ${mayLast} ${behind} ${offsets}`;
    if (reported === run.reported) return;
    run.reported = reported;
    const { post } = this.#host.options;
    const counters = countersOf(run);
    post({ kind: 'progress', run: run.id, pending, drained, mayLast, behind, tasks, positions, counters });
  }
}

/** Milliseconds until something of a transient query is due that has read all there is; undefined: nothing will be. */
const quietWait = (run: HostedRun): number | undefined => {
  const { quiet, phase, paused } = run;
  return quiet === undefined || phase !== 'running' || paused || !run.drained ? undefined : quiet.waitMs();
};

/** The task may process records, and its punctuators may be called. */
const mayStep = ({ run, repartitions, phase, checking }: HostedTask): boolean => {
  if (run.phase !== 'running' || run.paused || run.aheadOfCheckpoint || run.full) return false;
  if (phase !== 'open' || checking > 0) return false;
  const { exchange } = run;
  return exchange === undefined || !repartitions.some((topic) => exchange.isFull(topic));
};
