/**
 * What is set up before any task of a query runs: its producer, its topics, its positions, and the assignment of its
 * tasks.
 *
 * In order: the producer is opened, which ends whatever a former run of the same query has left open; everything there
 * is of the query is compared (`contradictions.ts`); source topics are looked up and partitions planned; internal
 * topics are made; committed offsets are read. At a first start the first positions are committed (so that for `latest`
 * a crash loses nothing that comes meanwhile) and the query's record is written.
 *
 * Identities. A query has one producer per *instance* (a process with a data directory of its own), as Kafka Streams
 * has in its second version of exactly once: the transactional id is `<application id>-<instance id>`. So another
 * instance that takes over some tasks fences no other, and the restarted one fences only itself. The record names the
 * id that was used last; a query that was written under another one (of an earlier version: the application id alone)
 * has that fenced first.
 */

import { assert, UserError } from '../../base/index.ts';
import {
  batchLimitOf,
  type Log,
  type Producer,
  type TopicConfigs,
  type TopicDescription,
} from '../../storage/index.ts';
import { type PartitionPlan, partitionsOf, planPartitions } from '../partition-plan.ts';
import { changelogBatchBytes } from '../stores/store-options.ts';
import { type Topology } from '../topology.ts';
import { changelogTopic, dynamicTopic, internalTopic, resultTopic, taskIdOf, topicOf } from '../topology-nodes.ts';
import { type Assignment, assignTasks, placementOf } from './assignor.ts';
import { contradictionError, examine, hasStarted } from './contradictions.ts';
import { inTopics, type PartitionPosition, partitionKey } from './partition-position.ts';
import type { AssignedOutput, Guarantee, OffsetReset, TaskAssignment } from './protocol.ts';
import { isInternalRole, type QueryRecord, type QueryRecords, type RecordedTopic } from './query-records.ts';
import { type TopologyTopic, topicsOf } from './query-topics.ts';
import type { ThreadShards } from './thread-shards.ts';

export interface QuerySettings {
  /** Of this process: see above. */
  readonly instanceId: string;
  /** The threads that may run tasks of the query. */
  readonly threads: readonly ThreadShards[];
  readonly queryId: string;
  readonly applicationId: string;
  readonly topology: Topology;
  readonly offsetReset: OffsetReset;
  readonly guarantee: Guarantee;
  readonly transient: boolean;
  readonly processingLog: string | undefined;
  readonly deadLetters: string | undefined;
  /** The record names the shards of all tasks, not only of those that were moved. */
  readonly keepsShards: boolean;
  /** Undefined for a transient query. */
  readonly records: QueryRecords | undefined;
}

export interface QuerySetup {
  readonly plan: PartitionPlan;
  readonly outputs: readonly AssignedOutput[];
  /** Of the topics that are read, by full name. */
  readonly topicIds: Readonly<Record<string, string>>;
  readonly globalTopics: readonly { readonly topic: string; readonly partitions: number }[];
  readonly producer: Producer | undefined;
  readonly tasks: readonly TaskAssignment[];
  readonly assignment: Assignment;
  /** Those that run its tasks; one also where there are none, since the topology has global stores alone. */
  readonly threads: readonly number[];
  readonly positions: readonly PartitionPosition[];
}

/** Largest batch between the steps of a query, and of results. */
const mostBatchBytes = changelogBatchBytes;

/** Segments are what is trimmed and compacted as a whole, so they are kept small: a minute, or twice the largest
 *  batch. */
const internalSegments: TopicConfigs = { 'segment.bytes': String(2 * mostBatchBytes), 'segment.ms': '60000' };

/** Trimmed behind the committed positions, see `trim.ts`. */
const repartitionConfigs: TopicConfigs = {
  ...internalSegments,
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'max.message.bytes': String(mostBatchBytes),
};
/** Deletions stay until a checkpoint holds them (`trim.ts`); no fixed time would do. */
const changelogConfigs: TopicConfigs = {
  ...internalSegments,
  'cleanup.policy': 'compact',
  'delete.retention.ms': '9223372036854775807',
  'max.message.bytes': String(mostBatchBytes),
};

export const setUpQuery = async (log: Log, settings: QuerySettings): Promise<QuerySetup> => {
  const producer = settings.transient ? undefined : await openProducer(log, settings);
  try {
    return await setUpWith(log, settings, producer);
  } catch (error) {
    await producer?.close().catch(() => undefined);
    throw error;
  }
};

export const transactionalIdOf = (applicationId: string, instanceId: string): string =>
  `${applicationId}-${instanceId}`;

const openProducer = async (log: Log, settings: QuerySettings): Promise<Producer> => {
  const { applicationId, instanceId } = settings;
  const transactionalId = transactionalIdOf(applicationId, instanceId);
  const former = await formerTransactionalId(log, settings);
  if (former !== undefined && former !== transactionalId) {
    // Opening it fences the former producer, and aborts what that left open.
    const fenced = await log.producer({ transactionalId: former });
    await fenced.close();
  }
  const producer = await log.producer({ transactionalId });
  if (settings.guarantee === 'exactly once') return producer;
  // It has ended what a former run may have left open.
  await producer.close();
  return log.producer();
};

/** The transactional id that the query was written under last; undefined: it was never started. */
const formerTransactionalId = async (
  log: Log,
  { applicationId, topology, records }: QuerySettings,
): Promise<string | undefined> => {
  const record = records?.get(applicationId);
  if (record !== undefined) return record.transactionalId ?? applicationId;
  const topics = topicsOf(applicationId, topology);
  const committed = await log.committed(applicationId);
  return (await hasStarted(log, { applicationId, topics, record, committed })) ? applicationId : undefined;
};

const setUpWith = async (log: Log, settings: QuerySettings, producer: Producer | undefined): Promise<QuerySetup> => {
  const { applicationId, topology, transient, records, threads } = settings;
  const topics = transient ? [] : topicsOf(applicationId, topology);
  const record = records?.get(applicationId);
  const started = !transient && (await checkAgainstRest(log, settings, topics, record));
  const subTopologies = topology.subTopologies();
  const sources = new Map<string, TopicDescription>();
  for (const { sources: nodes } of subTopologies) {
    for (const node of nodes)
      if (!node.repartition) sources.set(node.topic, await topicNamed(log, node.topic, 'reads'));
  }
  // Where the topics of a pattern change, repartitions stay as they are.
  const existing = new Map<string, number>();
  for (const { topic } of topology.patterns.length === 0 ? [] : topology.repartitions) {
    const found = await log.describeTopic(internalTopic(applicationId, topic));
    if (found !== undefined) existing.set(topic, found.partitions);
  }
  const countOf = (topic: string): number => {
    const source = sources.get(topic);
    assert(source !== undefined, `nothing is known of the source ${topic}`);
    return source.partitions;
  };
  const plan = planPartitions(topology, countOf, existing);
  const globalTopics: { readonly topic: string; readonly partitions: number }[] = [];
  for (const { topic } of topology.globals) {
    const description = await topicNamed(log, topic, 'reads');
    sources.set(topic, description);
    globalTopics.push({ topic, partitions: description.partitions });
  }
  const outputs = await outputsOf(log, settings, plan);
  if (settings.processingLog !== undefined) await topicNamed(log, settings.processingLog, 'reports to');

  const topicIds = Object.fromEntries([
    ...Array.from(sources.values(), ({ name, id }) => [name, id] as const),
    ...outputs.map(({ topic, id }) => [topic, id] as const),
  ]);
  const positions = await positionsOf(log, settings, plan, record?.state === 'reset');
  // Of topics that it has not read before: from now on their offsets have to be there.
  const fresh = [...positions.values()].filter(({ topic }) => !started || record?.topics[topic] === undefined);
  if (!transient && fresh.length > 0) await log.commitOffsets(applicationId, inTopics(fresh, topicIds));
  const positionIn = (topic: string, partition: number): PartitionPosition => {
    const position = positions.get(partitionKey(topic, partition));
    assert(position !== undefined, `the query has no position in ${topic}/${partition}`);
    return position;
  };
  const planned = subTopologies.flatMap(({ id: subTopology, sources: nodes }) => {
    const inputs = new Map(nodes.map((node) => [topicOf(applicationId, node), partitionsOf(plan, node)]));
    return Array.from({ length: plan.subTopologies[subTopology] ?? 0 }, (_, partition) => ({
      id: taskIdOf(subTopology, partition),
      subTopology,
      partition,
      positions: [...inputs].flatMap(([topic, count]) => (partition < count ? [positionIn(topic, partition)] : [])),
    }));
  });
  const shards = record?.shards;
  const assignment = assignTasks({ applicationId, tasks: planned, threads, ...(shards !== undefined && { shards }) });
  if (!transient) await keepRecord(log, settings, topics, record, assignment);
  const tasks = planned.map((task) => ({ ...task, shard: placementOf(assignment, task.id).shard }));
  const [first] = threads;
  assert(first !== undefined, `no thread can run the query ${applicationId}`);
  const used = tasks.length === 0 ? [first.thread] : [...assignment.values()].map(({ thread }) => thread);
  return {
    ...{ plan, outputs, topicIds, globalTopics, producer, tasks, assignment },
    threads: [...new Set(used)],
    positions: [...positions.values()],
  };
};

/** The topics that the query writes; its own are made where they are missing. What a transient query writes stays in
 *  memory. */
const outputsOf = async (
  log: Log,
  { applicationId, topology, transient, deadLetters }: QuerySettings,
  plan: PartitionPlan,
): Promise<readonly AssignedOutput[]> => {
  const outputs = new Map<string, AssignedOutput>();
  const inMemory = (topic: string, partitions: number): void => {
    outputs.set(topic, { topic, id: '', partitions, maxBatchBytes: mostBatchBytes });
  };
  const written = ({ name, id, partitions, configs }: TopicDescription): void => {
    outputs.set(name, { topic: name, id, partitions, maxBatchBytes: batchLimitOf(configs) });
  };
  for (const { id, sinks, stores } of topology.subTopologies()) {
    for (const sink of sinks) {
      const topic = topicOf(applicationId, sink);
      if (topic === dynamicTopic && !transient) continue;
      if (transient) {
        assert(
          sink.repartition || topic === resultTopic,
          `the transient query ${applicationId} writes the topic ${topic}`,
        );
        inMemory(topic, sink.repartition ? (plan.repartitions.get(sink.topic) ?? 1) : 1);
      } else if (!sink.repartition) written(await topicNamed(log, topic, 'writes'));
      else written(await internal(log, topic, plan.repartitions.get(sink.topic) ?? 1, repartitionConfigs));
    }
    for (const { name, logged } of stores) {
      if (logged === false || transient) continue;
      const topic = changelogTopic(applicationId, name);
      written(await internal(log, topic, plan.subTopologies[id] ?? 1, changelogConfigs));
    }
  }
  if (deadLetters !== undefined) written(await topicNamed(log, deadLetters, 'writes dead letters to'));
  return [...outputs.values()];
};

/** Whether the query has started before; throws when what there is of it contradicts itself. */
const checkAgainstRest = async (
  log: Log,
  settings: QuerySettings,
  topics: readonly TopologyTopic[],
  record: QueryRecord | undefined,
): Promise<boolean> => {
  const { queryId, applicationId, records } = settings;
  const committed = await log.committed(applicationId);
  const { started, contradictions } = await examine(log, { applicationId, topics, record, committed });
  if (contradictions.length === 0) return started;
  // A repair goes by the record: it names what there is of the query's own, also what an earlier form has left.
  const found = await recordOf(log, settings, topics, record);
  if (record === undefined) await records?.put(applicationId, found);
  else {
    const left: Record<string, RecordedTopic> = {};
    for (const { code, topic } of contradictions) {
      const unnamed = record.topics[topic] === undefined ? found.topics[topic] : undefined;
      if (code === 'QUERY_TOPOLOGY_CHANGED' && unnamed !== undefined) left[topic] = { ...unnamed, unused: true };
    }
    if (Object.keys(left).length > 0)
      await records?.put(applicationId, { ...record, topics: { ...record.topics, ...left } });
  }
  throw contradictionError(queryId, contradictions);
};

const topicNamed = async (log: Log, name: string, does: string): Promise<TopicDescription> => {
  const found = await log.describeTopic(name);
  if (found !== undefined) return found;
  throw new UserError('TOPIC_UNKNOWN', `the query ${does} the topic "${name}", which does not exist`, {
    hint: 'Create the topic first, or correct its name.',
  });
};

/** Finds or makes a topic of the query's own. */
const internal = async (
  log: Log,
  name: string,
  partitions: number,
  configs: TopicConfigs,
): Promise<TopicDescription> => {
  const found = await log.describeTopic(name);
  if (found === undefined) return log.createTopic({ name, partitions, configs });
  if (found.partitions === partitions) return found;
  throw new UserError(
    'QUERY_TOPIC_MISMATCH',
    `the internal topic "${name}" has ${found.partitions} partitions, but the query needs ${partitions}`,
    { hint: 'It was left behind by another form of this query. Delete the topic or run the query under another id.' },
  );
};

/** The next offset of each source partition. */
const positionsOf = async (
  log: Log,
  { applicationId, topology, offsetReset, transient }: QuerySettings,
  plan: PartitionPlan,
  reset: boolean,
): Promise<ReadonlyMap<string, PartitionPosition>> => {
  const committed = new Map<string, PartitionPosition>();
  if (!transient) {
    for (const position of await log.committed(applicationId)) {
      committed.set(partitionKey(position.topic, position.partition), position);
    }
  }
  const positions = new Map<string, PartitionPosition>();
  for (const { sources } of topology.subTopologies()) {
    for (const node of sources) {
      const topic = topicOf(applicationId, node);
      for (let partition = 0; partition < partitionsOf(plan, node); partition++) {
        const key = partitionKey(topic, partition);
        if (positions.has(key)) continue;
        if (transient && node.repartition) {
          positions.set(key, { topic, partition, offset: 0 });
          continue;
        }
        const known = committed.get(key);
        if (known !== undefined) {
          // Where the records at this offset were deleted meanwhile, the task finds out and reports it
          // (`lost-records.ts`).
          positions.set(key, { ...known, topic, partition });
          continue;
        }
        if (offsetReset === 'none' && !reset && !node.repartition) throw noOffsets(topic, partition);
        const { start, stable } = await log.offsets({ topic, partition });
        const latest = offsetReset === 'latest' && !reset && node.kind === 'stream' && !node.repartition;
        positions.set(key, { topic, partition, offset: latest ? stable : start });
      }
    }
  }
  return positions;
};

const noOffsets = (topic: string, partition: number): UserError =>
  new UserError(
    'QUERY_NO_OFFSETS',
    `the query has no committed offset for ${topic}/${partition}, and its auto.offset.reset is none`,
    {
      hint: 'Commit an offset for its group first, or start it with earliest or latest.',
    },
  );

/** The record of the query with its topics as they are now; a topic that is missing is left out. Topics of its own that
 *  its topology has no longer stay, as unused. */
const recordOf = async (
  log: Log,
  { queryId, applicationId, instanceId }: QuerySettings,
  topics: readonly TopologyTopic[],
  former: QueryRecord | undefined,
  shards = former?.shards,
): Promise<QueryRecord> => {
  const recorded: Record<string, RecordedTopic> = {};
  for (const { name, role } of topics) {
    const description = await log.describeTopic(name);
    if (description === undefined) continue;
    const { id, partitions, configs } = description;
    recorded[name] = { role, id, partitions, configs };
  }
  for (const [name, topic] of Object.entries(former?.topics ?? {})) {
    const dropped = isInternalRole(topic.role) && recorded[name] === undefined;
    if (dropped && (await log.describeTopic(name)) !== undefined) recorded[name] = { ...topic, unused: true };
  }
  return {
    version: 1,
    queryId,
    state: 'started',
    topics: recorded,
    accepted: former?.accepted ?? [],
    transactionalId: transactionalIdOf(applicationId, instanceId),
    ...(shards !== undefined && { shards }),
  };
};

/** Writes the query's record, unless it is written already. */
const keepRecord = async (
  log: Log,
  settings: QuerySettings,
  topics: readonly TopologyTopic[],
  record: QueryRecord | undefined,
  assignment: Assignment,
): Promise<void> => {
  const shards = settings.keepsShards
    ? Object.fromEntries([...assignment].map(([task, { shard }]) => [task, shard]))
    : record?.shards;
  const now = await recordOf(log, settings, topics, record, shards);
  if (JSON.stringify(now) !== JSON.stringify(record)) await settings.records?.put(settings.applicationId, now);
};
