/** Functions on points in time. All is UTC; a day has 24 hours. */

import { UserError } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';
import { formatTimestampPattern, fromLocal, utc, zoneNamed } from './timestamp-format.ts';
import { parseTimestampPattern } from './timestamp-pattern.ts';

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

/** What is made of a text (a pattern), made once for each of the last few. */
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

const formatterOf = remembered(formatTimestampPattern);

/** A pattern comes with the data: a bad one is a fault of the row. */
const parserOf = remembered((pattern) => {
  try {
    return parseTimestampPattern(pattern);
  } catch (error) {
    if (error instanceof UserError) throw new EvaluationError(error.message, { cause: error });
    throw error;
  }
});

const format = (at: number | bigint, pattern: string, zone?: string): string =>
  formatterOf(pattern)(Number(at), zone === undefined ? utc : zoneNamed(zone));

const parse = (text: string, pattern: string, zone?: string): number =>
  parserOf(pattern)(text, zone === undefined ? undefined : (local) => fromLocal(local, zoneNamed(zone)));

const dayMs = 86_400_000;

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
      doc: 'The present time in epoch milliseconds, for each row anew.',
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
      nulls: 'propagate',
      examples: [['CAST(FROM_UNIXTIME(1589234313000) AS STRING)', "'2020-05-11T21:58:33.000'"]],
      body: (ms: number | bigint) => {
        if (typeof ms === 'bigint') throw new EvaluationError('the point in time is out of range');
        return ms;
      },
    }),
    define({
      signature: zoned('FORMAT_TIMESTAMP', 'TIMESTAMP, STRING', 'STRING'),
      doc: "A point in time as text, by a pattern such as 'yyyy-MM-dd HH:mm:ss', in UTC or in a zone.",
      nulls: 'propagate',
      examples: [
        ["FORMAT_TIMESTAMP('2018-05-11T21:58:33.25', 'dd/MMM/yyyy''T''HH:mm:ss.SSSX')", "'11/May/2018T21:58:33.250Z'"],
        ["FORMAT_TIMESTAMP('2018-05-11T21:58:33', 'EEE h:mm a z', 'America/Los_Angeles')", "'Fri 2:58 PM PDT'"],
      ],
      body: format,
    }),
    define({
      signature: zoned('PARSE_TIMESTAMP', 'STRING, STRING', 'TIMESTAMP'),
      doc: "The point in time that a text says, read by a pattern such as 'yyyy-MM-dd HH:mm:ss', in UTC or in a zone; a zone in the text counts more.",
      nulls: 'propagate',
      examples: [
        ["CAST(PARSE_TIMESTAMP('11.05.2018 21:58', 'dd.MM.yyyy HH:mm') AS STRING)", "'2018-05-11T21:58:00.000'"],
        [
          "CAST(PARSE_TIMESTAMP('2018-05-11 14:58', 'yyyy-MM-dd HH:mm', 'America/Los_Angeles') AS STRING)",
          "'2018-05-11T21:58:00.000'",
        ],
      ],
      body: parse,
    }),
    define({
      signature: zoned('TIMESTAMPTOSTRING', 'BIGINT, STRING', 'STRING'),
      doc: 'Epoch milliseconds as text, by a pattern, in UTC or in a zone. FORMAT_TIMESTAMP does it for points in time.',
      nulls: 'propagate',
      examples: [["TIMESTAMPTOSTRING(0, 'yyyy-MM-dd')", "'1970-01-01'"]],
      body: format,
    }),
    define({
      signature: zoned('STRINGTOTIMESTAMP', 'STRING, STRING', 'BIGINT'),
      doc: 'The epoch milliseconds that a text says, read by a pattern, in UTC or in a zone. PARSE_TIMESTAMP gives a point in time.',
      nulls: 'propagate',
      examples: [["STRINGTOTIMESTAMP('1970-01-02', 'yyyy-MM-dd')", '86400000']],
      body: parse,
    }),
    define({
      signature: 'DATETOSTRING(INT, STRING) -> STRING',
      doc: 'A day, counted from 1970-01-01, as text by a pattern.',
      nulls: 'propagate',
      examples: [["DATETOSTRING(18993, 'dd-MMM-yyyy')", "'01-Jan-2022'"]],
      body: (day: number, pattern: string) => format(day * dayMs, pattern),
    }),
    define({
      signature: 'STRINGTODATE(STRING, STRING) -> INT',
      doc: 'The day that a text says, read by a pattern, counted from 1970-01-01.',
      nulls: 'propagate',
      examples: [["STRINGTODATE('01-Jan-2022', 'dd-MMM-yyyy')", '18993']],
      body: (text: string, pattern: string) => Math.floor(parse(text, pattern) / dayMs),
    }),
    define({
      signature: 'CONVERT_TZ(TIMESTAMP, STRING, STRING) -> TIMESTAMP',
      doc: 'A point in time, moved so that the clocks of the second zone show what those of the first showed.',
      nulls: 'propagate',
      examples: [
        ["CAST(CONVERT_TZ('2018-05-11T12:00', 'UTC', 'America/Los_Angeles') AS STRING)", "'2018-05-11T05:00:00.000'"],
      ],
      body: (at: number, from: string, to: string) => at + zoneNamed(to).offsetAt(at) - zoneNamed(from).offsetAt(at),
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
  ],
};
