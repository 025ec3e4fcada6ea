/**
 * Points in time from text by a pattern of Java's DateTimeFormatter, for TIMESTAMP_FORMAT.
 *
 * Understood are the letters that name a point in time: `y`/`u` year (`yy` means 2000–2099), `M`/`L` month, `d` day, `D` day of the year, `H`/`k`/`h`/`K` hour, `a`
 * AM or PM, `m` minute, `s` second, `S` fraction, `n`/`A` not; `E` a day's name, which is not checked; `X`, `x`, `Z` an offset; `V`, `z` a zone, of which UTC, GMT and offsets
 * are known. Text stands between single quotes (a doubled quote is one). What the pattern leaves out is the beginning of it: 1970-01-01, 00:00 UTC.
 */

import { UserError } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';

interface Fields {
  year: number;
  month: number;
  day: number;
  dayOfYear: number;
  hour: number;
  pm: boolean | undefined;
  minute: number;
  second: number;
  ms: number;
  offsetMinutes: number;
}

/** Reads at a place of the text and says where it went on; −1: the text does not fit. */
type Part = (text: string, at: number, into: Fields) => number;

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const fullMonths = [
  ...['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER'],
  'DECEMBER',
];

const digits = (text: string, at: number, least: number, most: number): number => {
  let end = at;
  while (end - at < most && end < text.length && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return end - at < least ? -1 : end;
};

const number =
  (least: number, most: number, low: number, high: number, set: (into: Fields, value: number, width: number) => void): Part =>
  (text, at, into) => {
    const end = digits(text, at, least, most);
    if (end < 0) return -1;
    const value = Number(text.slice(at, end));
    if (value < low || value > high) return -1;
    set(into, value, end - at);
    return end;
  };

const word =
  (words: readonly string[], set: (into: Fields, index: number) => void): Part =>
  (text, at, into) => {
    const index = words.findIndex((one) => text.slice(at, at + one.length).toUpperCase() === one);
    if (index < 0) return -1;
    set(into, index);
    return at + (words[index] as string).length;
  };

const offset: Part = (text, at, into) => {
  if (text[at] === 'Z' || text[at] === 'z') {
    into.offsetMinutes = 0;
    return at + 1;
  }
  const found = /^([+-])(\d{2})(?::?(\d{2}))?(?::?\d{2})?/.exec(text.slice(at));
  if (found === null) return -1;
  const minutes = Number(found[2]) * 60 + Number(found[3] ?? 0);
  into.offsetMinutes = found[1] === '-' ? -minutes : minutes;
  return at + found[0].length;
};

const zone: Part = (text, at, into) => {
  const found = /^(?:UTC|GMT)/i.exec(text.slice(at));
  const behind = at + (found?.[0].length ?? 0);
  const moved = offset(text, behind, into);
  return moved >= 0 ? moved : found === null ? -1 : behind;
};

const partOf = (letter: string, count: number): Part | undefined => {
  const exact = count > 1 ? count : 1;
  const most = count > 1 ? count : 19;
  switch (letter) {
    case 'y':
    case 'u':
      return count === 2
        ? number(2, 2, 0, 99, (into, value) => (into.year = 2000 + value))
        : number(exact, Math.max(count, 4), 0, 9999, (into, value) => (into.year = value));
    case 'M':
    case 'L':
      if (count === 3) return word(months, (into, index) => (into.month = index + 1));
      if (count > 3) return word(fullMonths, (into, index) => (into.month = index + 1));
      return number(exact, 2, 1, 12, (into, value) => (into.month = value));
    case 'd':
      return number(exact, 2, 1, 31, (into, value) => (into.day = value));
    case 'D':
      return number(exact, 3, 1, 366, (into, value) => (into.dayOfYear = value));
    case 'H':
      return number(exact, 2, 0, 23, (into, value) => (into.hour = value));
    case 'k':
      return number(exact, 2, 1, 24, (into, value) => (into.hour = value % 24));
    case 'h':
      return number(exact, 2, 1, 12, (into, value) => (into.hour = value % 12));
    case 'K':
      return number(exact, 2, 0, 11, (into, value) => (into.hour = value));
    case 'a':
      return word(['AM', 'PM'], (into, index) => (into.pm = index === 1));
    case 'm':
      return number(exact, 2, 0, 59, (into, value) => (into.minute = value));
    case 's':
      return number(exact, 2, 0, 59, (into, value) => (into.second = value));
    case 'S':
      return number(exact, Math.min(most, count), 0, Number.MAX_VALUE, (into, value, width) => {
        into.ms = Math.floor(value * 10 ** (3 - width));
      });
    case 'E':
      return (text, at) => {
        const found = /^[A-Za-z]+/.exec(text.slice(at));
        return found === null ? -1 : at + found[0].length;
      };
    case 'X':
    case 'x':
    case 'Z':
      return offset;
    case 'V':
    case 'z':
    case 'v':
    case 'O':
      return zone;
    default:
      return undefined;
  }
};

const literal =
  (wanted: string): Part =>
  (text, at) =>
    text.startsWith(wanted, at) ? at + wanted.length : -1;

/** The reader of a pattern. Raises a `UserError` for one that is not understood, the reader an `EvaluationError` for text that does not fit. */
export const parseTimestampPattern = (pattern: string): ((text: string) => number) => {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at] as string;
    if (char === "'") {
      const found = /^'((?:[^']|'')*)'/.exec(pattern.slice(at));
      if (found === null) throw badPattern(pattern, 'a quote is never closed');
      parts.push(literal(found[1] === '' ? "'" : (found[1] as string).replaceAll("''", "'")));
      at += found[0].length;
    } else if (/[A-Za-z]/.test(char)) {
      let end = at;
      while (pattern[end] === char) end++;
      const part = partOf(char, end - at);
      if (part === undefined) throw badPattern(pattern, `the letter ${char} is not supported`);
      parts.push(part);
      at = end;
    } else {
      if (char === '[' || char === ']' || char === '{' || char === '}' || char === '#') {
        throw badPattern(pattern, `the sign ${char} is not supported`);
      }
      parts.push(literal(char));
      at++;
    }
  }
  return (text) => {
    const fields: Fields = {
      ...{ year: 1970, month: 1, day: 1, dayOfYear: 0, hour: 0, pm: undefined },
      ...{ minute: 0, second: 0, ms: 0, offsetMinutes: 0 },
    };
    let at = 0;
    for (const part of parts) {
      at = part(text, at, fields);
      if (at < 0) break;
    }
    if (at !== text.length) throw new EvaluationError(`"${text}" does not fit the pattern "${pattern}"`);
    const { year, month, day, dayOfYear, hour, pm, minute, second, ms, offsetMinutes } = fields;
    const hours = pm === true ? hour + 12 : hour;
    const date = dayOfYear > 0 ? Date.UTC(year, 0, dayOfYear) : Date.UTC(year, month - 1, day);
    if (dayOfYear === 0 && new Date(date).getUTCDate() !== day) {
      throw new EvaluationError(`"${text}" names a day that does not exist`);
    }
    return date + (hours * 60 + minute - offsetMinutes) * 60_000 + second * 1000 + ms;
  };
};

const badPattern = (pattern: string, why: string): UserError =>
  new UserError('SQL_TIMESTAMP_FORMAT', `the pattern "${pattern}" cannot be used: ${why}`, {
    hint: "For example: 'yyyy-MM-dd HH:mm:ss.SSS'.",
  });
