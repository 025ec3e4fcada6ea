/** The check of a whole checkpoint: whatever entry is missing, stale, back again or changed, it is found. */

import { describe, expect, test } from 'vitest';
import { GuardedKv } from '../../../engine/stores/guarded-kv.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { KvError, type OrderedKv } from '../../../engine/stores/ordered-kv.ts';
import type { StateStore } from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { allKinds, bytesOf, formOf, type Kind } from './forms.ts';

const everything = { from: Uint8Array.of(0), to: Uint8Array.of(255, 255, 255, 255, 255) };

const storeOn = (kind: Kind, kv: OrderedKv): StateStore =>
  createStore(formOf(kind).spec, { kv, storeId: 1, chunkEntries: 20, pageBytes: 120 });

/** Times of three windows, also of the ordered kind. */
const windowOfEntry = (i: number): number => (i % 3) * 50_000;

const put = (kind: Kind, store: StateStore, i: number, text: string): void => {
  const key = bytesOf(`key-${i}`);
  const value = bytesOf(text);
  formOf(kind).put(store, windowOfEntry(i), key, 0, key.length, [value, 0, value.length]);
};

/** Two checkpoints, the second of which changes, adds and removes; answers with what lies in the key-value store after
 *  each. */
const twoCheckpoints = async (kind: Kind): Promise<[Map<string, Uint8Array>, Map<string, Uint8Array>]> => {
  const kv = new MemoryKv();
  const store = storeOn(kind, kv);
  await store.open();
  for (let i = 0; i < 60; i++) put(kind, store, i, `first ${i}`);
  store.meta.set('time', 1);
  store.commit(60);
  await store.checkpoint();
  const first = await entriesOf(kv);
  for (let i = 40; i < 80; i++) put(kind, store, i, `second ${i}`);
  for (let i = 0; i < 10; i++) {
    const key = bytesOf(`key-${i}`);
    formOf(kind).delete(store, windowOfEntry(i), key, 0, key.length);
  }
  if ('expireBelow' in store && formOf(kind).timed) store.expireBelow(50_000);
  store.commit(120);
  await store.checkpoint();
  return [first, await entriesOf(kv)];
};

const entriesOf = async (kv: OrderedKv): Promise<Map<string, Uint8Array>> => {
  const entries = await kv.iterate(everything).next(1_000);
  return new Map(entries.map(([key, value]) => [String.fromCharCode(...key), value]));
};

/** What a store that starts on these entries finds. Without a position nothing of a checkpoint counts. */
const findingOf = async (
  kind: Kind,
  entries: ReadonlyMap<string, Uint8Array>,
): Promise<'whole' | 'damaged' | 'no position'> => {
  const store = storeOn(kind, new MemoryKv({}, entries));
  try {
    const { position } = await store.open();
    if (position === undefined) return 'no position';
    await store.verify();
    return 'whole';
  } catch (error) {
    expect(error).toBeInstanceOf(KvError);
    expect((error as KvError).kind).toBe('corrupt');
    expect(store.damage).toBe((error as KvError).message);
    return 'damaged';
  }
};

const findsDamage = async (kind: Kind, entries: ReadonlyMap<string, Uint8Array>): Promise<boolean> =>
  (await findingOf(kind, entries)) !== 'whole';

/** Data of expired windows may lie there, or not. */
const isExpired = (kind: Kind, key: string): boolean =>
  formOf(kind).timed && [0, 3, 6].includes(key.charCodeAt(4)) && key.slice(5, 13) < windowKey(50_000);
const windowKey = (start: number): string => String.fromCharCode(0x80, 0, 0, 0, 0, 0, start >> 8, start & 0xff);

describe.each(allKinds)('the check of a %s store', (kind) => {
  test('passes what was written', async () => {
    for (const entries of await twoCheckpoints(kind)) expect(await findsDamage(kind, entries)).toBe(false);
  });

  test('finds each entry that is missing, and each that has a flipped bit', async () => {
    const [, entries] = await twoCheckpoints(kind);
    for (const [key, value] of entries) {
      const without = new Map(entries);
      without.delete(key);
      expect(await findsDamage(kind, without), `without ${JSON.stringify(key)}`).toBe(!isExpired(kind, key));
      const flipped = Uint8Array.from(value);
      flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] as number) ^ 4;
      expect(await findsDamage(kind, new Map(entries).set(key, flipped)), `flipped ${JSON.stringify(key)}`).toBe(true);
    }
  });

  test('finds each entry that is older than its checkpoint, was deleted, or stands under another key', async () => {
    const [first, entries] = await twoCheckpoints(kind);
    let stale = 0;
    for (const [key, value] of first) {
      const now = entries.get(key);
      if (now !== undefined && String.fromCharCode(...now) === String.fromCharCode(...value)) continue;
      stale++;
      // An older position only means that more is replayed.
      const harmless = key.charCodeAt(4) === 4 || isExpired(kind, key);
      expect(await findsDamage(kind, new Map(entries).set(key, value)), `stale ${JSON.stringify(key)}`).toBe(!harmless);
    }
    expect(stale).toBeGreaterThan(15);
    const [a, b] = [...entries.keys()].filter((key) => key.charCodeAt(4) === 0 && !isExpired(kind, key)) as [
      string,
      string,
    ];
    const moved = new Map(entries).set(a, entries.get(b) as Uint8Array);
    expect(await findsDamage(kind, moved)).toBe(true);
  });
});

test('a database that is written on after a failed write has a hole, and the check finds it; a guarded one has none', async () => {
  const histories = async (guard: (kv: OrderedKv) => OrderedKv): Promise<number> => {
    let damaged = 0;
    for (let failAt = 1; failAt < 8; failAt++) {
      for (let rolls = 0; rolls < 6; rolls++) {
        let writes = 0;
        const kv = new MemoryKv({
          beforeWrite: async () => {
            // Two calls for each write: before it takes effect, and before it answers.
            if (writes++ === failAt * 2) throw new KvError('full', 'no space left');
          },
        });
        const store = storeOn('key-value', guard(kv));
        await store.open();
        for (let round = 0; round < 4; round++) {
          for (let i = 0; i < 60; i++) put('key-value', store, i, `${round}`);
          store.commit(60 * (round + 1));
          await store.checkpoint().catch(() => {});
        }
        let asked = 0;
        const crashed = kv.crash(() => asked++ === rolls);
        if ((await findingOf('key-value', await entriesOf(crashed))) === 'damaged') damaged++;
      }
    }
    return damaged;
  };
  expect(await histories((kv) => kv)).toBeGreaterThan(0);
  expect(await histories((kv) => new GuardedKv(kv))).toBe(0);
});
