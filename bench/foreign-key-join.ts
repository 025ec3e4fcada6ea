/** Claim: a table of a hundred thousand keys joined by a foreign key with a table of a thousand; the rows of the first
 *  change all the time, and keep their foreign keys, as orders keep their customers. Rows are text, as in
 *  `table-table-join.ts`. */

import { serdes } from '../engine/index.ts';
import { dslPathClaim } from './dsl-path.ts';
import { narrow } from './records.ts';

const KEYS = 100_000;
const FOREIGN_KEYS = 1000;

const encoder = new TextEncoder();

export const foreignKeyJoin = dslPathClaim({
  name: 'foreign-key-join',
  about: 'a table of 1e5 keys joined by a foreign key with one of 1e3, every result out, changelogs on',
  atLeast: 0.2,
  inputs: (records) => [
    { topic: 'orders', records, counted: true, record: (i) => narrow.record(i, KEYS) },
    {
      topic: 'customers',
      records: FOREIGN_KEYS,
      counted: false,
      // Older than every order.
      record: (i) => ({
        key: encoder.encode(String(i).padStart(3, '0')),
        value: encoder.encode(`customer ${i}`),
        timestamp: 0,
      }),
    },
  ],
  build(builder, sink) {
    const orders = builder.table('orders', { key: serdes.bytes, value: serdes.string });
    const customers = builder.table('customers', { key: serdes.string, value: serdes.string });
    orders
      .join(
        customers,
        // `{"id":1234,"user":"user_00012345",…`: the last three digits of the user.
        (order) => order.slice(29, 32),
        (order, customer) => `[${order},"${customer}"]`,
        { value: serdes.string },
      )
      .toStream()
      .to(sink);
  },
  // Of several changes of an order that are on their way at once only the last is joined.
  outputs: (records) => records / 100,
});
