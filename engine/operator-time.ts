/**
 * The time of one operator: it decides which rows are late there, and which of its windows expire. Kept with the
 * operator's state.
 *
 * Late. Records with an origin time (`origin-time.ts`) are measured by that. All others by the largest timestamp of
 * them that has reached *this operator*: what a filter kept back does not count, as in Kafka Streams.
 *
 * Expiry. Stream time is the largest timestamp that has reached the operator. Where origins are mixed it is also at
 * most the low watermark of the sub-topology, because slower origins may still bring rows. It moves at commits only and
 * never goes back.
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
  #times: Times | undefined;

  constructor(operator: string) {
    this.#plain = new KeptTime(`${operator} time`);
    this.#carried = new KeptTime(`${operator} carried time`);
    this.#streamTime = new KeptTime(`${operator} stream time`);
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
    if (origin.carried) {
      if (timestamp > this.#carried.get(this.#times)) this.#carried.set(timestamp);
      return origin.time > timestamp ? origin.time : timestamp;
    }
    const known = this.#plain.get(this.#times);
    if (timestamp <= known) return known;
    this.#plain.set(timestamp);
    return timestamp;
  }

  /** What a commit now would move stream time to. `low` is the low watermark of the sub-topology as of the commit
   *  before; Infinity: no origins are mixed there, as far as is known. */
  reached(low: number): number {
    const times = this.#times;
    const { streamTime } = this;
    const carried = this.#carried.get(times);
    if (low === Number.POSITIVE_INFINITY && carried > Number.NEGATIVE_INFINITY) return streamTime;
    return Math.max(streamTime, Math.min(low, Math.max(this.#plain.get(times), carried)));
  }

  /** At a commit: moves stream time on, and puts everything where it is kept. */
  advance(low: number): void {
    const times = this.#times;
    const next = this.reached(low);
    this.#plain.keep(times);
    this.#carried.keep(times);
    if (next <= this.streamTime) return;
    this.#streamTime.set(next);
    this.#streamTime.keep(times);
  }

  /** Forgets what is not committed: everything is looked up again. */
  rollback(): void {
    this.#plain.forget();
    this.#carried.forget();
    this.#streamTime.forget();
  }
}
