/** Writing points in time by a pattern. */

import { EvaluationError } from '../evaluation-error.ts';
import { civilFromDays, dayMs, dayOfWeek, dayOfYear, daysFromCivil } from './calendar.ts';
import { dayPeriod, nameOf } from './names.ts';
import {
  type Element,
  type Field,
  isOfDate,
  isOfTime,
  type NumberElement,
  type OffsetForm,
  parsePattern,
} from './pattern.ts';
import { utc, type Zone } from './zones.ts';

/** A point in time as clocks in its zone show it. */
interface Moment {
  readonly ms: number;
  readonly zone: Zone;
  readonly offsetMs: number;
  /** Days since 1970-01-01, and milliseconds since midnight. */
  readonly days: number;
  readonly msOfDay: number;
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The function that writes epoch milliseconds by this pattern. A pattern that is not one raises `EvaluationError`. */
export const timeFormatter = (pattern: string): ((ms: number, zone: Zone) => string) => {
  const write = writerOfAll(parsePattern(pattern));
  return (ms, zone) => {
    const offsetMs = zone.offsetAt(ms);
    const local = ms + offsetMs;
    const days = Math.floor(local / dayMs);
    return write({ ms, zone, offsetMs, days, msOfDay: local - days * dayMs, ...civilFromDays(days) });
  };
};

/** The function that writes days since 1970-01-01 by a pattern that names no time and no zone; others raise
 *  `EvaluationError`. */
export const dateFormatter = (pattern: string): ((days: number) => string) => {
  if (!parsePattern(pattern).every(isOfDate)) {
    throw new EvaluationError(`the pattern '${pattern}' names a time or a zone, but a date has none`);
  }
  const format = timeFormatter(pattern);
  return (days) => format(days * dayMs, utc);
};

/** The function that writes milliseconds of a day by a pattern that names no date and no zone; others raise
 *  `EvaluationError`. */
export const timeOfDayFormatter = (pattern: string): ((ms: number) => string) => {
  if (!parsePattern(pattern).every(isOfTime)) {
    throw new EvaluationError(`the pattern '${pattern}' names a date or a zone, but a time has none`);
  }
  const format = timeFormatter(pattern);
  return (ms) => format(ms, utc);
};

type Writer = (moment: Moment) => string;

const writerOfAll = (elements: readonly Element[]): Writer => {
  const writers = elements.map(writerOf);
  return (moment) => {
    let text = '';
    for (const write of writers) text += write(moment);
    return text;
  };
};

const writerOf = (element: Element): Writer => {
  switch (element.kind) {
    case 'literal':
      return () => element.text;
    case 'number':
      return numberWriter(element);
    case 'text': {
      const value = fieldOf[element.field];
      return (moment) => nameOf(element.field, element.style, value(moment));
    }
    case 'day-period':
      return ({ msOfDay }) => dayPeriod(Math.floor(msOfDay / 60_000), element.style);
    case 'offset':
      return ({ offsetMs }) => offsetText(offsetMs, element.form) || element.zero;
    case 'local-offset':
      return ({ offsetMs }) => `GMT${localOffsetText(offsetMs, element.full)}`;
    case 'zone-id':
      return ({ zone }) => zone.id;
    case 'zone-name':
      return ({ ms, zone }) => zone.nameAt(ms, element.full, element.generic);
    case 'padded': {
      const write = writerOf(element.element);
      return (moment) => {
        const text = write(moment);
        if (text.length > element.width) {
          throw new EvaluationError(`'${text}' is longer than the ${element.width} characters that it is padded to`);
        }
        return text.padStart(element.width);
      };
    }
    case 'optional':
      return writerOfAll(element.elements);
  }
};

const numberWriter = ({ field, min, max, sign, as }: NumberElement): Writer => {
  const value = fieldOf[field];
  if (as === 'fraction') return (moment) => String(value(moment)).padStart(9, '0').slice(0, min);
  if (as === 'reduced') return (moment) => String(Math.abs(value(moment)) % 100).padStart(2, '0');
  return (moment) => {
    const found = value(moment);
    const digits = String(Math.abs(found));
    if (digits.length > max || (found < 0 && sign === 'never')) {
      throw new EvaluationError(`${found} does not fit into ${max} digits`);
    }
    const prefix = found < 0 ? '-' : sign === 'exceeds-pad' && digits.length > min ? '+' : '';
    return prefix + digits.padStart(min, '0');
  };
};

/** The number of days since the Sunday on or before the first day of a year or month; weeks are counted from there. */
const weekOf = (days: number, first: number): number => Math.floor((days - first + (dayOfWeek(first) % 7)) / 7) + 1;

const weekYear = ({ days, year }: Moment): number =>
  // The last days of a year belong to the first week of the next when that week begins among them.
  days >= daysFromCivil(year + 1, 1, 1) - (dayOfWeek(daysFromCivil(year + 1, 1, 1)) % 7) ? year + 1 : year;

const fieldOf: Readonly<Record<Field, (moment: Moment) => number>> = {
  era: ({ year }) => (year > 0 ? 1 : 0),
  year: ({ year }) => year,
  yearOfEra: ({ year }) => (year > 0 ? year : 1 - year),
  month: ({ month }) => month,
  quarter: ({ month }) => Math.ceil(month / 3),
  day: ({ day }) => day,
  dayOfYear: ({ days }) => dayOfYear(days),
  dayOfWeek: ({ days }) => dayOfWeek(days),
  localDay: ({ days }) => (dayOfWeek(days) % 7) + 1,
  weekYear,
  week: (moment) => (weekYear(moment) > moment.year ? 1 : weekOf(moment.days, daysFromCivil(moment.year, 1, 1))),
  weekOfMonth: ({ days, day }) => weekOf(days, days - day + 1),
  alignedWeek: ({ day }) => Math.ceil(day / 7),
  julianDay: ({ days }) => days + 40_587,
  half: ({ msOfDay }) => (msOfDay < dayMs / 2 ? 0 : 1),
  hour: ({ msOfDay }) => hourOf(msOfDay),
  clockHour: ({ msOfDay }) => hourOf(msOfDay) || 24,
  hourOfHalf: ({ msOfDay }) => hourOf(msOfDay) % 12,
  clockHourOfHalf: ({ msOfDay }) => hourOf(msOfDay) % 12 || 12,
  minute: ({ msOfDay }) => Math.floor(msOfDay / 60_000) % 60,
  second: ({ msOfDay }) => Math.floor(msOfDay / 1000) % 60,
  nano: ({ msOfDay }) => (msOfDay % 1000) * 1_000_000,
  milliOfDay: ({ msOfDay }) => msOfDay,
  nanoOfDay: ({ msOfDay }) => msOfDay * 1_000_000,
};

const hourOf = (msOfDay: number): number => Math.floor(msOfDay / 3_600_000);

const two = (value: number): string => String(value).padStart(2, '0');

/** The offset, empty where nothing but zeros would be written. */
const offsetText = (offsetMs: number, form: OffsetForm): string => {
  const total = Math.abs(offsetMs) / 1000;
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, Math.floor(total % 60)];
  const colon = form.includes(':') ? ':' : '';
  const withSeconds = form.endsWith('ss') && seconds > 0;
  const withMinutes = form.includes('MM') || minutes > 0;
  if (hours === 0 && minutes === 0 && !withSeconds) return '';
  const sign = offsetMs < 0 ? '-' : '+';
  return `${sign}${two(hours)}${withMinutes ? colon + two(minutes) : ''}${withSeconds ? colon + two(seconds) : ''}`;
};

/** `+1`, `+5:30`, or in full `+01:00`; empty for none. */
const localOffsetText = (offsetMs: number, full: boolean): string => {
  if (offsetMs === 0) return '';
  const total = Math.abs(offsetMs) / 1000;
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, Math.floor(total % 60)];
  const sign = offsetMs < 0 ? '-' : '+';
  const tail = seconds === 0 ? '' : `:${two(seconds)}`;
  if (full) return `${sign}${two(hours)}:${two(minutes)}${tail}`;
  return `${sign}${hours}${minutes === 0 && tail === '' ? '' : `:${two(minutes)}`}${tail}`;
};
