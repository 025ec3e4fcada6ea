/**
 * The time of one operator: it decides which rows are late there, and which of its windows expire. Kept with the
 * operator's state.
 *
 * Late. Records with an origin time (`origin-time.ts`) are measured by that. All others by the largest timestamp of
 * them that has reached *this operator*: what a filter kept back does not count, as in Kafka Streams.
 *
 * Expiry. Stream time is the largest timestamp that has reached the operator. Where origins are mixed it is also at
 * most the low watermark of the sub-topology, because slower origins may still bring rows. It moves at commits only and
 * never goes back. Where windows close on a quiet stream as well (`runtime/quiet-time.ts`) commits pass it on without
 * records, and records behind that are late; where they close by the wall clock no record moves it beyond that clock.
 */

import type { RecordOrigin } from './origin-time.ts';

/** Times are kept among a store's own small numbers (`StoreMeta`): committed, changelogged and rolled back with it. */
interface Times {
  get(name: string): number | undefined;
  set(name: string, value: number): void;
}

/** One of the times; NaN: not looked up yet. */
class KeptTime {
  readonly #name: string;
  #value = Number.NaN;
  #changed = false;

  constructor(name: string) {
    this.#name = name;
  }

  get(times: Times | undefined): number {
    if (Number.isNaN(this.#value)) this.#value = times?.get(this.#name) ?? Number.NEGATIVE_INFINITY;
    return this.#value;
  }

  set(value: number): void {
    this.#value = value;
    this.#changed = true;
  }

  keep(times: Times | undefined): void {
    if (this.#changed) times?.set(this.#name, this.#value);
    this.#changed = false;
  }

  /** It is kept nowhere, so there is no former value. */
  forget(): void {
    this.#value = Number.NaN;
    this.#changed = false;
  }
}

export class OperatorTime {
  /** The largest timestamp of records without an origin time. */
  readonly #plain: KeptTime;
  /** The largest timestamp of records with one. */
  readonly #carried: KeptTime;
  readonly #streamTime: KeptTime;
  /** What stream time was passed on to without records. */
  readonly #passed: KeptTime;
  #times: Times | undefined;

  constructor(operator: string) {
    this.#plain = new KeptTime(`${operator} time`);
    this.#carried = new KeptTime(`${operator} carried time`);
    this.#streamTime = new KeptTime(`${operator} stream time`);
    this.#passed = new KeptTime(`${operator} passed time`);
  }

  /** Reads times from here on first use, and keeps them here at each commit. Without it they are lost with the task. */
  keepIn(times: Times): void {
    this.#times ??= times;
  }

  /** The time by which windows expire; moves at commits only. −Infinity before anything was committed. */
  get streamTime(): number {
    return this.#streamTime.get(this.#times);
  }

  /** Takes note of a record; answers the time by which it may be late. */
  observe(timestamp: number, origin: RecordOrigin): number {
    const time = Math.min(this.#observe(timestamp, origin), origin.clock);
    const passed = this.#passed.get(this.#times);
    return time > passed ? time : passed;
  }

  #observe(timestamp: number, origin: RecordOrigin): number {
    if (origin.carried) {
      if (timestamp > this.#carried.get(this.#times)) this.#carried.set(timestamp);
      return origin.time > timestamp ? origin.time : timestamp;
    }
    const known = this.#plain.get(this.#times);
    if (timestamp <= known) return known;
    this.#plain.set(timestamp);
    return timestamp;
  }

  /** Whether a record with an origin time has come, those of former runs included. Without one, what `observe` answers
   *  never goes back. */
  get mixed(): boolean {
    return this.#carried.get(this.#times) > Number.NEGATIVE_INFINITY;
  }

  /** The largest time that a record had, those of former runs included. */
  get read(): number {
    return Math.max(this.#plain.get(this.#times), this.#carried.get(this.#times));
  }

  /** The same, or what it was passed on to. */
  get latest(): number {
    return Math.max(this.read, this.streamTime);
  }

  /** What a commit now would move stream time to. */
  reached({ low, clock }: RecordOrigin): number {
    const times = this.#times;
    const { streamTime } = this;
    const carried = this.#carried.get(times);
    if (low === Number.POSITIVE_INFINITY && carried > Number.NEGATIVE_INFINITY) return streamTime;
    return Math.max(streamTime, Math.min(low, clock, Math.max(this.#plain.get(times), carried)));
  }

  /** At a commit: moves stream time on. `passed`: at least to here, whatever records have come. */
  advance(origin: RecordOrigin, passed: number): void {
    const next = Math.max(this.reached(origin), passed);
    if (passed > this.#passed.get(this.#times)) this.#passed.set(passed);
    if (next > this.streamTime) this.#streamTime.set(next);
  }

  /** At a commit that is worth it: puts everything where it is kept. */
  keep(): void {
    const times = this.#times;
    this.#plain.keep(times);
    this.#carried.keep(times);
    this.#streamTime.keep(times);
    this.#passed.keep(times);
  }

  /** Forgets what is not committed: everything is looked up again. */
  rollback(): void {
    this.#plain.forget();
    this.#carried.forget();
    this.#streamTime.forget();
    this.#passed.forget();
  }
}
