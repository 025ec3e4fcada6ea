/**
 * Points in time as text, in UTC unless a zone is said: how TIMESTAMPs are printed and what texts stand for one.
 *
 * The calendar is the proleptic Gregorian one, computed here, since `Date` ends at ±8.64e15 ms and a TIMESTAMP does not. A year beyond
 * 9999 is printed with all its digits, one before year 0 with a minus.
 */

const dayMs = 86_400_000;

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Days since 1970-01-01 of a date in the Gregorian calendar. */
const daysFromCivil = (year: number, month: number, day: number): number => {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
};

const civilFromDays = (days: number): Civil => {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
};

const daysInMonth = (year: number, month: number): number =>
  month === 2
    ? (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
      ? 29
      : 28
    : month === 4 || month === 6 || month === 9 || month === 11
      ? 30
      : 31;

const padded = (value: number, width: number): string => String(value).padStart(width, '0');

/** `yyyy-MM-ddTHH:mm:ss.SSS`, UTC. */
export const printTimestamp = (epochMs: number): string => {
  const days = Math.floor(epochMs / dayMs);
  const { year, month, day } = civilFromDays(days);
  const ms = epochMs - days * dayMs;
  const years = year < 0 ? `-${padded(-year, 4)}` : padded(year, 4);
  const date = `${years}-${padded(month, 2)}-${padded(day, 2)}`;
  const time = `${padded(Math.floor(ms / 3_600_000), 2)}:${padded(Math.floor(ms / 60_000) % 60, 2)}`;
  return `${date}T${time}:${padded(Math.floor(ms / 1000) % 60, 2)}.${padded(ms % 1000, 3)}`;
};

const form =
  /^(-?\d{4,6})(?:-(\d{1,2})(?:-(\d{1,2})(?:T(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * The epoch milliseconds that a text stands for: `yyyy[-MM[-dd[THH[:mm[:ss[.SSS]]]]]][zone]`, what is left out being the least, the
 * zone `Z`, `+hh`, `+hhmm` or `+hh:mm`. None when it is no such text, or no such day or hour.
 */
export const parseTimestamp = (text: string): number | undefined => {
  const match = form.exec(text.trim());
  if (match === null) return undefined;
  const part = (index: number, fallback: number): number =>
    match[index] === undefined ? fallback : Number(match[index]);
  const year = part(1, 0);
  const month = part(2, 1);
  const day = part(3, 1);
  const hour = part(4, 0);
  const minute = part(5, 0);
  const second = part(6, 0);
  const ms = match[7] === undefined ? 0 : Number(match[7].padEnd(3, '0').slice(0, 3));
  const local = epochMsOf({ year, month, day, hour, minute, second, ms });
  const offset = zoneOffsetMs(match[8]);
  return local === undefined || offset === undefined ? undefined : local - offset;
};

export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

/** Epoch milliseconds of a time in UTC; none when there is no such day or hour. */
export const epochMsOf = ({ year, month, day, hour, minute, second, ms }: LocalTime): number | undefined => {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return daysFromCivil(year, month, day) * dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
};

/** `Z`, `UTC`, `GMT`, `+hh`, `+hhmm` or `+hh:mm` in milliseconds east of UTC; none when it is no such zone. */
export const zoneOffsetMs = (zone: string | undefined): number | undefined => {
  if (zone === undefined || zone === 'Z' || zone === 'UTC' || zone === 'GMT') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 18 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
};
