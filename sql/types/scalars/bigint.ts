/** BIGINT: whole numbers of 64 bits. */

import { longOperators, negateLong, plainNumeric } from '../arithmetic.ts';
import type { TypeDefinition } from '../definition.ts';
import { parseBigint, parseWhole } from '../numbers.ts';
import { bigintToInteger } from '../value.ts';

export const bigint: TypeDefinition<'BIGINT', 'int64'> = {
  kind: 'BIGINT',
  words: ['BIGINT'],
  elsewhere: ['LONG', 'INT64', 'INT8', 'NUMBER'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'int64',
  logical: false,
  accepts: undefined,
  ordered: true,
  numeric: plainNumeric<'BIGINT', number | bigint>(
    { kind: 'BIGINT' },
    { rank: 2, zero: 0, operators: longOperators, negate: negateLong, divisionFails: true },
  ),
  comparedWith: [],
  text: {
    print: String,
    printMember: String,
    printed: 'lax',
    grade: 'lax',
    parse: (text, grade) => (grade === 'explicit' ? parseBigint(text) : parseWhole(text, parseBigint)),
  },
  casts: {
    to: {
      INTEGER: { grade: 'explicit', convert: bigintToInteger },
      DOUBLE: { grade: 'strict', convert: (value) => (typeof value === 'bigint' ? Number(value) : value) },
    },
    from: {},
  },
  object: undefined,
};
