/** Topologies as short text, for tests of names. */

import type { Topology } from '../../../engine/public.ts';

/** Without the zeros of generated names. */
const short = (name: string): string => name.replace(/-0+(?=\d)/, '-');

/** Nodes with their stores, as `KSTREAM-REDUCE-2 (counts)`: a line for each sub-topology, those of global stores
 *  last. */
export const nodesOf = (topology: Topology): string[] => {
  const { subTopologies, globals } = topology.description();
  return [...subTopologies, ...globals].map(({ nodes }) =>
    nodes
      .map((node) => {
        const stores = node.kind === 'processor' ? node.stores.map(short) : [];
        return short(node.name) + (stores.length > 0 ? ` (${stores.join(' ')})` : '');
      })
      .join(', '),
  );
};
