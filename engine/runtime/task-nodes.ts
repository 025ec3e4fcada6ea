/**
 * The processors of one task, made from the nodes of its sub-topology and wired to each other.
 *
 * Children are made before their parents, so that a parent's forward function calls its children directly. Each node is
 * called within a frame of its own that catches what it throws, so that it is known which node failed on which record,
 * and its siblings go on where the failure is passed over (`../processing-error.ts`).
 */

import { assert } from '../../base/index.ts';
import type { Forward, Operator, SourceOperator } from '../operator.ts';
import { OperatorTime } from '../operator-time.ts';
import { StreamRecord } from '../record.ts';
import type { StateStore } from '../stores/state-store.ts';
import { dynamicTopic, resultTopic, type SinkNode, type SubTopology, topicOf } from '../topology-nodes.ts';
import { NodeContext, type NodeScope, type TaskScope } from './node-context.ts';
import type { PartitionedWriter, WriterOrigins } from './partitioned-writer.ts';

export interface NodesOptions {
  readonly subTopology: SubTopology;
  readonly scope: TaskScope;
  /** Tasks of the sub-topology. */
  readonly tasks: number;
  readonly stores: ReadonlyMap<string, StateStore>;
  /** Whether the task reads this source. */
  readonly reads: (source: string) => boolean;
  /** Makes the writer of a topic (full name). */
  readonly writerOf: (topic: string, origins: WriterOrigins | undefined) => PartitionedWriter;
  /** Whether a topic that is written as records name it can be opened. */
  readonly lookUp: (topic: string) => 'known' | 'asked' | undefined;
}

/** A processor of the task, by whose calls nothing of another node fails. */
export interface TaskNode {
  readonly name: string;
  readonly start: () => void;
  readonly flush: (() => void) | undefined;
  /** Records that it has got, in transactions that were undone as well. */
  readonly received: () => number;
  readonly processor: Operator<unknown>;
}

export interface TaskNodes {
  /** All but the sources, parents before children. */
  readonly processors: readonly TaskNode[];
  /** By name of the node. */
  readonly sources: ReadonlyMap<string, SourceOperator>;
  readonly outputs: readonly PartitionedWriter[];
  /** Of the nodes that go by time. It grows: a node may ask for time with its first record. */
  readonly times: readonly OperatorTime[];
}

export const makeNodes = (options: NodesOptions): TaskNodes => {
  const { subTopology, scope, tasks, stores } = options;
  const { applicationId, origin, failed } = scope;
  const processors: TaskNode[] = [];
  const sources = new Map<string, SourceOperator>();
  const outputs: PartitionedWriter[] = [];
  const times: OperatorTime[] = [];
  /** By name of the parent, then by that of the child; the last node first. */
  const children = new Map<string, Map<string, Forward<unknown>>>();

  const openOutput =
    (node: SinkNode): NodeScope['openOutput'] =>
    (topic, ownTime) => {
      assert(topic === node.topic, `the sink ${node.name} opens the topic ${topic}, which is not its own`);
      const { repartition } = node;
      // Results go to a client, which needs the rows only.
      const origins = topic === resultTopic ? undefined : { current: origin, tasks, ownTime, repartition };
      const name = topicOf(applicationId, node);
      // Sinks of one topic write in turn: their records stay in the order in which they were made.
      const shared = outputs.find((writer) => writer.topic === name && writer.ownTime === ownTime);
      if (shared !== undefined) return shared;
      const writer = options.writerOf(name, origins);
      outputs.push(writer);
      return writer;
    };

  /** Each dynamic sink opens a topic once. */
  const openTopic: NodeScope['openTopic'] = (topic) => {
    const found = options.lookUp(topic);
    if (found !== 'known') return found;
    const writer = options.writerOf(topic, { current: origin, tasks, ownTime: false, repartition: false });
    outputs.push(writer);
    return writer;
  };

  for (const node of subTopology.nodes.toReversed()) {
    const { name } = node;
    // Made in the opposite order.
    const own = new Map([...(children.get(name) ?? [])].reverse());
    const forward = forwardTo([...own.values()]);
    const context = new NodeContext({
      ...scope,
      name,
      time: new OperatorTime(name),
      children: own,
      stores: new Map(node.node === 'processor' ? node.stores.map((store) => [store, stores.get(store)]) : []),
      before: node.node === 'processor' ? node.before : undefined,
      sendsBefore: subTopology.beforeSenders.has(name),
      readsValues: readsValuesOf(name, subTopology),
      openOutput: node.node === 'sink' ? openOutput(node) : undefined,
      openTopic: node.node === 'sink' && node.topic === dynamicTopic ? openTopic : undefined,
      usesTime: (time) => times.push(time),
      schedule: (punctuation, callback) =>
        scope.schedule(punctuation, (time) => {
          try {
            callback(time);
          } catch (error) {
            failed(name, new StreamRecord(), error);
          }
        }),
      schedules: node.node === 'processor' && node.schedules,
    });
    if (node.node === 'source') {
      if (options.reads(name)) sources.set(name, node.supplier(context, forward));
      context.making(false);
      continue;
    }
    const processor = node.supplier(context, forward);
    context.making(false);
    const { call, received } = caught(name, processor, failed);
    processors.unshift({ ...taskNode(name, processor, context, failed), received });
    for (const parent of node.parents) {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, new Map([[name, call]]));
      else siblings.set(name, call);
    }
  }
  return { processors, sources, outputs, times };
};

/** Whether any child of a node reads the values that it sends; true where it has none. */
const readsValuesOf = (name: string, { nodes }: SubTopology): boolean => {
  const own = nodes.filter((node) => node.node !== 'source' && node.parents.includes(name));
  return own.length === 0 || own.some((node) => node.node !== 'processor' || node.readsValues);
};

const taskNode = (
  name: string,
  processor: Operator<unknown>,
  context: NodeContext,
  failed: TaskScope['failed'],
): Omit<TaskNode, 'received'> => {
  const guarded = (work: () => void) => (): void => {
    try {
      work();
    } catch (error) {
      failed(name, undefined, error);
    }
  };
  const { flush } = processor;
  return {
    name,
    processor,
    start: guarded(() => {
      context.making(true);
      processor.start?.();
      context.making(false);
    }),
    flush: flush && guarded(() => flush.call(processor)),
  };
};

/** A node's `process` as its parents call it. */
const caught = (
  name: string,
  processor: Operator<unknown>,
  failed: TaskScope['failed'],
): { readonly call: Forward<unknown>; readonly received: () => number } => {
  const process = processor.process.bind(processor);
  // A number in an array is counted up in place.
  const count = new Float64Array(1);
  return {
    call(record) {
      (count[0] as number)++;
      try {
        process(record);
      } catch (error) {
        failed(name, record, error);
      }
    },
    received: () => count[0] as number,
  };
};

/** One function that hands a record to all children; with one child it is that child's own. */
const forwardTo = (children: readonly Forward<unknown>[]): Forward<unknown> => {
  const [only] = children;
  if (only === undefined) return () => {};
  if (children.length === 1) return only;
  return (record) => {
    for (const child of children) child(record);
  };
};
