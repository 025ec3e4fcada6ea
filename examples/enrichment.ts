/** Enrichment: each order gets its customer's row, as it was at the time of the order. */

import { open } from 'millrace';
import { StreamsBuilder, serdes } from 'millrace/engine';

interface Order {
  readonly item: string;
  readonly amount: number;
}

interface Customer {
  readonly name: string;
  readonly city: string;
}

const { json, string } = serdes;
const builder = new StreamsBuilder();
const customers = builder.table('customers', {
  key: string,
  value: json<Customer>(),
  versioned: { historyMs: 24 * 3_600_000 },
});
builder
  .stream('orders', { key: string, value: json<Order>() })
  .leftJoin(
    customers,
    (order, customer) => ({ ...order, to: customer?.city ?? 'unknown', name: customer?.name ?? null }),
    {
      value: json(),
    },
  )
  .to('enriched');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const people = await millrace.topic('customers', { key: string, value: json<Customer>() });
const orders = await millrace.topic('orders', { key: string, value: json<Order>() });
const enriched = await millrace.topic('enriched', {
  key: string,
  value: json<Order & { to: string; name: string | null }>(),
});
const streams = await millrace.streams({ id: 'enrichment', topology: builder.build() });

const start = Date.UTC(2026, 0, 1);
await people.produce([
  { key: 'c1', value: { name: 'Ann', city: 'Ulm' }, timestamp: start },
  { key: 'c1', value: { name: 'Ann', city: 'Bern' }, timestamp: start + 60_000 },
]);
await orders.produce([
  // It comes after Ann has moved, but was ordered before.
  { key: 'c1', value: { item: 'lamp', amount: 1 }, timestamp: start + 30_000 },
  { key: 'c1', value: { item: 'chair', amount: 4 }, timestamp: start + 90_000 },
  { key: 'c2', value: { item: 'desk', amount: 1 }, timestamp: start + 95_000 },
]);
await streams.awaitIdle();

for await (const { value } of enriched.consume({ untilEnd: true, group: 'printed' }))
  console.log(`${value?.amount} ${value?.item} to ${value?.name ?? 'somebody'} in ${value?.to}`);
await streams.close();
await millrace.close();
