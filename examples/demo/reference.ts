/**
 * The plain re-computation: what the four queries must hold, by a loop over the file and nothing else.
 *
 * A row is late for its day when the largest event time that its partition has seen before it (itself included) has
 * reached the end of the day plus three days of grace. A row's partition is any fixed function of its number here: one
 * hundred rows are a year late, all others in time, so that the answer is the same for every way of spreading rows over
 * partitions.
 */

import { type Flights, LATE_ROWS } from './flights.ts';

const DAY_MS = 86_400_000;
const GRACE_MS = 3 * DAY_MS;

export interface Total {
  count: number;
  sum: number;
}

export interface OriginTotal extends Total {
  worst: number;
}

export interface Reference {
  readonly lateFlights: Total;
  readonly flightsFrom: Total;
  /** By `origin|window start`. */
  readonly originDays: ReadonlyMap<string, Total>;
  readonly origins: ReadonlyMap<string, OriginTotal>;
  /** Rows that the windowed query must drop, by their number. */
  readonly dropped: ReadonlySet<number>;
}

export const recompute = (flights: Flights, airports: ReadonlySet<string>): Reference => {
  const lateFlights: Total = { count: 0, sum: 0 };
  const flightsFrom: Total = { count: 0, sum: 0 };
  const originDays = new Map<string, Total>();
  const origins = new Map<string, OriginTotal>();
  const dropped = new Set<number>();
  let streamTime = 0;
  for (let id = 1; id <= flights.count; id++) {
    const { ts, delay, origin } = flights.at(id);
    streamTime = Math.max(streamTime, ts);
    if (delay > 60) add(lateFlights, delay);
    if (airports.has(origin)) add(flightsFrom, delay);

    const all = origins.get(origin) ?? { count: 0, sum: 0, worst: delay };
    add(all, delay);
    all.worst = Math.max(all.worst, delay);
    origins.set(origin, all);

    const windowStart = Math.floor(ts / DAY_MS) * DAY_MS;
    if (windowStart + DAY_MS + GRACE_MS <= streamTime) {
      dropped.add(id);
      continue;
    }
    const key = `${origin}|${windowStart}`;
    const day = originDays.get(key) ?? { count: 0, sum: 0 };
    add(day, delay);
    originDays.set(key, day);
  }
  return { lateFlights, flightsFrom, originDays, origins, dropped };
};

/** The whole million holds exactly these late rows; a shortened run holds those whose year has passed. */
export const expectedLate = (reference: Reference, whole: boolean): number =>
  whole ? LATE_ROWS : reference.dropped.size;

const add = (total: Total, delay: number): void => {
  total.count++;
  total.sum += delay;
};
