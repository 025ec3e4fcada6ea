/** TERMINATE: stops a query, or all; what it has written stays, its own state goes. */

import type { Terminate } from '../parser/statements/control.ts';
import type { CommandDefinition } from './command.ts';
import { namedQueries } from './pause.ts';
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

export const terminate: Handler<Terminate, TerminateCommand> = ({ queryId, at }, context) => {
  const queryIds = namedQueries(context.catalog, queryId, 'terminated', at).map(({ id }) => id);
  const [only] = queryIds;
  return {
    kind: 'command',
    command: { kind: 'terminate', queryIds },
    answer:
      queryId === undefined || only === undefined
        ? statusAnswer('terminate', 'ALL', 'execute', `${queryIds.length} queries terminated.`, context)
        : statusAnswer('terminate', only, 'execute', 'Query terminated.', context, only),
  };
};
