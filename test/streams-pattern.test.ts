/** Sources by pattern: all topics whose names match, those included that come while the application runs. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, open, StreamsBuilder, serdes, type Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/engine';
import { afterEach, beforeEach, expect, test } from 'vitest';

const { string } = serdes;
const texts = { key: string, value: string };

let data: string;
let millrace: Millrace;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-pattern-'));
  millrace = await open({ data, commitIntervalMs: 20 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

/** Counts the values of all topics `words-…`, behind a repartition; and copies them. */
const counted = (): Topology => {
  const builder = new StreamsBuilder();
  const words = builder.stream(/^words-/g, texts);
  words.to('copied');
  words.groupBy((_key, word) => word, { key: string, name: 'by-word' }).count({ store: 'counts' });
  return builder.build();
};

const counts = { name: 'counts', key: string, value: serdes.int64 };
const say = (topic: string, ...words: string[]) =>
  millrace.produce(
    topic,
    words.map((value) => ({ key: 'k', value })),
  );

test('topics that come while it runs are read from their start, with the state that there is', async () => {
  for (const [name, partitions] of [
    ['words-a', 2],
    ['other', 1],
    ['copied', 1],
  ] as const)
    await millrace.log.createTopic({ name, partitions });
  const streams = await millrace.streams({ id: 'words-app', topology: counted(), from: 'latest' });
  await say('words-a', 'x', 'y');
  await say('other', 'x');
  await streams.awaitIdle();
  expect(await streams.store(counts).get('x')).toBe(1);
  const states: string[] = [];
  streams.on('state', (state) => states.push(state));
  await millrace.log.createTopic({ name: 'words-b', partitions: 3 });
  await say('words-b', 'x', 'z');
  await expect.poll(() => states).toEqual(['rebalancing', 'running']);
  await streams.awaitIdle();
  expect(await streams.store(counts).get('x')).toBe(2);
  expect(await streams.store(counts).get('y')).toBe(1);
  expect(await streams.store(counts).get('z')).toBe(1);
  await streams.close();
  await say('words-a', 'x');
  await streams.start();
  await streams.awaitIdle();
  expect(await streams.store(counts).get('x')).toBe(3);
});

test('without a topic that matches it does not start; it can be closed at any time', async () => {
  await millrace.log.createTopic({ name: 'copied', partitions: 1 });
  await expect(millrace.streams({ id: 'app', topology: counted() })).rejects.toMatchObject({
    code: 'DSL_TOPICS_MISSING',
  });
  await millrace.log.createTopic({ name: 'words-a', partitions: 1 });
  const streams = await millrace.streams({ id: 'app', topology: counted() });
  await millrace.log.createTopic({ name: 'words-b', partitions: 1 });
  await streams.close();
  expect(streams.state).toBe('closed');
  await streams.reset();
});

test('a test driver is given the topics', () => {
  const topology = counted();
  expect(topology.patterns.map(String)).toEqual(['/^words-/']);
  const driver = new TopologyTestDriver(topology.over(['words-a', 'other', 'words-b']));
  driver.input('words-a', texts).pipe('k', 'x');
  driver.input('words-b', texts).pipe('k', 'x');
  expect(driver.keyValueStore('counts', { key: string, value: serdes.int64 }).get('x')?.value).toBe(2);
  driver.close();
});
