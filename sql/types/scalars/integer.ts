/** INTEGER: whole numbers of 32 bits. */

import { integerOperators, plainNumeric } from '../arithmetic.ts';
import { same, type TypeDefinition } from '../definition.ts';
import { parseInteger, parseWhole } from '../numbers.ts';

export const integer: TypeDefinition<'INTEGER', 'int32'> = {
  kind: 'INTEGER',
  words: ['INT', 'INTEGER'],
  elsewhere: ['TINYINT', 'SMALLINT', 'INT32', 'INT4'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'int32',
  logical: false,
  accepts: undefined,
  ordered: true,
  numeric: plainNumeric<'INTEGER', number>(
    { kind: 'INTEGER' },
    { rank: 1, zero: 0, operators: integerOperators, negate: (value) => -value | 0, divisionFails: true },
  ),
  comparedWith: [],
  text: {
    print: String,
    printMember: String,
    printed: 'lax',
    grade: 'lax',
    parse: (text, grade) => (grade === 'explicit' ? parseInteger(text) : parseWhole(text, parseInteger)),
  },
  casts: { to: { BIGINT: { grade: 'strict', convert: same }, DOUBLE: { grade: 'strict', convert: same } }, from: {} },
  object: undefined,
};
