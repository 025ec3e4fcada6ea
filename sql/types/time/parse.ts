/**
 * Reading points in time by a pattern: first the parts of the text become fields, then the fields a point in time.
 *
 * A date is complete with year, month and day, or year and day of the year; a time with an hour. In a complete date the
 * 31st of a shorter month means its last day; 24:00 is the beginning of the next day. All fields of a complete date or
 * time must agree (those of `Mon, 5 May 2020` do not). Where a date is not complete, its fields change 1970-01-01 one
 * after the other, and then the 30th of February is an error.
 *
 * Both halves are one file, because they share the table of fields.
 */

import { EvaluationError } from '../evaluation-error.ts';
import { civilFromDays, dayMs, dayOfWeek, dayOfYear, daysFromCivil, daysInMonth, isLeapYear } from './calendar.ts';
import { namedValues } from './names.ts';
import {
  type Element,
  type Field,
  fieldsOf,
  isOfTime,
  type NumberElement,
  type OffsetForm,
  parsePattern,
} from './pattern.ts';
import { regionsOfAbbreviations } from './zone-names.ts';
import { fixedZone, fromLocal, gmt, offsetId, offsetOf, writtenId, type Zone, zoneNamed } from './zones.ts';

/** Epoch milliseconds of a text; the zone is that of texts that name none. Raises `EvaluationError` for a text that
 *  does not fit. */
export type TimeParser = (text: string, zone?: Zone) => number;

/** The function that reads texts of this pattern. A pattern that is not one, or has letters that cannot be read, raises
 *  `EvaluationError`. */
export const timeParser = (pattern: string): TimeParser => {
  const read = textReader(pattern);
  return (text, zone = gmt) => resolve(read(text), zone);
};

/** The function that reads texts to days since 1970-01-01. The text must name a complete date; a time is not looked
 *  at. */
export const dateParser = (pattern: string): ((text: string) => number) => {
  const read = textReader(pattern);
  return (text) => {
    const { fields } = read(text);
    const days = dateOf(fields);
    if (days === undefined) throw impossible('the date is not complete');
    return timeOf(fields) === dayMs ? days + 1 : days;
  };
};

/** The function that reads texts to milliseconds of the day, by a pattern that names no date and no zone; others raise
 *  `EvaluationError`. The text must name an hour. */
export const timeOfDayParser = (pattern: string): ((text: string) => number) => {
  if (!parsePattern(pattern).every(isOfTime)) {
    throw new EvaluationError(`the pattern '${pattern}' names a date or a zone, but a time has none`);
  }
  const read = textReader(pattern);
  return (text) => {
    const { fields } = read(text);
    const { hour, clockHour, half, milliOfDay, nanoOfDay } = fields;
    if ((hour ?? clockHour ?? half ?? milliOfDay ?? nanoOfDay) === undefined) throw impossible('there is no hour');
    return Math.floor(timeOf(fields)) % dayMs;
  };
};

/** The function that takes texts of this pattern apart, into fields within their ranges. */
const textReader = (pattern: string): ((text: string) => Input) => {
  const elements = parsePattern(pattern);
  checkReadable(elements, pattern);
  const parsers = elements.map(parserOf);
  const named = new Set(fieldsOf(elements));
  const ranges = rangeOf.filter(([field]) => named.has(field));
  return (text) => {
    const input: Input = { text, at: 0, fields: noFields(), zone: undefined, offsetMs: undefined };
    for (let i = 0; i < parsers.length; i++) if (!(parsers[i] as ElementParser)(input)) throw misfit(pattern, text);
    if (input.at < text.length) throw misfit(pattern, text);
    checkRanges(input.fields, ranges);
    return input;
  };
};

const misfit = (pattern: string, text: string): EvaluationError =>
  new EvaluationError(`the text '${text.slice(0, 60)}' does not fit the pattern '${pattern}'`);

const onlyWritten: ReadonlySet<Field> = new Set([
  'localDay',
  'weekYear',
  'week',
  'weekOfMonth',
  'alignedWeek',
  'julianDay',
]);

const checkReadable = (elements: readonly Element[], pattern: string): void => {
  for (const element of elements) {
    if (element.kind === 'optional') checkReadable(element.elements, pattern);
    else if (element.kind === 'padded') checkReadable([element.element], pattern);
    else if (
      element.kind === 'day-period' ||
      (element.kind === 'text' && element.style === 'narrow') ||
      ('field' in element && onlyWritten.has(element.field))
    ) {
      throw new EvaluationError(
        `the time pattern '${pattern}' is only for writing: weeks, parts of the day and names of one letter cannot be read`,
      );
    }
  }
};

// ------------------------------------------------------------------------------------------------------------ text

/** The fields read from a text: an object of one shape, because texts are read for every record of some streams. */
type Fields = { [F in Field]: number | undefined };

const noFields = (): Fields => ({
  era: undefined,
  year: undefined,
  yearOfEra: undefined,
  month: undefined,
  quarter: undefined,
  day: undefined,
  dayOfYear: undefined,
  dayOfWeek: undefined,
  localDay: undefined,
  weekYear: undefined,
  week: undefined,
  weekOfMonth: undefined,
  alignedWeek: undefined,
  julianDay: undefined,
  half: undefined,
  hour: undefined,
  clockHour: undefined,
  hourOfHalf: undefined,
  clockHourOfHalf: undefined,
  minute: undefined,
  second: undefined,
  nano: undefined,
  milliOfDay: undefined,
  nanoOfDay: undefined,
});

interface Input {
  readonly text: string;
  at: number;
  fields: Fields;
  zone: Zone | undefined;
  /** The offset that was read, in milliseconds. */
  offsetMs: number | undefined;
}

/** Reads at the input's place and moves on; false where the text is another. */
type ElementParser = (input: Input) => boolean;

/** Sets a field; false when it was set to something else. */
const setField = (input: Input, field: Field, value: number): boolean => {
  const before = input.fields[field];
  if (before === undefined) input.fields[field] = value;
  return before === undefined || before === value;
};

/** Steps over a text, in any case; false when another stands here. */
const takeText = (input: Input, wanted: string): boolean => {
  const found = input.text.slice(input.at, input.at + wanted.length);
  if (found !== wanted && found.toLowerCase() !== wanted.toLowerCase()) return false;
  input.at += wanted.length;
  return true;
};

const literalParser = (wanted: string): ElementParser => {
  if (wanted.length !== 1 || wanted.toLowerCase() !== wanted.toUpperCase()) return (input) => takeText(input, wanted);
  const unit = wanted.charCodeAt(0);
  return (input) => {
    if (input.text.charCodeAt(input.at) !== unit) return false;
    input.at++;
    return true;
  };
};

const parserOf = (element: Element): ElementParser => {
  switch (element.kind) {
    case 'literal':
      return literalParser(element.text);
    case 'number':
      return (input) => parseNumber(input, element);
    case 'text': {
      const names = namedValues(element.field, element.style);
      return (input) => {
        const found = names.find(([name]) => takeText(input, name));
        return found !== undefined && setField(input, element.field, found[1]);
      };
    }
    case 'offset':
      return (input) => parseOffset(input, element.form, element.zero);
    case 'local-offset':
      return parseLocalOffset;
    case 'zone-id':
    case 'zone-name':
      return (input) => parseZone(input, element.kind === 'zone-name');
    case 'padded': {
      const parse = parserOf(element.element);
      return (input) => {
        const end = input.at + element.width;
        while (input.text[input.at] === ' ' && input.at < end) input.at++;
        return parse(input) && input.at === end;
      };
    }
    case 'optional': {
      const parsers = element.elements.map(parserOf);
      return (input) => {
        const { at, fields, zone, offsetMs } = input;
        input.fields = { ...fields };
        if (!parsers.every((parse) => parse(input))) Object.assign(input, { at, fields, zone, offsetMs });
        return true;
      };
    }
    case 'day-period':
      return () => false;
  }
};

const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;

const parseNumber = (input: Input, { field, min, max, sign, as, subsequent }: NumberElement): boolean => {
  const { text } = input;
  const first = as === 'fraction' ? undefined : text[input.at];
  const negative = first === '-';
  if ((negative && sign === 'never') || (first === '+' && sign !== 'exceeds-pad')) return false;
  if (negative || first === '+') input.at++;
  const start = input.at;
  // An adjacent number takes as many digits as it can and leaves those that the others need.
  const most = max + Math.max(subsequent, 0);
  let end = start;
  while (end < text.length && end - start < most && isDigit(text.charCodeAt(end))) end++;
  if (end - start < min) return false;
  if (subsequent > 0) end = start + Math.max(min, end - start - subsequent);
  const length = end - start;
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + (text.charCodeAt(i) - 48);
  if (negative && value === 0) return false;
  if (sign === 'exceeds-pad' && !negative && (first === '+') !== length > min) return false;
  input.at = end;
  if (as === 'fraction') return setField(input, field, value * (powersOfTen[9 - length] as number));
  if (as === 'reduced') return setField(input, field, 2000 + value);
  return setField(input, field, negative ? -value : value);
};

const powersOfTen: readonly number[] = Array.from({ length: 10 }, (_, i) => 10 ** i);

/** Sets the offset; false when it was set to another one. */
const setOffset = (input: Input, offsetMs: number): boolean => {
  const before = input.offsetMs;
  input.offsetMs = offsetMs;
  // A region counts for more than an offset, since it has rules.
  input.zone ??= fixedZone(offsetId(offsetMs), offsetMs);
  return before === undefined || before === offsetMs;
};

const offsetExpressions: Readonly<Record<OffsetForm, RegExp>> = {
  '+HHmm': /^[+-]\d\d(?:\d\d)?/,
  '+HHMM': /^[+-]\d\d\d\d/,
  '+HH:MM': /^[+-]\d\d:\d\d/,
  '+HHMMss': /^[+-]\d\d\d\d(?:\d\d)?/,
  '+HH:MM:ss': /^[+-]\d\d:\d\d(?::\d\d)?/,
};

const parseOffset = (input: Input, form: OffsetForm, zero: string): boolean => {
  const rest = input.text.slice(input.at, input.at + 9);
  if (/^[+-]/.test(rest)) {
    const found = offsetExpressions[form].exec(rest)?.[0];
    const offsetMs = found === undefined ? undefined : offsetOf(found);
    if (found === undefined || offsetMs === undefined) return false;
    input.at += found.length;
    return setOffset(input, offsetMs);
  }
  return takeText(input, zero) && setOffset(input, 0);
};

const parseLocalOffset = (input: Input): boolean => {
  if (!takeText(input, 'GMT')) return false;
  const found = /^[+-]\d\d?(?::\d\d(?::\d\d)?)?/.exec(input.text.slice(input.at, input.at + 9))?.[0];
  if (found === undefined) return setOffset(input, 0);
  const offsetMs = offsetOf(found.replace(/^([+-])(\d)(?=:|$)/, '$10$2'));
  if (offsetMs === undefined) return false;
  input.at += found.length;
  return setOffset(input, offsetMs);
};

/**
 * A zone by its id in any case, the longest that stands here, or, for names, by a short name that is known. An offset,
 * alone or behind `UTC`, `GMT` and `UT`, has hours and minutes.
 */
const parseZone = (input: Input, named: boolean): boolean => {
  const rest = input.text.slice(input.at, input.at + 60);
  const offset = /^(?:UTC|GMT|UT)?[+-]\d\d:\d\d(?::\d\d)?/i.exec(rest)?.[0];
  let id = /^[A-Z][\w~/.+-]*/i.exec(rest)?.[0] ?? '';
  const found = (zone: Zone, length: number): true => {
    input.at += length;
    input.zone = zone;
    return true;
  };
  const withOffset = offset === undefined ? undefined : knownZone(offset.toUpperCase());
  if (offset !== undefined && withOffset !== undefined) return found(withOffset, offset.length);
  while (id !== '') {
    // Digits right behind GMT are no offset here, and belong to what follows.
    const loose = /^(?:UTC|GMT|UT)[+-]/i.test(id);
    const region = named ? regionsOfAbbreviations.get(id.toUpperCase()) : undefined;
    const zone = loose ? undefined : knownZone(region ?? writtenId(id));
    if (zone !== undefined) return found(zone, id.length);
    // The next shorter candidate ends before a sign.
    id = id.replace(/(?:[~/.+-]\w*|\w+)$/, '');
  }
  return false;
};

const knownZone = (id: string): Zone | undefined => {
  try {
    return zoneNamed(id);
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
};

// ---------------------------------------------------------------------------------------------------------- fields

type Range = readonly [field: Field, least: number, most: number];

const rangeOf: readonly Range[] = Object.entries({
  month: [1, 12],
  day: [1, 31],
  dayOfYear: [1, 366],
  dayOfWeek: [1, 7],
  hour: [0, 24],
  clockHour: [0, 24],
  hourOfHalf: [0, 11],
  clockHourOfHalf: [0, 12],
  minute: [0, 59],
  second: [0, 59],
  nano: [0, 999_999_999],
  milliOfDay: [0, dayMs - 1],
  nanoOfDay: [0, dayMs * 1_000_000 - 1],
}).map(([field, [least, most]]) => [field as Field, least as number, most as number]);

const impossible = (why: string): EvaluationError => new EvaluationError(`the text names no point in time: ${why}`);

const checkRanges = (fields: Fields, ranges: readonly Range[]): void => {
  for (const [field, least, most] of ranges) {
    const value = fields[field];
    if (value !== undefined && (value < least || value > most)) throw impossible(`the ${field} is ${value}`);
  }
};

const resolve = ({ fields, zone: parsedZone }: Input, given: Zone): number => {
  const time = timeOf(fields);
  const date = dateOf(fields);
  let days = date ?? partialDate(fields);
  // 24:00 is the beginning of the next day, where there is a day.
  let msOfDay = time;
  if (time === dayMs) {
    msOfDay = 0;
    if (date !== undefined) days++;
  }
  const local = days * dayMs + Math.floor(msOfDay);
  const result = fromLocal(local, parsedZone ?? given);
  if (!Number.isSafeInteger(result)) throw impossible('it is out of range');
  return result;
};

/** Milliseconds since midnight; 0 where the text names no time, a whole day for 24:00. */
const timeOf = (fields: Fields): number => {
  const { clockHour, clockHourOfHalf, half, minute, second, nano, milliOfDay, nanoOfDay } = fields;
  const hourOfHalf = fields.hourOfHalf ?? (clockHourOfHalf === undefined ? undefined : clockHourOfHalf % 12);
  const detailed = minute !== undefined || second !== undefined || nano !== undefined;
  // AM or PM alone means the middle of it.
  const inHalf = hourOfHalf ?? (half === undefined || detailed ? 0 : 6);
  const hour =
    fields.hour ??
    (clockHour === undefined ? undefined : clockHour % 24) ??
    (hourOfHalf !== undefined || half !== undefined ? (half ?? 0) * 12 + inHalf : undefined);
  const rest = (minute ?? 0) * 60_000 + (second ?? 0) * 1000 + (nano ?? 0) / 1_000_000;
  if (hour === 24 && rest > 0) throw impossible('the day ends at 24:00');
  const wholeDay = milliOfDay ?? (nanoOfDay === undefined ? undefined : nanoOfDay / 1_000_000);
  const ms = wholeDay ?? (hour ?? 0) * 3_600_000 + rest;
  const shown = Math.floor(ms / 3_600_000) % 24;
  if (hour !== undefined && hour % 24 !== shown) throw impossible('the parts of the time do not agree');
  if (half !== undefined && half !== Math.floor(shown / 12)) throw impossible('AM or PM does not fit the hour');
  if (hourOfHalf !== undefined && hourOfHalf !== shown % 12) throw impossible('the hours do not agree');
  if (wholeDay !== undefined && (minute !== undefined || second !== undefined)) {
    if (Math.floor(rest / 1000) !== Math.floor(ms / 1000) % 3600)
      throw impossible('the parts of the time do not agree');
  }
  return ms;
};

/** Days since 1970-01-01 of a complete date; an error where other fields of the date do not agree with it. */
const dateOf = (fields: Fields): number | undefined => {
  const year = yearOf(fields);
  const month = fields.month;
  const day = fields.day;
  const inYear = fields.dayOfYear;
  if (year === undefined) return undefined;
  let days: number;
  if (month !== undefined && day !== undefined)
    days = daysFromCivil(year, month, Math.min(day, daysInMonth(year, month)));
  else if (inYear !== undefined) {
    if (inYear === 366 && !isLeapYear(year)) throw impossible(`${year} has 365 days`);
    days = daysFromCivil(year, 1, 1) + inYear - 1;
  } else return undefined;
  const { quarter, dayOfWeek: weekday } = fields;
  if (inYear === undefined && quarter === undefined && weekday === undefined) return days;
  const date = civilFromDays(days);
  const agrees = (field: Field, value: number): boolean => fields[field] === undefined || fields[field] === value;
  if (
    !agrees('dayOfYear', dayOfYear(days)) ||
    !agrees('dayOfWeek', dayOfWeek(days)) ||
    !agrees('quarter', Math.ceil(date.month / 3)) ||
    !agrees('month', date.month)
  ) {
    throw impossible('the parts of the date do not agree');
  }
  return days;
};

const yearOf = (fields: Fields): number | undefined => {
  const ofEra = fields.yearOfEra;
  if (ofEra !== undefined && ofEra < 1) throw impossible(`there is no year ${ofEra} of an era`);
  const fromEra = ofEra === undefined ? undefined : fields.era === 0 ? 1 - ofEra : ofEra;
  const year = fields.year;
  if (year !== undefined && fromEra !== undefined && year !== fromEra) throw impossible('the years do not agree');
  return year ?? fromEra;
};

/** 1970-01-01 with the fields that there are, the greatest unit first. */
const partialDate = (fields: Fields): number => {
  let { year, month, day } = { year: yearOf(fields) ?? 1970, month: 1, day: 1 };
  if (fields.era === 0 && fields.yearOfEra === undefined) year = 1 - year;
  month = fields.month ?? month;
  let days = daysFromCivil(year, month, day);
  const weekday = fields.dayOfWeek;
  if (weekday !== undefined) {
    days += weekday - dayOfWeek(days);
    ({ year, month, day } = civilFromDays(days));
  }
  const ofMonth = fields.day;
  if (ofMonth !== undefined) {
    if (ofMonth > daysInMonth(year, month)) throw impossible(`month ${month} has no day ${ofMonth}`);
    days = daysFromCivil(year, month, ofMonth);
  }
  const inYear = fields.dayOfYear;
  if (inYear !== undefined) {
    if (inYear === 366) throw impossible('day 366 needs a year');
    days = daysFromCivil(civilFromDays(days).year, 1, 1) + inYear - 1;
  }
  return days;
};
