/**
 * Reading points in time by a pattern of letters, as Java's DateTimeFormatter has it: `yyyy-MM-dd HH:mm:ssX`.
 *
 * | letters      | means                                          | letters  | means                                       |
 * | ------------ | ---------------------------------------------- | -------- | ------------------------------------------- |
 * | yyyy, uuuu   | year; yy counts from 2000                      | H, HH    | hour 0-23                                   |
 * | M, MM        | month as a number                              | h, hh    | hour 1-12, with a: AM or PM                 |
 * | MMM, MMMM    | month as an English word, short or long        | m, s     | minute, second                              |
 * | d, dd        | day of the month                               | S        | fraction of a second, as many digits        |
 * | E            | day of the week, not looked at                 | X, x, Z  | zone: Z, +01, +0100, +01:00                 |
 *
 * Two letters or more want as many digits, one wants any number of them. Text between single quotes and other signs stand for
 * themselves, a doubled quote is a quote, parts in square brackets may be missing. What the pattern leaves out is the least of its kind, the zone UTC.
 */

import { type Position, UserError } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { epochMsOf, zoneOffsetMs } from '../types/time-text.ts';

type Field =
  | 'year'
  | 'shortYear'
  | 'month'
  | 'monthName'
  | 'day'
  | 'hour'
  | 'halfHour'
  | 'half'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'zone';

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The text as a regular expression that fits nothing else. */
const literally = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/**
 * The function that reads texts of this pattern to epoch milliseconds. It raises `EvaluationError` for text that does not fit. `toUtc` makes a point in
 * time of a local one where the text says no zone.
 */
export const parseTimestampPattern = (
  pattern: string,
  at?: Position,
): ((text: string, toUtc?: (local: number) => number) => number) => {
  const fields: Field[] = [];
  let source = '';
  let depth = 0;
  const bad = (why: string): UserError =>
    new UserError('SQL_TIMESTAMP_FORMAT', `the time pattern '${pattern}' ${why}`, {
      at,
      hint: "For example: 'yyyy-MM-dd HH:mm:ss', with 'T' and other letters between single quotes.",
    });
  const field = (name: Field, expression: string): void => {
    fields.push(name);
    source += `(${expression})`;
  };
  const number = (name: Field, count: number): void => field(name, count === 1 ? '\\d{1,9}' : `\\d{${count}}`);

  for (let i = 0; i < pattern.length; ) {
    const letter = pattern[i] as string;
    if (letter === "'") {
      const end = pattern.indexOf("'", i + 1);
      if (end < 0) throw bad('has a quote that is not closed');
      source += end === i + 1 ? "'" : literally(pattern.slice(i + 1, end));
      i = end + 1;
      continue;
    }
    if (!/[A-Za-z]/.test(letter)) {
      if (letter === '[') {
        depth++;
        source += '(?:';
      } else if (letter === ']') {
        if (depth-- === 0) throw bad('closes a bracket that is not open');
        source += ')?';
      } else source += literally(letter);
      i++;
      continue;
    }
    let count = 1;
    while (pattern[i + count] === letter) count++;
    i += count;
    switch (letter) {
      case 'y':
      case 'u':
        if (count === 2) field('shortYear', '\\d{2}');
        else field('year', /[A-Za-z]/.test(pattern[i] ?? '') ? '\\d{4}' : `-?\\d{${count},9}`);
        break;
      case 'M':
      case 'L':
        if (count <= 2) number('month', count);
        else field('monthName', '[A-Za-z]{3,9}');
        break;
      case 'd':
        number('day', count);
        break;
      case 'H':
        number('hour', count);
        break;
      case 'h':
        number('halfHour', count);
        break;
      case 'a':
        field('half', '[AaPp][Mm]');
        break;
      case 'm':
        number('minute', count);
        break;
      case 's':
        number('second', count);
        break;
      case 'S':
        field('fraction', `\\d{${count}}`);
        break;
      case 'E':
        source += '[A-Za-z]{3,9}';
        break;
      case 'X':
      case 'x':
      case 'Z':
      case 'z':
      case 'V':
        field('zone', 'Z|UTC|GMT|[+-]\\d{2}(?::?\\d{2})?');
        break;
      default:
        throw bad(`has the letters "${letter.repeat(count)}", which mean nothing here`);
    }
  }
  if (depth > 0) throw bad('has a bracket that is not closed');
  if (fields.length === 0) throw bad('names no part of a time');
  const expression = new RegExp(`^${source}$`);

  return (text, toUtc = (local) => local) => {
    const match = expression.exec(text);
    if (match === null) throw new EvaluationError(`the text does not fit the pattern '${pattern}'`);
    let year = 1970;
    let month = 1;
    let day = 1;
    let hour = 0;
    let half: 'am' | 'pm' | undefined;
    let minute = 0;
    let second = 0;
    let ms = 0;
    let offset: number | undefined;
    let zoned = false;
    fields.forEach((name, i) => {
      const part = match[i + 1];
      if (part === undefined) return;
      switch (name) {
        case 'year':
          year = Number(part);
          break;
        case 'shortYear':
          year = 2000 + Number(part);
          break;
        case 'month':
          month = Number(part);
          break;
        case 'monthName':
          month = monthNames.indexOf(part.slice(0, 3).toLowerCase()) + 1;
          break;
        case 'day':
          day = Number(part);
          break;
        case 'hour':
          hour = Number(part);
          break;
        case 'halfHour':
          hour = Number(part) % 12;
          break;
        case 'half':
          half = part.toLowerCase() === 'pm' ? 'pm' : 'am';
          break;
        case 'minute':
          minute = Number(part);
          break;
        case 'second':
          second = Number(part);
          break;
        case 'fraction':
          ms = Number(part.padEnd(3, '0').slice(0, 3));
          break;
        case 'zone':
          offset = zoneOffsetMs(part);
          zoned = true;
          break;
      }
    });
    if (half === 'pm') hour += 12;
    const local = epochMsOf({ year, month, day, hour, minute, second, ms });
    if (local === undefined || (zoned && offset === undefined)) {
      throw new EvaluationError('the text names no such day or hour');
    }
    return offset === undefined ? toUtc(local) : local - offset;
  };
};
