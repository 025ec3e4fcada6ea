/**
 * A meter: how often something is done, and how long it takes, since the beginning and of late.
 *
 * Rates, averages and extremes are those of two windows of time, the present and the former one, as in Kafka's metrics.
 * A meter is told of many records at once, so that it costs nothing per record.
 */

const windowMs = 30_000;
/** A rate over less time than this would be one of chance. */
const leastMs = 1_000;

/** What a meter shows. Values are those that it was given, most often milliseconds; NaN where there were none of
 *  late. */
export interface MeterReading {
  /** How often, and the sum of the values, since the beginning. */
  readonly total: number;
  readonly sum: number;
  /** How often in a second, of late. */
  readonly rate: number;
  /** For one of them. */
  readonly avg: number;
  readonly min: number;
  readonly max: number;
}

interface Window {
  readonly since: number;
  total: number;
  sum: number;
  min: number;
  max: number;
}

const emptyWindow = (since: number): Window => ({
  since,
  total: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
});

export class Meter {
  #total = 0;
  #sum = 0;
  #former: Window | undefined;
  #present: Window | undefined;

  /** So many of them took `value` together. `nowMs` never goes back. */
  add(total: number, value: number, nowMs: number): void {
    const window = this.#windowAt(nowMs);
    this.#total += total;
    this.#sum += value;
    window.total += total;
    window.sum += value;
    const each = value / Math.max(1, total);
    if (each < window.min) window.min = each;
    if (each > window.max) window.max = each;
  }

  #windowAt(nowMs: number): Window {
    const present = this.#present;
    if (present !== undefined && nowMs - present.since < windowMs) return present;
    // What is older than a window is not of late.
    this.#former = present !== undefined && nowMs - present.since < 2 * windowMs ? present : undefined;
    this.#present = emptyWindow(nowMs);
    return this.#present;
  }

  read(nowMs: number): MeterReading {
    const present = this.#windowAt(nowMs);
    const { since, total, sum, min, max } = this.#former ?? emptyWindow(present.since);
    const of = total + present.total;
    const elapsedMs = Math.max(leastMs, nowMs - since);
    return {
      total: this.#total,
      sum: this.#sum,
      rate: (of * 1000) / elapsedMs,
      avg: of === 0 ? Number.NaN : (sum + present.sum) / of,
      min: of === 0 ? Number.NaN : Math.min(min, present.min),
      max: of === 0 ? Number.NaN : Math.max(max, present.max),
    };
  }
}
