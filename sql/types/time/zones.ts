/**
 * Time zones by the ids that Java's ZoneId takes: `Z`, `+01:00`, `UTC`, `GMT`, `UT`, those with an offset behind them
 * (`UTC+2`), and the regions of the time zone database by their exact names (`Europe/Berlin`, `EST`). Their rules are
 * those of the platform's own tables.
 */

import { EvaluationError } from '../evaluation-error.ts';
import { abbreviationOf } from './zone-names.ts';

export interface Zone {
  readonly id: string;
  /** East of UTC, in milliseconds, at a point in time. */
  offsetAt(ms: number): number;
  /** Its English name at a point in time: `CEST`, `Central European Summer Time`; or the generic one: `CET`, `Central
   *  European Time`. */
  nameAt(ms: number, full: boolean, generic: boolean): string;
}

/** A zone that is always so many milliseconds east of UTC. */
export const fixedZone = (id: string, offsetMs: number): Zone => ({
  id,
  offsetAt: () => offsetMs,
  nameAt: (_, full) => (full && (id === 'UTC' || id === 'GMT') ? fixedNames[id] : id),
});

const fixedNames = { UTC: 'Coordinated Universal Time', GMT: 'Greenwich Mean Time' } as const;

export const gmt: Zone = fixedZone('GMT', 0);
export const utc: Zone = fixedZone('UTC', 0);

/** `+h`, `+hh`, `+hhmm`, `+hh:mm`, `+hhmmss` or `+hh:mm:ss`, up to 18 hours, in milliseconds; none for other text. */
export const offsetOf = (text: string): number | undefined => {
  const match = /^([+-])(?:(\d{1,2})|(\d\d)(?::(\d\d)(?::(\d\d))?|(\d\d)(\d\d)?))$/.exec(text);
  if (match === null) return undefined;
  const part = (...indexes: number[]): number => Number(indexes.map((i) => match[i]).find((each) => each) ?? 0);
  const [hours, minutes, seconds] = [part(2, 3), part(4, 6), part(5, 7)];
  const total = hours * 3600 + minutes * 60 + seconds;
  if (minutes > 59 || seconds > 59 || total > 18 * 3600) return undefined;
  return (match[1] === '-' ? -1 : 1) * total * 1000;
};

/** An offset as ids have it: `Z`, `+01:00`, `-07:52:58`. */
export const offsetId = (offsetMs: number): string => {
  if (offsetMs === 0) return 'Z';
  const total = Math.abs(offsetMs) / 1000;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const seconds = total % 60 === 0 ? '' : `:${two(total % 60)}`;
  return `${offsetMs < 0 ? '-' : '+'}${two(total / 3600)}:${two((total / 60) % 60)}${seconds}`;
};

const zones = new Map<string, Zone>();

/** The zone of an id, made once. Raises `EvaluationError` when there is none. */
export const zoneNamed = (id: string): Zone => {
  const known = zones.get(id);
  if (known !== undefined) return known;
  const zone = makeZone(id);
  if (zone === undefined) {
    throw new EvaluationError(
      `there is no time zone called '${id}'; Europe/Berlin, UTC and +01:00 are examples of some`,
    );
  }
  if (zones.size < 1000) zones.set(id, zone);
  return zone;
};

const makeZone = (id: string): Zone | undefined => {
  if (id === 'Z') return fixedZone('Z', 0);
  const match = /^(UTC|GMT|UT)?([+-].*)?$/.exec(id);
  if (match === null) return regionNamed(id);
  const [, prefix = '', offset] = match;
  if (offset === undefined) return prefix === '' ? undefined : fixedZone(prefix, 0);
  const offsetMs = offsetOf(offset);
  if (offsetMs === undefined) return undefined;
  const suffix = offsetId(offsetMs);
  return fixedZone(prefix === '' ? suffix : suffix === 'Z' ? prefix : prefix + suffix, offsetMs);
};

const writtenIds = new Map(['Z', 'UTC', 'GMT', 'UT'].map((id) => [id.toLowerCase(), id]));

/** An id in any case as it is written: `Europe/Berlin` for `europe/berlin`. Text that is not an id stays as it is. */
export const writtenId = (id: string): string => {
  if (zones.has(id)) return id;
  const lower = id.toLowerCase();
  const known = writtenIds.get(lower);
  if (known !== undefined) return known;
  try {
    const written = new Intl.DateTimeFormat('en-US', { timeZone: id }).resolvedOptions().timeZone;
    if (written.toLowerCase() !== lower) return id;
    writtenIds.set(lower, written);
    return written;
  } catch {
    return id;
  }
};

/** Names of older tables that the platform knows and Java's ZoneId does not. */
const unknownToJava = new Set(
  'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST'.split(' '),
);

const bucketMs = 900_000;
/** The rules repeat every 400 years, and `Date` ends. */
const cycleMs = 146_097 * 86_400_000;
const lastDate = 8.6e15;

const regionNamed = (id: string): Zone | undefined => {
  if (!/^[A-Za-z][\w~/.+-]+$/.test(id) || unknownToJava.has(id)) return undefined;
  let clock: Intl.DateTimeFormat;
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: id,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  // The platform takes names in any case, and gives them as they are written.
  const written = clock.resolvedOptions().timeZone;
  if (written !== id && written.toLowerCase() === id.toLowerCase()) return undefined;
  const namesOf = (timeZoneName: 'long' | 'longGeneric'): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat('en-US', { timeZone: id, timeZoneName });
  let names: Intl.DateTimeFormat | undefined;
  let genericNames: Intl.DateTimeFormat | undefined;
  const within = (ms: number): number => (Math.abs(ms) < lastDate ? ms : ms - Math.sign(ms) * cycleMs * 40);
  const computed = (at: number): number => {
    const ms = within(at);
    const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const year = parts.get('era') === 'BC' ? 1 - part('year') : part('year');
    const local = new Date(0);
    local.setUTCFullYear(year, part('month') - 1, part('day'));
    local.setUTCHours(part('hour'), part('minute'), part('second'));
    return local.getTime() - Math.floor(ms / 1000) * 1000;
  };
  // Since 1970 clocks are set at quarters of an hour only.
  const offsets = new Map<number, number>();
  return {
    id,
    offsetAt(ms) {
      if (ms < 0) return computed(ms);
      const bucket = Math.floor(ms / bucketMs);
      let offset = offsets.get(bucket);
      if (offset === undefined) {
        offset = computed(ms);
        if (offsets.size >= 10_000) offsets.clear();
        offsets.set(bucket, offset);
      }
      return offset;
    },
    nameAt(ms, full, generic) {
      names ??= namesOf('long');
      if (generic) genericNames ??= namesOf('longGeneric');
      const name = longName(generic ? (genericNames ?? names) : names, within(ms));
      // Where there is only an offset for that time, as before there were zones, the name of the standard time of
      // today.
      const known = abbreviationOf(name) === undefined ? standardName(names) : name;
      return full ? known : (abbreviationOf(known) ?? known);
    },
  };
};

const longName = (names: Intl.DateTimeFormat, ms: number): string =>
  names.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';

const january2024 = 1_704_067_200_000;
const july2024 = 1_719_792_000_000;

const standardName = (names: Intl.DateTimeFormat): string => {
  const winter = longName(names, january2024);
  return /Summer|Daylight/.test(winter) ? longName(names, july2024) : winter;
};

/** The point in time of a local time in a zone; where clocks are set back the earlier one, where they are set forward
 *  so much later. */
export const fromLocal = (local: number, zone: Zone): number => {
  const before = local - zone.offsetAt(local - 86_400_000);
  if (before + zone.offsetAt(before) === local) return before;
  const after = local - zone.offsetAt(before);
  return after + zone.offsetAt(after) === local ? after : before;
};
