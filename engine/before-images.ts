/**
 * Before-images: which nodes send the row before a change, decided when the topology is built.
 *
 * A row before costs its sender a second look at the state, so a node sends it only where one of its children asks (as
 * Kafka Streams' "send old values"). A child asks because it needs the row itself, such as a filter that retracts only
 * what it has shown, or because it passes the row on to children of its own that ask. Asking goes up to the node with
 * the state, and no further: what that node reads is not a change yet.
 */

/** What a node does with the row before each change of its input: reads it for itself, or only makes of it the row
 *  before its own change, where its children ask for that. */
export type BeforeUse = 'needed' | 'passed on';

interface UsingNode {
  readonly name: string;
  readonly parents: readonly string[];
  /** Left out: it does not look at the row before. */
  readonly before: BeforeUse | undefined;
}

/** Names of the nodes of which a child asks for the row before. `processors`: parents before children. */
export const sendersOfBefore = (processors: readonly UsingNode[]): ReadonlySet<string> => {
  const senders = new Set<string>();
  for (const { name, parents, before } of processors.toReversed()) {
    if (before === undefined || (before === 'passed on' && !senders.has(name))) continue;
    for (const parent of parents) senders.add(parent);
  }
  return senders;
};
