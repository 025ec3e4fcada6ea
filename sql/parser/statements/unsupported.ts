/**
 * Forms of the dialect, and of SQL, that are not supported: they are recognized by their first words, so that their
 * error names the form instead of a word that was not expected.
 */

import type { IToken } from 'chevrotain';
import { type Position, UserError } from '../../../base/index.ts';
import { keyword, placeOf } from '../tokens.ts';

/** Words that begin a form, and a hint. `|` stands between words of one place, `*` for any one word that is not
 *  EXTENDED. Each family of statements lists the forms that it does not have yet. */
export type UnsupportedForms = readonly (readonly [words: string, hint?: string])[];

/** Statements of no family: of the dialect, or of SQL elsewhere. */
export const otherForms: UnsupportedForms = [
  ['UPDATE', 'A table changes by the records of its topic: use INSERT INTO … VALUES with the same key.'],
  ['DELETE', 'A row of a table goes when a record with its key and no value comes.'],
  ['MERGE'],
  ['TRUNCATE', 'DROP … DELETE TOPIC removes a source with its records.'],
  ['WITH', 'There are no common table expressions: give the inner query a name with CREATE STREAM … AS SELECT.'],
  ['BEGIN', 'There are no transactions over several statements.'],
  ['COMMIT', 'There are no transactions over several statements.'],
  ['ROLLBACK', 'There are no transactions over several statements.'],
  ['GRANT'],
  ['REVOKE'],
];

/** The error for a statement of one of these forms; undefined for any other. */
export function unsupportedStatement(tokens: readonly IToken[], forms: UnsupportedForms): UserError | undefined {
  let from = 0;
  while (tokens[from]?.tokenType === keyword.EXPLAIN) from++;
  // A single word behind EXPLAIN is the id of a query.
  if (from > 0 && tokens.length === from + 1) return undefined;
  for (const [words, hint] of forms) {
    const pattern = words.split(' ');
    const fits = pattern.every((choices, index) => {
      const token = tokens[from + index];
      if (token === undefined) return false;
      const word = token.image.toUpperCase();
      return choices === '*' ? word !== 'EXTENDED' : choices.split('|').includes(word);
    });
    if (!fits) continue;
    const named = pattern.filter((choice) => choice !== '*');
    const used = named.map((_, index) => tokens[from + index]?.image.toUpperCase() ?? '');
    const first = tokens[from] as IToken;
    const last = tokens[from + named.length - 1] as IToken;
    const at: Position = {
      ...placeOf(first),
      length: last.startOffset + last.image.length - first.startOffset,
    };
    return new UserError('SQL_UNSUPPORTED_STATEMENT', `the statement ${used.join(' ')} is not supported`, { at, hint });
  }
  return undefined;
}
