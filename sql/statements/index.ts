/** One handler a statement. The mapped type refuses to compile until every statement of the grammar has one. */

import type { Statement } from '../parser/statements/index.ts';
import { createAs } from './create-as.ts';
import { createSource } from './create-source.ts';
import { describe } from './describe.ts';
import { dropSource } from './drop-source.ts';
import { explain } from './explain.ts';
import { insertAs } from './insert-as.ts';
import { insertValues } from './insert-values.ts';
import { query } from './query.ts';
import { set, unset } from './set.ts';
import { showFunctions, showQueries, showSources, showTopics } from './show.ts';
import type { Handler, Handlers, Planned, StatementContext } from './statement.ts';
import { terminate } from './terminate.ts';

export const handlers: Handlers = {
  'create-source': createSource,
  'create-as': createAs,
  'insert-values': insertValues,
  'insert-as': insertAs,
  query,
  'drop-source': dropSource,
  terminate,
  'show-sources': showSources,
  'show-topics': showTopics,
  'show-queries': showQueries,
  'show-functions': showFunctions,
  describe,
  explain,
  set,
  unset,
};

/** What a statement would do. */
export const planStatement = (statement: Statement, context: StatementContext): Planned =>
  (handlers[statement.kind] as Handler<Statement>)(statement, context);
