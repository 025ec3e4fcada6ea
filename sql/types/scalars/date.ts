/** DATE: a day of the calendar, held as days since 1970-01-01. */

import type { TypeDefinition } from '../definition.ts';
import { dayMs } from '../time/calendar.ts';
import { parseDate, printDate } from '../time/text.ts';

export const date: TypeDefinition<'DATE', 'int32'> = {
  kind: 'DATE',
  words: ['DATE'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'int32',
  logical: true,
  accepts: undefined,
  ordered: true,
  numeric: undefined,
  comparedWith: ['STRING'],
  text: {
    print: printDate,
    printMember: printDate,
    printed: 'lax',
    grade: 'strict',
    parse: parseDate,
    example: "'2024-01-31'",
  },
  casts: {
    to: {
      TIMESTAMP: {
        grade: 'explicit',
        convert(value, refuse) {
          const ms = value * dayMs;
          return Number.isSafeInteger(ms) ? ms : refuse('the DATE lies beyond what a TIMESTAMP can hold');
        },
      },
    },
    from: { TIMESTAMP: { grade: 'explicit', convert: (value) => Math.floor((value as number) / dayMs) } },
  },
  // Text, and no Date: a Date is a point in time, which is another day in half of the world.
  object: {
    read(given) {
      if (typeof given === 'string') return parseDate(given);
      if (!(given instanceof Date)) return undefined;
      const days = given.getTime() / dayMs;
      return Number.isInteger(days) ? days : undefined;
    },
    make: printDate,
  },
};
