/** The typed DSL instead of SQL: words counted by a topology that runs in this process, exactly once. */

import { open } from 'millrace';
import { StreamsBuilder, serdes } from 'millrace/engine';

const { string, int64 } = serdes;
const builder = new StreamsBuilder();
const counts = builder
  .stream('lines', { key: string, value: string })
  .flatMapValues((line) => line?.toLowerCase().match(/\w+/g) ?? [], { value: string })
  .groupBy((_key, word) => word, { key: string })
  .count({ store: 'counts' });
counts.toStream().to('counted');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const lines = await millrace.topic('lines', { key: string, value: string, partitions: 2 });
await millrace.topic('counted', { key: string, value: int64, partitions: 2 });
const streams = await millrace.streams({ id: 'word-count', topology: builder.build() });

const position = await lines.produce([{ value: 'Mill, race' }, { value: 'the race of the mill' }]);
for await (const { key, value } of streams.store(counts, { from: position }).all()) console.log(`${key}: ${value}`);

await streams.close();
await millrace.close();
