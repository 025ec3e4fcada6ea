/** A checkpoint that a crash interrupts at any write of the key-value store, with stepping, commits and rollbacks in
 *  between. */

import { expect, test } from 'vitest';
import { KvError } from '../../../engine/stores/ordered-kv.ts';
import { formOf } from './forms.ts';
import { allKinds, type Kind, World } from './world.ts';

/** The same history each time: three checkpoints, each with the world going on while it is written. Dies before the
 *  write `crashAt`. */
const history = async (kind: Kind, crashAt: number, survives: () => boolean): Promise<boolean> => {
  const world = new World(kind, { kv: true, memoryLimitBytes: 2_000, slow: true });
  await world.store.open();
  // Pages of ordered stores hold several entries.
  const entries = world.store.kind === 'ordered' ? 150 : 60;
  let value = 0;
  const put = (i: number): void =>
    world.put({ window: formOf(kind).timed ? (i % 5) * 1000 : 0, key: `key-${i}` }, `${value++}`);
  let steps = 0;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < entries; i++) put(i);
    world.setMeta('round', round);
    world.commit();
    world.startCheckpoint();
    while (world.checkpoint !== undefined) {
      if (steps++ === crashAt) {
        put(1);
        await world.crash(survives);
        await world.check();
        return true;
      }
      put(steps % 7);
      put(10_000 + steps);
      world.delete({ window: formOf(kind).timed ? 1000 : 0, key: `key-${(steps % 50) * 5 + 1}` });
      if (formOf(kind).timed && round === 1) world.expireBelow(1000);
      if (steps % 3 === 0) world.rollback();
      else if (steps % 3 === 1) world.commit();
      await world.advance(1);
    }
  }
  await world.crash(survives);
  await world.check();
  return false;
};

test.each(allKinds)('a %s store crashed at any write of a checkpoint comes back as it was committed', async (kind) => {
  let crashes = 0;
  for (const survives of [() => true, () => false]) {
    for (let crashAt = 0; ; crashAt++, crashes++) if (!(await history(kind, crashAt, survives))) break;
  }
  expect(crashes).toBeGreaterThan(100);
});

test.each(allKinds)(
  'a %s store whose checkpoint cannot read what it replaces keeps to what is committed',
  async (kind) => {
    let failures = 0;
    for (let failing = 1; failing <= 6; failing++) {
      for (let crashAt = 0; crashAt < 6; crashAt++) {
        const world = new World(kind, { kv: true, memoryLimitBytes: 4_000, slow: true });
        await world.store.open();
        const at = (i: number) => ({ window: formOf(kind).timed ? (i % 5) * 1000 : 0, key: `key-${i}` });
        for (let i = 0; i < 12; i++) world.put(at(i), `first ${i}`);
        world.setMeta('round', 0);
        world.commit();
        world.startCheckpoint();
        await world.finishCheckpoint();
        // Behind it a put reads nothing, so the checkpoint has to read what it replaces.
        await world.crash(() => true);
        for (const i of [0, 1]) world.delete(at(i));
        for (const i of [10, 13, 16, 19]) world.put(at(i), `second ${i}`);
        if (formOf(kind).timed) world.expireBelow(1000);
        world.setMeta('round', 1);
        world.commit();
        const { kv } = world;
        if (kv === undefined) throw new Error('the store has no key-value store');
        const read = kv.getSync.bind(kv);
        let reads = 0;
        kv.getSync = (key) => {
          if (++reads === failing) throw new KvError('failed', 'the disk cannot be read');
          return read(key);
        };
        world.startCheckpoint();
        await new Promise((resolve) => setImmediate(resolve));
        if (reads >= failing) failures++;
        kv.getSync = read;
        for (let i = 100; i < 120; i++) world.put(at(i), `third ${i}`);
        world.commit();
        await world.finishCheckpoint();
        await world.check();
        world.startCheckpoint();
        for (let writes = 0; writes < crashAt; writes++) await world.advance(1);
        if (crashAt === 5) await world.finishCheckpoint();
        await world.check();
        await world.crash(() => false);
        await world.check();
      }
    }
    // Pages are always read before they are changed.
    expect(failures > 0).toBe(kind !== 'ordered');
  },
);
