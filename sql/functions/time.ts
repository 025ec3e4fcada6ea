/** Functions on points in time, dates and times of the day. All is UTC; a day has 24 hours. */

import { EvaluationError } from '../types/evaluation-error.ts';
import { dateFormatter, timeFormatter, timeOfDayFormatter } from '../types/time/format.ts';
import { dateParser, timeOfDayParser, timeParser } from '../types/time/parse.ts';
import { simpleDateParser } from '../types/time/simple-parse.ts';
import { gmt, utc, type Zone, zoneNamed } from '../types/time/zones.ts';
import { type Body, type Call, define } from './define.ts';
import type { Family } from './registry.ts';

const unitMs: Readonly<Record<string, number>> = {
  MILLISECONDS: 1,
  SECONDS: 1000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: 86_400_000,
};

const moved = (unit: string, amount: number, time: number): number => {
  const ms = unitMs[unit];
  if (ms === undefined) throw new EvaluationError(`there is no unit of time called "${unit}"`);
  const result = time + amount * ms;
  if (!Number.isSafeInteger(result)) throw new EvaluationError('the point in time is out of range');
  return result;
};

const dayMs = 86_400_000;

/** Days as a date, whose midnight is a safe integer. */
const dateOf = (days: number): number => {
  if (!Number.isSafeInteger(days * dayMs)) throw new EvaluationError('the date is out of range');
  return days;
};

/** A rest of less than a day is dropped, towards 1970. */
const movedDate = (unit: string, amount: number, days: number): number =>
  dateOf(Math.trunc(moved(unit, amount, days * dayMs) / dayMs) + 0);

const movedTime = (unit: string, amount: number, ms: number): number =>
  ((moved(unit, amount, ms) % dayMs) + dayMs) % dayMs;

/** Epoch milliseconds as a point in time, which is a safe integer. */
const timestampOf = (ms: number | bigint): number => {
  if (typeof ms === 'bigint') throw new EvaluationError('the point in time is out of range');
  return ms;
};

/** What was compiled of a text (a pattern), kept for the last few. */
const remembered = <T>(make: (text: string) => T): ((text: string) => T) => {
  const made = new Map<string, T>();
  return (text) => {
    let found = made.get(text);
    if (found === undefined) {
      found = make(text);
      if (made.size >= 100) made.clear();
      made.set(text, found);
    }
    return found;
  };
};

const formatterOf = remembered(timeFormatter);
const parserOf = remembered(timeParser);
const dateFormatterOf = remembered(dateFormatter);
const dateParserOf = remembered(dateParser);
const timeOfDayFormatterOf = remembered(timeOfDayFormatter);
const timeOfDayParserOf = remembered(timeOfDayParser);
const simpleDateParserOf = remembered(simpleDateParser);

/** Makes the pattern and zone that are constants ready, which checks them too. Others come with the rows. */
const prepare = ({ constants }: Call, ofPattern: (pattern: string) => unknown): void => {
  const [, pattern, zone] = constants;
  if (typeof pattern === 'string') ofPattern(pattern);
  if (typeof zone === 'string') zoneNamed(zone);
};

const formatting =
  (standard: Zone) =>
  (call: Call): Body => {
    prepare(call, formatterOf);
    return (at: number | bigint, pattern: string, zone?: string) =>
      formatterOf(pattern)(timestampOf(at), zone === undefined ? standard : zoneNamed(zone));
  };

const parsing = (call: Call): Body => {
  prepare(call, parserOf);
  return (text: string, pattern: string, zone?: string) =>
    parserOf(pattern)(text, zone === undefined ? gmt : zoneNamed(zone));
};

/** With a zone as the last argument, or without: UTC. */
const zoned = (name: string, types: string, result: string): string[] => [
  `${name}(${types}) -> ${result}`,
  `${name}(${types}, STRING) -> ${result}`,
];

export const time: Family = {
  category: 'DATE / TIME',
  functions: [
    define({
      signature: 'UNIX_TIMESTAMP() -> BIGINT',
      doc: 'The present time in epoch milliseconds, read again for each row.',
      nulls: 'propagate',
      examples: [['UNIX_TIMESTAMP() > 0', 'TRUE']],
      bind:
        ({ context }) =>
        () =>
          context.now(),
    }),
    define({
      signature: 'UNIX_TIMESTAMP(TIMESTAMP) -> BIGINT',
      doc: 'A point in time in epoch milliseconds.',
      nulls: 'propagate',
      examples: [["UNIX_TIMESTAMP('1970-01-01T00:00:01')", '1000']],
      body: (at: number) => at,
    }),
    define({
      signature: 'FROM_UNIXTIME(BIGINT) -> TIMESTAMP',
      doc: 'The point in time that epoch milliseconds stand for.',
      elsewhere: [
        ['NOW', 'FROM_UNIXTIME(UNIX_TIMESTAMP())'],
        ['CURRENT_TIMESTAMP', 'FROM_UNIXTIME(UNIX_TIMESTAMP())'],
      ],
      nulls: 'propagate',
      examples: [['CAST(FROM_UNIXTIME(1589234313000) AS STRING)', "'2020-05-11T21:58:33.000'"]],
      body: timestampOf,
    }),
    define({
      signature: zoned('FORMAT_TIMESTAMP', 'TIMESTAMP, STRING', 'STRING'),
      doc: "A point in time as text, by a pattern such as 'yyyy-MM-dd HH:mm:ss', in UTC or in a zone.",
      elsewhere: ['DATE_FORMAT', ['TO_CHAR', 'CAST(value AS STRING), or FORMAT_TIMESTAMP']],
      nulls: 'propagate',
      examples: [
        ["FORMAT_TIMESTAMP('2018-05-11T21:58:33.25', 'dd/MMM/yyyy''T''HH:mm:ss.SSSX')", "'11/May/2018T21:58:33.250Z'"],
        ["FORMAT_TIMESTAMP('2018-05-11T21:58:33', 'EEE h:mm a z', 'America/Los_Angeles')", "'Fri 2:58 PM PDT'"],
      ],
      bind: formatting(gmt),
    }),
    define({
      signature: zoned('PARSE_TIMESTAMP', 'STRING, STRING', 'TIMESTAMP'),
      doc:
        "The point in time that a text stands for, read by a pattern such as 'yyyy-MM-dd HH:mm:ss', in UTC or in a " +
        'zone; a zone in the text takes precedence.',
      elsewhere: ['TO_TIMESTAMP'],
      nulls: 'propagate',
      examples: [
        ["CAST(PARSE_TIMESTAMP('11.05.2018 21:58', 'dd.MM.yyyy HH:mm') AS STRING)", "'2018-05-11T21:58:00.000'"],
        [
          "CAST(PARSE_TIMESTAMP('2018-05-11 14:58', 'yyyy-MM-dd HH:mm', 'America/Los_Angeles') AS STRING)",
          "'2018-05-11T21:58:00.000'",
        ],
      ],
      bind: parsing,
    }),
    define({
      signature: zoned('TIMESTAMPTOSTRING', 'BIGINT, STRING', 'STRING'),
      doc: 'Epoch milliseconds as text, by a pattern, in UTC or in a zone. FORMAT_TIMESTAMP does it for points in time.',
      nulls: 'propagate',
      examples: [["TIMESTAMPTOSTRING(0, 'yyyy-MM-dd')", "'1970-01-01'"]],
      bind: formatting(utc),
    }),
    define({
      signature: zoned('STRINGTOTIMESTAMP', 'STRING, STRING', 'BIGINT'),
      doc:
        'The epoch milliseconds that a text stands for, read by a pattern, in UTC or in a zone. PARSE_TIMESTAMP ' +
        'gives a point in time.',
      nulls: 'propagate',
      examples: [["STRINGTOTIMESTAMP('1970-01-02', 'yyyy-MM-dd')", '86400000']],
      bind: parsing,
    }),
    define({
      signature: 'DATETOSTRING(INT, STRING) -> STRING',
      doc: 'A day, counted from 1970-01-01, as text by a pattern.',
      nulls: 'propagate',
      examples: [["DATETOSTRING(18993, 'dd-MMM-yyyy')", "'01-Jan-2022'"]],
      bind: (call) => {
        prepare(call, dateFormatterOf);
        return (day: number, pattern: string) => dateFormatterOf(pattern)(day);
      },
    }),
    define({
      signature: 'STRINGTODATE(STRING, STRING) -> INT',
      doc: 'The day that a text stands for, read by a pattern, counted from 1970-01-01.',
      nulls: 'propagate',
      examples: [["STRINGTODATE('01-Jan-2022', 'dd-MMM-yyyy')", '18993']],
      bind: (call) => {
        prepare(call, dateParserOf);
        return (text: string, pattern: string) => dateParserOf(pattern)(text);
      },
    }),
    define({
      signature: 'CONVERT_TZ(TIMESTAMP, STRING, STRING) -> TIMESTAMP',
      doc: 'A point in time, moved so that the clocks of the second zone show what those of the first showed.',
      nulls: 'propagate',
      examples: [
        ["CAST(CONVERT_TZ('2018-05-11T12:00', 'UTC', 'America/Los_Angeles') AS STRING)", "'2018-05-11T05:00:00.000'"],
      ],
      bind: ({ constants }) => {
        for (const zone of constants.slice(1)) if (typeof zone === 'string') zoneNamed(zone);
        return (at: number, from: string, to: string) => at + zoneNamed(to).offsetAt(at) - zoneNamed(from).offsetAt(at);
      },
    }),
    define({
      signature: 'TIMESTAMPADD(literal STRING, INT, TIMESTAMP) -> TIMESTAMP',
      doc: 'A point in time later by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS.',
      nulls: 'propagate',
      examples: [["CAST(TIMESTAMPADD(DAYS, 1, '2024-02-28') AS STRING)", "'2024-02-29T00:00:00.000'"]],
      body: moved,
    }),
    define({
      signature: 'TIMESTAMPSUB(literal STRING, INT, TIMESTAMP) -> TIMESTAMP',
      doc: 'A point in time earlier by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS.',
      nulls: 'propagate',
      examples: [["CAST(TIMESTAMPSUB(HOURS, 25, '2024-03-01') AS STRING)", "'2024-02-28T23:00:00.000'"]],
      body: (unit: string, amount: number, at: number) => moved(unit, -amount, at),
    }),
    define({
      signature: 'DATEADD(literal STRING, INT, DATE) -> DATE',
      doc:
        'A day later by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS; the part of a day that ' +
        'is reached does not count.',
      nulls: 'propagate',
      examples: [
        ["CAST(DATEADD(DAYS, 1, '2024-02-28') AS STRING)", "'2024-02-29'"],
        ["CAST(DATEADD(HOURS, 25, '2024-02-28') AS STRING)", "'2024-02-29'"],
      ],
      body: movedDate,
    }),
    define({
      signature: 'DATESUB(literal STRING, INT, DATE) -> DATE',
      doc:
        'A day earlier by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS; the part of a day that ' +
        'is reached does not count.',
      nulls: 'propagate',
      examples: [["CAST(DATESUB(HOURS, 1, '2024-03-01') AS STRING)", "'2024-02-29'"]],
      body: (unit: string, amount: number, days: number) => movedDate(unit, -amount, days),
    }),
    define({
      signature: 'TIMEADD(literal STRING, INT, TIME) -> TIME',
      doc:
        'A time of the day later by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS; behind ' +
        'midnight it goes on at 00:00.',
      nulls: 'propagate',
      examples: [["CAST(TIMEADD(HOURS, 2, '23:30') AS STRING)", "'01:30'"]],
      body: movedTime,
    }),
    define({
      signature: 'TIMESUB(literal STRING, INT, TIME) -> TIME',
      doc:
        'A time of the day earlier by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS; before ' +
        'midnight it goes on at 24:00.',
      nulls: 'propagate',
      examples: [["CAST(TIMESUB(HOURS, 2, '01:30') AS STRING)", "'23:30'"]],
      body: (unit: string, amount: number, ms: number) => movedTime(unit, -amount, ms),
    }),
    define({
      signature: 'FORMAT_DATE(DATE, STRING) -> STRING',
      doc: "A date as text, by a pattern such as 'dd/MM/yyyy'.",
      nulls: 'propagate',
      examples: [["FORMAT_DATE('2022-01-31', 'dd MMM yyyy')", "'31 Jan 2022'"]],
      bind: (call) => {
        prepare(call, dateFormatterOf);
        return (days: number, pattern: string) => dateFormatterOf(pattern)(days);
      },
    }),
    define({
      signature: 'FORMAT_TIME(TIME, STRING) -> STRING',
      doc: "A time of the day as text, by a pattern such as 'h:mm a'.",
      nulls: 'propagate',
      examples: [["FORMAT_TIME('21:58:33', 'h:mm a')", "'9:58 PM'"]],
      bind: (call) => {
        prepare(call, timeOfDayFormatterOf);
        return (ms: number, pattern: string) => timeOfDayFormatterOf(pattern)(ms);
      },
    }),
    define({
      signature: 'PARSE_DATE(STRING, STRING) -> DATE',
      doc:
        "The date that a text stands for, read by a pattern such as 'dd/MM/yyyy', with the letters of Java's " +
        'SimpleDateFormat: a month has as many days as are named, and text behind the date is left out.',
      nulls: 'propagate',
      examples: [
        ["CAST(PARSE_DATE('31 Jan 2022', 'dd MMM yyyy') AS STRING)", "'2022-01-31'"],
        ["CAST(PARSE_DATE('2022-02-30', 'yyyy-MM-dd') AS STRING)", "'2022-03-02'"],
      ],
      bind: (call) => {
        prepare(call, simpleDateParserOf);
        const { context } = call;
        return (text: string, pattern: string) => simpleDateParserOf(pattern)(text, context.now());
      },
    }),
    define({
      signature: 'PARSE_TIME(STRING, STRING) -> TIME',
      doc: "The time of the day that a text stands for, read by a pattern such as 'h:mm a'.",
      nulls: 'propagate',
      examples: [["CAST(PARSE_TIME('9:58 PM', 'h:mm a') AS STRING)", "'21:58'"]],
      bind: (call) => {
        prepare(call, timeOfDayParserOf);
        return (text: string, pattern: string) => timeOfDayParserOf(pattern)(text);
      },
    }),
    define({
      signature: 'FROM_DAYS(INT) -> DATE',
      doc: 'The date of a number of days since 1970-01-01.',
      nulls: 'propagate',
      examples: [['CAST(FROM_DAYS(19000) AS STRING)', "'2022-01-08'"]],
      body: (days: number) => days,
    }),
    define({
      signature: 'UNIX_DATE() -> INT',
      doc: 'The present day in UTC, in days since 1970-01-01, read again for each row.',
      nulls: 'propagate',
      examples: [['UNIX_DATE() > 0', 'TRUE']],
      bind:
        ({ context }) =>
        () =>
          Math.floor(context.now() / dayMs),
    }),
    define({
      signature: 'UNIX_DATE(DATE) -> INT',
      doc: 'The days since 1970-01-01 of a date.',
      nulls: 'propagate',
      examples: [["UNIX_DATE('1970-01-02')", '1']],
      body: (days: number) => days,
    }),
  ],
};
