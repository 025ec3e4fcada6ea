/** What contradicts itself at a start fails the query concerned, with what is missing and two ways out; nothing is
 *  deleted or created again. */

import { expect, test } from 'vitest';
import { type Damage, type Log, LogError, openMemoryLog } from '../../../storage/index.ts';
import { consume, lastOf, newRuntime, produce, Shards } from './support.ts';
import { minuteSums, wordCount } from './topologies.ts';

const repartition = 'count-by-word-repartition';
const changelog = 'count-counts-changelog';

const replace = async (log: Log, name: string): Promise<void> => {
  const { partitions, configs } = (await log.describeTopic(name)) ?? { partitions: 1, configs: {} };
  await log.deleteTopic(name);
  await log.createTopic({ name, partitions, configs });
};

const damaged = (log: Log, ...damage: readonly Partial<Damage>[]): void => {
  const entries = damage.map((entry) => ({ kind: 'records', path: '/data/file', message: 'as found', ...entry }));
  Object.defineProperty(log, 'damage', { value: entries });
};

/** Two queries that have run and stand still, each with its topics, state and positions. */
const world = async () => {
  const log = await openMemoryLog();
  for (const name of ['words', 'counted', 'amounts', 'sums']) await log.createTopic({ name, partitions: 1 });
  const shards = new Shards();
  const run = () => newRuntime(log, { openShard: shards.open });
  const start = (runtime: ReturnType<typeof run>) => [
    runtime.start({ id: 'count', topology: wordCount({ repartition: true }) }),
    runtime.start({ id: 'sums', topology: minuteSums() }),
  ];
  const first = run();
  await Promise.all(start(first));
  await produce(log, 'words', 0, [
    { key: null, value: 'a' },
    { key: null, value: 'b' },
  ]);
  await produce(log, 'amounts', 0, [{ key: 'k', value: '1' }]);
  await first.awaitIdle();
  await first.close();
  return { log, run, start };
};

/** All that is there of the query `count`. */
const everything = async (log: Log): Promise<unknown> => {
  const topics = (await log.describeTopics()).filter(({ name }) => /count|words/.test(name));
  const offsets = await Promise.all(topics.map(({ name }) => log.offsets({ topic: name, partition: 0 })));
  return { topics, offsets, committed: await log.committed('count') };
};

const cases: readonly [string, (log: Log) => Promise<void> | void, string, string][] = [
  [
    'a changelog is gone',
    (log) => log.deleteTopic(changelog),
    'QUERY_TOPIC_MISSING',
    `changelog topic "${changelog}" is gone`,
  ],
  ['a repartition is gone', (log) => log.deleteTopic(repartition), 'QUERY_TOPIC_MISSING', `"${repartition}" is gone`],
  ['a source is gone', (log) => log.deleteTopic('words'), 'QUERY_TOPIC_MISSING', 'the source "words" is gone'],
  ['a sink is gone', (log) => log.deleteTopic('counted'), 'QUERY_TOPIC_MISSING', 'the sink "counted" is gone'],
  ['a source is another one', (log) => replace(log, 'words'), 'QUERY_TOPIC_REPLACED', '"words" is not the one that'],
  ['a changelog is another one', (log) => replace(log, changelog), 'QUERY_TOPIC_REPLACED', 'deleted and created again'],
  [
    'its offsets are gone',
    (log) => log.deleteGroup('count'),
    'QUERY_OFFSETS_LOST',
    'the committed offset of words/0 is gone',
  ],
  [
    'a position lies beyond the end',
    (log) => log.commitOffsets('count', [{ topic: 'words', partition: 0, offset: 99 }]),
    'QUERY_POSITION_BEYOND_END',
    'the committed offset 99 lies beyond the end 2 of words/0',
  ],
  [
    'unread records of a repartition are gone',
    async (log) => {
      await log.commitOffsets('count', [{ topic: repartition, partition: 0, offset: 0 }]);
      await log.deleteRecords({ topic: repartition, partition: 0 }, 2);
    },
    'QUERY_RECORDS_LOST',
    `records 0 to 1 of ${repartition}/0 were deleted before the query read them`,
  ],
  [
    'unread records of a source are damaged',
    async (log) => {
      await produce(log, 'words', 0, [{ key: null, value: 'c' }]);
      damaged(log, { topic: 'words', partition: 0, lost: { from: 2, to: 3 } });
    },
    'QUERY_RECORDS_LOST',
    'as found',
  ],
  [
    'its changelog is damaged',
    (log) => damaged(log, { topic: changelog, partition: 0 }),
    'QUERY_RECORDS_LOST',
    'as found',
  ],
];

test.each(cases)('%s', async (_name, damage, code, says) => {
  const { log, run, start } = await world();
  await damage(log);
  const before = await everything(log);
  for (let attempt = 0; attempt < 2; attempt++) {
    const runtime = run();
    const [count, sums] = start(runtime);
    const hint = expect.stringMatching(/repair --data DIR --reset-query count".*repair --data DIR --accept-loss \S+"/);
    await expect(count).rejects.toMatchObject({ code, message: expect.stringContaining(says), hint });
    expect(runtime.status('count')).toMatchObject({ state: 'failed', error: { code, hint } });
    await sums;
    await produce(log, 'amounts', 0, [{ key: 'k', value: '1' }]);
    await runtime.awaitIdle();
    expect(lastOf(await consume(log, 'sums'))).toEqual({ 'k@0': String(attempt + 2) });
    await runtime.close();
  }
  expect(await everything(log)).toEqual(before);
});

test.each<[string, Partial<Damage>]>([
  ['records that were read already', { topic: 'words', partition: 0, lost: { from: 0, to: 2 } }],
  ['a topic that the query does not use', { topic: 'others', partition: 0 }],
  ['its sink', { topic: 'counted', partition: 0, lost: { from: 0, to: 1 } }],
])('damage of %s stops nobody', async (_name, entry) => {
  const { log, run, start } = await world();
  damaged(log, entry);
  const runtime = run();
  await Promise.all(start(runtime));
  await runtime.close();
});

test.each<[Damage['kind'], string]>([
  ['offsets', 'QUERY_OFFSETS_LOST'],
  ['transactions', 'QUERY_RECORDS_LOST'],
])('damage of the %s of the log stops every query that has started', async (kind, code) => {
  const { log, run, start } = await world();
  damaged(log, { kind });
  const runtime = run();
  for (const started of start(runtime)) await expect(started).rejects.toMatchObject({ code, message: /^as found/ });
  await runtime.close();
});

test('a crash between the steps of a first start is none: the next start makes what is missing', async () => {
  const topology = wordCount({ repartition: true });
  for (let step = 1; step < 40; step++) {
    const log = await openMemoryLog();
    for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 2 });
    await produce(log, 'words', 0, [{ key: null, value: 'a' }]);
    // The process is gone at its n-th write: nothing of it happens, and nothing is answered any more.
    let writes = 0;
    const gone = Promise.withResolvers<false>();
    const dying: Log = Object.create(log);
    for (const name of ['createTopic', 'commitOffsets', 'producer'] as const) {
      Object.defineProperty(dying, name, {
        value: (...args: readonly unknown[]) => {
          if (++writes < step) return (log[name] as (...all: unknown[]) => unknown).apply(log, [...args]);
          gone.resolve(false);
          return new Promise(() => {});
        },
      });
    }
    for (const name of [
      'describeTopic',
      'describeTopics',
      'offsets',
      'deletionsKeptFrom',
      'committed',
      'reader',
      'groups',
    ] as const) {
      Object.defineProperty(dying, name, { value: log[name].bind(log) });
    }
    const first = newRuntime(dying);
    const started = first.start({ id: 'count', topology }).then(() => true);
    const done = await Promise.race([started, gone.promise]);
    const second = newRuntime(log);
    await second.start({ id: 'count', topology });
    await second.awaitIdle();
    expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '1' });
    await second.close();
    if (done) return;
  }
  expect.unreachable('the first start never came to its end');
});

test.each(['words', repartition])(
  '%s could not be opened: the query names that, and no offset is compared',
  async (topic) => {
    const { log, run, start } = await world();
    const message = `${topic}/0 could not be opened: EIO`;
    damaged(log, { kind: 'partition', topic, partition: 0, message });
    const offsets = log.offsets.bind(log);
    log.offsets = (target) =>
      target.topic === topic
        ? Promise.reject(new LogError('unavailable', 'LOG_PARTITION_OFFLINE', message))
        : offsets(target);
    const runtime = run();
    const [count, sums] = start(runtime);
    await expect(count).rejects.toMatchObject({ message: expect.stringContaining(message) });
    await sums;
    await runtime.close();
  },
);
