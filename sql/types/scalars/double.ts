/** DOUBLE: IEEE 754 of 64 bits. */

import { doubleOperators, plainNumeric } from '../arithmetic.ts';
import type { TypeDefinition } from '../definition.ts';
import { parseDouble, printDouble } from '../numbers.ts';
import { doubleToBigint, doubleToInteger } from '../value.ts';

const parseFinite = (text: string): number | undefined => {
  const value = parseDouble(text);
  return Number.isFinite(value) ? value : undefined;
};

export const double: TypeDefinition<'DOUBLE', 'double'> = {
  kind: 'DOUBLE',
  words: ['DOUBLE'],
  elsewhere: ['FLOAT', 'REAL', 'FLOAT64', 'FLOAT8'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'double',
  logical: false,
  accepts: undefined,
  ordered: true,
  numeric: plainNumeric<'DOUBLE', number>(
    { kind: 'DOUBLE' },
    { rank: 4, zero: 0, operators: doubleOperators, negate: (value) => -value, divisionFails: false },
  ),
  comparedWith: [],
  text: { print: printDouble, printMember: printDouble, printed: 'lax', grade: 'lax', parse: parseFinite },
  casts: {
    to: {
      INTEGER: { grade: 'explicit', convert: doubleToInteger },
      BIGINT: { grade: 'explicit', convert: doubleToBigint },
    },
    from: {},
  },
  object: undefined,
};
