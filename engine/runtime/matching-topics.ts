/**
 * The topics of sources by pattern: which there are when an application starts, and whether others have come since.
 *
 * Topics of the application's own never match, nor do those that Millrace keeps for itself.
 */

import type { Timers } from '../../base/index.ts';
import type { Log } from '../../storage/index.ts';
import type { Topology } from '../topology.ts';

/** How often the topics are looked at while an application runs. */
const checkMs = 1000;

const isOwn = (name: string, applicationId: string): boolean =>
  /^_?millrace[-_]/.test(name) ||
  (name.startsWith(`${applicationId}-`) && (name.endsWith('-changelog') || name.endsWith('-repartition')));

/** Names of the topics that the patterns of a topology match, in order. */
export const matchingTopics = async (
  log: Log,
  topology: Topology,
  applicationId: string,
): Promise<readonly string[]> => {
  const topics = await log.describeTopics();
  return topics
    .map(({ name }) => name)
    .filter((name) => !isOwn(name, applicationId) && topology.patterns.some((pattern) => pattern.test(name)))
    .sort();
};

/** Calls back when other topics match than those that are known; answers what ends that. A look that fails is tried
 *  again. */
export const watchTopics = (
  timers: Timers,
  matching: () => Promise<readonly string[]>,
  known: readonly string[],
  changed: () => void,
): (() => void) => {
  let ended = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const now = await matching().catch(() => known);
    if (ended) return;
    if (now.join('\n') === known.join('\n')) cancel = timers.after(checkMs, () => void look());
    else changed();
  };
  cancel = timers.after(checkMs, () => void look());
  return () => {
    ended = true;
    cancel();
  };
};
