/** A foreign-key join: each order with the row of its product; both sides change, the result follows. */

import { open } from 'millrace';
import { StreamsBuilder, serdes } from 'millrace/engine';

interface Order {
  readonly product: string;
  readonly amount: number;
}

interface Product {
  readonly name: string;
  readonly price: number;
}

const { json, string } = serdes;
const builder = new StreamsBuilder();
const products = builder.table('products', { key: string, value: json<Product>(), store: 'products' });
const orders = builder.table('product-orders', { key: string, value: json<Order>(), store: 'orders' });
orders
  .join(
    products,
    ({ product }) => product,
    ({ amount }, { name, price }) => `${amount} x ${name} = ${amount * price}`,
    { value: string, store: 'priced' },
  )
  .toStream()
  .to('priced-orders');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const productTopic = await millrace.topic('products', { key: string, value: json<Product>() });
const orderTopic = await millrace.topic('product-orders', { key: string, value: json<Order>() });
const priced = await millrace.topic('priced-orders', { key: string, value: string });
const streams = await millrace.streams({ id: 'foreign-key', topology: builder.build() });

await productTopic.produce([
  { key: 'p1', value: { name: 'lamp', price: 20 } },
  { key: 'p2', value: { name: 'desk', price: 100 } },
]);
await orderTopic.produce([
  { key: 'o1', value: { product: 'p1', amount: 2 } },
  { key: 'o2', value: { product: 'p1', amount: 1 } },
  { key: 'o3', value: { product: 'p2', amount: 1 } },
]);
await streams.awaitIdle();
// A new price reaches all orders of the product; an order may change its product.
await productTopic.produce([{ key: 'p1', value: { name: 'lamp', price: 25 } }]);
await orderTopic.produce([{ key: 'o3', value: { product: 'p1', amount: 3 } }]);
await streams.awaitIdle();

const last = new Map<string | null, string | null>();
for await (const { key, value } of priced.consume({ untilEnd: true })) last.set(key, value);
for (const [order, text] of last) console.log(`${order}: ${text}`);
await streams.close();
await millrace.close();
