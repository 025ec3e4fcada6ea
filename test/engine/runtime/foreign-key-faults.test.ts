/**
 * A join by a foreign key under faults, of left rows that have another partner most of the time: no result shows an
 * earlier right row than a result before it of the same rows, whatever a transaction that was undone had come to.
 */

import { describe, expect } from 'vitest';
import { partitionOfKey } from '../../../base/index.ts';
import type { Log } from '../../../storage/index.ts';
import { type History, testWithFaults } from './fault-history.ts';
import { consume, lastOf, produce, utf8 } from './support.ts';

const topics = { orders: 2, customers: 3, notes: 2, ordered: 2, bought: 2, noted: 2, spent: 2, problems: 1 };

/** Results `customer/amount/nameN` that show an earlier name of their customer than a result before them of the key. */
const steppedBack = (results: Awaited<ReturnType<typeof consume>>): string[] => {
  const latest = new Map<string, number>();
  const found: string[] = [];
  for (const { key, value } of results) {
    const [customer, , name] = value?.split('/') ?? [];
    if (name === undefined || name === '-') continue;
    const of = `${key} with ${customer}`;
    const version = Number(name.slice('name'.length));
    const before = latest.get(of) ?? 0;
    if (version < before) found.push(`${of}: name${before}, name${version}`);
    latest.set(of, version);
  }
  return found;
};

const history = (): History => {
  const orders = new Map<string, string>();
  const customers = new Map<string, string>();
  let time = 0;
  let named = 0;
  const put = async (log: Log, topic: 'orders' | 'customers', key: string, value: string): Promise<void> => {
    const bytes = utf8(key);
    const partition = partitionOfKey(bytes, 0, bytes.length, topics[topic]);
    await produce(log, topic, partition, [{ key, value, timestamp: time++ }]);
    (topic === 'orders' ? orders : customers).set(key, value);
  };
  return {
    plans: { orders: { name: 'orders' } },
    rounds: 24,
    async prepare(log) {
      for (const [name, partitions] of Object.entries(topics)) await log.createTopic({ name, partitions });
    },
    async round(_round, log, random) {
      for (let i = random.below(12); i >= 0; i--) {
        if (random.chance(0.4)) await put(log, 'customers', `c${random.below(3)}`, `name${++named}`);
        else await put(log, 'orders', `o${random.below(6)}`, `c${random.below(3)}/${random.below(50)}`);
      }
    },
    async check(log) {
      const expected = Object.fromEntries(
        [...orders].map(([key, order]) => [key, `${order}/${customers.get(order.split('/')[0] ?? '') ?? '-'}`]),
      );
      const ordered = await consume(log, 'ordered');
      expect(lastOf(ordered)).toEqual(expected);
      for (const results of [ordered, await consume(log, 'bought')]) expect(steppedBack(results)).toEqual([]);
    },
  };
};

describe('a join by a foreign key', () => {
  testWithFaults(history);
});
