/** PAUSE and RESUME: a query is held before its next record, and goes on. It keeps its offsets and its state meanwhile,
 *  and stays held over a restart. */

import { UserError } from '../../base/index.ts';
import type { Catalog, PersistentQuery } from '../catalog.ts';
import type { Identifier, Position } from '../parser/ast.ts';
import type { PauseOrResume } from '../parser/statements/control.ts';
import type { CommandDefinition } from './command.ts';
import { requireQuery } from './describe.ts';
import { statusAnswer } from './sources.ts';
import type { Handler } from './statement.ts';

export interface PauseCommand {
  readonly kind: 'pause';
  readonly queryIds: readonly string[];
}

export interface ResumeCommand {
  readonly kind: 'resume';
  readonly queryIds: readonly string[];
}

const setPaused = (catalog: Catalog, queryIds: readonly string[], paused: boolean): readonly string[] => {
  const known = queryIds.filter((id) => catalog.query(id) !== undefined);
  for (const id of known) catalog.setPaused(id, paused);
  return known;
};

export const pauseCommand: CommandDefinition<PauseCommand> = {
  apply: (catalog, { queryIds }) => ({ stop: [], pause: setPaused(catalog, queryIds, true) }),
};

export const resumeCommand: CommandDefinition<ResumeCommand> = {
  apply: (catalog, { queryIds }) => ({ stop: [], resume: setPaused(catalog, queryIds, false) }),
};

/** The queries that the statement names: that of the id, or all but those that source tables keep for themselves.
 *  `verb` is what cannot be done to these. */
export const namedQueries = (
  catalog: Catalog,
  queryId: Identifier | undefined,
  verb: string,
  at: Position,
): readonly PersistentQuery[] => {
  if (queryId === undefined) return catalog.queries().filter(({ kind }) => kind !== 'source-table');
  const query = requireQuery(catalog, queryId.name, queryId.at);
  if (query.kind !== 'source-table') return [query];
  throw new UserError('SQL_SOURCE_TABLE_QUERY', `the query ${query.id} cannot be ${verb}: it is a source table's own`, {
    at,
    hint: `It ends with its table: DROP TABLE ${query.sink};`,
  });
};

const done = { pause: ['paused', 'Query paused.'], resume: ['resumed', 'Query resumed.'] } as const;

export const pauseOrResume: Handler<PauseOrResume, PauseCommand | ResumeCommand> = ({ kind, queryId, at }, context) => {
  const [verb, message] = done[kind];
  const queryIds = namedQueries(context.catalog, queryId, verb, at).map(({ id }) => id);
  const [only] = queryIds;
  return {
    kind: 'command',
    command: { kind, queryIds },
    answer:
      queryId === undefined || only === undefined
        ? statusAnswer(kind, 'ALL', 'execute', `${queryIds.length} queries ${verb}.`, context)
        : statusAnswer(kind, only, 'execute', message, context, only),
  };
};
