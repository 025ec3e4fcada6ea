/** English names of months, days and parts of the day, as Java's locale `en` has them. */

import type { Field, Style } from './pattern.ts';

const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');

interface Names {
  /** The value of the first name. */
  readonly from: number;
  readonly names: Readonly<Record<Style, readonly string[]>>;
}

const shortened = (names: readonly string[], length: number): string[] => names.map((name) => name.slice(0, length));

const halves = ['AM', 'PM'];

const namesOf: Partial<Readonly<Record<Field, Names>>> = {
  era: { from: 0, names: { short: ['BC', 'AD'], full: ['Before Christ', 'Anno Domini'], narrow: ['B', 'A'] } },
  month: { from: 1, names: { short: shortened(months, 3), full: months, narrow: shortened(months, 1) } },
  dayOfWeek: { from: 1, names: { short: shortened(days, 3), full: days, narrow: shortened(days, 1) } },
  quarter: {
    from: 1,
    names: {
      short: ['Q1', 'Q2', 'Q3', 'Q4'],
      full: ['1st quarter', '2nd quarter', '3rd quarter', '4th quarter'],
      narrow: ['1', '2', '3', '4'],
    },
  },
  half: { from: 0, names: { short: halves, full: halves, narrow: halves } },
};

/** The name of a field's value. */
export const nameOf = (field: Field, style: Style, value: number): string => {
  const found = namesOf[field];
  return found?.names[style][value - found.from] ?? String(value);
};

/** The names of a field with their values, longer ones first. */
export const namedValues = (field: Field, style: Style): readonly (readonly [name: string, value: number])[] => {
  const found = namesOf[field];
  if (found === undefined) return [];
  return found.names[style]
    .map((name, i): [string, number] => [name, i + found.from])
    .sort(([a], [b]) => b.length - a.length);
};

/** The part of the day of an hour and minute, counted in minutes. */
export const dayPeriod = (minuteOfDay: number, style: Style): string => {
  if (minuteOfDay === 0) return style === 'narrow' ? 'mi' : 'midnight';
  if (minuteOfDay === 720) return style === 'narrow' ? 'n' : 'noon';
  if (minuteOfDay < 360 || minuteOfDay >= 1260) return 'at night';
  if (minuteOfDay < 720) return 'in the morning';
  return minuteOfDay < 1080 ? 'in the afternoon' : 'in the evening';
};
