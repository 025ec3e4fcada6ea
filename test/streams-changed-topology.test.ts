/** An application whose topology has other stores and repartitions than when it ran last. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KTable, type Millrace, open, repair, StreamsBuilder, serdes, type Topology } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';

const { string } = serdes;

let data: string;
let millrace: Millrace;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-changed-'));
  millrace = await open({ data, commitIntervalMs: 20 });
  await millrace.log.createTopic({ name: 'words', partitions: 2 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

interface Counts {
  readonly byKey?: string | undefined;
  readonly byWord?: string | undefined;
}

/** Counts of words by key, and by word behind a repartition; `undefined`: numbered names. */
const topologyOf = (
  counts: Counts,
): { readonly topology: Topology; readonly tables: readonly KTable<string, number | bigint>[] } => {
  const builder = new StreamsBuilder();
  const words = builder.stream('words', { key: string, value: string });
  const tables: KTable<string, number | bigint>[] = [];
  if ('byWord' in counts) {
    const name = counts.byWord === undefined ? {} : { name: counts.byWord };
    const store = counts.byWord === undefined ? {} : { store: `${counts.byWord}-counts` };
    tables.push(words.groupBy((_key, word) => word, { key: string, ...name }).count(store));
  }
  if ('byKey' in counts)
    tables.push(words.groupByKey().count(counts.byKey === undefined ? {} : { store: counts.byKey }));
  return { topology: builder.build(), tables };
};

/** Starts the application, sends words under the key `k`, ends it; the tables then, as text. */
const runWith = async (counts: Counts, ...words: readonly string[]): Promise<string> => {
  const { topology, tables } = topologyOf(counts);
  const streams = await millrace.streams({ id: 'app', topology });
  const from = await millrace.produce(
    'words',
    words.map((value) => ({ key: 'k', value })),
  );
  const found: string[] = [];
  for (const table of tables) {
    const rows: string[] = [];
    for await (const { key, value } of streams.store(table, { from }).all()) rows.push(`${key}=${value}`);
    found.push(rows.toSorted().join(' '));
  }
  await streams.close();
  return found.join(' | ');
};

test('a store and a repartition that a topology gets later begin empty, and the others go on', async () => {
  expect(await runWith({ byKey: 'all' }, 'a', 'b')).toBe('k=2');
  expect(await runWith({ byWord: 'word', byKey: 'all' }, 'a', 'c')).toBe('a=1 c=1 | k=4');
  expect(await runWith({ byWord: 'word', byKey: 'all' }, 'a')).toBe('a=2 c=1 | k=5');
});

test('a store that comes back after the application ran without it is refused, until a reset', async () => {
  expect(await runWith({ byWord: 'word', byKey: 'all' }, 'a')).toBe('a=1 | k=1');
  expect(await runWith({ byKey: 'all' }, 'a')).toBe('k=2');
  const back = millrace.streams({ id: 'app', topology: topologyOf({ byWord: 'word', byKey: 'all' }).topology });
  await expect(back).rejects.toMatchObject({
    code: 'QUERY_TOPOLOGY_CHANGED',
    message: expect.stringContaining('"app-word-repartition" was left when the query ran without it'),
    hint: expect.stringContaining('repair --data DIR --reset-query app"'),
  });
  // Without it the application runs on.
  expect(await runWith({ byKey: 'all' }, 'b')).toBe('k=3');
  await millrace.close();
  expect((await repair({ data })).left.queries).toEqual([]);
  await repair({ data, resetQueries: ['app'] });
  millrace = await open({ data, commitIntervalMs: 20 });
  expect((await millrace.log.describeTopics()).filter(({ name }) => name.startsWith('app-'))).toEqual([]);
  expect(await runWith({ byWord: 'word', byKey: 'all' }, 'a')).toBe('a=3 b=1 | k=4');
});

test('a reset of the application deletes what earlier forms of it have left', async () => {
  await runWith({ byWord: 'word', byKey: 'all' }, 'a');
  await runWith({ byKey: 'all' }, 'a');
  const streams = await millrace.streams({ id: 'app', topology: topologyOf({ byKey: 'all' }).topology });
  await streams.close();
  await streams.reset({ to: 'earliest' });
  expect((await millrace.log.describeTopics()).filter(({ name }) => name.startsWith('app-'))).toEqual([]);
  expect(await runWith({ byWord: 'word', byKey: 'all' }, 'b')).toBe('a=2 b=1 | k=3');
});

test('a changelog that holds records and is not in the record of the application is not taken for a new one', async () => {
  expect(await runWith({ byKey: 'all' }, 'a')).toBe('k=1');
  const name = 'app-word-counts-changelog';
  await millrace.log.createTopic({ name, partitions: 2 });
  await millrace.produce(name, [{ key: 'a', value: 'of another time' }]);
  const { topology } = topologyOf({ byWord: 'word', byKey: 'all' });
  await expect(millrace.streams({ id: 'app', topology })).rejects.toMatchObject({
    code: 'QUERY_TOPOLOGY_CHANGED',
    message: expect.stringContaining(`"${name}" was left when the query ran without it`),
  });
  await millrace.close();
  // A reset knows of it as well.
  await repair({ data, resetQueries: ['app'] });
  millrace = await open({ data, commitIntervalMs: 20 });
  expect(await runWith({ byWord: 'word', byKey: 'all' }, 'a')).toBe('a=2 | k=2');
});

test('numbered names that have moved are refused: state would begin empty under another name', async () => {
  expect(await runWith({ byKey: undefined }, 'a')).toBe('k=1');
  const moved = millrace.streams({ id: 'app', topology: topologyOf({ byWord: 'word', byKey: undefined }).topology });
  await expect(moved).rejects.toMatchObject({
    code: 'QUERY_TOPOLOGY_CHANGED',
    message: expect.stringMatching(
      /uses "app-word-repartition", .+ now and "app-KSTREAM-AGGREGATE-STATE-STORE-\d{10}-changelog" no longer/,
    ),
  });
  expect(await runWith({ byKey: undefined }, 'a')).toBe('k=2');
});

test('a named store may take the place of another one', async () => {
  expect(await runWith({ byKey: 'all' }, 'a')).toBe('k=1');
  expect(await runWith({ byKey: 'total' }, 'a')).toBe('k=1');
});
