/**
 * Commands: what a statement that changes something comes to, as data.
 *
 * A command is what the statement log holds. It carries all that applying it needs, plans included, so that nothing is
 * worked out again at a restart; applying one to a catalog is a pure change of that catalog, the same in the sandbox,
 * at run time, and at a replay. Applying a command that was applied before changes nothing more.
 *
 * The data of a command and its definition are in the file of its statement; `index.ts` lists them.
 */

import type { Catalog, PersistentQuery } from '../catalog.ts';

/** A topic by its name, and by the id that no later topic of that name has. */
export interface TopicId {
  readonly name: string;
  readonly id: string;
}

/** What has to happen outside of the catalog when a command is applied. */
export interface Effects {
  readonly start?: PersistentQuery | undefined;
  /** Takes the place of the query of its id, which keeps its offsets and its state. */
  readonly replace?: PersistentQuery | undefined;
  readonly stop: readonly string[];
  /** Queries that are held, or go on. */
  readonly pause?: readonly string[];
  readonly resume?: readonly string[];
  readonly deleteTopic?: TopicId | undefined;
}

/** How commands of one kind are applied; `C` is their data. */
export interface CommandDefinition<C> {
  apply(catalog: Catalog, command: C): Effects;
  /** The command as it came back from the statement log, in the form of this build; raises a `UserError` for data that
   *  this build cannot apply. */
  read?(command: C): C;
  /** The source whose topic goes with it. */
  deletesTopicOf?(command: C): string | undefined;
  /** The command with the id of its topic: of the one that was made for it, or of the one that goes with it. */
  withTopicId?(command: C, topicId: string): C;
}
