/** Meters over time, and metrics as text. */

import { expect, test } from 'vitest';
import { type Metric, prometheusText } from '../../../engine/index.ts';
import { Meter } from '../../../engine/runtime/meter.ts';

test('a meter shows all that ever was, and the rate and the extremes of the last two windows', () => {
  const meter = new Meter();
  expect(meter.read(0)).toEqual({ total: 0, sum: 0, rate: 0, avg: NaN, min: NaN, max: NaN });
  // A thousand records in 5 ms, then one in 2 ms.
  meter.add(1000, 5, 0);
  meter.add(1, 2, 10_000);
  expect(meter.read(10_000)).toEqual({ total: 1001, sum: 7, rate: 100.1, avg: 7 / 1001, min: 0.005, max: 2 });
  meter.add(20, 20, 40_000);
  expect(meter.read(40_000)).toEqual({ total: 1021, sum: 27, rate: 1021 / 40, avg: 27 / 1021, min: 0.005, max: 2 });
  // The first window is forgotten with the next but one.
  expect(meter.read(75_000)).toEqual({ total: 1021, sum: 27, rate: 20 / 35, avg: 1, min: 1, max: 1 });
  expect(meter.read(1e9)).toEqual({ total: 1021, sum: 27, rate: 0, avg: NaN, min: NaN, max: NaN });
});

test('a rate over less than a second is one over a second', () => {
  const meter = new Meter();
  meter.add(10, 1, 0);
  expect(meter.read(1).rate).toBe(10);
});

test('the text of Prometheus: families together, labels escaped, what has no value of late left out', () => {
  const metric = (name: string, tags: Metric['tags'], value: number): Metric => ({
    group: 'stream-task-metrics',
    name,
    description: 'What it is',
    type: 'counter',
    tags,
    value,
  });
  const text = prometheusText([
    metric('process-total', { 'task-id': '0_0', 'query-id': 'a "b"\\\n' }, 1),
    metric('process-rate', {}, Number.NaN),
    metric('commit-rate', { 'task-id': '0_0' }, Number.NaN),
    metric('commit-rate', { 'task-id': '0_1' }, Number.NEGATIVE_INFINITY),
    metric('process-total', { 'task-id': '0_1' }, Number.POSITIVE_INFINITY),
  ]);
  expect(text).toBe(`# HELP millrace_stream_task_process_total What it is
# TYPE millrace_stream_task_process_total counter
millrace_stream_task_process_total{task_id="0_0",query_id="a \\"b\\"\\\\\\n"} 1
millrace_stream_task_process_total{task_id="0_1"} +Inf
# HELP millrace_stream_task_commit_rate What it is
# TYPE millrace_stream_task_commit_rate counter
millrace_stream_task_commit_rate{task_id="0_1"} -Inf
`);
});
