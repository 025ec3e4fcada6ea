/** What a restored store holds when its changelog is compacted meanwhile. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { type RestoreSource, restoreStore } from '../../../engine/runtime/restore.ts';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import type { KeyValueStateStore, StateStore } from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { type FileLog, openFileLog } from '../../../storage/file-log/index.ts';
import { encodeBatch, type PlainRecord } from '../../../storage/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { text, utf8 } from './support.ts';

const changelog = { topic: 'changelog', partition: 0 };

const openLog = (): Promise<FileLog> => {
  const files = new FaultyFiles();
  files.mkdir('/data');
  const clock = new ManualClock(1_700_000_000_000);
  const timers = { after: (_: number, run: () => void) => (setImmediate(run), () => {}) };
  return openFileLog({ directory: '/data/log', files, clock, timers, random: new Random(3) });
};

const newStore = (): KeyValueStateStore =>
  createStore(
    { name: 'store', kind: 'key-value' },
    { kv: undefined, storeId: 0, memory: new MemoryBudget(1 << 20), hashSeed: 1 },
  );

const entriesOf = async (store: StateStore): Promise<string[]> => {
  const found: string[] = [];
  await store.scanCommitted({}, ({ count, bytes, keyStarts, keyEnds, valueStarts, valueEnds }) => {
    for (let i = 0; i < count; i++) {
      found.push(`${text(bytes.slice(keyStarts[i], keyEnds[i]))}=${text(bytes.slice(valueStarts[i], valueEnds[i]))}`);
    }
  });
  return found.sort();
};

test('a key that was deleted is not brought back when compaction drops its deletion while the store is restored', async () => {
  const log = await openLog();
  log.housekeeping.suspended = true;
  const configs = {
    'cleanup.policy': 'compact',
    'delete.retention.ms': '9223372036854775807',
    'min.cleanable.dirty.ratio': '0',
    'segment.bytes': '1024',
  };
  await log.createTopic({ name: 'changelog', partitions: 1, configs });
  const producer = await log.producer();
  const former = newStore();
  await former.open();
  /** Writes an entry to the changelog; `null` deletes it. */
  const write = async (key: string, value: string | null): Promise<void> => {
    const [keyBytes, valueBytes] = [utf8(key), utf8(value ?? '')];
    if (value === null) former.delete(keyBytes, 0, keyBytes.length);
    else former.put(keyBytes, 0, keyBytes.length, valueBytes, 0, valueBytes.length);
    const entries: PlainRecord[] = [];
    former.writeChangelog((bytes, from, to, values, valueFrom, valueTo) => {
      entries.push({ key: bytes.slice(from, to), value: valueFrom < 0 ? null : values.slice(valueFrom, valueTo) });
    });
    const { nextOffset } = await producer.append(changelog, encodeBatch(entries), 'append');
    former.commit(nextOffset);
  };
  await write('deleted', 'old');
  for (let i = 0; i < 30; i++) await write(`key-${i}`, 'x'.repeat(60));
  await write('deleted', null);
  for (let i = 0; i < 30; i++) await write(`key-${i}`, 'y');
  // Another thread has a checkpoint of all of this, and its task moves here.
  const { end } = await log.offsets(changelog);
  await log.releaseTombstones(changelog, end);
  const store = newStore();
  let compacted = false;
  const rebuilt: string[] = [];
  const source: RestoreSource = {
    queryId: 'q',
    log,
    ...changelog,
    store,
    leastEnd: end,
    breathe: async () => {
      if (compacted) return;
      compacted = true;
      await log.housekeeping.run();
    },
    rebuilt: (why) => rebuilt.push(why),
    progress: () => {},
    ended: () => false,
  };
  await restoreStore(source);
  expect(await log.deletionsKeptFrom(changelog)).toBeGreaterThan(0);
  expect(await entriesOf(store)).toEqual(Array.from({ length: 30 }, (_, i) => `key-${i}=y`).sort());
  expect(rebuilt).toEqual([expect.stringContaining('were compacted away while its changelog was read')]);
  await store.close();
  await log.close();
});
