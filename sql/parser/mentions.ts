/** The names in a statement, as far as the report of faults needs them; also of statements that cannot be parsed. */

import type { IToken } from 'chevrotain';
import type { Mentions } from './faults.ts';
import { keyword, nameOf, PlainName, QuotedName, Variable } from './tokens.ts';

const changing: ReadonlySet<unknown> = new Set([
  ...[keyword.CREATE, keyword.ALTER, keyword.DROP, keyword.DEFINE, keyword.UNDEFINE],
]);

const namesOf = (token: IToken): string | undefined => {
  if (token.tokenType === PlainName || token.tokenType === QuotedName) return nameOf(token);
  return token.tokenType === Variable ? token.image.slice(2, -1).trim().toUpperCase() : undefined;
};

export const mentionsOf = (tokens: readonly IToken[]): Mentions => ({
  get changes() {
    if (!changing.has(tokens[0]?.tokenType)) return undefined;
    for (const token of tokens) {
      const name = namesOf(token);
      if (name !== undefined) return name;
    }
    return undefined;
  },
  mentions: (names) => tokens.some((token) => names.has(namesOf(token) ?? '')),
});
