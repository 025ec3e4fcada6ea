/**
 * Forms of the dialect, and of SQL, that are not supported: they are known by their first words, so that their error
 * says so instead of pointing at a word that "was not expected".
 */

import type { IToken } from 'chevrotain';
import { type Position, UserError } from '../../../base/index.ts';
import { keyword, placeOf } from '../tokens.ts';

/** Words that begin a form which is not supported. `*` stands for any one word that is not EXTENDED. */
const unsupported: readonly (readonly [words: string, hint?: string])[] = [
  ['SHOW|LIST PROPERTIES'],
  ['SHOW|LIST CONNECTORS'],
  ['SHOW|LIST SOURCE|SINK CONNECTORS'],
  ['SHOW|LIST CONNECTOR PLUGINS'],
  ['SHOW|LIST TYPES'],
  ['SHOW|LIST VARIABLES'],
  ['DESCRIBE STREAMS', 'Use SHOW STREAMS, or DESCRIBE with the name of one.'],
  ['DESCRIBE TABLES', 'Use SHOW TABLES, or DESCRIBE with the name of one.'],
  ['DESCRIBE FUNCTION *', 'SHOW FUNCTIONS lists all functions.'],
  ['DESCRIBE CONNECTOR'],
  ['PRINT', 'Create a stream over the topic and SELECT from it with EMIT CHANGES.'],
  ['PAUSE', 'TERMINATE stops a query for good.'],
  ['RESUME'],
  ['ALTER SYSTEM'],
  ['ALTER STREAM'],
  ['ALTER TABLE'],
  ['DEFINE'],
  ['UNDEFINE'],
  ['CREATE SOURCE|SINK CONNECTOR'],
  ['CREATE TYPE', 'Write the type out where it is used.'],
  ['DROP CONNECTOR'],
  ['DROP TYPE'],
  ['ASSERT'],
  ['RUN SCRIPT', 'Run a file with: millrace sql -f FILE.'],
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
  ['CREATE VIEW', 'CREATE TABLE … AS SELECT keeps the result of a query up to date.'],
  ['CREATE MATERIALIZED VIEW', 'CREATE TABLE … AS SELECT keeps the result of a query up to date.'],
  ['CREATE INDEX'],
  ['CREATE DATABASE'],
  ['CREATE SCHEMA'],
  ['CREATE FUNCTION'],
];

/** The error for a statement of a form that is known and not supported; undefined for any other. */
export function unsupportedStatement(tokens: readonly IToken[]): UserError | undefined {
  let from = 0;
  while (tokens[from]?.tokenType === keyword.EXPLAIN) from++;
  // A single word behind EXPLAIN is the id of a query.
  if (from > 0 && tokens.length === from + 1) return undefined;
  for (const [words, hint] of unsupported) {
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
