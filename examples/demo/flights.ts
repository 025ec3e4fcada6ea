/**
 * The demonstration's input: fifty years of flights, and the airports they start from.
 *
 * `vega-datasets` holds 20,000 real US flights of the first quarter of 2001 and 3,376 airports. The flights are
 * repeated over the calendar years 1971 to 2020 (dates read as UTC): one million rows. A row *arrives* at its event
 * time; one row in a hundred arrives up to 48 hours later (out of order, but in time for a grace period of three days),
 * and one hundred rows of the first 49 years a whole year later (late beyond any doubt). Rows are numbered in order of
 * arrival, from 1: the number is their key. Everything follows from one seed, so the sender, a sender that resumes
 * after a crash and the plain re-computation see the same rows.
 */

import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';

const FIRST_YEAR = 1971;
const YEARS = 50;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const OUT_OF_ORDER_SHARE = 0.01;
const OUT_OF_ORDER_MS = 48 * HOUR_MS;
export const LATE_ROWS = 100;

export interface Flight {
  /** Row number in order of arrival, from 1. */
  readonly id: number;
  /** Event time, epoch milliseconds. */
  readonly ts: number;
  /** Minutes. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export interface Airport {
  readonly iata: string;
  readonly name: string;
  readonly city: string;
  readonly state: string;
  readonly country: string;
  readonly latitude: number;
  readonly longitude: number;
}

interface SourceFlight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

const dataset = (name: string): URL => new URL(`../data/${name}`, import.meta.resolve('vega-datasets'));

/** The rows in order of arrival; row `id` is at `id - 1`. Columns, not objects: a million rows are cheap to hold and to
 *  read again. */
export class Flights {
  readonly #source: readonly SourceFlight[];
  readonly #ts: Float64Array;
  readonly #order: Uint32Array;

  constructor(source: readonly SourceFlight[], ts: Float64Array, order: Uint32Array) {
    this.#source = source;
    this.#ts = ts;
    this.#order = order;
  }

  get count(): number {
    return this.#order.length;
  }

  at(id: number): Flight {
    const row = this.#order[id - 1] as number;
    const { delay, distance, origin, destination } = this.#source[row % this.#source.length] as SourceFlight;
    return { id, ts: this.#ts[row] as number, delay, distance, origin, destination };
  }
}

/** The first `count` rows of the million, or all. */
export const loadFlights = (count?: number): Flights => {
  const source = JSON.parse(readFileSync(dataset('flights-20k.json'), 'utf8')) as SourceFlight[];
  const rows = source.length * YEARS;
  const ts = new Float64Array(rows);
  const arrival = new Float64Array(rows);
  const random = seeded(2001);
  for (let year = 0; year < YEARS; year++) {
    for (let i = 0; i < source.length; i++) {
      const row = year * source.length + i;
      const at = Date.parse(
        `${FIRST_YEAR + year}${(source[i] as SourceFlight).date.slice(4).replaceAll('/', '-').replace(' ', 'T')}Z`,
      );
      ts[row] = at;
      arrival[row] = random() < OUT_OF_ORDER_SHARE ? at + random() * OUT_OF_ORDER_MS : at;
    }
  }
  const late = new Set<number>();
  while (late.size < LATE_ROWS) late.add(Math.floor(random() * source.length * (YEARS - 1)));
  for (const row of late) arrival[row] = (ts[row] as number) + 365 * DAY_MS;
  const order = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) order[row] = row;
  order.sort((a, b) => (arrival[a] as number) - (arrival[b] as number) || a - b);
  return new Flights(source, ts, count === undefined ? order : order.subarray(0, count));
};

export const loadAirports = (): Airport[] =>
  (parse(readFileSync(dataset('airports.csv')), { columns: true }) as Record<string, string>[]).map((row) => ({
    iata: row.iata ?? '',
    name: row.name ?? '',
    city: row.city ?? '',
    state: row.state ?? '',
    country: row.country ?? '',
    latitude: Number(row.latitude),
    longitude: Number(row.longitude),
  }));

/** A small generator of numbers in [0, 1), the same for the same seed (mulberry32). */
const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};
