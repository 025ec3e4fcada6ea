/**
 * What a topology looks like: as data, for drawing, and as text in the layout of Kafka Streams, which tools for it
 * read.
 *
 * Names of internal topics are those within the topology: the application's name is put in front of them when it runs.
 */

import type { StoreKind } from './stores/store.ts';
import type { Node, SubTopology } from './topology-nodes.ts';

export interface StoreDescription {
  readonly name: string;
  readonly kind: StoreKind;
  readonly retentionMs: number | undefined;
  /** It has a changelog. */
  readonly logged: boolean;
}

interface NodeBase {
  readonly name: string;
  /** Names of the nodes that it gets records from, and forwards to, in their order. */
  readonly parents: readonly string[];
  readonly children: readonly string[];
}

export type NodeDescription =
  | (NodeBase & { readonly kind: 'source'; readonly topics: readonly string[]; readonly repartition: boolean })
  | (NodeBase & {
      readonly kind: 'processor';
      readonly stores: readonly string[];
      /** Its children ask for the row before each change. */
      readonly sendsBefore: boolean;
    })
  | (NodeBase & { readonly kind: 'sink'; readonly topic: string; readonly repartition: boolean });

export interface SubTopologyDescription {
  readonly id: number;
  /** Parents before children. */
  readonly nodes: readonly NodeDescription[];
  readonly stores: readonly StoreDescription[];
}

export interface TopologyDescription {
  readonly subTopologies: readonly SubTopologyDescription[];
  /** Those that fill a store on each thread; they have no tasks. */
  readonly globals: readonly SubTopologyDescription[];
}

export const describeSubTopologies = (
  subTopologies: readonly SubTopology[],
  globals: readonly SubTopology[],
): TopologyDescription => {
  const children = new Map<string, string[]>();
  for (const { nodes } of [...subTopologies, ...globals])
    for (const node of nodes)
      for (const parent of parentsOf(node)) children.set(parent, [...(children.get(parent) ?? []), node.name]);
  const describe = ({ id, nodes, stores, beforeSenders }: SubTopology): SubTopologyDescription => ({
    id,
    nodes: nodes.map((node) => describeNode(node, children.get(node.name) ?? [], beforeSenders)),
    stores: stores.map(({ name, kind, retentionMs, logged = true }) => ({ name, kind, retentionMs, logged })),
  });
  return { subTopologies: subTopologies.map(describe), globals: globals.map(describe) };
};

const parentsOf = (node: Node): readonly string[] => (node.node === 'source' ? [] : node.parents);

const describeNode = (node: Node, children: readonly string[], beforeSenders: ReadonlySet<string>): NodeDescription => {
  const base = { name: node.name, parents: parentsOf(node), children };
  switch (node.node) {
    case 'source':
      return { kind: 'source', ...base, topics: [node.topic], repartition: node.repartition };
    case 'processor':
      return { kind: 'processor', ...base, stores: node.stores, sendsBefore: beforeSenders.has(node.name) };
    case 'sink':
      return { kind: 'sink', ...base, topic: node.topic, repartition: node.repartition };
  }
};

/** The same text for the same nodes added in the same order. */
export const printDescription = ({ subTopologies, globals }: TopologyDescription): string => {
  let text = 'Topologies:\n';
  for (const part of [...subTopologies, ...globals]) {
    const { id, nodes } = part;
    text += `   Sub-topology: ${id}${globals.includes(part) ? ' for global store (will not generate tasks)' : ''}\n`;
    for (const node of nodes) {
      text += `    ${headline(node)}\n`;
      if (node.kind !== 'sink') text += `      --> ${node.children.join(', ') || 'none'}\n`;
      if (node.kind !== 'source') text += `      <-- ${node.parents.join(', ')}\n`;
    }
    text += '\n';
  }
  return text;
};

const headline = (node: NodeDescription): string => {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${node.topics.join(', ')}])`;
    case 'processor':
      return `Processor: ${node.name} (stores: [${node.stores.join(', ')}])`;
    case 'sink':
      return `Sink: ${node.name} (topic: ${node.topic})`;
  }
};
