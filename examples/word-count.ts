/** The typed DSL instead of SQL: words counted by a topology that runs in this process, exactly once. */

import { open, StreamsBuilder, serdes } from 'millrace';

const { string, int64 } = serdes;
const builder = new StreamsBuilder();
builder
  .stream('lines', { key: string, value: string })
  .mapValues((line) => line?.toLowerCase() ?? null, { value: string })
  .groupBy((_key, word) => word, { key: string })
  .count({ store: 'counts' })
  .toStream()
  .to('counted');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
for (const name of ['lines', 'counted']) {
  if ((await millrace.log.describeTopic(name)) === undefined) await millrace.log.createTopic({ name, partitions: 2 });
}
const streams = await millrace.streams({ id: 'word-count', topology: builder.build() });
await millrace.produce(
  'lines',
  ['Mill', 'race', 'mill'].map((value) => ({ value })),
);
await millrace.awaitIdle();
const counts = new Map<string, number | bigint>();
for await (const { key, value } of millrace.consume('counted', { untilEnd: true })) {
  if (key !== null && value !== null) counts.set(string.read(key, 0, key.length), int64.read(value, 0, value.length));
}
console.log(counts);
await streams.close();
await millrace.close();
