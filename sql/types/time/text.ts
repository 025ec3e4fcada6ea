/** TIMESTAMP, DATE and TIME as text, by the rules of CAST: `2020-05-11T21:58:33.250`, in UTC unless the text names an
 *  offset. */

import { EvaluationError } from '../evaluation-error.ts';
import { civilFromDays, dayMs } from './calendar.ts';
import { type TimeParser, timeParser } from './parse.ts';
import { gmt, zoneNamed } from './zones.ts';

const padded = (value: number, width: number): string => String(value).padStart(width, '0');

/** `yyyy-MM-ddTHH:mm:ss.SSS`, UTC, with the year of the era and a plus before more than four digits of it. */
export const printTimestamp = (epochMs: number): string => {
  const days = Math.floor(epochMs / dayMs);
  return `${printDate(days)}T${printTimeOfDay(epochMs - days * dayMs)}`;
};

/** `yyyy-MM-dd` */
export const printDate = (days: number): string => {
  const { year, month, day } = civilFromDays(days);
  const ofEra = year > 0 ? year : 1 - year;
  return `${ofEra > 9999 ? '+' : ''}${padded(ofEra, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
};

/** `HH:mm:ss.SSS` */
export const printTimeOfDay = (ms: number): string => {
  const minutes = `${padded(Math.floor(ms / 3_600_000), 2)}:${padded(Math.floor(ms / 60_000) % 60, 2)}`;
  return `${minutes}:${padded(Math.floor(ms / 1000) % 60, 2)}.${padded(ms % 1000, 3)}`;
};

/** As CAST prints a TIME: to the second, which is left out when it is 0. */
export const printTime = (ms: number): string => printTimeOfDay(ms).slice(0, Math.floor(ms / 1000) % 60 === 0 ? 5 : 8);

const noTime = '00:00:00.000';

let parser: TimeParser | undefined;

/**
 * The epoch milliseconds that a text stands for: a year of four digits, or more behind a plus, and month and day, of
 * which the last may be left out where no time follows; then perhaps `T` with a time, of which any end may be left out
 * and is zeros, and a zone, `Z` or an offset. None when it is not such a text, or there is no such day or hour.
 */
export const parseTimestamp = (text: string): number | undefined => {
  parser ??= timeParser("yyyy-MM-dd'T'HH:mm:ss.SSS");
  const at = text.indexOf('T');
  const date = at < 0 ? text : text.slice(0, at);
  const [time, zone] = at < 0 ? ['', ''] : splitZone(text.slice(at + 1));
  const missing = at < 0 ? ['', '-01-01', '-01'][date.replace(/-+$/, '').split('-').length] : '';
  try {
    return parser(`${date}${missing ?? ''}T${time}${noTime.slice(time.length)}`, zone === '' ? gmt : zoneNamed(zone));
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
};

/** The days since 1970 of a date that is written as those of `parseTimestamp` are. */
export const parseDate = (text: string): number | undefined => {
  const epochMs = text.includes('T') ? undefined : parseTimestamp(text);
  return epochMs === undefined ? undefined : Math.floor(epochMs / dayMs);
};

/** The milliseconds of the day of `HH:mm`, `HH:mm:ss` or `HH:mm:ss.` and up to nine digits, of which three count. */
export const parseTime = (text: string): number | undefined => {
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{0,9}))?)?$/.exec(text);
  if (match === null) return undefined;
  const [, hour = '', minute = '', second = '0', fraction = ''] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return (
    Number(hour) * 3_600_000 +
    Number(minute) * 60_000 +
    Number(second) * 1000 +
    Number(fraction.padEnd(3, '0').slice(0, 3))
  );
};

/** The time, without a closing Z, and the offset behind it. */
const splitZone = (text: string): readonly [time: string, zone: string] => {
  const plus = text.indexOf('+');
  const at = plus < 0 ? text.indexOf('-') : plus;
  const time = at < 0 ? text : text.slice(0, at);
  return [time.endsWith('Z') ? time.slice(0, -1) : time, at < 0 ? '' : text.slice(at)];
};
