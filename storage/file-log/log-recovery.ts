/**
 * Opening a log: what is read in which order, and what is compared with what.
 *
 * 1. The topics that the directory describes.
 * 2. The transaction log: producers, commits that may not be finished, which topics there are, how far the
 *    offsets partition reached.
 * 3. The offsets, in which open transactions are ended first.
 * 4. The partitions. Commits and committed offsets show how far each of them must reach; what is missing is
 *    damage (partition-recovery.ts).
 * 5. Every transaction that is still open is ended: committed where its commit record is found, otherwise aborted.
 *
 * The topics of the directory are compared with those of the transaction log. A description that is gone is restored
 * from the transaction log; a directory that is gone is damage; one that neither explains is damage too, and stays as
 * it is.
 *
 * The log's own two partitions have to be readable. Without the transaction log a transaction whose commit was
 * acknowledged would be taken for an open one and aborted for good; without the offsets every group would begin again.
 * So where the file system does not let them be read, the log does not open, and nothing of the topics is changed.
 */

import { FileError, joinPath, messageOf, UserError } from '../../base/index.ts';
import { type Damage, LogError, type TopicDescription } from '../log.ts';
import { offsetsTopic, transactionsTopic } from '../topic-rules.ts';
import type { CommitRecord, Coordinator, FoundCommit } from './coordinator.ts';
import type { DamageList, DamageReport } from './damage-list.ts';
import type { DataDirectory } from './data-directory.ts';
import { partitionKey } from './group-offsets.ts';
import type { FilePartition } from './partition.ts';
import type { Expectation, PartitionRecovery } from './partition-recovery.ts';

export interface RecoveringLog {
  readonly directory: DataDirectory;
  readonly coordinator: Coordinator;
  /** Adds a topic; answers its partitions, which are not recovered yet. */
  add(topic: TopicDescription): readonly FilePartition[];
}

export interface LogRecovery extends PartitionRecovery {
  readonly abortedTransactions: readonly string[];
  readonly completedTransactions: readonly string[];
  readonly partitions: number;
  /** Damage that every start finds again: topics that are gone, partitions that cannot be read. */
  readonly standing: readonly Damage[];
}

export const recoverLog = async (log: RecoveringLog): Promise<LogRecovery> => {
  const { directory, coordinator } = log;
  const { damage } = directory;
  const { transactions, groups } = coordinator;
  const offsets = groups.partition;
  const found = directory.loadTopics();
  const distrust = directory.distrusted;
  const expectation: Expectation = directory.cleanShutdown
    ? 'everything'
    : directory.owner.sameBoot
      ? 'written'
      : 'synced';
  const counts = { batchesScanned: 0, bytesTruncated: 0 };
  const standing: Damage[] = [];
  const options = { distrust, expectation, readAll: true };

  const isUsed = found.topics.length + found.undescribed.length > 0;
  const internal = internalReport(damage, isUsed);
  transactions.recover(counts, { ...options, knownEnd: 0 }, internal('transactions'));
  checkReadable(transactions);
  const commits = coordinator.load();
  if (!isUsed) await coordinator.open();
  if (isUsed && transactions.state.end === 0) {
    const what = 'it is empty, although there are topics';
    internal('transactions').found({ kind: 'records', path: transactions.directory, what });
  }
  offsets.recover(counts, { ...options, knownEnd: coordinator.offsetsKnownEnd }, internal('offsets'));
  checkReadable(offsets);
  const completed = new Set<string>();
  const aborted = new Set<string>();
  endTransactions(
    [offsets],
    commits,
    (id) => (id === offsetsTopic ? [offsets] : undefined),
    coordinator,
    completed,
    aborted,
  );
  groups.load();

  const topics = [...found.topics, ...restoreDescriptions(log, found.undescribed, standing)];
  await clearDeleted(log, found.deleted);
  const knownEnds = coordinator.knownEnds();
  const byId = new Map<string, readonly FilePartition[]>();
  const partitions: FilePartition[] = [];
  for (const topic of topics) {
    if (!coordinator.topics.has(topic.id)) coordinator.noteTopic(topic);
    const own = log.add(topic);
    byId.set(topic.id, own);
    for (const partition of own) {
      const { partition: index } = partition.target;
      const knownEnd = knownEnds.get(partitionKey(topic.id, index)) ?? 0;
      // The holes that a salvage has left (`salvage.ts`) are no torn end, whatever has become of the snapshot.
      const hasHoles =
        expectation === 'synced' &&
        damage.entries.some(
          ({ kind, topicId, partition: at, lost }) =>
            kind === 'records' && topicId === topic.id && at === index && lost === undefined,
        );
      partition.recover(
        counts,
        { distrust, expectation: hasHoles ? 'written' : expectation, knownEnd },
        topicReport(damage, topic, index),
      );
      partitions.push(partition);
      if (partition.offline !== undefined) standing.push(offlineDamage(topic, partition));
    }
  }
  for (const topic of coordinator.topics.values()) {
    if (!byId.has(topic.id) && !found.deleted.includes(topic.id)) standing.push(goneTopic(directory, topic));
  }

  byId.set(offsetsTopic, [offsets]);
  const unfinished = endTransactions(partitions, commits, (id) => byId.get(id), coordinator, completed, aborted);
  coordinator.begin(unfinished);
  const isKnown = (topicId: string): boolean =>
    byId.has(topicId) || standing.some((entry) => entry.topicId === topicId);
  groups.forgetTopics(isKnown);
  coordinator.expireIdentities((_, { producerId }) =>
    [offsets, ...partitions].some((partition) => partition.state.openFrom(producerId) >= 0),
  );
  if (distrust) {
    await Promise.all([...partitions, transactions, offsets].map((partition) => partition.sync()));
    directory.forgetFailedSync();
  }
  return {
    ...counts,
    abortedTransactions: [...aborted].sort(),
    completedTransactions: [...completed].sort(),
    partitions: partitions.length + 2,
    standing,
  };
};

/** Ends every transaction that is open in these partitions; answers the commits with what there is of the partitions
 *  that they wrote to. */
const endTransactions = (
  partitions: readonly FilePartition[],
  commits: readonly CommitRecord[],
  partitionsOf: (topicId: string) => readonly FilePartition[] | undefined,
  coordinator: Coordinator,
  completed: Set<string>,
  aborted: Set<string>,
): FoundCommit[] => {
  const unfinished = commits.map((record) => {
    const written: FilePartition[] = [];
    let isOutOfReach = false;
    for (const [topicId, index, first, last] of record.partitions) {
      const partition = partitionsOf(topicId)?.[index];
      if (partition?.offline !== undefined || (partition === undefined && coordinator.topics.has(topicId))) {
        isOutOfReach = true;
      }
      if (partition === undefined) continue;
      written.push(partition);
      const openFrom = partition.state.openFrom(record.producerId);
      if (openFrom < first || openFrom > last) continue;
      partition.mark({ type: 'commit', producerId: record.producerId, epoch: record.epoch });
      completed.add(record.transactionalId);
    }
    return { record, partitions: written, isOutOfReach };
  });
  for (const partition of partitions) {
    for (const [producerId, { epoch }] of partition.state.producers) coordinator.noteProducer(producerId, epoch);
    for (const { producerId, epoch } of [...partition.state.openTransactions()]) {
      aborted.add(coordinator.nameOf(producerId));
      partition.mark({ type: 'abort', producerId, epoch });
    }
    // Producers live in this process; those of former ones would add up in every snapshot.
    partition.state.forgetProducers();
  }
  return unfinished;
};

/** The topics whose description is gone and is known from elsewhere. The others are damage. */
const restoreDescriptions = (
  { directory, coordinator }: RecoveringLog,
  ids: readonly string[],
  standing: Damage[],
): TopicDescription[] => {
  const restored: TopicDescription[] = [];
  for (const id of ids) {
    const topic = coordinator.topics.get(id);
    if (topic !== undefined) {
      directory.describeTopic(topic);
      restored.push(topic);
      continue;
    }
    const path = joinPath(directory.path, 'topics', id);
    const message = `${path} holds data of an unknown topic: its topic.json is gone or unreadable`;
    standing.push({ kind: 'topic', topicId: id, path, message });
  }
  return restored;
};

/** Clears away what is left of deleted topics. What cannot be removed now, the next start tries again. */
const clearDeleted = async ({ directory, coordinator }: RecoveringLog, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  try {
    for (const id of ids) {
      directory.removeData(id);
      if (coordinator.topics.has(id)) coordinator.noteDeleted(id);
    }
    await coordinator.transactions.sync();
    for (const id of ids) directory.removeTopic(id);
  } catch (cause) {
    if (!(cause instanceof FileError || cause instanceof LogError)) throw cause;
  }
};

/** Throws unless this partition of the log itself could be read. */
const checkReadable = ({ directory, offline }: FilePartition): void => {
  if (offline === undefined) return;
  throw new UserError('DATA_DIR_UNREADABLE', `${directory} cannot be read: ${messageOf(offline.cause)}`, {
    hint:
      'Check the disk and the permissions of its files, then start again: nothing is lost so far. Where the disk cannot ' +
      'read it any more, restore the directory from a backup, or move it away: what that loses is listed by ' +
      '"millrace repair --data DIR".',
    cause: offline,
  });
};

// ---------------------------------------------------------------- reports

const lostText = (lost: Damage['lost']): string =>
  lost === undefined ? '' : `; offsets ${lost.from} to ${lost.to - 1} are lost`;

/** Reports damage of one partition of a topic. */
export const topicReport = (list: DamageList, { name, id }: TopicDescription, partition: number): DamageReport => ({
  found: ({ kind, path, lost, keptAt, what }) =>
    list.add({
      kind,
      topic: name,
      topicId: id,
      partition,
      path,
      ...(lost !== undefined && { lost }),
      ...(keptAt !== undefined && { keptAt }),
      message: `partition ${partition} of topic "${name}": ${what}${lostText(lost)} (${path})`,
    }),
  keep: (name_, size, write) => list.keep(name_, size, write),
});

/** Reports damage of the log's own partitions. A directory that was never used cannot be damaged: its making was cut
 *  short. */
const internalReport =
  (list: DamageList, isUsed: boolean) =>
  (kind: 'transactions' | 'offsets'): DamageReport => ({
    found: ({ path, lost, keptAt, what }) => {
      if (!isUsed) return;
      const name =
        kind === 'offsets' ? `committed offsets (${offsetsTopic})` : `transaction log (${transactionsTopic})`;
      list.add({
        kind,
        path,
        ...(lost !== undefined && { lost }),
        ...(keptAt !== undefined && { keptAt }),
        message: `the ${name}: ${what}${lostText(lost)} (${path})`,
      });
    },
    keep: (name, size, write) => list.keep(name, size, write),
  });

const goneTopic = (directory: DataDirectory, { id, name }: TopicDescription): Damage => {
  const path = joinPath(directory.path, 'topics', id);
  return {
    kind: 'topic',
    topic: name,
    topicId: id,
    path,
    message: `the directory of topic "${name}" is gone (${path})`,
  };
};

const offlineDamage = ({ name, id }: TopicDescription, { target, directory, offline }: FilePartition): Damage => ({
  kind: 'partition',
  topic: name,
  topicId: id,
  partition: target.partition,
  path: directory,
  message: offline?.message ?? '',
});
