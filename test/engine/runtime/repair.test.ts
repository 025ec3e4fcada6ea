/** Repair where a partition cannot be read: the ways out that the error of its query names lead out. */

import { expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../../base/node/index.ts';
import { Repair } from '../../../engine/index.ts';
import { type FileLog, openFileLog } from '../../../storage/file-log/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { consume, lastOf, newRuntime, produce, Shards } from './support.ts';
import { wordCount } from './topologies.ts';

const openOn = (files: FaultyFiles): Promise<FileLog> =>
  openFileLog({ directory: '/data/log', files, clock: systemClock, timers: systemClock, random: systemRandom() });

/** A query that has counted three words and stands still. */
const world = async () => {
  const files = new FaultyFiles();
  files.mkdir('/data');
  const shards = new Shards();
  const log = await openOn(files);
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  await count(log, shards, ['a', 'b', 'a']);
  const ids = new Map((await log.describeTopics()).map(({ name, id }) => [name, id]));
  await log.close();
  for (const path of files.paths().filter((name) => name.endsWith('.snapshot'))) files.unlink(path);
  const breakTopic = (name: string): void => {
    const part = `/topics/${ids.get(name)}/0/`;
    files.onCall = ({ kind, path }) => (kind === 'read' && path.includes(part) ? { error: 'EIO' } : undefined);
  };
  return { files, shards, breakTopic };
};

const count = async (log: FileLog, shards: Shards, words: readonly string[] = []): Promise<void> => {
  const runtime = newRuntime(log, { openShard: shards.open });
  await runtime.start({ id: 'count', topology: wordCount({ repartition: true }) });
  const rows = words.map((value) => ({ key: null, value }));
  if (rows.length > 0) await produce(log, 'words', 0, rows);
  await runtime.awaitIdle();
  await runtime.close();
};

const repairOf = async (log: FileLog, shards: Shards): Promise<Repair> =>
  Repair.open({ log, shards: await Promise.all([...shards.kvs.keys()].map(shards.open)), now: () => 0 });

test.each(['count-counts-changelog', 'count-by-word-repartition'])(
  'a query whose topic %s cannot be read is listed, and a reset of it computes it again',
  async (topic) => {
    const { files, shards, breakTopic } = await world();
    breakTopic(topic);
    const log = await openOn(files);
    const repair = await repairOf(log, shards);
    const damage = { kind: 'partition', topic, partition: 0 };
    expect(await repair.list()).toMatchObject({
      queries: [{ queryId: 'count', contradictions: [{ code: 'QUERY_RECORDS_LOST', topic, damage }] }],
    });
    await repair.resetQuery('count');
    expect([log.damage, (await repair.list()).queries]).toEqual([[], []]);
    await count(log, shards, ['a']);
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '3', b: '1' });
    await log.close();
  },
);

test('accepting that a source was replaced begins at the start of the new one, wherever a position in it points', async () => {
  const { files, shards } = await world();
  const log = await openOn(files);
  await log.deleteTopic('words');
  await log.createTopic({ name: 'words', partitions: 1 });
  await produce(
    log,
    'words',
    0,
    ['c', 'd', 'd', 'd'].map((value) => ({ key: null, value })),
  );
  // The offset that the query had in the former topic.
  await log.commitOffsets('count', [{ topic: 'words', partition: 0, offset: 3 }]);
  const repair = await repairOf(log, shards);
  expect(await repair.acceptLoss('words')).toEqual(['count continues at offset 0 of words/0']);
  await count(log, shards);
  expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '2', b: '1', c: '1', d: '3' });
  await log.close();
});
