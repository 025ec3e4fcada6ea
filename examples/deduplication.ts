/** Deduplication: events that a producer has sent twice within ten minutes go on once. */

import { open } from 'millrace';
import { Stores, StreamsBuilder, serdes } from 'millrace/engine';

const { json, string, uuid } = serdes;
const tenMinutes = 600_000;
const event = json<{ what: string }>();
const seen = Stores.window('seen', uuid, string, { retentionMs: tenMinutes });

const builder = new StreamsBuilder();
builder
  .stream('events', { key: uuid, value: event })
  .processValues<{ what: string }, readonly [typeof seen]>(
    (context) => {
      const store = context.getStateStore(seen);
      return {
        process(record) {
          const { key, timestamp } = record;
          if (key === null) return;
          const [before] = store.fetchRange(key, timestamp - tenMinutes, timestamp + tenMinutes);
          if (before !== undefined) return;
          store.put(key, '', timestamp);
          context.forward(record);
        },
      };
    },
    { stores: [seen], value: event },
  )
  .to('events-once');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const events = await millrace.topic('events', { key: uuid, value: event });
const once = await millrace.topic('events-once', { key: uuid, value: event });
const streams = await millrace.streams({ id: 'deduplication', topology: builder.build() });

const [first, second] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
const start = Date.UTC(2026, 0, 1);
await events.produce([
  { key: first, value: { what: 'paid' }, timestamp: start },
  { key: second, value: { what: 'sent' }, timestamp: start + 1000 },
  { key: first, value: { what: 'paid' }, timestamp: start + 2000 },
  // The same id again, but eleven minutes later.
  { key: first, value: { what: 'paid again' }, timestamp: start + 660_000 },
]);
await streams.awaitIdle();

for await (const { value } of once.consume({ untilEnd: true, group: 'printed' })) console.log(value?.what);
await streams.close();
await millrace.close();
