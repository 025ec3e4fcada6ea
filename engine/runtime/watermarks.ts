/**
 * Low watermarks: the time before which nothing can come any more from a sub-topology's inputs, except from partitions
 * that were read to their end. Windows over records of several origins expire by it (`../operator-time.ts`).
 *
 * They are worked out at each commit, for the whole query, from what its tasks report. The time of an input is that of
 * the last record read from it or, where that came with origin times, the low watermark in its batch: what the writing
 * sub-topology knew at the commit before.
 *
 *   low(sub-topology) = the least of
 *                       - the times of its inputs that have something left to read,
 *                       - low(the sub-topologies that write its repartition topics), and that of other running queries
 *                         that write its source topics;
 *                       where there is none of these: the largest time of all that it and those have read, in former
 *                       runs too.
 *
 * A table that streams are joined with does not count: nothing comes out when its rows change, and its timestamps may
 * be of any time.
 *
 * Idle. An input that is read to its end holds nothing back, so that windows expire although a partition is silent or a
 * query is gone; rows that come there later meet windows that have expired, as they would with one partition. Records
 * that were in the topics at the last look are never overtaken: neither history of several partitions nor what an
 * earlier run has left. A query that was stopped or has failed holds nothing back once what it wrote is read; one that
 * starts or is retried holds everything until its own times are known. Where a query has an idle time (`quiet-time.ts`)
 * an input holds the others back until it had no record for so long.
 */

import { type SourceNode, type SubTopology, topicOf } from '../topology-nodes.ts';

/** The sources by which a sub-topology's time goes: its streams, or its tables where it has no streams. */
export const timedSources = ({ sources }: SubTopology): readonly SourceNode[] => {
  const streams = sources.filter(({ kind }) => kind === 'stream');
  return streams.length > 0 ? streams : sources;
};

/** How far one input of a task is in time. */
export interface InputTime {
  readonly subTopology: number;
  readonly topic: string;
  readonly partition: number;
  /** The next offset to process. */
  readonly position: number;
  /** The timestamp of the last record read, or the low watermark in its batch. −Infinity: nothing was read, or it is
   *  not known. */
  readonly time: number;
  /** The largest time that the operators of its task have seen; of former runs too, since it is kept with their
   *  state. */
  readonly known: number;
  /** The last batch came with origin times. */
  readonly carried: boolean;
  /** Nothing was left to read, as far as is known. */
  readonly drained: boolean;
}

/** How far one output of a task is in time whose timestamps are its own (`ownTime`): the low watermarks of the inputs
 *  say nothing about it. */
export interface OutputTime {
  readonly subTopology: number;
  readonly topic: string;
  /** The largest timestamp written; −Infinity: none yet. */
  readonly time: number;
  /** It holds nothing back: nothing is left to read, or nothing of what was read in this transaction came out here. */
  readonly idle: boolean;
}

/** What tasks use until the next commit. −Infinity: not known. */
export interface LowWatermarks {
  /** By number of the sub-topology. */
  readonly subTopologies: readonly number[];
  /** Sub-topologies that records of several origins come to: their windows expire by the low watermark. */
  readonly mixed: readonly boolean[];
  /** By topic, for outputs whose timestamps are their own. */
  readonly ownTimes: ReadonlyMap<string, number>;
}

/** Before anything was measured. */
export const unknownLow: LowWatermarks = { subTopologies: [], mixed: [], ownTimes: new Map() };

interface GraphNode {
  readonly id: number;
  readonly tasks: number;
  readonly sources: readonly string[];
  /** The sub-topologies that write its repartition topics. */
  readonly upstream: readonly GraphNode[];
  /** Topics of its sinks, by full name. */
  readonly sinks: readonly string[];
}

/** `bound`: nothing earlier can come; Infinity: all is read. `read`: the largest time read. `mixed`: records of several
 *  origins come together. */
interface Low {
  readonly bound: number;
  readonly read: number;
  readonly mixed: boolean;
}

const nothing: Low = { bound: Number.POSITIVE_INFINITY, read: Number.NEGATIVE_INFINITY, mixed: false };

/** How a query's sub-topologies hang together. */
export class SubTopologyGraph {
  readonly #nodes: readonly GraphNode[];

  /** `tasks`: their number by sub-topology. */
  constructor(subTopologies: readonly SubTopology[], applicationId: string, tasks: readonly number[]) {
    const nodes = subTopologies.map((subTopology) => ({
      id: subTopology.id,
      tasks: tasks[subTopology.id] ?? 1,
      sources: timedSources(subTopology).flatMap(({ repartition, topic }) => (repartition ? [] : [topic])),
      upstream: [] as GraphNode[],
      sinks: subTopology.sinks.filter(({ repartition }) => !repartition).map((sink) => topicOf(applicationId, sink)),
    }));
    for (const reader of subTopologies) {
      const read = timedSources(reader).flatMap(({ repartition, topic }) => (repartition ? [topic] : []));
      for (const writer of subTopologies) {
        const writes = writer.sinks.some(({ repartition, topic }) => repartition && read.includes(topic));
        if (writes && writer !== reader) nodes[reader.id]?.upstream.push(nodes[writer.id] as GraphNode);
      }
    }
    this.#nodes = nodes;
  }

  /** A sub-topology has several tasks. */
  get manyTasks(): boolean {
    return this.#nodes.some(({ tasks }) => tasks > 1);
  }

  /** `others`: the bound of other queries that write records of several origins to a topic; undefined where there are
   *  none. */
  measure(
    inputs: readonly InputTime[],
    outputs: readonly OutputTime[],
    others: (topic: string) => number | undefined,
  ): Watermarks {
    const lows: Low[] = [];
    const visit = (node: GraphNode, open: readonly GraphNode[]): Low => {
      const known = lows[node.id];
      if (known !== undefined) return known;
      // Sub-topologies that feed each other have no bound but what comes from outside of their cycle.
      if (open.includes(node)) return nothing;
      let bound = Number.POSITIVE_INFINITY;
      let read = Number.NEGATIVE_INFINITY;
      let mixed = false;
      for (const upstream of node.upstream) {
        const low = visit(upstream, [...open, node]);
        bound = Math.min(bound, low.bound);
        read = Math.max(read, low.read);
        mixed ||= upstream.tasks > 1 || low.mixed;
      }
      for (const topic of node.sources) {
        const other = others(topic);
        if (other === undefined) continue;
        bound = Math.min(bound, other);
        mixed = true;
      }
      for (const { subTopology, time, known, drained, carried } of inputs) {
        if (subTopology !== node.id) continue;
        read = Math.max(read, time, known);
        if (!drained) bound = Math.min(bound, time);
        mixed ||= carried;
      }
      return (lows[node.id] = { bound, read, mixed });
    };
    for (const node of this.#nodes) visit(node, []);

    const ownTimes = new Map<string, Low>();
    for (const { topic, time, idle } of outputs) {
      const { bound, read } = ownTimes.get(topic) ?? nothing;
      ownTimes.set(topic, { bound: idle ? bound : Math.min(bound, time), read: Math.max(read, time), mixed: true });
    }
    return new Watermarks(this.#nodes, lows, ownTimes);
  }
}

/** What was measured at one commit. */
export class Watermarks {
  readonly #nodes: readonly GraphNode[];
  readonly #lows: readonly Low[];
  readonly #ownTimes: ReadonlyMap<string, Low>;

  constructor(nodes: readonly GraphNode[], lows: readonly Low[], ownTimes: ReadonlyMap<string, Low>) {
    this.#nodes = nodes;
    this.#lows = lows;
    this.#ownTimes = ownTimes;
  }

  /** For the tasks. */
  get low(): LowWatermarks {
    const ownTimes = new Map([...this.#ownTimes].map(([topic, low]) => [topic, timeOf(low)]));
    return { subTopologies: this.#lows.map(timeOf), mixed: this.#lows.map(({ mixed }) => mixed), ownTimes };
  }

  /** For the readers of a topic that this query writes, no repartition: the time before which nothing can come any
   *  more. Infinity: nothing was left to be read, or the query does not write it. */
  boundOf(topic: string): number {
    const own = this.#ownTimes.get(topic);
    if (own !== undefined) return own.bound;
    let bound = Number.POSITIVE_INFINITY;
    for (const { id, sinks } of this.#nodes) {
      if (sinks.includes(topic)) bound = Math.min(bound, (this.#lows[id] as Low).bound);
    }
    return bound;
  }
}

const timeOf = ({ bound, read }: Low): number => (bound === Number.POSITIVE_INFINITY ? read : bound);
