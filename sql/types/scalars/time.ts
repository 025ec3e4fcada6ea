/** TIME: a time of the day, held as milliseconds since midnight. */

import type { TypeDefinition } from '../definition.ts';
import { dayMs } from '../time/calendar.ts';
import { parseTime, printTime, printTimeOfDay } from '../time/text.ts';

export const time: TypeDefinition<'TIME', 'int32'> = {
  kind: 'TIME',
  words: ['TIME'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'int32',
  logical: true,
  accepts: (value) => value >= 0 && value < dayMs,
  ordered: true,
  numeric: undefined,
  comparedWith: ['STRING'],
  text: {
    print: printTime,
    /** As Java's `java.sql.Time` prints: `21:58:00`. */
    printMember: (value) => printTimeOfDay(value).slice(0, 8),
    printed: 'lax',
    grade: 'strict',
    parse: parseTime,
    example: "'12:30:00'",
  },
  casts: {
    to: {},
    from: {
      TIMESTAMP: {
        grade: 'explicit',
        convert(value) {
          const ms = (value as number) % dayMs;
          return ms < 0 ? ms + dayMs : ms;
        },
      },
    },
  },
  object: { read: (given) => (typeof given === 'string' ? parseTime(given) : undefined), make: printTimeOfDay },
};
