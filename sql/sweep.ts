/**
 * Sweeping at start: deletes what dropped queries have left behind when a crash came between the statement and its
 * effects.
 *
 * Law: only what the statement log shows as dropped is deleted, by exact name. Every other topic or group that is named
 * like a query's own but belongs to no query (its statement cannot be read by this build, or is lost) is left as it is,
 * and listed.
 */

import { internalTopics, type Topology } from '../engine/index.ts';
import type { Log } from '../storage/index.ts';
import { applicationIdOf, applicationPrefix } from './application-id.ts';
import type { PersistentQuery } from './catalog.ts';

export interface SweepOptions {
  readonly log: Log;
  /** Queries that exist now. */
  readonly queries: readonly PersistentQuery[];
  /** Queries that the statement log has made and dropped. */
  readonly dropped: readonly PersistentQuery[];
  /** Throws where this build cannot compile the plan any more. */
  readonly compile: (query: PersistentQuery) => Topology;
  /** Forgets the runtime's record of a query, if there is one. */
  readonly forget: (applicationId: string) => Promise<void>;
}

/** Answers what is named like a query's own and belongs to none: names of topics and of groups, sorted. */
export const sweep = async ({ log, queries, dropped, compile, forget }: SweepOptions): Promise<readonly string[]> => {
  const alive = queries.map(({ id }) => applicationIdOf(id));
  const strays = (names: readonly string[]): string[] =>
    names.filter(
      (name) => name.startsWith(applicationPrefix) && !alive.some((id) => name === id || name.startsWith(`${id}-`)),
    );
  const topics = new Set(strays((await log.describeTopics()).map(({ name }) => name)));
  const groups = new Set(strays(await log.groups()));
  for (const query of dropped) {
    const id = applicationIdOf(query.id);
    await forget(id);
    if (groups.delete(id)) await log.deleteGroup(id);
    if (![...topics].some((name) => name.startsWith(`${id}-`))) continue;
    for (const name of ownTopics(query, compile)) if (topics.delete(name)) await log.deleteTopic(name);
  }
  return [...topics, ...groups].sort();
};

const ownTopics = (query: PersistentQuery, compile: SweepOptions['compile']): readonly string[] => {
  try {
    return internalTopics(applicationIdOf(query.id), compile(query));
  } catch {
    // A plan that this build cannot compile does not tell its topics: they stay, and are listed.
    return [];
  }
};
