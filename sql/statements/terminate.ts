/** TERMINATE: stops a query, or all; what it has written stays, its own state goes. */

import { closest, UserError } from '../../base/index.ts';
import type { Terminate } from '../parser/statements/control.ts';
import type { CommandDefinition } from './command.ts';
import { statusAnswer } from './sources.ts';
import type { Handler } from './statement.ts';

export interface TerminateCommand {
  readonly kind: 'terminate';
  readonly queryIds: readonly string[];
}

export const terminateCommand: CommandDefinition<TerminateCommand> = {
  apply(catalog, { queryIds }) {
    const stop = queryIds.filter((id) => catalog.query(id) !== undefined);
    for (const id of stop) catalog.removeQuery(id);
    return { stop };
  },
};

export const terminate: Handler<Terminate, TerminateCommand> = ({ queryId }, context) => {
  const { catalog } = context;
  const ids = catalog.queries().map((query) => query.id);
  if (queryId === undefined) {
    return {
      kind: 'command',
      command: { kind: 'terminate', queryIds: ids },
      answer: statusAnswer('terminate', 'ALL', 'execute', `${ids.length} queries terminated.`, context),
    };
  }
  const query = catalog.findQuery(queryId.name);
  if (query === undefined) {
    const near = closest(queryId.name, ids);
    throw new UserError('SQL_UNKNOWN_QUERY', `there is no query called "${queryId.name}"`, {
      at: queryId.at,
      hint: near === undefined ? 'SHOW QUERIES; lists what runs.' : `Did you mean "${near}"?`,
    });
  }
  return {
    kind: 'command',
    command: { kind: 'terminate', queryIds: [query.id] },
    answer: statusAnswer('terminate', query.id, 'execute', 'Query terminated.', context, query.id),
  };
};
