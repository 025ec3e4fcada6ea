/** What an application, its threads, tasks, nodes and stores show in numbers. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Metric, type Millrace, open, prometheusText, StreamsBuilder, serdes, type Topology } from 'millrace';
import { JoinWindows, SessionWindows } from 'millrace/engine';
import { afterEach, beforeEach, expect, test } from 'vitest';

const { string, json } = serdes;

let data: string;
let millrace: Millrace;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-metrics-'));
  millrace = await open({ data, commitIntervalMs: 20 });
  for (const name of ['words', 'counted']) await millrace.log.createTopic({ name, partitions: 2 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

const wordCount = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('words', { key: string, value: json<string>() })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .mapValues(String, { value: string })
    .to('counted');
  return builder.build();
};

/** The values of a metric, by the tags asked for. */
const valuesOf = (metrics: readonly Metric[], name: string, ...tags: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    metrics
      .filter((metric) => metric.name === name && tags.every((tag) => metric.tags[tag] !== undefined))
      .map((metric) => [tags.map((tag) => metric.tags[tag]).join(' '), metric.value]),
  );

const send = (partition: number, ...values: readonly string[]): Promise<unknown> =>
  millrace.produce(
    'words',
    values.map((value) => ({ key: value, value, partition })),
  );

test('records, drops, nodes, stores and commits are counted', async () => {
  const streams = await millrace.streams({ id: 'app', topology: wordCount() });
  await send(0, '"a"', '{', '"b"', '"a"');
  await send(1, '"c"');
  await streams.awaitIdle();
  const metrics = await streams.metrics();
  expect(valuesOf(metrics, 'client-state', 'query-id')).toEqual({ app: 2 });
  expect(valuesOf(metrics, 'alive-stream-threads', 'query-id')).toEqual({ app: 1 });
  expect(valuesOf(metrics, 'records-lag', 'query-id')).toMatchObject({ app: 0 });
  const tasks = metrics.filter(({ group }) => group === 'stream-task-metrics');
  expect(valuesOf(tasks, 'process-total', 'task-id')).toEqual({ '0_0': 4, '0_1': 1 });
  expect(valuesOf(tasks, 'dropped-records-total', 'task-id', 'reason')).toEqual({ '0_0 deserialization': 1 });
  expect(valuesOf(metrics, 'process-total', 'task-id', 'processor-node-id')).toEqual({
    '0_0 KSTREAM-SOURCE-0000000000': 4,
    '0_0 KSTREAM-AGGREGATE-0000000001': 3,
    '0_0 KTABLE-TOSTREAM-0000000002': 3,
    '0_0 KSTREAM-MAPVALUES-0000000003': 3,
    '0_0 KSTREAM-SINK-0000000004': 3,
    '0_1 KSTREAM-SOURCE-0000000000': 1,
    '0_1 KSTREAM-AGGREGATE-0000000001': 1,
    '0_1 KTABLE-TOSTREAM-0000000002': 1,
    '0_1 KSTREAM-MAPVALUES-0000000003': 1,
    '0_1 KSTREAM-SINK-0000000004': 1,
  });
  // The schema hash is an entry, too.
  expect(valuesOf(metrics, 'num-entries', 'task-id', 'state-id')).toEqual({ '0_0 counts': 3, '0_1 counts': 2 });
  expect(valuesOf(metrics, 'commit-total', 'query-id')['app']).toBe(streams.counters?.commits);
  const [rate] = Object.values(valuesOf(tasks, 'process-rate', 'task-id'));
  expect(rate).toBeGreaterThan(0);
  for (const name of ['process-latency-avg', 'process-latency-max', 'commit-latency-avg', 'record-e2e-latency-max']) {
    const values = Object.values(valuesOf(metrics, name));
    expect(values.length, name).toBeGreaterThan(0);
    for (const value of values) expect(value, name).toBeGreaterThanOrEqual(0);
  }
  // Each valid record is a look-up; a new word is put, a number is then changed where it lies.
  for (const name of ['get-rate', 'put-rate'])
    for (const rate of Object.values(valuesOf(metrics, name, 'state-id'))) expect(rate, name).toBeGreaterThan(0);
  for (const name of ['get-latency-avg', 'get-latency-max', 'put-latency-avg', 'put-latency-max']) {
    const latencies = valuesOf(metrics, name, 'task-id', 'state-id');
    expect(Object.keys(latencies), name).toEqual(['0_0 counts', '0_1 counts']);
    for (const latency of Object.values(latencies)) expect(latency, name).toBeGreaterThanOrEqual(0);
  }
  // A restart restores what no checkpoint holds; a failure is a state.
  await streams.close();
  await streams.cleanUp();
  await streams.start();
  expect(valuesOf(await streams.metrics(), 'restore-total', 'task-id')).toEqual({ '0_0': 3, '0_1': 2 });
  expect(valuesOf(await streams.metrics(), 'restore-remaining-records-total', 'task-id')).toEqual({
    '0_0': 0,
    '0_1': 0,
  });
});

/** Sessions, and the windows of a stream-stream join: each store keeps the entries of a key in an order. */
const ordered = (): Topology => {
  const builder = new StreamsBuilder();
  const words = builder.stream('words', { key: string, value: json<string>() });
  words.groupByKey().windowedBy(SessionWindows.ofInactivityGapAndGrace(1_000, 60_000)).count({ store: 'sessions' });
  const counted = builder.stream('counted', { key: string, value: json<string>() });
  words
    .join(counted, (word, other) => word + other, JoinWindows.ofTimeDifferenceWithNoGrace(1_000))
    .foreach(() => undefined);
  return builder.build();
};

test('calls of ordered stores are timed, by the names of window and session stores', async () => {
  // The third record joins two sessions into one.
  const times = [1_000, 2_900, 2_000];
  for (const topic of ['words', 'counted'])
    await millrace.produce(
      topic,
      times.map((timestamp) => ({ key: 'a', value: '"a"', partition: 0, timestamp })),
    );
  const streams = await millrace.streams({ id: 'app', topology: ordered() });
  await streams.awaitIdle();
  const metrics = await streams.metrics();
  const stores = (name: string): string[] => Object.keys(valuesOf(metrics, name, 'state-id')).sort();
  const joins = ['KSTREAM-JOINOTHER-0000000006-store', 'KSTREAM-JOINTHIS-0000000005-store'];
  expect(stores('num-entries')).toEqual([...joins, 'sessions']);
  for (const suffix of ['rate', 'latency-avg', 'latency-max']) {
    for (const name of [`put-${suffix}`, `fetch-${suffix}`]) expect(stores(name), name).toEqual([...joins, 'sessions']);
    expect(stores(`remove-${suffix}`)).toEqual(['sessions']);
    for (const name of [`get-${suffix}`, `delete-${suffix}`]) expect(stores(name), name).toEqual([]);
    for (const name of [`put-${suffix}`, `fetch-${suffix}`, `remove-${suffix}`])
      for (const value of Object.values(valuesOf(metrics, name, 'state-id')))
        expect(value, name).toBeGreaterThanOrEqual(0);
  }
});

test('what a paused application does not read is its lag, task by task', async () => {
  const streams = await millrace.streams({ id: 'app', topology: wordCount() });
  await send(0, '"a"');
  await streams.awaitIdle();
  streams.pause();
  await send(0, ...Array.from({ length: 10 }, (_, i) => `"w${i}"`));
  await expect
    .poll(async () => valuesOf(await streams.metrics(), 'records-lag', 'task-id', 'topic', 'partition')['0_0 words 0'])
    .toBeGreaterThanOrEqual(0);
  streams.resume();
  await streams.awaitIdle();
  expect(valuesOf(await streams.metrics(), 'records-lag', 'task-id', 'topic', 'partition')).toEqual({
    '0_0 words 0': 0,
    '0_1 words 1': 0,
  });
});

test('all queries together, those in SQL too, as Prometheus reads them', async () => {
  await millrace.streams({ id: 'app', topology: wordCount() });
  await millrace.sql(`
    CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (kafka_topic='clicks', partitions=1, value_format='JSON');
    CREATE TABLE by_page AS SELECT page, COUNT(*) AS n FROM clicks GROUP BY page;`);
  await millrace.produce('clicks', [{ key: 'a', value: '{"MS":1}' }]);
  await millrace.awaitIdle();
  const text = prometheusText(await millrace.metrics());
  expect(text).toContain('millrace_stream_client_state{query_id="app",application_id="app"} 2\n');
  expect(text).toMatch(
    /millrace_stream_task_process_total\{thread_id="0",query_id="CTAS_BY_PAGE_1",task_id="0_0"\} 1\n/,
  );
  expect(text).toMatch(/millrace_stream_state_memory_used_bytes \d+\n/);
  // Each family is declared once, and every line is one that Prometheus reads.
  const declared = [...text.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)].map(([, name]) => name);
  expect(new Set(declared).size).toBe(declared.length);
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(
      /^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? ([+-]Inf|-?[\d.e+-]+))$/,
    );
  }
});
