/**
 * How long single calls of a task's stores take, and how many there are: of a few records in each second each call is
 * timed, of all others none. A latency includes that of timing it, some hundreds of nanoseconds.
 */

import type { CallName, StateStore } from '../stores/state-store.ts';
import { Meter, type MeterReading } from './meter.ts';
import type { Task } from './task.ts';

const everyMs = 1_000;
const sampledRecords = 32;

/** Of one kind of call. */
export interface CallReport {
  readonly name: CallName;
  /** For each record of the task. */
  readonly perRecord: number;
  readonly latency: MeterReading;
}

export class StoreSamples {
  #sampledMs = Number.NEGATIVE_INFINITY;
  readonly #records = new Meter();
  /** By store. */
  readonly #calls = new Map<string, Map<CallName, Meter>>();

  /** Steps the task by a sample, where one is due; answers how many records that was. `now` is a clock that never
   *  jumps. */
  step(task: Task, mostRecords: number, nowMs: number, now: () => number): number {
    if (nowMs - this.#sampledMs < everyMs) return 0;
    for (const { store } of task.stores) this.#time(store, nowMs, now);
    let done = 0;
    try {
      done = task.step(Math.min(mostRecords, sampledRecords), nowMs);
    } finally {
      for (const { store } of task.stores) store.timeCalls(undefined);
    }
    if (done === 0) return 0;
    this.#sampledMs = nowMs;
    this.#records.add(done, 0, nowMs);
    return done;
  }

  #time(store: StateStore, nowMs: number, now: () => number): void {
    let calls = this.#calls.get(store.name);
    if (calls === undefined) this.#calls.set(store.name, (calls = new Map<CallName, Meter>()));
    const meters = calls;
    store.timeCalls({
      now,
      took(name, ms) {
        let meter = meters.get(name);
        if (meter === undefined) meters.set(name, (meter = new Meter()));
        meter.add(1, ms, nowMs);
      },
    });
  }

  read(store: string, nowMs: number): CallReport[] {
    const records = this.#records.read(nowMs).rate;
    return [...(this.#calls.get(store) ?? [])].map(([name, meter]) => {
      const latency = meter.read(nowMs);
      return { name, perRecord: records === 0 ? 0 : latency.rate / records, latency };
    });
  }
}
