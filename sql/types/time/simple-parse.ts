/**
 * Reading dates by a pattern of Java's `SimpleDateFormat`, as PARSE_DATE does: leniently.
 *
 * The 30th of February is the 1st or 2nd of March, month 13 the next January. A number takes all digits that stand
 * there, but where another number follows at once it takes as many as the pattern has letters; blanks before it are
 * passed over. A year of two digits lies within 80 years before the present and 20 after it. Names are English, long or
 * short, in any case. What follows in the text is not looked at. A time may be in the text when it is midnight in UTC.
 *
 * Letters: y G M L d D E a H k K h m s S X Z z. Others are refused: weeks are rarely meant.
 */

import { EvaluationError } from '../evaluation-error.ts';
import { civilFromDays, dayMs, dayOfWeek, daysFromCivil } from './calendar.ts';
import { namedValues } from './names.ts';
import { offsetOf, zoneNamed } from './zones.ts';

/** Days since 1970-01-01 of a text; `nowMs` is the present. Raises `EvaluationError` for a text that does not fit. */
export type SimpleDateParser = (text: string, nowMs: number) => number;

interface Part {
  /** A letter of the pattern, or none for a text that has to stand there as it is. */
  readonly letter: string;
  readonly text: string;
  /** Whether the part is a number with another one right behind it. */
  readonly abuts: boolean;
}

interface Fields {
  era: number;
  year: number | undefined;
  month: number;
  day: number | undefined;
  dayOfYear: number | undefined;
  weekday: number | undefined;
  half: number | undefined;
  /** Of milliseconds: hours, minutes and so on. */
  time: number;
  hourOfHalf: number;
  offsetMs: number;
}

const known = 'yGMLdDEaHkKhmsSXZz';

/** The function that reads texts by this pattern. A pattern that is not one raises `EvaluationError`. */
export const simpleDateParser = (pattern: string): SimpleDateParser => {
  const parts = partsOf(pattern);
  return (text, nowMs) => {
    const fields: Fields = {
      era: 1,
      year: undefined,
      month: 1,
      day: undefined,
      dayOfYear: undefined,
      weekday: undefined,
      half: undefined,
      time: 0,
      hourOfHalf: 0,
      offsetMs: 0,
    };
    let at = 0;
    for (const part of parts) {
      const end = part.letter === '' ? literalEnd(part.text, text, at) : fieldEnd(part, text, at, fields, nowMs);
      if (end < 0) throw new EvaluationError(`the text '${text.slice(0, 60)}' does not fit the pattern '${pattern}'`);
      at = end;
    }
    const ms = epochMs(fields);
    if (ms % dayMs !== 0) throw new EvaluationError(`the text '${text.slice(0, 60)}' names a time beside the date`);
    return ms / dayMs;
  };
};

const partsOf = (pattern: string): readonly Part[] => {
  const found: { letter: string; text: string }[] = [];
  for (const token of pattern.match(/'(?:[^']|'')*'|'|([A-Za-z])\1*|[^A-Za-z']+/g) ?? []) {
    if (/^[A-Za-z]/.test(token)) {
      const letter = token.slice(0, 1);
      if (!known.includes(letter)) {
        throw new EvaluationError(`the pattern '${pattern}' has the letter ${letter}; those of a date are y M d D E G`);
      }
      found.push({ letter, text: token });
    } else if (token === "'") throw new EvaluationError(`a quote of the pattern '${pattern}' is not closed`);
    else found.push({ letter: '', text: token === "''" ? "'" : token.replace(/^'|'$/g, '').replaceAll("''", "'") });
  }
  return found.map((part, i) => {
    const next = found[i + 1];
    return { ...part, abuts: isNumber(part) && next !== undefined && isNumber(next) };
  });
};

const isNumber = ({ letter, text }: { readonly letter: string; readonly text: string }): boolean =>
  letter !== '' && (letter === 'M' || letter === 'L' ? text.length < 3 : 'ydDHkKhmsS'.includes(letter));

/** Where a part ends in the text; −1 when it is not there. */
const literalEnd = (wanted: string, text: string, at: number): number =>
  text.startsWith(wanted, at) ? at + wanted.length : -1;

const nameEnd = (
  names: readonly (readonly [name: string, value: number])[],
  text: string,
  at: number,
  set: (value: number) => void,
): number => {
  let best = '';
  for (const [name, value] of names) {
    if (name.length <= best.length || text.slice(at, at + name.length).toLowerCase() !== name.toLowerCase()) continue;
    best = name;
    set(value);
  }
  return best === '' ? -1 : at + best.length;
};

const fieldEnd = (part: Part, text: string, start: number, fields: Fields, nowMs: number): number => {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  const { letter } = part;
  if (isNumber(part)) {
    const digits = /^\d+/.exec(text.slice(at, part.abuts ? at + part.text.length : undefined))?.[0] ?? '';
    if (digits === '' || digits.length > 15) return -1;
    setNumber(fields, letter, Number(digits), digits.length === 2 && part.text.length <= 2 ? nowMs : undefined);
    return at + digits.length;
  }
  switch (letter) {
    case 'G':
      return nameEnd(namedValues('era', 'short'), text, at, (value) => {
        fields.era = value;
      });
    case 'E':
      return nameEnd([...namedValues('dayOfWeek', 'full'), ...namedValues('dayOfWeek', 'short')], text, at, (value) => {
        fields.weekday = value;
      });
    case 'a':
      return nameEnd(namedValues('half', 'short'), text, at, (value) => {
        fields.half = value;
      });
    case 'M':
    case 'L':
      return nameEnd([...namedValues('month', 'full'), ...namedValues('month', 'short')], text, at, (value) => {
        fields.month = value;
        fields.dayOfYear = undefined;
      });
    default: {
      const zone = /^(?:GMT|UTC|Z)?(?:[+-]\d\d?(?::?\d\d)?)?/.exec(text.slice(at))?.[0] ?? '';
      const offset = zone.replace(/^(?:GMT|UTC|Z)/, '');
      if (zone === '') return zoneEnd(text, at, fields);
      const offsetMs = offset === '' ? 0 : offsetOf(offset.replace(/^([+-])(\d)(?=:|$)/, '$10$2'));
      if (offsetMs === undefined) return -1;
      fields.offsetMs = offsetMs;
      return at + zone.length;
    }
  }
};

/** A zone by its id. */
const zoneEnd = (text: string, at: number, fields: Fields): number => {
  const id = /^[A-Za-z][\w/+-]*/.exec(text.slice(at))?.[0];
  if (id === undefined) return -1;
  fields.offsetMs = zoneNamed(id).offsetAt(epochMs(fields));
  return at + id.length;
};

/** `nowMs`: the number is the year of a century that the present decides. */
const setNumber = (fields: Fields, letter: string, value: number, nowMs: number | undefined): void => {
  switch (letter) {
    case 'y': {
      fields.year = value;
      if (nowMs === undefined) return;
      const first = civilFromDays(Math.floor(nowMs / dayMs)).year - 80;
      fields.year = first + ((((value - first) % 100) + 100) % 100);
      return;
    }
    case 'M':
    case 'L':
      fields.month = value;
      fields.dayOfYear = undefined;
      return;
    case 'd':
      fields.day = value;
      fields.dayOfYear = undefined;
      return;
    case 'D':
      fields.dayOfYear = value;
      return;
    case 'k':
      fields.time += (value === 24 ? 0 : value) * 3_600_000;
      return;
    case 'H':
      fields.time += value * 3_600_000;
      return;
    case 'h':
      fields.hourOfHalf = value === 12 ? 0 : value;
      return;
    case 'K':
      fields.hourOfHalf = value;
      return;
    case 'm':
      fields.time += value * 60_000;
      return;
    case 's':
      fields.time += value * 1000;
      return;
    default:
      fields.time += value;
  }
};

const epochMs = (fields: Fields): number => {
  const ofEra = fields.year ?? (fields.era === 0 ? 1 : 1970);
  const year = fields.era === 0 ? 1 - ofEra : ofEra;
  const months = year * 12 + fields.month - 1;
  const firstOfMonth = daysFromCivil(Math.floor(months / 12), (((months % 12) + 12) % 12) + 1, 1);
  let days = firstOfMonth + (fields.day ?? 1) - 1;
  if (fields.dayOfYear !== undefined) days = daysFromCivil(year, 1, 1) + fields.dayOfYear - 1;
  // A day of the week alone is the first one of the month.
  else if (fields.day === undefined && fields.weekday !== undefined) {
    days += (fields.weekday - dayOfWeek(days) + 7) % 7;
  }
  const hours = (fields.hourOfHalf + (fields.half ?? 0) * 12) * 3_600_000;
  return days * dayMs + fields.time + hours - fields.offsetMs;
};
