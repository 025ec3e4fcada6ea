/** STRING, also called VARCHAR: text of any length. Every other type has its conversions from and to it in `text`. */

import type { TypeDefinition } from '../definition.ts';

const same = (text: string): string => text;

export const string: TypeDefinition<'STRING', 'text'> = {
  kind: 'STRING',
  words: ['STRING', 'VARCHAR'],
  elsewhere: ['TEXT', 'CHAR', 'NVARCHAR', 'CLOB', 'UUID'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'text',
  logical: false,
  accepts: undefined,
  ordered: true,
  numeric: undefined,
  comparedWith: [],
  text: { print: same, printMember: same, printed: 'strict', grade: 'strict', parse: same },
  casts: { to: {}, from: {} },
  object: undefined,
};
