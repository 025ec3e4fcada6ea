/** A checkpoint that a crash interrupts at any write of the key-value store, with stepping, commits and rollbacks in
 *  between. */

import { expect, test } from 'vitest';
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
