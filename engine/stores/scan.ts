/**
 * Visiting the committed entries of a store, in chunks, while the store goes on.
 *
 * A complete store is visited by ranges of hashes, one sub-table at a time: a key that stays is visited once, with the
 * value that is committed at that moment. Otherwise the scan sees one moment: what is due at that moment is copied (at
 * most what lies between two checkpoints), an iterator over the key-value store as it is at that moment is opened, and
 * what both have counts from the copy. A store that evicts its first entry while its memory is visited is read in the
 * second way from there on: the hashes not visited yet.
 *
 * A scan of a store that is cleared meanwhile fails: it could only show a part.
 *
 * While a complete store is scanned with a visitor that answers at once, nothing else runs on the thread: one that
 * serves a large scan should await a turn of the event loop between chunks.
 */

import { ByteWriter, compareBytes } from '../../base/index.ts';
import { wasAbsent } from './change-list.ts';
import { checksumBytes, verifyChecksum } from './checksum.ts';
import { FlatTable, flags } from './flat-table.ts';
import { kinds, kvPrefixBytes, readTime, timeBytes, writeTime } from './layout.ts';
import { KvError, type KvRange, type OrderedKv } from './ordered-kv.ts';
import type { ScanChunk, ScanRange, ScanVisitor } from './state-store.ts';
import type { StoreCore } from './store-core.ts';

export const bytesPerChunk = 1 << 20;
export const entriesPerChunk = 1_000;
/** One more than the largest unsigned hash. */
export const hashes = 2 ** 32;

const noBytes = new Uint8Array(0);

export class Chunk implements ScanChunk {
  count = 0;
  keyStarts = new Int32Array(64);
  keyEnds = new Int32Array(64);
  valueStarts = new Int32Array(64);
  valueEnds = new Int32Array(64);
  windowStarts = new Float64Array(64);
  orderStarts = new Int32Array(64);
  orderEnds = new Int32Array(64);
  readonly #writer = new ByteWriter(4096);

  get bytes(): Uint8Array {
    return this.#writer.buffer;
  }

  get length(): number {
    return this.#writer.length;
  }

  reset(): void {
    this.count = 0;
    this.#writer.reset();
  }

  add(
    windowStart: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (this.count === this.keyStarts.length) this.#grow();
    const index = this.count++;
    const at = this.#writer.length;
    this.windowStarts[index] = windowStart;
    this.orderStarts[index] = this.orderEnds[index] = at;
    this.keyStarts[index] = at;
    this.keyEnds[index] = at + keyEnd - keyStart;
    this.valueStarts[index] = at + keyEnd - keyStart;
    this.valueEnds[index] = at + keyEnd - keyStart + valueEnd - valueStart;
    this.#writer.bytes(key, keyStart, keyEnd);
    this.#writer.bytes(value, valueStart, valueEnd);
  }

  /** An entry of an ordered store: the order and behind it the value are `bytes[orderStart, valueEnd)`. */
  addOrdered(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    bytes: Uint8Array,
    orderStart: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.add(0, key, keyStart, keyEnd, bytes, orderStart, valueEnd);
    const index = this.count - 1;
    const order = this.valueStarts[index] as number;
    this.orderStarts[index] = order;
    this.orderEnds[index] = this.valueStarts[index] = order + valueStart - orderStart;
  }

  #grow(): void {
    const grown = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const size = this.keyStarts.length * 2;
    this.keyStarts = grown(this.keyStarts, new Int32Array(size));
    this.keyEnds = grown(this.keyEnds, new Int32Array(size));
    this.valueStarts = grown(this.valueStarts, new Int32Array(size));
    this.valueEnds = grown(this.valueEnds, new Int32Array(size));
    this.windowStarts = grown(this.windowStarts, new Float64Array(size));
    this.orderStarts = grown(this.orderStarts, new Int32Array(size));
    this.orderEnds = grown(this.orderEnds, new Int32Array(size));
  }
}

/** Collects entries into a chunk and gives it to the visitor when it is full. */
export class Delivery {
  readonly chunk = new Chunk();
  readonly chunkBytes: number;
  readonly #visit: ScanVisitor;
  #left: number;
  ended = false;

  constructor(visit: ScanVisitor, limit: number, chunkBytes: number) {
    this.chunkBytes = chunkBytes;
    this.#visit = visit;
    this.#left = limit;
    this.ended = limit <= 0;
  }

  /** No more entries of this chunk would be delivered. */
  get full(): boolean {
    return this.chunk.count >= this.#left;
  }

  async deliver(): Promise<void> {
    if (this.chunk.count === 0 || this.ended) return;
    this.#left -= this.chunk.count;
    const goOn = await this.#visit(this.chunk);
    if (goOn === false || this.#left <= 0) this.ended = true;
    this.chunk.reset();
  }
}

/** Where the operator's key begins behind the kind byte, and whether an entry's key lies in the range. */
export class Bounds {
  readonly keySkip: number;
  readonly #range: ScanRange;
  readonly #fromWindow: number;
  readonly #toWindow: number;

  constructor(core: StoreCore, range: ScanRange) {
    this.#range = range;
    this.keySkip = core.expiry === undefined ? 0 : timeBytes;
    this.#fromWindow = Math.max(
      range.fromWindow ?? Number.NEGATIVE_INFINITY,
      core.expiry?.committedWindow ?? Number.NEGATIVE_INFINITY,
    );
    this.#toWindow = range.toWindow ?? Number.POSITIVE_INFINITY;
  }

  /** `bytes[start, end)` without the kind byte. */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.keySkip > 0) {
      const windowStart = readTime(bytes, start);
      if (windowStart < this.#fromWindow || windowStart >= this.#toWindow) return false;
    }
    return this.hasKey(bytes, start + this.keySkip, end);
  }

  /** The same of an operator's key. */
  hasKey(bytes: Uint8Array, keyStart: number, end: number): boolean {
    const { from, to } = this.#range;
    if (from !== undefined && compareBytes(bytes, keyStart, end, from, 0, from.length) < 0) return false;
    return to === undefined || compareBytes(bytes, keyStart, end, to, 0, to.length) < 0;
  }

  /** The part of the key-value store that may hold entries of the range. */
  kvRange(core: StoreCore): KvRange {
    const all = core.stored.range(kinds.data);
    const { from, to } = this.#range;
    if (this.keySkip === 0) {
      return {
        from: from === undefined ? all.from : core.stored.key(kinds.data, from, 0, from.length).slice(),
        to: to === undefined ? all.to : core.stored.key(kinds.data, to, 0, to.length).slice(),
      };
    }
    const window = (windowStart: number): Uint8Array => {
      const key = new Uint8Array(timeBytes);
      writeTime(key, 0, windowStart);
      return core.stored.key(kinds.data, key, 0, timeBytes).slice();
    };
    return {
      from: Number.isFinite(this.#fromWindow) ? window(this.#fromWindow) : all.from,
      to: Number.isFinite(this.#toWindow) ? window(this.#toWindow) : all.to,
    };
  }
}

export const scanCommitted = async (core: StoreCore, range: ScanRange, visit: ScanVisitor): Promise<void> => {
  const delivery = new Delivery(visit, range.limit ?? Number.POSITIVE_INFINITY, core.scanChunkBytes ?? bytesPerChunk);
  const bounds = new Bounds(core, range);
  const { kv } = core.stored;
  const from = kv === undefined || core.complete ? await scanMemory(core, bounds, delivery) : 0;
  if (kv !== undefined && !delivery.ended && from < hashes) {
    try {
      // What has expired meanwhile is not in memory any more, but the key-value store may have it still.
      await scanBoth(core, kv, new Bounds(core, range), delivery, from);
    } catch (error) {
      throw core.stored.noted(error);
    }
  }
};

/** Visits memory while it holds everything; answers with the hash from which on it did not any more. */
const scanMemory = async (core: StoreCore, bounds: Bounds, delivery: Delivery): Promise<number> => {
  const { table } = core;
  let from = 0;
  while (from < hashes && !delivery.ended && core.complete) {
    from = collect(table, from, bounds, delivery, (address) => addCommitted(core, address, bounds, delivery.chunk));
    await delivery.deliver();
    assertNotCleared(core, table);
  }
  return from;
};

export const assertNotCleared = (core: StoreCore, table: FlatTable): void => {
  if (core.table !== table) throw new KvError('failed', 'the store was cleared while it was scanned');
};

/** Collects the entries of one range of hashes, narrowed until its values fit a chunk; answers with the hash to go on
 *  from. */
const collect = (
  table: FlatTable,
  from: number,
  bounds: Bounds,
  delivery: Delivery,
  add: (address: number) => void,
): number => {
  const { chunk, chunkBytes } = delivery;
  for (let to = hashes; ; ) {
    let fits = true;
    chunk.reset();
    const next = table.visitHashes(from, to, (address) => {
      const keyStart = table.keyStart(address);
      const bytes = table.bytesOf(address);
      if (bytes[keyStart] !== kinds.data || !bounds.has(bytes, keyStart + 1, keyStart + table.keyLength(address)))
        return true;
      add(address);
      if (chunk.length > chunkBytes && chunk.count > 1) fits = false;
      return fits && !delivery.full;
    });
    if (fits || next - from <= 1) return next;
    to = from + Math.floor((next - from) / 2);
  }
};

/** Adds an entry as it is committed, if it is. */
const addCommitted = (core: StoreCore, address: number, bounds: Bounds, chunk: Chunk): void => {
  const { table, changes } = core;
  let bytes = table.bytesOf(address);
  let start = table.valueStart(address);
  let length = table.valueLength(address);
  if (table.hasFlag(address, flags.changed)) {
    const index = table.place(address);
    length = changes.lengthBefore(index);
    bytes = changes.bytesBefore(index);
    start = changes.startBefore(index);
  }
  if (length <= wasAbsent) return;
  addEntry(table, address, bounds, chunk, bytes, start, start + length);
};

const addEntry = (
  table: FlatTable,
  address: number,
  bounds: Bounds,
  chunk: Chunk,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
): void => {
  const bytes = table.bytesOf(address);
  const start = table.keyStart(address) + 1;
  const end = start - 1 + table.keyLength(address);
  const windowStart = bounds.keySkip > 0 ? readTime(bytes, start) : 0;
  chunk.add(windowStart, bytes, start + bounds.keySkip, end, value, valueStart, valueEnd);
};

/** Visits the keys whose hash is `fromHash` or above, as they are committed now. */
const scanBoth = async (
  core: StoreCore,
  kv: OrderedKv,
  bounds: Bounds,
  delivery: Delivery,
  fromHash: number,
): Promise<void> => {
  const { table } = core;
  const due = copyDue(
    core,
    (kind, bytes, start, end) =>
      kind === kinds.data &&
      bounds.has(bytes, start, end) &&
      (fromHash === 0 || table.hash(kind, bytes, start, end) >>> 0 >= fromHash),
  );
  const iterator = kv.iterate(bounds.kvRange(core));
  const { chunk } = delivery;
  try {
    for (;;) {
      const entries = await iterator.next(entriesPerChunk);
      if (entries.length === 0 || delivery.ended) break;
      for (const [key, value] of entries) {
        if (!bounds.has(key, kvPrefixBytes, key.length)) continue;
        if (fromHash > 0 && table.hash(kinds.data, key, kvPrefixBytes, key.length) >>> 0 < fromHash) continue;
        const hash = due.hash(kinds.data, key, kvPrefixBytes, key.length);
        if (due.find(hash, kinds.data, key, kvPrefixBytes, key.length) !== 0) continue;
        verifyChecksum(key, value);
        const windowStart = bounds.keySkip > 0 ? readTime(key, kvPrefixBytes) : 0;
        const valueEnd = value.length - checksumBytes;
        chunk.add(windowStart, key, kvPrefixBytes + bounds.keySkip, key.length, value, 0, valueEnd);
        if (delivery.full) break;
      }
      await delivery.deliver();
      assertNotCleared(core, table);
    }
  } finally {
    await iterator.close();
  }
  for (let from = 0; from < hashes && !delivery.ended; ) {
    from = collect(due, from, bounds, delivery, (address) => {
      const length = due.valueLength(address);
      const start = due.valueStart(address);
      if (length >= 0) addEntry(due, address, bounds, chunk, due.bytesOf(address), start, start + length);
    });
    await delivery.deliver();
  }
};

/** A table of what is due and chosen, deletions included, as it is committed now. */
export const copyDue = (
  core: StoreCore,
  isChosen: (kind: number, bytes: Uint8Array, start: number, end: number) => boolean,
): FlatTable => {
  const { table, changes, due } = core;
  const copy = new FlatTable({ seed: 0, listed: false });
  for (let index = due.head; index !== due.tail; index = (index + 1) | 0) {
    const address = due.at(index);
    if (address === 0) continue;
    const bytes = table.bytesOf(address);
    const start = table.keyStart(address) + 1;
    const end = start - 1 + table.keyLength(address);
    const kind = table.kindOf(address);
    if (!isChosen(kind, bytes, start, end)) continue;
    const changed = table.hasFlag(address, flags.changed) ? table.place(address) : -1;
    const length = changed < 0 ? table.valueLength(address) : changes.lengthBefore(changed);
    const valueStart = changed < 0 ? table.valueStart(address) : changes.startBefore(changed);
    const value = changed < 0 ? bytes : changes.bytesBefore(changed);
    const copied = copy.insert(copy.hash(kind, bytes, start, end), kind, bytes, start, end, Math.max(0, length));
    if (length >= 0) copy.setValue(copied, value, valueStart, valueStart + length);
    else copy.setValue(copied, noBytes, -1, -1);
  }
  return copy;
};
