/**
 * The parts of a topology as data, and the names of its topics.
 *
 * Names. The name of a store or of a repartition becomes part of a topic's name: `<application>-<store>-changelog`,
 * `<application>-<name>-repartition`. Within the topology the application is left out; `internalTopic` puts it in
 * front.
 */

import type { BeforeUse } from './before-images.ts';
import type { OperatorSupplier, SourceSupplier } from './operator.ts';
import type { StoreSpec } from './stores/store.ts';

export type SourceKind = 'stream' | 'table';

export interface SourceNode {
  readonly node: 'source';
  readonly name: string;
  /** The topic; of a repartition without the application's name in front. */
  readonly topic: string;
  /** Tables go first where timestamps are equal. */
  readonly kind: SourceKind;
  readonly repartition: boolean;
  /** It is read to where its partition ends at the start before any other source of its task that is not. */
  readonly bootstrap: boolean;
  readonly supplier: SourceSupplier<unknown>;
}

export interface ProcessorNode {
  readonly node: 'processor';
  readonly name: string;
  readonly parents: readonly string[];
  readonly stores: readonly string[];
  /** Left out: it does not look at the row before. */
  readonly before: BeforeUse | undefined;
  /** False: of its input it only asks whether a record has a value. */
  readonly readsValues: boolean;
  /** It may call `schedule` while it processes records: its task takes them one at a time. */
  readonly schedules: boolean;
  readonly supplier: OperatorSupplier<unknown, unknown>;
}

export interface SinkNode {
  readonly node: 'sink';
  readonly name: string;
  readonly parents: readonly string[];
  readonly topic: string;
  readonly repartition: boolean;
  readonly supplier: OperatorSupplier<unknown, never>;
}

export type Node = SourceNode | ProcessorNode | SinkNode;

/** Stores that a processor uses besides those that it was added with. */
export interface Connection {
  readonly processor: string;
  readonly stores: readonly string[];
}

/** A repartition topic; `partitions` where the number was asked for. */
export interface Repartition {
  readonly name: string;
  readonly topic: string;
  readonly partitions: number | undefined;
}

/** A part of a topology that runs by itself: its nodes parents first, otherwise in the order in which they were
 *  added. */
export interface SubTopology {
  readonly id: number;
  readonly nodes: readonly Node[];
  readonly sources: readonly SourceNode[];
  readonly sinks: readonly SinkNode[];
  readonly stores: readonly StoreSpec[];
  /** Names of the nodes that send the row before a change, since a child asks for it. */
  readonly beforeSenders: ReadonlySet<string>;
}

/** A store that each thread fills for itself with all partitions of a topic: a part of a source and a processor, whose
 *  tasks, one for each partition, share the store (`runtime/global-stores.ts`). */
export type GlobalStore = SubTopology & { readonly topic: string; readonly store: StoreSpec };

/** Stands for the topic of a sink whose records name their topics; no topic can have this name. */
export const dynamicTopic = '(dynamic)';

/** Stands for the client instead of a sink's topic; no topic can have this name. */
export const resultTopic = '(result)';

/** The topic of a repartition as the topology's own nodes name it. */
export const repartitionTopic = (name: string): string => `${name}-repartition`;

/** An internal topic as the log knows it. */
export const internalTopic = (applicationId: string, topic: string): string => `${applicationId}-${topic}`;

export const changelogTopic = (applicationId: string, store: string): string =>
  internalTopic(applicationId, `${store}-changelog`);

/** The topic of a source or sink as the log knows it. */
export const topicOf = (applicationId: string, node: SourceNode | SinkNode): string =>
  node.repartition ? internalTopic(applicationId, node.topic) : node.topic;

export const taskIdOf = (subTopology: number, partition: number): string => `${subTopology}_${partition}`;
