/**
 * Joins and groupings of tables under faults: by a foreign key between topics of different numbers of partitions, by
 * key, and grouped. What is committed in the end is what a loop over the last rows computes.
 */

import { describe, expect } from 'vitest';
import { partitionOfKey, type Random } from '../../../base/index.ts';
import type { Log } from '../../../storage/index.ts';
import { type History, testWithFaults } from './fault-history.ts';
import { consume, lastOf, produce, utf8 } from './support.ts';

/** Rows of the global table are there before anything starts, but that of `live` changes all the time. */
const pages = ['a', 'b', 'c', 'd', 'live'];
const topics = {
  visits: 2,
  pages: 3,
  titled: 2,
  orders: 2,
  customers: 3,
  notes: 2,
  ordered: 2,
  bought: 2,
  noted: 2,
  spent: 2,
  problems: 1,
};
type Input = 'orders' | 'customers' | 'notes';

const history = (): History => {
  const tables = {
    orders: new Map<string, string>(),
    customers: new Map<string, string>(),
    notes: new Map<string, string>(),
  };
  let time = 0;
  const put = async (log: Log, topic: Input, key: string, value: string | null): Promise<void> => {
    const bytes = utf8(key);
    const partition = partitionOfKey(bytes, 0, bytes.length, topics[topic]);
    await produce(log, topic, partition, [{ key, value, timestamp: time++ }]);
    if (value === null) tables[topic].delete(key);
    else tables[topic].set(key, value);
  };
  const visits: string[] = [];
  let visited = 0;
  let version = 0;
  const title = async (log: Log, page: string, of: number): Promise<void> => {
    const partition = partitionOfKey(utf8(page), 0, page.length, topics.pages);
    await produce(log, 'pages', partition, [{ key: page, value: `title${of}`, timestamp: 0 }]);
  };
  const change = async (log: Log, random: Random): Promise<void> => {
    const gone = random.chance(0.2);
    const order = `o${random.below(6)}`;
    switch (random.below(4)) {
      case 0:
        return put(log, 'customers', `c${random.below(4)}`, gone ? null : `name${random.below(100)}`);
      case 1:
        return put(log, 'notes', order, gone ? null : `note${random.below(100)}`);
      default: {
        // Most orders stay with their customer.
        const former = tables.orders.get(order)?.split('/')[0];
        const other = random.chance(0.1) ? '' : `c${random.below(5)}`;
        const customer = former !== undefined && random.chance(0.7) ? former : other;
        return put(log, 'orders', order, gone ? null : `${customer}/${random.below(50)}`);
      }
    }
  };
  return {
    plans: { orders: { name: 'orders' }, titled: { name: 'titled' } },
    rounds: 12,
    async prepare(log) {
      for (const [name, partitions] of Object.entries(topics)) await log.createTopic({ name, partitions });
      for (const page of pages) await title(log, page, 0);
    },
    async round(_round, log, random) {
      for (let i = random.below(30); i >= 0; i--) await change(log, random);
      for (const partition of [0, 1]) {
        const value = random.pick(pages);
        await produce(log, 'visits', partition, [{ key: `v${visited++}`, value, timestamp: time++ }]);
        visits.push(value);
      }
      await title(log, 'live', ++version);
    },
    async check(log, runtime) {
      const { orders, customers, notes } = tables;
      const ordered: Record<string, string> = {};
      const bought: Record<string, string> = {};
      const spent = new Map<string, number>();
      for (const [key, order] of orders) {
        const [customer = '', amount] = order.split('/');
        const name = customers.get(customer);
        ordered[key] = `${order}/${name ?? '-'}`;
        if (name !== undefined) bought[key] = `${order}/${name}`;
        if (customer !== '') spent.set(customer, (spent.get(customer) ?? 0) + Number(amount));
      }
      const noted: Record<string, string> = {};
      for (const key of [...orders.keys(), ...notes.keys()])
        noted[key] = `${orders.get(key) ?? '-'}~${notes.get(key) ?? '-'}`;
      expect(lastOf(await consume(log, 'ordered'))).toEqual(ordered);
      expect(lastOf(await consume(log, 'bought'))).toEqual(bought);
      expect(lastOf(await consume(log, 'noted'))).toEqual(noted);
      const sums = Object.entries(lastOf(await consume(log, 'spent'))).filter(([, sum]) => sum !== '0');
      expect(Object.fromEntries(sums)).toEqual(
        Object.fromEntries([...spent].filter(([, sum]) => sum !== 0).map(([key, sum]) => [key, String(sum)])),
      );
      const kept: Record<string, string> = {};
      for await (const page of runtime.scan('orders', 'ordered')) {
        for (const { key, value } of page) {
          const text = new TextDecoder();
          kept[text.decode(key)] = text.decode(value.subarray(8));
        }
      }
      expect(kept).toEqual(ordered);
      // Each visit once, and none without the title that was there from the beginning.
      const titled = await consume(log, 'titled');
      expect(titled.map(({ key }) => key).sort()).toEqual(visits.map((_, at) => `v${at}`).sort());
      for (const { key, value } of titled) {
        const page = visits[Number(key?.slice(1))];
        if (page === 'live') expect(value).toMatch(/^live=title\d+$/);
        else expect(value).toBe(`${page}=title0`);
      }
    },
  };
};

describe('tables, and a global one', () => {
  testWithFaults(history);
});
