/**
 * Writing points in time by a pattern of letters, as Java's DateTimeFormatter has it; the letters are those that `timestamp-pattern.ts` reads. Also
 * the offsets of zones.
 *
 * One letter writes a number without leading zeros, several pad it. MMM and EEE are short English names, MMMM and EEEE long ones; z is the short
 * name of the zone, VV its id, X writes Z for UTC, x and Z never do. Zones are those of the platform's own tables.
 */

import { EvaluationError } from '../types/evaluation-error.ts';

/** A point in time as it is read in its zone. */
interface Moment {
  readonly local: Date;
  readonly ms: number;
  readonly zone: Zone;
}

export interface Zone {
  readonly id: string;
  /** East of UTC, in milliseconds, at a point in time. */
  offsetAt(ms: number): number;
  shortNameAt(ms: number): string;
}

export const utc: Zone = { id: 'UTC', offsetAt: () => 0, shortNameAt: () => 'UTC' };

const zones = new Map<string, Zone>([['UTC', utc]]);

/** A zone by its name or offset; asked for again, the same one. */
export const zoneNamed = (name: string): Zone => {
  const known = zones.get(name);
  if (known !== undefined) return known;
  let clock: Intl.DateTimeFormat;
  let names: Intl.DateTimeFormat;
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    names = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'short' });
  } catch (error) {
    throw new EvaluationError(`there is no time zone called '${name}'`, { cause: error });
  }
  const zone: Zone = {
    id: name,
    offsetAt(ms) {
      const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, value]));
      const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
      const year = parts.get('era') === 'BC' ? 1 - part('year') : part('year');
      const local = new Date(0);
      local.setUTCFullYear(year, part('month') - 1, part('day'));
      local.setUTCHours(part('hour'), part('minute'), part('second'));
      return local.getTime() - Math.floor(ms / 1000) * 1000;
    },
    shortNameAt: (ms) => names.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? name,
  };
  if (zones.size < 1000) zones.set(name, zone);
  return zone;
};

/** The point in time of a local time in a zone; where clocks are set back, the earlier one. */
export const fromLocal = (local: number, zone: Zone): number => {
  const before = local - zone.offsetAt(local - 86_400_000);
  return before + zone.offsetAt(before) === local ? before : local - zone.offsetAt(local - zone.offsetAt(local));
};

const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const named = (names: readonly string[], index: number, count: number): string => {
  const name = names[index] as string;
  return count === 4 ? name : count === 5 ? name.slice(0, 1) : name.slice(0, 3);
};

const offsetText = (offset: number, colon: string, minutes: 'always' | 'if-any'): string => {
  const total = Math.round(Math.abs(offset) / 60_000);
  const rest = total % 60;
  const hours = `${offset < 0 ? '-' : '+'}${String(Math.floor(total / 60)).padStart(2, '0')}`;
  return minutes === 'always' || rest > 0 ? `${hours}${colon}${String(rest).padStart(2, '0')}` : hours;
};

type Writer = (moment: Moment) => string;

const number =
  (count: number, of: (local: Date) => number): Writer =>
  ({ local }) =>
    String(of(local)).padStart(count, '0');

/** What a run of one letter writes; undefined for a letter that means nothing here. */
const writerOf = (letter: string, count: number): Writer | undefined => {
  switch (letter) {
    case 'y':
    case 'u':
      return count === 2
        ? number(2, (local) => local.getUTCFullYear() % 100)
        : number(count, (local) => local.getUTCFullYear());
    case 'M':
    case 'L':
      return count <= 2
        ? number(count, (local) => local.getUTCMonth() + 1)
        : ({ local }) => named(months, local.getUTCMonth(), count);
    case 'd':
      return number(count, (local) => local.getUTCDate());
    case 'E':
      return ({ local }) => named(days, local.getUTCDay(), count);
    case 'H':
      return number(count, (local) => local.getUTCHours());
    case 'h':
      return number(count, (local) => local.getUTCHours() % 12 || 12);
    case 'a':
      return ({ local }) => (local.getUTCHours() < 12 ? 'AM' : 'PM');
    case 'm':
      return number(count, (local) => local.getUTCMinutes());
    case 's':
      return number(count, (local) => local.getUTCSeconds());
    case 'S':
      return ({ local }) => String(local.getUTCMilliseconds()).padStart(3, '0').padEnd(count, '0').slice(0, count);
    case 'z':
      return ({ ms, zone }) => zone.shortNameAt(ms);
    case 'V':
      return ({ zone }) => zone.id;
    case 'X':
    case 'x':
      return ({ ms, zone }) => {
        const offset = zone.offsetAt(ms);
        if (letter === 'X' && offset === 0) return 'Z';
        return offsetText(offset, count === 3 ? ':' : '', count === 1 ? 'if-any' : 'always');
      };
    case 'Z':
      return ({ ms, zone }) => offsetText(zone.offsetAt(ms), '', 'always');
    default:
      return undefined;
  }
};

/** The function that writes epoch milliseconds by this pattern. A pattern that is none raises `EvaluationError`. */
export const formatTimestampPattern = (pattern: string): ((ms: number, zone: Zone) => string) => {
  const writers: Writer[] = [];
  for (let i = 0; i < pattern.length; ) {
    const letter = pattern[i] as string;
    if (letter === "'") {
      const end = pattern.indexOf("'", i + 1);
      if (end < 0) throw new EvaluationError(`the time pattern '${pattern}' has a quote that is not closed`);
      const text = end === i + 1 ? "'" : pattern.slice(i + 1, end);
      writers.push(() => text);
      i = end + 1;
      continue;
    }
    if (!/[A-Za-z]/.test(letter)) {
      if (letter !== '[' && letter !== ']') writers.push(() => letter);
      i++;
      continue;
    }
    let count = 1;
    while (pattern[i + count] === letter) count++;
    i += count;
    const writer = writerOf(letter, count);
    if (writer === undefined) {
      throw new EvaluationError(
        `the time pattern '${pattern}' has the letters "${letter.repeat(count)}", which mean nothing here`,
      );
    }
    writers.push(writer);
  }
  return (ms, zone) => {
    const local = new Date(ms + zone.offsetAt(ms));
    if (Number.isNaN(local.getTime())) throw new EvaluationError('the point in time is out of range');
    return writers.map((write) => write({ local, ms, zone })).join('');
  };
};
