/** Opening shards: what fails while a database is read must not leave it open, since its lock would keep the next
 *  attempt out. */

import { expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { Shards } from '../../../engine/runtime/shards.ts';
import { KvError, type OrderedKv } from '../../../engine/stores/ordered-kv.ts';

/** A shard whose every read finds damage; counts what is open. */
const damaged = (): { readonly open: () => Promise<OrderedKv>; opened: number; closed: number; condemned: number } => {
  const counts = {
    opened: 0,
    closed: 0,
    condemned: 0,
    open: async (): Promise<OrderedKv> => {
      counts.opened++;
      const fail = (): never => {
        throw new KvError('corrupt', 'a block is damaged');
      };
      return {
        getSync: fail,
        iterate: fail,
        batch: fail,
        clear: async () => fail(),
        condemn: async () => {
          counts.condemned++;
        },
        close: async () => {
          counts.closed++;
        },
      } as unknown as OrderedKv;
    },
  };
  return counts;
};

test('a shard that is damaged again after it was condemned is closed, and can be tried again', async () => {
  const kv = damaged();
  const shards = new Shards({ open: kv.open, timers: new ManualClock(0), damaged: () => {}, end: () => {} });
  await expect(shards.use(0, 'query')).rejects.toThrow('damaged');
  expect(kv).toMatchObject({ opened: 2, condemned: 2, closed: 2 });
  await expect(shards.use(0, 'query')).rejects.toThrow('damaged');
  expect(kv).toMatchObject({ opened: 4, closed: 4 });
});
