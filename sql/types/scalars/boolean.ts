/** BOOLEAN. */

import type { TypeDefinition } from '../definition.ts';

/** A beginning of `true`, `yes`, `false` or `no`, in any case. */
const parsePrefix = (text: string): boolean | undefined => {
  const lower = text.toLowerCase();
  if (lower === '') return undefined;
  if ('true'.startsWith(lower) || 'yes'.startsWith(lower)) return true;
  return 'false'.startsWith(lower) || 'no'.startsWith(lower) ? false : undefined;
};

export const boolean: TypeDefinition<'BOOLEAN', 'boolean'> = {
  kind: 'BOOLEAN',
  words: ['BOOLEAN'],
  elsewhere: ['BOOL'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'boolean',
  logical: false,
  accepts: undefined,
  ordered: false,
  numeric: undefined,
  comparedWith: [],
  text: {
    print: String,
    printMember: String,
    printed: 'lax',
    grade: 'lax',
    /** In CAST the beginnings of `true` and `yes` are true, and everything else is false. */
    parse: (text, grade) => (grade === 'explicit' ? parsePrefix(text) === true : parsePrefix(text)),
  },
  casts: { to: {}, from: {} },
  object: undefined,
};
