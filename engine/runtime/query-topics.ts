/** The topics that a query uses, each with its role; and their names. */

import { type Topology } from '../topology.ts';
import { changelogTopic, dynamicTopic, internalTopic } from '../topology-nodes.ts';
import { isInternalRole, type QueryRecord, type TopicRole } from './query-records.ts';

export interface TopologyTopic {
  readonly name: string;
  readonly role: TopicRole;
}

/** Each topic once: one that is read counts as a source also where it is written. */
export const topicsOf = (applicationId: string, topology: Topology): readonly TopologyTopic[] => {
  const roles = new Map<string, TopicRole>();
  const add = (name: string, role: TopicRole): void => {
    if (!roles.has(name)) roles.set(name, role);
  };
  const subTopologies = topology.subTopologies();
  for (const { sources } of subTopologies)
    for (const { topic, repartition } of sources) if (!repartition) add(topic, 'source');
  for (const { sinks } of subTopologies)
    for (const { topic, repartition } of sinks) if (!repartition && topic !== dynamicTopic) add(topic, 'sink');
  for (const { topic } of topology.repartitions) add(internalTopic(applicationId, topic), 'repartition');
  for (const { name, logged } of topology.stores)
    if (logged !== false) add(changelogTopic(applicationId, name), 'changelog');
  return Array.from(roles, ([name, role]) => ({ name, role }));
};

/** The topics that the query has run with last, as its record has them. */
export const recordedTopics = ({ topics }: QueryRecord): readonly TopologyTopic[] =>
  Object.entries(topics)
    .filter(([, { unused }]) => unused !== true)
    .map(([name, { role }]) => ({ name, role }));

/** Names of the topics that belong to the query alone; those of earlier forms of its topology are in its record. */
export const internalTopics = (applicationId: string, topology: Topology, record?: QueryRecord): readonly string[] => {
  const now = topicsOf(applicationId, topology).filter(({ role }) => isInternalRole(role));
  return [
    ...new Set([...now.map(({ name }) => name), ...(record === undefined ? [] : recordedInternalTopics(record))]),
  ];
};

export const recordedInternalTopics = ({ topics }: QueryRecord): readonly string[] =>
  Object.entries(topics)
    .filter(([, { role }]) => isInternalRole(role))
    .map(([name]) => name);
