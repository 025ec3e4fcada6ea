/** Anomalies over sliding windows: a sensor is reported when it fails three times within any ten seconds. */

import { open } from 'millrace';
import { SlidingWindows, StreamsBuilder, serdes } from 'millrace/engine';

const { int64, string } = serdes;
const second = 1000;

const builder = new StreamsBuilder();
builder
  .stream('readings', { key: string, value: string })
  .filter((_sensor, reading) => reading === 'failed')
  .groupByKey()
  .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10 * second, 5 * second))
  .count({ store: 'failures' })
  .toStream()
  .filter((_sensor, failures) => failures !== null && failures >= 3)
  .selectKey((window) => window?.key ?? null, { key: string })
  .to('anomalies', { value: int64 });

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const readings = await millrace.topic('readings', { key: string, value: string });
const anomalies = await millrace.topic('anomalies', { key: string, value: int64 });
const streams = await millrace.streams({ id: 'anomalies', topology: builder.build() });

const start = Date.UTC(2026, 0, 1);
const read = (sensor: string, value: string, seconds: number) => ({
  key: sensor,
  value,
  timestamp: start + seconds * second,
});
await readings.produce([
  read('s1', 'failed', 0),
  read('s2', 'failed', 1),
  read('s1', 'ok', 3),
  read('s1', 'failed', 8),
  read('s2', 'failed', 9),
  // Ten seconds after the first: tumbling windows of ten seconds would miss it.
  read('s1', 'failed', 10),
  read('s2', 'failed', 20),
]);
await streams.awaitIdle();

for await (const { key, value, timestamp } of anomalies.consume({ untilEnd: true, group: 'printed' }))
  console.log(`${key}: ${value} failures until ${new Date(timestamp).toISOString().slice(11, 19)}`);
await streams.close();
await millrace.close();
