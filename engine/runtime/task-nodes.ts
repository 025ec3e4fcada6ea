/**
 * The processors of one task, made from the nodes of its sub-topology and wired to each other.
 *
 * Children are made before their parents, so that a parent's forward function calls its children directly.
 */

import { assert } from '../../base/index.ts';
import { OperatorTime } from '../operator-time.ts';
import type { RecordOrigin } from '../origin-time.ts';
import type { Processor, SourceProcessor } from '../processor.ts';
import type { StreamRecord } from '../record.ts';
import type { StateStore } from '../stores/state-store.ts';
import { resultTopic, type SinkNode, type SubTopology, topicOf } from '../topology-nodes.ts';
import { NodeContext, type NodeScope } from './node-context.ts';
import type { PartitionedWriter, WriterOrigins } from './partitioned-writer.ts';

export interface NodesOptions {
  readonly subTopology: SubTopology;
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  /** Tasks of the sub-topology. */
  readonly tasks: number;
  readonly origin: RecordOrigin;
  readonly stores: ReadonlyMap<string, StateStore>;
  /** Whether the task reads this source. */
  readonly reads: (source: string) => boolean;
  /** Makes the writer of a topic (full name). */
  readonly writerOf: (topic: string, origins: WriterOrigins | undefined) => PartitionedWriter;
  readonly drop: NodeScope['drop'];
  readonly schedule: NodeScope['schedule'];
}

export interface TaskNodes {
  /** All but the sources, parents before children. */
  readonly processors: readonly Processor<unknown>[];
  /** By name of the node. */
  readonly sources: ReadonlyMap<string, SourceProcessor>;
  readonly outputs: readonly PartitionedWriter[];
  /** Of the nodes that go by time. It grows: a node may ask for time with its first record. */
  readonly times: readonly OperatorTime[];
}

export const makeNodes = (options: NodesOptions): TaskNodes => {
  const { subTopology, applicationId, taskId, partition, tasks, origin, stores, drop, schedule } = options;
  const processors: Processor<unknown>[] = [];
  const sources = new Map<string, SourceProcessor>();
  const outputs: PartitionedWriter[] = [];
  const times: OperatorTime[] = [];
  /** By name of the parent, then by that of the child; the last node first. */
  const children = new Map<string, Map<string, Processor<unknown>>>();

  const openOutput =
    (node: SinkNode): NodeScope['openOutput'] =>
    (topic, ownTime) => {
      assert(topic === node.topic, `the sink ${node.name} opens the topic ${topic}, which is not its own`);
      const { repartition } = node;
      // Results go to a client, which needs the rows only.
      const origins = topic === resultTopic ? undefined : { current: origin, tasks, ownTime, repartition };
      const writer = options.writerOf(topicOf(applicationId, node), origins);
      outputs.push(writer);
      return writer;
    };

  for (const node of subTopology.nodes.toReversed()) {
    const own = new Map([...(children.get(node.name) ?? [])].reverse());
    const forward = forwardTo([...own.values()]);
    const context = new NodeContext({
      taskId,
      partition,
      name: node.name,
      time: new OperatorTime(node.name),
      origin,
      stores: new Map(node.node === 'processor' ? node.stores.map((name) => [name, stores.get(name)]) : []),
      before: node.node === 'processor' ? node.before : undefined,
      sendsBefore: subTopology.beforeSenders.has(node.name),
      children: own,
      openOutput: node.node === 'sink' ? openOutput(node) : undefined,
      usesTime: (time) => times.push(time),
      schedule,
      schedules: node.node === 'processor' && node.schedules,
      drop,
    });
    if (node.node === 'source') {
      if (options.reads(node.name)) sources.set(node.name, node.supplier(context, forward));
      context.made();
      continue;
    }
    const processor = node.supplier(context, forward);
    context.made();
    processors.unshift(processor);
    for (const parent of node.parents) {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, new Map([[node.name, processor]]));
      else siblings.set(node.name, processor);
    }
  }
  return { processors, sources, outputs, times };
};

/** One function that hands a record to all children. With one child it is that child's own method, bound: nothing is
 *  called in between. */
const forwardTo = (children: readonly Processor<unknown>[]): ((record: StreamRecord<unknown>) => void) => {
  const [only] = children;
  if (only === undefined) return () => {};
  if (children.length === 1) return only.process.bind(only);
  return (record) => {
    for (const child of children) child.process(record);
  };
};
