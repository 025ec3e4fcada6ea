/**
 * Metrics: what queries do, as numbers with names, for people and for monitoring.
 *
 * Names, groups and tags are those of Kafka Streams where it has such a metric; the query's id is the tag `query-id`.
 * Latencies are milliseconds, rates are per second, both of the last half to whole minute (`meter.ts`).
 *
 *   stream-metrics                       of a query: its state, its threads, commits, restarts
 *   stream-thread-metrics                of a thread, all its queries together
 *   stream-task-metrics                  of a task
 *   stream-processor-node-metrics        of a node of a task
 *   stream-state-metrics                 of a store of a task
 *
 * Times are taken by steps and batches, which are thousands of records. Single calls of stores are timed for a few
 * records in each second (`store-samples.ts`). What would have to be timed for each record (latencies of each inner
 * node) is left out on purpose.
 *
 * `prometheusText` prints metrics in the text format of Prometheus 0.0.4: `millrace_stream_task_process_total{…} 5`.
 */

import type { MeterReading } from './meter.ts';
import type { QueryState, QueryStatus } from './observer.ts';
import type { TaskReport, ThreadReport } from './protocol.ts';

export interface Metric {
  readonly group: string;
  readonly name: string;
  readonly description: string;
  /** A counter only grows, as long as its query runs; a gauge is as of now. */
  readonly type: 'counter' | 'gauge';
  readonly tags: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is known of a query on the thread that owns the log. */
export interface QueryReport {
  readonly status: QueryStatus;
  /** A value for each commit: how long it took. */
  readonly commit: MeterReading;
  readonly aborts: number;
  readonly restarts: number;
  /** Threads that have ended while they worked for it. */
  readonly failedThreads: number;
  readonly lag: number;
}

/** As Kafka Streams numbers the states of a client. */
const stateNumbers: { readonly [S in QueryState]: number } = {
  starting: 1,
  retrying: 1,
  running: 2,
  stopped: 4,
  failed: 6,
  fenced: 6,
};

type Add = (name: string, type: Metric['type'], value: number, description: string) => void;

const into =
  (metrics: Metric[], group: string, tags: Metric['tags']): Add =>
  (name, type, value, description) => {
    metrics.push({ group, name, type, tags, value, description });
  };

const addMeter = (add: Add, name: string, reading: MeterReading, what: string): void => {
  add(`${name}-total`, 'counter', reading.total, `${what}: how many`);
  add(`${name}-rate`, 'gauge', reading.rate, `${what}: how many per second`);
  add(`${name}-latency-avg`, 'gauge', reading.avg, `${what}: milliseconds for one, on average`);
  add(`${name}-latency-max`, 'gauge', reading.max, `${what}: milliseconds for one, at most`);
};

export const metricsOfQuery = ({ status, commit, aborts, restarts, failedThreads, lag }: QueryReport): Metric[] => {
  const metrics: Metric[] = [];
  const { queryId, applicationId, state, threads } = status;
  const add = into(metrics, 'stream-metrics', { 'query-id': queryId, 'application-id': applicationId });
  add('client-state', 'gauge', stateNumbers[state], 'The state: 1 rebalancing, 2 running, 4 closed, 6 error');
  add('alive-stream-threads', 'gauge', threads.length, 'Threads that run its tasks');
  add('failed-stream-threads', 'counter', failedThreads, 'Threads that have ended while they ran its tasks');
  addMeter(add, 'commit', commit, 'Commits');
  add('abort-total', 'counter', aborts, 'Transactions that were aborted and tried again');
  add('restart-total', 'counter', restarts, 'Starts after a failure');
  add('records-lag', 'gauge', lag, 'Offsets of its topics that are not read yet');
  return metrics;
};

export const metricsOfMemory = (usedBytes: number, limitBytes: number): Metric[] => {
  const metrics: Metric[] = [];
  const add = into(metrics, 'stream-state-memory-metrics', {});
  add('used-bytes', 'gauge', usedBytes, 'Memory of all stores');
  add('limit-bytes', 'gauge', limitBytes, 'What the stores may use before entries leave memory');
  return metrics;
};

export const metricsOfThread = (thread: number, report: ThreadReport): Metric[] => {
  const metrics: Metric[] = [];
  const { counters, process, punctuate, tasks } = report;
  const add = into(metrics, 'stream-thread-metrics', { 'thread-id': String(thread) });
  addMeter(add, 'process', process, 'Records processed');
  addMeter(add, 'punctuate', punctuate, 'Calls of punctuators');
  add('poll-total', 'counter', counters.fetches, 'Reads of the log');
  add('poll-records-total', 'counter', counters.recordsDecoded, 'Records read, once for all queries');
  add('task-count', 'gauge', tasks.length, 'Tasks that run here');
  for (const task of tasks) metrics.push(...metricsOfTask(thread, task));
  return metrics;
};

const metricsOfTask = (thread: number, task: TaskReport): Metric[] => {
  const metrics: Metric[] = [];
  const tags = { 'thread-id': String(thread), 'query-id': task.queryId, 'task-id': task.taskId };
  const add = into(metrics, 'stream-task-metrics', tags);
  addMeter(add, 'process', task.process, 'Records processed');
  addMeter(add, 'punctuate', task.punctuate, 'Calls of punctuators');
  for (const [reason, count] of Object.entries(task.drops)) {
    const dropped = into(metrics, 'stream-task-metrics', { ...tags, reason });
    dropped('dropped-records-total', 'counter', count, 'Records left out, by reason');
  }
  add('active-buffer-count', 'gauge', task.buffered, 'Blocks of records that wait to be processed');
  for (const { topic, partition, node, records, lag, latency } of task.inputs) {
    const read = into(metrics, 'stream-processor-node-metrics', { ...tags, 'processor-node-id': node });
    read('process-total', 'counter', records, 'Records that the node has got');
    read(
      'record-e2e-latency-avg',
      'gauge',
      latency.avg,
      'Milliseconds between a record and its processing, on average',
    );
    read('record-e2e-latency-min', 'gauge', latency.min, 'Milliseconds between a record and its processing, at least');
    read('record-e2e-latency-max', 'gauge', latency.max, 'Milliseconds between a record and its processing, at most');
    const place = into(metrics, 'stream-task-metrics', { ...tags, topic, partition: String(partition) });
    place('records-lag', 'gauge', lag, 'Offsets that are not read yet');
  }
  for (const { node, records } of [...task.inner, ...task.outputs]) {
    const written = into(metrics, 'stream-processor-node-metrics', { ...tags, 'processor-node-id': node });
    written('process-total', 'counter', records, 'Records that the node has got');
  }
  for (const store of task.stores) {
    const kept = into(metrics, 'stream-state-metrics', { ...tags, 'state-id': store.name });
    kept('num-entries', 'gauge', store.entries, 'Entries in memory, one or a few of them notes of the store itself');
    kept('memory-bytes', 'gauge', store.bytes, 'Bytes in memory');
    kept('restore-total', 'counter', store.restored, 'Changelog records applied at the start of the task');
    kept(
      'restore-remaining-records-total',
      'gauge',
      store.remaining,
      'Offsets of the changelog that are left to restore',
    );
    for (const { name, perRecord, latency } of store.calls) {
      kept(`${name}-rate`, 'gauge', perRecord * task.process.rate, `Calls of ${name} per second, by samples`);
      const what = `Milliseconds of one call of ${name}, by samples`;
      kept(`${name}-latency-avg`, 'gauge', latency.avg, `${what}, on average`);
      kept(`${name}-latency-max`, 'gauge', latency.max, `${what}, at most`);
    }
    kept(
      'copies-given-up-total',
      'counter',
      store.copiesGivenUp,
      'Whether copies of entries that have left memory failed: the checkpoint is read instead, which is slower',
    );
    kept('checkpoint-lag-records', 'gauge', store.due, 'Changelog records that no checkpoint holds yet');
  }
  return metrics;
};

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const nameOf = ({ group, name }: Metric): string =>
  `millrace_${group.replace(/-metrics$/, '')}_${name}`.replaceAll('-', '_');

const numberText = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

export const prometheusText = (metrics: readonly Metric[]): string => {
  const families = new Map<string, Metric[]>();
  for (const metric of metrics) {
    // A latency of which there was none of late. As NaN it would make every sum and average over it NaN.
    if (Number.isNaN(metric.value)) continue;
    const name = nameOf(metric);
    const family = families.get(name);
    if (family === undefined) families.set(name, [metric]);
    else family.push(metric);
  }
  const lines: string[] = [];
  for (const [name, family] of families) {
    const [first] = family;
    if (first === undefined) continue;
    lines.push(`# HELP ${name} ${first.description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`);
    lines.push(`# TYPE ${name} ${first.type}`);
    for (const { tags, value } of family) {
      const labels = Object.entries(tags).map(([tag, text]) => `${tag.replaceAll('-', '_')}="${escaped(text)}"`);
      lines.push(`${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${numberText(value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
};
