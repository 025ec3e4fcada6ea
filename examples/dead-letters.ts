/** Dead letters: what cannot be read, or makes the program throw, is kept with its place and its cause, and is replayed
 *  when the cause is gone. */

import { deadLetterOf, open } from 'millrace';
import { StreamsBuilder, serdes } from 'millrace/engine';

const { json, string } = serdes;
const rates = new Map([['EUR', 1]]);

const builder = new StreamsBuilder();
builder
  .stream('amounts', { key: string, value: json<{ amount: number; currency: string }>() })
  .mapValues(
    (row) => {
      const rate = rates.get(row?.currency ?? '');
      if (rate === undefined) throw new Error(`there is no rate for ${row?.currency}`);
      return `${(row?.amount ?? 0) * rate} EUR`;
    },
    { value: string },
  )
  .to('euros');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const amounts = await millrace.topic('amounts', { key: string, value: string });
const euros = await millrace.topic('euros', { key: string, value: string });
await millrace.topic('failed-amounts', { key: string, value: string });
const streams = await millrace.streams({
  id: 'dead-letters',
  topology: builder.build(),
  onError: { deserialization: 'continue', processing: 'continue' },
  deadLetters: { topic: 'failed-amounts' },
});

await amounts.produce([
  { key: 'a', value: '{"amount":3,"currency":"EUR"}' },
  { key: 'b', value: '{"amount":5,"currency":"CHF"}' },
  { key: 'c', value: 'five francs' },
]);
await streams.awaitIdle();
for await (const record of millrace.consume('failed-amounts', { untilEnd: true, group: 'printed' })) {
  const letter = deadLetterOf(record);
  console.log(`${letter?.topic}/${letter?.partition} offset ${letter?.offset}, ${letter?.kind}: ${letter?.message}`);
}

rates.set('CHF', 1.05);
await millrace.replayDeadLetters('failed-amounts');
await streams.awaitIdle();
for await (const { key, value } of euros.consume({ untilEnd: true, group: 'printed' })) console.log(`${key}: ${value}`);
await streams.close();
await millrace.close();
