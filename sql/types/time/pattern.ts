/**
 * Time patterns, as Java's DateTimeFormatter (release 19 and later) has them, taken apart into elements; `format.ts`
 * writes by them, `parse.ts` reads.
 *
 * | letters    | stand for                                | letters    | stand for                                   |
 * | ---------- | ---------------------------------------- | ---------- | ------------------------------------------- |
 * | G          | era: AD                                  | a, B       | AM or PM; in the morning, noon …            |
 * | y, u       | year of the era; year, 0 before year 1   | H, k, K, h | hour 0-23, 1-24, 0-11, 1-12                 |
 * | M, L       | month: 7, 07, Jul, July, J               | m, s       | minute, second                              |
 * | Q, q       | quarter: 3, 03, Q3, 3rd quarter, 3       | S          | fraction of a second, one digit for each    |
 * | d, D, g    | day of month, of year; modified Julian   | A, n, N    | milliseconds of the day, nanoseconds of the |
 * |            | day                                      |            | second, of the day                          |
 * | E, e, c    | day of week: Tue, Tuesday, T; a number   | V, z, v    | zone: its id (VV), its name                 |
 * |            | counted from Sunday                      | X, x, Z, O | offset: Z, +01, +0100, +01:00, GMT+1        |
 * | Y, w, W, F | year and number of the week, that of the | p          | pads what follows with blanks               |
 * |            | month; of the month in sevens            | [ ]        | around a part that may be left out          |
 *
 * The number of letters says how: one writes a number as it is, several pad it; three letters are a short name, four a
 * long one, five a single letter. Weeks begin on Sunday. Text between single quotes and other signs stand for
 * themselves; two single quotes are one.
 */

import { EvaluationError } from '../evaluation-error.ts';

export type Field =
  | 'era'
  | 'year'
  | 'yearOfEra'
  | 'month'
  | 'quarter'
  | 'day'
  | 'dayOfYear'
  | 'dayOfWeek'
  | 'localDay'
  | 'weekYear'
  | 'week'
  | 'weekOfMonth'
  | 'alignedWeek'
  | 'julianDay'
  | 'half'
  | 'hour'
  | 'clockHour'
  | 'hourOfHalf'
  | 'clockHourOfHalf'
  | 'minute'
  | 'second'
  | 'nano'
  | 'milliOfDay'
  | 'nanoOfDay';

export type Style = 'short' | 'full' | 'narrow';

export type NumberElement = {
  readonly kind: 'number';
  readonly field: Field;
  readonly min: number;
  readonly max: number;
  /** Which signs are written and read: a minus; none; or a minus, and a plus before more digits than `min`. */
  readonly sign: 'normal' | 'never' | 'exceeds-pad';
  /** `reduced`: two digits of a year from 2000 to 2099. `fraction`: of a second, in nanoseconds. */
  readonly as: 'plain' | 'reduced' | 'fraction';
  /** Digits that the numbers right behind need; -1 for a number right behind another, which has exactly `min`
   *  digits. */
  subsequent: number;
};

export type Element =
  | NumberElement
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'text'; readonly field: Field; readonly style: Style }
  | { readonly kind: 'day-period'; readonly style: Style }
  /** `form`: hours, then `mm` and `ss` where they are not zero, `MM` always. */
  | { readonly kind: 'offset'; readonly form: OffsetForm; readonly zero: string }
  | { readonly kind: 'local-offset'; readonly full: boolean }
  | { readonly kind: 'zone-id' }
  | { readonly kind: 'zone-name'; readonly full: boolean; readonly generic: boolean }
  | { readonly kind: 'padded'; readonly width: number; readonly element: Element }
  | { readonly kind: 'optional'; readonly elements: readonly Element[] };

export type OffsetForm = '+HHmm' | '+HHMM' | '+HH:MM' | '+HHMMss' | '+HH:MM:ss';

const longest = 19;

/** The elements of a pattern. A pattern that is not one raises `EvaluationError`. */
export const parsePattern = (pattern: string): readonly Element[] => {
  const bad = (why: string): never => {
    throw new EvaluationError(`the time pattern '${pattern}' ${why}`);
  };
  const groups: Element[][] = [[]];
  let lastNumber: NumberElement | undefined;
  const add = (element: Element): void => {
    (groups.at(-1) as Element[]).push(element);
    if (element.kind !== 'number') lastNumber = undefined;
  };
  /** Adds a number. Numbers side by side share their digits: the first of them takes what the others leave. */
  const addNumber = (element: NumberElement): void => {
    const fixed = element.min === element.max && element.sign === 'never';
    if (lastNumber === undefined) lastNumber = element;
    else if (fixed) {
      if (lastNumber.subsequent >= 0) lastNumber.subsequent += element.max;
      element.subsequent = -1;
    } else {
      lastNumber.subsequent = -1;
      lastNumber = element;
    }
    add(element);
  };
  let padding = 0;
  for (let i = 0; i < pattern.length; ) {
    const letter = pattern[i] as string;
    if (letter === "'") {
      let end = i + 1;
      while (end < pattern.length && (pattern[end] !== "'" || pattern[end + 1] === "'")) {
        end += pattern[end] === "'" ? 2 : 1;
      }
      if (end >= pattern.length) bad('has a quote that is not closed');
      add({ kind: 'literal', text: end === i + 1 ? "'" : pattern.slice(i + 1, end).replaceAll("''", "'") });
      i = end + 1;
    } else if (letter === '[') {
      groups.push([]);
      lastNumber = undefined;
      i++;
    } else if (letter === ']') {
      if (groups.length === 1) bad('closes a bracket that is not open');
      const elements = groups.pop() as Element[];
      add({ kind: 'optional', elements });
      i++;
    } else if (/[{}#]/.test(letter)) {
      bad(`has the character ${letter}, which is reserved`);
    } else if (/[A-Za-z]/.test(letter)) {
      let count = 1;
      while (pattern[i + count] === letter) count++;
      i += count;
      if (letter === 'p') {
        if (!/[A-Za-z]/.test(pattern[i] ?? '')) bad('has a p that nothing follows');
        padding = count;
        continue;
      }
      const element =
        elementOf(letter, count) ??
        bad(`has the letters "${letter.repeat(count)}", which mean nothing; put text between single quotes`);
      if (padding > 0) add({ kind: 'padded', width: padding, element });
      else if (element.kind === 'number') addNumber(element);
      else add(element);
      padding = 0;
    } else {
      add({ kind: 'literal', text: letter });
      i++;
    }
  }
  while (groups.length > 1) {
    const elements = groups.pop() as Element[];
    add({ kind: 'optional', elements });
  }
  return groups[0] as Element[];
};

const number = (
  field: Field,
  min = 1,
  max = longest,
  sign: NumberElement['sign'] = 'normal',
  as: NumberElement['as'] = 'plain',
): NumberElement => ({ kind: 'number', field, min, max, sign, as, subsequent: 0 });

/** One letter: a number of any length. Two: of two digits. */
const oneOrTwo = (field: Field, count: number): Element | undefined =>
  count === 1 ? number(field) : count === 2 ? number(field, 2, 2, 'never') : undefined;

const styles: readonly (Style | undefined)[] = [undefined, 'short', 'short', 'short', 'full', 'narrow'];

const name = (field: Field, count: number): Element | undefined => {
  const style = styles[count];
  return style === undefined ? undefined : { kind: 'text', field, style };
};

const yearOf = (field: Field, count: number): Element =>
  count === 2
    ? number(field, 2, 2, 'never', 'reduced')
    : number(field, count, longest, count < 4 ? 'normal' : 'exceeds-pad');

const offsets: readonly OffsetForm[] = ['+HHmm', '+HHMM', '+HH:MM', '+HHMMss', '+HH:MM:ss'];

/** What a run of one letter stands for; none when it means nothing. */
const elementOf = (letter: string, count: number): Element | undefined => {
  if (count > longest) return undefined;
  switch (letter) {
    case 'G':
      return name('era', count);
    case 'y':
      return yearOf('yearOfEra', count);
    case 'u':
      return yearOf('year', count);
    case 'Y':
      return yearOf('weekYear', count);
    case 'M':
    case 'L':
      return oneOrTwo('month', count) ?? name('month', count);
    case 'Q':
    case 'q':
      return oneOrTwo('quarter', count) ?? name('quarter', count);
    case 'w':
      return oneOrTwo('week', count);
    case 'W':
      return count === 1 ? number('weekOfMonth') : undefined;
    case 'F':
      return count === 1 ? number('alignedWeek') : undefined;
    case 'd':
      return oneOrTwo('day', count);
    case 'D':
      return count === 1 ? number('dayOfYear') : count <= 3 ? number('dayOfYear', count, 3, 'never') : undefined;
    case 'g':
      return number('julianDay', count);
    case 'E':
      return name('dayOfWeek', count);
    case 'e':
    case 'c':
      if (count === 2) return letter === 'e' ? number('localDay', 2, 2, 'never') : undefined;
      return count === 1 ? number('localDay') : name('dayOfWeek', count);
    case 'a':
      return count === 1 ? name('half', 1) : undefined;
    case 'B':
      return count === 1 || count === 4 || count === 5
        ? { kind: 'day-period', style: styles[count] as Style }
        : undefined;
    case 'H':
      return oneOrTwo('hour', count);
    case 'k':
      return oneOrTwo('clockHour', count);
    case 'K':
      return oneOrTwo('hourOfHalf', count);
    case 'h':
      return oneOrTwo('clockHourOfHalf', count);
    case 'm':
      return oneOrTwo('minute', count);
    case 's':
      return oneOrTwo('second', count);
    case 'S':
      return count <= 9 ? number('nano', count, count, 'never', 'fraction') : undefined;
    case 'n':
      return number('nano', count, longest, 'never');
    case 'A':
      return number('milliOfDay', count, longest, 'never');
    case 'N':
      return number('nanoOfDay', count, longest, 'never');
    case 'V':
      return count === 2 ? { kind: 'zone-id' } : undefined;
    case 'z':
      return count <= 4 ? { kind: 'zone-name', full: count === 4, generic: false } : undefined;
    case 'v':
      return count === 1 || count === 4 ? { kind: 'zone-name', full: count === 4, generic: true } : undefined;
    case 'O':
      return count === 1 || count === 4 ? { kind: 'local-offset', full: count === 4 } : undefined;
    case 'X':
      return count <= 5 ? { kind: 'offset', form: offsets[count - 1] as OffsetForm, zero: 'Z' } : undefined;
    case 'x': {
      const zero = count === 1 ? '+00' : count % 2 === 0 ? '+0000' : '+00:00';
      return count <= 5 ? { kind: 'offset', form: offsets[count - 1] as OffsetForm, zero } : undefined;
    }
    case 'Z':
      if (count <= 3) return { kind: 'offset', form: '+HHMM', zero: '+0000' };
      if (count === 4) return { kind: 'local-offset', full: true };
      return count === 5 ? { kind: 'offset', form: '+HH:MM:ss', zero: 'Z' } : undefined;
    default:
      return undefined;
  }
};

const timeFields: ReadonlySet<Field> = new Set([
  'half',
  'hour',
  'clockHour',
  'hourOfHalf',
  'clockHourOfHalf',
  'minute',
  'second',
  'nano',
  'milliOfDay',
  'nanoOfDay',
]);

/** Whether an element is of a date alone, not of a time or a zone. */
export const isOfDate = (element: Element): boolean => {
  switch (element.kind) {
    case 'literal':
      return true;
    case 'number':
    case 'text':
      return !timeFields.has(element.field);
    case 'padded':
      return isOfDate(element.element);
    case 'optional':
      return element.elements.every(isOfDate);
    case 'day-period':
    case 'local-offset':
    case 'offset':
    case 'zone-id':
    case 'zone-name':
      return false;
  }
};

/** Whether an element is of a time of the day alone. */
export const isOfTime = (element: Element): boolean => {
  switch (element.kind) {
    case 'literal':
    case 'day-period':
      return true;
    case 'number':
    case 'text':
      return timeFields.has(element.field);
    case 'padded':
      return isOfTime(element.element);
    case 'optional':
      return element.elements.every(isOfTime);
    case 'local-offset':
    case 'offset':
    case 'zone-id':
    case 'zone-name':
      return false;
  }
};

/** The fields that elements name. */
export const fieldsOf = (elements: readonly Element[]): readonly Field[] =>
  elements.flatMap((element) => {
    if (element.kind === 'optional') return fieldsOf(element.elements);
    if (element.kind === 'padded') return fieldsOf([element.element]);
    return 'field' in element ? [element.field] : [];
  });
