/**
 * Contradictions: what a query finds at its start that no crash can have left behind.
 *
 * Topics, positions, state and the log's own files are written at different moments; a crash between two of them leaves
 * a known set of combinations, all of which a start mends by itself. Everything else means that data was lost or
 * exchanged: files deleted, damaged, or restored from another time. To continue would give wrong results silently,
 * so the query fails, names what is missing, and leaves everything as it is. `repair.ts` holds the two ways out.
 *
 * What a first start writes, in this order: the internal topics, empty; the first positions; the query record; only
 * then records. So a query has *started* when it has a record, or a position, or anything in a topic of its own, and
 * from then on it has all of them. Stores and repartitions that its topology gets later begin empty.
 */

import { UserError } from '../../base/index.ts';
import {
  type CommittedOffset,
  type Damage,
  type Log,
  LogError,
  offsetsTopic,
  type PartitionOffsets,
  type TopicDescription,
  type TopicPartition,
  transactionsTopic,
} from '../../storage/index.ts';
import { isInternalRole, type QueryRecord, type TopicRole } from './query-records.ts';
import { recordedTopics, type TopologyTopic } from './query-topics.ts';

export type ContradictionCode =
  /** A topic of the query is gone. */
  | 'QUERY_TOPIC_MISSING'
  /** State or a repartition of the query has another name now, or comes back after the query ran without it. */
  | 'QUERY_TOPOLOGY_CHANGED'
  /** A topic of the query was deleted and created again. */
  | 'QUERY_TOPIC_REPLACED'
  /** The query has state or a record, but no committed position. */
  | 'QUERY_OFFSETS_LOST'
  /** A committed position lies beyond the end of its partition. */
  | 'QUERY_POSITION_BEYOND_END'
  /** Records that the query has not read, or its state, are damaged or gone. */
  | 'QUERY_RECORDS_LOST'
  /** A checkpoint lies outside of the changelog that it was taken from. */
  | 'QUERY_CHANGELOG_MISMATCH';

export interface Contradiction {
  readonly code: ContradictionCode;
  /** What `--accept-loss` takes. */
  readonly topic: string;
  readonly partition?: number;
  readonly message: string;
  /** The log's own entry, where it stems from that. */
  readonly damage?: Damage;
}

export interface Examined {
  readonly applicationId: string;
  readonly topics: readonly TopologyTopic[];
  readonly record: QueryRecord | undefined;
  readonly committed: readonly CommittedOffset[];
}

export interface Findings {
  /** The query has started before; otherwise its topics and positions are made now. */
  readonly started: boolean;
  readonly contradictions: readonly Contradiction[];
}

/** Identifies an entry of `Log.damage` over restarts. */
export const damageKey = ({ kind, topic, topicId, partition, lost, path }: Damage): string =>
  JSON.stringify([kind, topicId ?? topic ?? '', partition ?? -1, lost?.from ?? -1, lost?.to ?? -1, path]);

/** Compares what is there of a query. Reads offsets only, and changes nothing. */
export const examine = async (log: Log, examined: Examined): Promise<Findings> => {
  const { topics, record, committed } = examined;
  const found: Contradiction[] = [];
  const offsetOf = (topic: string, partition: number): number | undefined =>
    committed.find((offset) => offset.topic === topic && offset.partition === partition)?.offset;

  const started = record?.state !== 'reset' && (await hasStarted(log, examined));
  const isNew = (name: string, role: TopicRole): boolean =>
    isInternalRole(role) && record !== undefined && record.topics[name] === undefined;
  if (started && record !== undefined) found.push(...renamed(examined, record));
  // What a reset query reads and writes has to be there as well; what is its own is created again.
  const expected = topics.filter(
    ({ role }) => started || (record !== undefined && (role === 'source' || role === 'sink')),
  );
  for (const { name, role } of expected) {
    const known = record?.topics[name];
    const description = await log.describeTopic(name);
    const what = `the ${role === 'source' || role === 'sink' ? role : `${role} topic`} "${name}"`;
    if (description === undefined) {
      // The topology has got a store or a repartition: its topic is made, and begins empty.
      if (started && isNew(name, role)) continue;
      found.push({ code: 'QUERY_TOPIC_MISSING', topic: name, message: `${what} is gone` });
      continue;
    }
    // Topics that are new are empty until the record names them.
    if (started && (known?.unused === true || (isNew(name, role) && (await holdsRecords(log, description))))) {
      const message = `${what} was left when the query ran without it: what has happened since is not in it`;
      found.push({ code: 'QUERY_TOPOLOGY_CHANGED', topic: name, message });
      continue;
    }
    if (started && known !== undefined && known.id !== description.id && role !== 'sink') {
      const message = `${what} is not the one that the query has used: it was deleted and created again`;
      found.push({ code: 'QUERY_TOPIC_REPLACED', topic: name, message });
      continue;
    }
    if (!started || role === 'sink' || role === 'changelog') continue;
    for (let partition = 0; partition < description.partitions; partition++) {
      const position = offsetOf(name, partition);
      if (position === undefined) {
        // An input that the query has not read before.
        if (record !== undefined && known === undefined) continue;
        const message = `the committed offset of ${name}/${partition} is gone`;
        found.push({ code: 'QUERY_OFFSETS_LOST', topic: offsetsTopic, partition, message });
        continue;
      }
      const offsets = await offsetsIfKnown(log, { topic: name, partition });
      // What cannot be read is in `damage`.
      if (offsets === undefined) continue;
      const { start, end } = offsets;
      if (position > end) {
        const message = `the committed offset ${position} lies beyond the end ${end} of ${name}/${partition}`;
        found.push({ code: 'QUERY_POSITION_BEYOND_END', topic: name, partition, message });
      } else if (role === 'repartition' && position < start) {
        const message = `records ${position} to ${start - 1} of ${name}/${partition} were deleted before the query read them`;
        found.push({ code: 'QUERY_RECORDS_LOST', topic: name, partition, message });
      }
    }
  }
  for (const damage of log.damage) {
    if (record?.accepted.includes(damageKey(damage)) === true) continue;
    const contradiction = concerning(damage, topics, started, offsetOf);
    if (contradiction === undefined) continue;
    const same = found.findIndex(({ code, topic }) => code === contradiction.code && topic === contradiction.topic);
    if (same >= 0 && found[same]?.damage === undefined) found[same] = contradiction;
    else found.push(contradiction);
  }
  return { started, contradictions: found };
};

/**
 * Names that are numbered by their place in the topology change with it. Where some are gone and others have come, the
 * state of one may go on under the name of another, and would begin empty.
 */
const renamed = ({ applicationId, topics }: Examined, record: QueryRecord): readonly Contradiction[] => {
  const before = recordedTopics(record).filter(({ role }) => isInternalRole(role));
  const gone = before.filter(({ name }) => !topics.some((topic) => topic.name === name));
  const come = topics.filter(({ name, role }) => isInternalRole(role) && record.topics[name] === undefined);
  const [first] = come;
  const numbered = [...gone, ...come].some(({ name }) => /-\d{10}(-|$)/.test(name.slice(applicationId.length)));
  if (first === undefined || gone.length === 0 || !numbered) return [];
  const list = (all: readonly TopologyTopic[]): string => all.map(({ name }) => `"${name}"`).join(', ');
  const message =
    `the topology uses ${list(come)} now and ${list(gone)} no longer: ` +
    'state that goes on under another name would begin empty';
  return [{ code: 'QUERY_TOPOLOGY_CHANGED', topic: first.name, message }];
};

/** Whether there is anything that only a query leaves which has started. */
export const hasStarted = async (log: Log, { record, committed, topics }: Examined): Promise<boolean> => {
  if (record !== undefined || committed.length > 0) return true;
  for (const { name, role } of topics) {
    if (role !== 'repartition' && role !== 'changelog') continue;
    const description = await log.describeTopic(name);
    if (description !== undefined && (await holdsRecords(log, description))) return true;
  }
  return false;
};

/** Whether there is, or was, a record in it; also where a partition cannot be read. */
const holdsRecords = async (log: Log, { name, partitions }: TopicDescription): Promise<boolean> => {
  for (let partition = 0; partition < partitions; partition++) {
    const offsets = await offsetsIfKnown(log, { topic: name, partition });
    if (offsets === undefined || offsets.end > 0) return true;
  }
  return false;
};

/** The offsets of a partition; undefined when it could not be read at opening. */
export const offsetsIfKnown = async (log: Log, target: TopicPartition): Promise<PartitionOffsets | undefined> => {
  try {
    return await log.offsets(target);
  } catch (cause) {
    if (cause instanceof LogError && cause.code === 'LOG_PARTITION_OFFLINE') return undefined;
    throw cause;
  }
};

/** What damage of the log means for a query; undefined: nothing. */
const concerning = (
  damage: Damage,
  topics: readonly TopologyTopic[],
  started: boolean,
  offsetOf: (topic: string, partition: number) => number | undefined,
): Contradiction | undefined => {
  const { kind, topic, partition, lost, message } = damage;
  const code =
    kind === 'offsets' ? 'QUERY_OFFSETS_LOST' : kind === 'topic' ? 'QUERY_TOPIC_MISSING' : 'QUERY_RECORDS_LOST';
  if (kind === 'offsets') return started ? { code, topic: offsetsTopic, message, damage } : undefined;
  if (kind === 'transactions') return { code, topic: transactionsTopic, message, damage };
  const used = topics.find(({ name }) => name === topic);
  if (topic === undefined || used === undefined || used.role === 'sink') return undefined;
  const contradiction = { code, topic, ...(partition !== undefined && { partition }), message, damage } as const;
  if (used.role === 'changelog' || partition === undefined) return contradiction;
  // What lies below the position was read while it was there. How far a partition reached whose directory is gone is
  // not known.
  const position = offsetOf(topic, partition) ?? 0;
  const unread = kind === 'start' ? position === 0 : kind === 'partition' || lost === undefined || position < lost.to;
  return unread ? contradiction : undefined;
};

/** A checkpoint that lies outside of its changelog; undefined: it does not, or there is none. */
export const checkpointMismatch = (
  { topic, partition }: TopicPartition,
  store: string,
  checkpoint: number | undefined,
  { start, end }: { readonly start: number; readonly end: number },
): Contradiction | undefined => {
  if (checkpoint === undefined || (checkpoint >= start && checkpoint <= end)) return undefined;
  const code = 'QUERY_CHANGELOG_MISMATCH';
  const message = `the checkpoint of store ${store} was taken at offset ${checkpoint}, but its changelog ${topic}/${partition} goes from ${start} to ${end}`;
  return { code, topic, partition, message };
};

/** The error of a query that cannot start: what is missing, and the two ways out. */
export const contradictionError = (queryId: string, [first, ...more]: readonly Contradiction[]): UserError => {
  if (first === undefined) throw new Error('there is no contradiction');
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return new UserError(first.code, `${first.message}${others}; nothing was changed`, {
    hint: first.code === 'QUERY_TOPOLOGY_CHANGED' ? waysOutOfChange(queryId) : waysOut(queryId, first.topic),
  });
};

/** What a run ended with. Where a topic is gone, or is another one now, the next start will find that contradiction: it
 *  has the same ways out. */
export const withWaysOut = (queryId: string, error: Error): Error => {
  const { code } = error as { readonly code?: unknown };
  if (code !== 'LOG_UNKNOWN_TOPIC' && code !== 'LOG_TOPIC_REPLACED') return error;
  return new UserError(code, error.message, { hint: waysOut(queryId, 'TOPIC'), cause: error });
};

const waysOutOfChange = (queryId: string): string =>
  'Run the topology as it was before, or give its stores and repartitions the names that they had then; or reset the ' +
  `application (streams.reset(), "millrace repair --data DIR --reset-query ${queryId}"), or run it under another id.`;

const waysOut = (queryId: string, topic: string): string =>
  `Restore what is missing from a backup; or stop the server and run "millrace repair --data DIR --reset-query ${queryId}" ` +
  `to compute the query again from its sources, or "millrace repair --data DIR --accept-loss ${topic}" to continue without what is lost.`;
