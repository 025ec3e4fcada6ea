/**
 * Commands: what a statement that changes something comes to, as data.
 *
 * A command is what the statement log holds. It carries all that applying it needs, plans included, so that nothing is
 * worked out again at a restart; applying one to a catalog is a pure change of that catalog, the same in the sandbox,
 * at run time, and at a replay. Applying a command that was applied before changes nothing more.
 */

import { UserError, unreachable } from '../../base/index.ts';
import type { Source } from '../analyze/sources.ts';
import type { Catalog, PersistentQuery } from '../catalog.ts';
import { readPlan } from '../plan/plan.ts';

export type Command =
  /** `topicId`: of the topic that was made for the statement, if one was. */
  | { readonly kind: 'create-source'; readonly source: Source; readonly topicId?: string }
  | { readonly kind: 'create-as'; readonly source: Source; readonly query: PersistentQuery; readonly topicId?: string }
  | { readonly kind: 'insert-as'; readonly query: PersistentQuery }
  /** `topicId`: of the topic that is to be deleted; set when the command is logged. */
  | { readonly kind: 'drop-source'; readonly name: string; readonly deleteTopic: boolean; readonly topicId?: string }
  | { readonly kind: 'terminate'; readonly queryIds: readonly string[] };

/** A topic by its name, and by the id that no later topic of that name has. */
export interface TopicId {
  readonly name: string;
  readonly id: string;
}

/** What has to happen outside of the catalog when a command is applied. */
export interface Effects {
  readonly start?: PersistentQuery | undefined;
  readonly stop: readonly string[];
  readonly deleteTopic?: TopicId | undefined;
}

export const applyCommand = (catalog: Catalog, command: Command): Effects => {
  switch (command.kind) {
    case 'create-source':
      catalog.add(command.source);
      return { stop: [] };
    case 'create-as':
      catalog.add(command.source);
      catalog.addQuery(command.query);
      return { start: command.query, stop: [] };
    case 'insert-as':
      catalog.addQuery(command.query);
      return { start: command.query, stop: [] };
    case 'drop-source': {
      const topic = catalog.source(command.name)?.topic;
      const query = catalog.remove(command.name);
      const id = command.deleteTopic ? command.topicId : undefined;
      return {
        stop: query === undefined ? [] : [query],
        deleteTopic: topic === undefined || id === undefined ? undefined : { name: topic, id },
      };
    }
    case 'terminate': {
      const stop = command.queryIds.filter((id) => catalog.query(id) !== undefined);
      for (const id of stop) catalog.removeQuery(id);
      return { stop };
    }
    default:
      return unreachable(command);
  }
};

const kinds: ReadonlySet<string> = new Set(['create-source', 'create-as', 'insert-as', 'drop-source', 'terminate']);

/** A command as it came back from the log; plans of unknown versions and unknown commands are refused. */
export const readCommand = (data: unknown): Command => {
  const command = data as Command;
  if (typeof command !== 'object' || command === null || !kinds.has(command.kind)) {
    throw new UserError(
      'SQL_STATEMENT_UNREADABLE',
      'the entry of the statement log is no command that this build knows',
    );
  }
  if (command.kind === 'create-as' || command.kind === 'insert-as') readPlan(command.query.plan);
  return command;
};
