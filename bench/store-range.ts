/**
 * Claim: an ordered store of 1e6 entries over 1e4 keys reads at least 2,000,000 entries a second by range fetch, from
 * memory: 1.25 x BASE where BASE is 1,600,000.
 *
 * Orders are a time and a sequence, as those of a stream-stream join; entries arrive in order of time, over all keys in
 * turns. A fetch takes a key at random and half of its entries, every second one backward, and reads the first byte of
 * each order and value. The store has LevelDB behind it and is checkpointed; its memory limit is above its size.
 */

import { join } from 'node:path';
import { readOrderedI64, writeOrderedI64 } from '../base/index.ts';
import { installNative } from '../base/node/index.ts';
import { openLevelKv } from '../engine/stores/level-store.ts';
import { MemoryBudget } from '../engine/stores/memory-budget.ts';
import type { OrderedStateStore } from '../engine/stores/state-store.ts';
import { createStore } from '../engine/stores/store-kinds.ts';
import { open } from '../millrace.ts';
import { measureBase } from './base.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { schemas } from './records.ts';
import { createSource, fill, withDataDirectory } from './sql-path.ts';

const keys = 10_000;
const valueBytes = 50;
const start = 1_700_000_000_000;
const baseRecords = 200_000;
const entriesPerCommit = 10_000;
const commitsPerCheckpoint = 25;
const entriesPerRound = 5_000_000;

const key = new Uint8Array(8);
const setKey = (number: number): void => writeOrderedI64(key, 0, number);

const fillStore = async (store: OrderedStateStore, entries: number): Promise<void> => {
  const order = new Uint8Array(12);
  const value = new Uint8Array(valueBytes);
  for (let i = 0; i < entries; i++) {
    setKey(i % keys);
    writeOrderedI64(order, 0, start + i);
    value[0] = i;
    store.put(key, 0, 8, order, 0, 12, value, 0, value.length);
    if ((i + 1) % entriesPerCommit !== 0) continue;
    store.commit(i + 1);
    if ((i + 1) % (entriesPerCommit * commitsPerCheckpoint) === 0) await store.checkpoint();
  }
  store.commit(entries);
  await store.checkpoint();
};

/** Entries per second. */
const measureFetches = (store: OrderedStateStore, entries: number): number => {
  const cursor = store.cursor();
  const from = new Uint8Array(8);
  const to = new Uint8Array(8);
  let read = 0;
  let sum = 0;
  const started = performance.now();
  for (let fetch = 0; read < entriesPerRound; fetch++) {
    setKey((fetch * 7919) % keys);
    const begin = start + ((fetch * 104_729) % (entries / 2));
    writeOrderedI64(from, 0, begin);
    writeOrderedI64(to, 0, begin + entries / 2);
    if (fetch % 2 === 0) cursor.fetch(key, 0, 8, from, to);
    else cursor.fetchBackward(key, 0, 8, from, to);
    while (cursor.next()) {
      read++;
      sum += (cursor.valueBytes[cursor.orderStart] as number) + (cursor.valueBytes[cursor.valueStart] as number);
    }
  }
  const rate = read / ((performance.now() - started) / 1000);
  if (sum === 0) throw new Error('nothing was read');
  return rate;
};

/** A fetch of one key finds what was put, in order: a figure of a store that loses entries would mean nothing. */
const check = (store: OrderedStateStore, entries: number): void => {
  const cursor = store.cursor();
  setKey(7);
  cursor.fetch(key, 0, 8);
  let expected = start + 7;
  for (; cursor.next(); expected += keys) {
    if (readOrderedI64(cursor.valueBytes, cursor.orderStart) !== expected) throw new Error('an entry is missing');
  }
  if (expected < start + entries) throw new Error('entries are missing at the end');
};

const run = (directory: string, { records: entries, rounds }: Variant): Promise<readonly Round[]> =>
  withBase(directory, async (base) => {
    const kv = await openLevelKv(join(directory, 'store'));
    try {
      const store = createStore(
        { name: 'range', kind: 'ordered', retentionMs: entries * 2 },
        { kv, storeId: 1, memory: new MemoryBudget(2 ** 30) },
      );
      await store.open();
      await fillStore(store, entries);
      check(store, entries);
      const measured: Round[] = [];
      for (let round = 0; round <= rounds; round++) {
        const before = base();
        const value = measureFetches(store, entries);
        if (round > 0) measured.push({ value, base: (before + base()) / 2 });
      }
      await store.close();
      return measured;
    } finally {
      await kv.close();
    }
  });

/** Hands out a measurement of BASE over a topic of its own. */
const withBase = async <T>(directory: string, work: (base: () => number) => Promise<T>): Promise<T> => {
  const millrace = await open({ data: join(directory, 'base'), workers: 0 });
  try {
    await millrace.sql(createSource(schemas.narrow, 'source', 1));
    await fill(millrace, 'source', schemas.narrow, baseRecords, keys);
    const segments = await millrace.partitionDirectory('source', 0);
    return await work(() => measureBase(segments));
  } finally {
    await millrace.close();
  }
};

export const storeRange: Claim = {
  name: 'store-range',
  about: 'range fetches of an ordered store, 1e6 entries over 1e4 keys, from memory',
  unit: 'entries/s',
  asked: { atLeast: 1.25 },
  cores: 1,
  variants: false,
  run: (variant) => {
    installNative();
    return withDataDirectory((directory) => run(directory, variant));
  },
};
