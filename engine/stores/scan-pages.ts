/**
 * Visiting the committed entries of an ordered store, in chunks, while the store goes on: as `scan.ts` does, by pages.
 *
 * While memory holds everything the trees of pages are visited one after the other, each from its first entry to its
 * last, by a cursor that finds its place again when pages were split between two chunks. Otherwise the scan sees one
 * moment: every page of level 0 that was due or stored at that moment is visited once, whatever tree it belongs to.
 *
 * Entries that are not in pages are copied when the scan begins, and come last. They are newer than all in pages; those
 * that go into pages meanwhile are told by their time.
 */

import { assert } from '../../base/index.ts';
import { checksumBytes, verifyChecksum } from './checksum.ts';
import { isPage, kinds, kvPrefixBytes, readTime } from './layout.ts';
import { committedPages, OrderCursor } from './order-cursor.ts';
import type { OrderedKv } from './ordered-kv.ts';
import { Page } from './pages.ts';
import { assertNotCleared, Bounds, bytesPerChunk, Chunk, copyDue, Delivery, entriesPerChunk, hashes } from './scan.ts';
import type { ScanRange, ScanVisitor } from './state-store.ts';
import type { StoreCore } from './store-core.ts';
import { endOfTreeKey } from './tree-key.ts';

/** `newest`: no committed entry in pages has a later time. */
export const scanPages = async (
  core: StoreCore,
  newest: number,
  range: ScanRange,
  visit: ScanVisitor,
): Promise<void> => {
  const delivery = new Delivery(visit, range.limit ?? Number.POSITIVE_INFINITY, core.scanChunkBytes ?? bytesPerChunk);
  const bounds = new PageBounds(core, range);
  const { kv } = core.stored;
  const recent = copyRecent(core, bounds);
  try {
    const from = await scanTrees(core, newest, bounds, delivery);
    if (kv !== undefined && !delivery.ended && from < hashes)
      await scanStored(core, newest, kv, bounds, delivery, from);
    await deliverCopy(core, recent, delivery);
  } catch (error) {
    throw core.stored.noted(error);
  }
};

/** Which trees have entries of the range, and which of their entries belong to it. */
class PageBounds extends Bounds {
  readonly #from: number;
  readonly #to: number;

  constructor(core: StoreCore, range: ScanRange) {
    const { fromWindow = Number.NEGATIVE_INFINITY, toWindow = Number.POSITIVE_INFINITY } = range;
    const { expiry } = core;
    assert(
      expiry !== undefined || (range.fromWindow === undefined && range.toWindow === undefined),
      'a store without times is not scanned by times',
    );
    super(core, Number.isFinite(fromWindow) && expiry ? { ...range, fromWindow: expiry.windowOf(fromWindow) } : range);
    this.#from = fromWindow;
    this.#to = toWindow;
  }

  hasTime(time: number): boolean {
    return time >= this.#from && time < this.#to;
  }
}

/** The committed entries that are not in pages. */
const copyRecent = ({ recent, expiry }: StoreCore, bounds: PageBounds): Chunk => {
  const copy = new Chunk();
  recent?.visitCommitted(
    expiry?.committedBelow ?? Number.NEGATIVE_INFINITY,
    (key, keyStart, keyEnd, { bytes, orderStart, valueStart, valueEnd }) => {
      if (bounds.hasKey(key, keyStart, keyEnd) && bounds.hasTime(readTime(bytes, orderStart)))
        copy.addOrdered(key, keyStart, keyEnd, bytes, orderStart, valueStart, valueEnd);
    },
  );
  return copy;
};

const deliverCopy = async (core: StoreCore, copy: Chunk, delivery: Delivery): Promise<void> => {
  const { table } = core;
  const { chunk } = delivery;
  const { bytes, keyStarts, keyEnds, orderStarts, valueStarts, valueEnds } = copy;
  for (let i = 0; i < copy.count && !delivery.ended; i++) {
    const [keyStart = 0, keyEnd = 0, orderStart = 0] = [keyStarts[i], keyEnds[i], orderStarts[i]];
    chunk.addOrdered(bytes, keyStart, keyEnd, bytes, orderStart, valueStarts[i] ?? 0, valueEnds[i] ?? 0);
    if (chunk.length <= delivery.chunkBytes && !delivery.full) continue;
    await delivery.deliver();
    assertNotCleared(core, table);
  }
  await delivery.deliver();
};

/** Visits the trees in memory while it holds everything; answers with the hash from which on it did not any more. */
const scanTrees = async (core: StoreCore, newest: number, bounds: PageBounds, delivery: Delivery): Promise<number> => {
  const { table } = core;
  const { chunk } = delivery;
  const cursor = new OrderCursor(core, committedPages(core));
  /** Of another time, newer than all that was in pages when the scan began, or expired since. */
  const isLeftOut = (bytes: Uint8Array, orderStart: number): boolean => {
    if (core.expiry === undefined) return false;
    const time = readTime(bytes, orderStart);
    return time > newest || time < core.expiry.committedBelow || !bounds.hasTime(time);
  };
  let from = 0;
  while (from < hashes && !delivery.ended && (core.complete || core.stored.kv === undefined)) {
    const trees: Uint8Array[] = [];
    from = table.visitHashes(from, hashes, (address) => {
      const bytes = table.bytesOf(address);
      const start = table.keyStart(address) + 1;
      const end = start - 1 + table.keyLength(address);
      if (table.kindOf(address) === kinds.data && bounds.has(bytes, start, end)) trees.push(bytes.slice(start, end));
      return true;
    });
    for (const key of trees) {
      cursor.fetchTree(key);
      while (!delivery.ended && cursor.next()) {
        const { valueBytes, orderStart, valueStart, valueEnd } = cursor;
        if (isLeftOut(valueBytes, orderStart)) continue;
        chunk.addOrdered(key, bounds.keySkip, key.length, valueBytes, orderStart, valueStart, valueEnd);
        if (chunk.length <= delivery.chunkBytes && !delivery.full) continue;
        await delivery.deliver();
        assertNotCleared(core, table);
      }
    }
    await delivery.deliver();
    assertNotCleared(core, table);
  }
  return from;
};

/** Visits the trees whose hash is `fromHash` or above, as they are committed now. */
const scanStored = async (
  core: StoreCore,
  newest: number,
  kv: OrderedKv,
  bounds: PageBounds,
  delivery: Delivery,
  fromHash: number,
): Promise<void> => {
  const { table } = core;
  const { chunk } = delivery;
  const page = new Page();
  const expiredBelow = core.expiry?.committedBelow ?? Number.NEGATIVE_INFINITY;
  const isChosen = (kind: number, bytes: Uint8Array, start: number, end: number): boolean => {
    if (!isPage(kind)) return false;
    const treeEnd = endOfTreeKey(kind === kinds.data, end);
    if (!bounds.has(bytes, start, treeEnd)) return false;
    return fromHash === 0 || table.hash(kinds.data, bytes, start, treeEnd) >>> 0 >= fromHash;
  };
  /** Visits the page in view, whose key is `key[start, end)` with the kind left out. */
  const visitPage = async (kind: number, key: Uint8Array, start: number, end: number): Promise<void> => {
    if (page.level > 0) return;
    const keyStart = start + bounds.keySkip;
    const keyEnd = endOfTreeKey(kind === kinds.data, end);
    for (let index = 0; index < page.count && !delivery.ended; index++) {
      page.at(index);
      if (core.expiry !== undefined) {
        const time = readTime(page.bytes, page.orderStart);
        if (time < expiredBelow || time > newest || !bounds.hasTime(time)) continue;
      }
      chunk.addOrdered(key, keyStart, keyEnd, page.bytes, page.orderStart, page.valueStart, page.valueEnd);
      if (chunk.length <= delivery.chunkBytes && !delivery.full) continue;
      await delivery.deliver();
      assertNotCleared(core, table);
    }
  };
  const due = copyDue(core, isChosen);
  const iterator = kv.iterate(core.stored.range());
  try {
    for (;;) {
      const entries = await iterator.next(entriesPerChunk);
      if (entries.length === 0 || delivery.ended) break;
      for (const [key, value] of entries) {
        const kind = key[kvPrefixBytes - 1] as number;
        if (!isChosen(kind, key, kvPrefixBytes, key.length)) continue;
        if (due.find(due.hash(kind, key, kvPrefixBytes, key.length), kind, key, kvPrefixBytes, key.length) !== 0)
          continue;
        verifyChecksum(key, value);
        page.set(value, 0, value.length - checksumBytes);
        await visitPage(kind, key, kvPrefixBytes, key.length);
      }
      await delivery.deliver();
      assertNotCleared(core, table);
    }
  } finally {
    await iterator.close();
  }
  for (let from = 0; from < hashes && !delivery.ended; ) {
    const pages: number[] = [];
    from = due.visitHashes(from, hashes, (address) => {
      if (due.valueLength(address) >= 0) pages.push(address);
      return true;
    });
    for (const address of pages) {
      const bytes = due.bytesOf(address);
      const keyStart = due.keyStart(address);
      const valueStart = due.valueStart(address);
      page.set(bytes, valueStart, valueStart + due.valueLength(address));
      await visitPage(due.kindOf(address), bytes, keyStart + 1, keyStart + due.keyLength(address));
    }
    await delivery.deliver();
  }
};
