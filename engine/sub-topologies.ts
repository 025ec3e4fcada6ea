/**
 * Where a topology is cut into sub-topologies, which run by themselves.
 *
 * Nodes belong together when they feed each other, share a store, or read the same topic (a task has one position per
 * partition). A repartition is a sink and a source over an internal topic and cuts: what is before it and what is
 * behind it may run apart, unless something else joins them. A global store joins nothing. Sub-topologies are numbered
 * in the order of their first nodes.
 *
 * Union by representative: each node, store and source topic points towards its part.
 */

import { sendersOfBefore } from './before-images.ts';
import type { StoreSpec } from './stores/store.ts';
import type { Node, SubTopology } from './topology-nodes.ts';

export const splitTopology = (
  ordered: readonly Node[],
  stores: readonly StoreSpec[],
  globals: readonly string[],
): readonly SubTopology[] => {
  const up = new Map<string, string>();
  const find = (item: string): string => {
    let at = item;
    for (let next = up.get(at); next !== undefined && next !== at; next = up.get(at)) at = next;
    up.set(item, at);
    return at;
  };
  const join = (a: string, b: string): void => {
    up.set(find(a), find(b));
  };
  for (const node of ordered) {
    const self = `node ${node.name}`;
    if (node.node === 'source') join(self, `topic ${node.repartition} ${node.topic}`);
    else for (const parent of node.parents) join(self, `node ${parent}`);
    if (node.node === 'processor') {
      for (const store of node.stores) if (!globals.includes(store)) join(self, `store ${store}`);
    }
  }
  const parts = new Map<string, Node[]>();
  for (const node of ordered) {
    const part = find(`node ${node.name}`);
    const nodes = parts.get(part);
    if (nodes === undefined) parts.set(part, [node]);
    else nodes.push(node);
  }
  return [...parts].map(([part, nodes], id) => ({
    id,
    nodes,
    sources: nodes.filter((node) => node.node === 'source'),
    sinks: nodes.filter((node) => node.node === 'sink'),
    stores: stores.filter(({ name }) => find(`store ${name}`) === part),
    beforeSenders: sendersOfBefore(nodes.filter((node) => node.node === 'processor')),
  }));
};
