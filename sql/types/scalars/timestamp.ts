/** TIMESTAMP: a point in time, held as epoch milliseconds within the safe integers. */

import type { TypeDefinition } from '../definition.ts';
import { parseTimestamp, printTimestamp } from '../time/text.ts';

export const timestamp: TypeDefinition<'TIMESTAMP', 'int64', number> = {
  kind: 'TIMESTAMP',
  words: ['TIMESTAMP'],
  elsewhere: ['DATETIME', 'TIMESTAMPTZ'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'int64',
  logical: true,
  accepts: (value) => typeof value === 'number',
  ordered: true,
  numeric: undefined,
  comparedWith: ['STRING', 'DATE'],
  text: {
    print: printTimestamp,
    /** As Java's `java.sql.Timestamp` prints: `2020-05-11 21:58:33.25`. */
    printMember: (value) =>
      printTimestamp(value)
        .replace('T', ' ')
        .replace(/0{1,2}$/, ''),
    printed: 'lax',
    grade: 'strict',
    parse: parseTimestamp,
    example: "'2024-01-31T12:30:00', with a zone such as Z or +01:00 if needed",
  },
  casts: { to: {}, from: {} },
  object: {
    read: (given) => (given instanceof Date && !Number.isNaN(given.getTime()) ? given.getTime() : undefined),
    make: (value) => new Date(value),
  },
};
