/** A pattern over time, by a processor with a store and a punctuator: a card that is used in two countries within an
 *  hour is reported at once, and forgotten when it has not been used for a day. */

import { open } from 'millrace';
import { Stores, StreamsBuilder, serdes } from 'millrace/engine';

interface Payment {
  readonly country: string;
  readonly amount: number;
}

const { json, string } = serdes;
const payment = json<Payment>();
const hour = 3_600_000;
const lastUse = Stores.orderedKeyValue('last-use', string, json<{ country: string; time: number }>());

const builder = new StreamsBuilder();
builder
  .stream('payments', { key: string, value: payment })
  .processValues<string, readonly [typeof lastUse]>(
    (context) => {
      const store = context.getStateStore(lastUse);
      context.schedule(hour, 'stream time', (now) => {
        for (const [key, value] of store.all()) if (value.time < now - 24 * hour) store.delete(key);
      });
      return {
        process(record) {
          const { key, value, timestamp } = record;
          if (key === null || value === null) return;
          const last = store.get(key);
          store.put(key, { country: value.country, time: timestamp });
          if (last === undefined || last.country === value.country || timestamp - last.time > hour) return;
          context.forward(record.withValue(`${last.country}, then ${value.country} (${value.amount})`));
        },
      };
    },
    { stores: [lastUse], value: string },
  )
  .to('alarms');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const payments = await millrace.topic('payments', { key: string, value: payment });
const alarms = await millrace.topic('alarms', { key: string, value: string });
const streams = await millrace.streams({ id: 'fraud', topology: builder.build() });

const start = Date.UTC(2026, 0, 1);
const pay = (card: string, country: string, amount: number, hours: number) => ({
  key: card,
  value: { country, amount },
  timestamp: start + hours * hour,
});
await payments.produce([
  pay('4711', 'DE', 20, 0),
  pay('1234', 'FR', 5, 0.2),
  pay('4711', 'BR', 900, 0.5),
  pay('1234', 'ES', 80, 3),
  pay('4711', 'BR', 30, 30),
]);
await streams.awaitIdle();

for await (const { key, value } of alarms.consume({ untilEnd: true, group: 'printed' }))
  console.log(`${key}: ${value}`);
await streams.close();
await millrace.close();
