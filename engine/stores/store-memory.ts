/**
 * A store's part in the memory budget (`memory-budget.ts`): what it uses, and what it evicts.
 *
 * Over the limit, each new entry, and each that a checkpoint has written over, makes the clock's hand pass some slots,
 * of whatever store: clean entries that were not used since the hand last passed leave memory. Entries that are changed
 * or due cannot leave; when they are what fills the memory, a checkpoint is due at once. A store without a key-value
 * store evicts nothing, unless it may forget.
 *
 * Within a store the hand goes by ranges of hashes, since that is the order of what has left memory
 * (`spilled-entries.ts`): all that leaves of a range is written together.
 */

import type { ChangeList } from './change-list.ts';
import type { DueQueue } from './due-queue.ts';
import type { Expiry } from './expiry.ts';
import { type FlatTable, flags } from './flat-table.ts';
import type { KeyWindows } from './key-windows.ts';
import { hasWindow, readTime } from './layout.ts';
import type { MemoryBudget, MemoryUser } from './memory-budget.ts';
import type { RecentEntries } from './recent-entries.ts';
import type { SpilledEntries } from './spilled-entries.ts';
import type { StoredEntries } from './stored-entries.ts';

/** Slots that one new entry may make the hand pass. */
const slotsPerEntry = 64;
/** Slots that are passed at once: enough for some dozens of entries to go into each block of what has left memory, and
 *  a sixteenth of a large table. */
const leastPassed = 256;
const mostPassed = 4_096;
/** New entries after which memory is accounted for; larger ones are at once. */
const entriesBetween = 64;
const largeEntryBytes = 16 << 10;
/** Bytes by which entries grow before memory is accounted for again. */
const grownBetween = 2 << 10;

const allHashes = 2 ** 32;
/** What one pass has found; shared by all stores of the thread. */
let addresses = new Int32Array(1024);
let hashes = new Int32Array(1024);

const growFound = (): void => {
  const grown = (from: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
    const to = new Int32Array(from.length * 2);
    to.set(from);
    return to;
  };
  addresses = grown(addresses);
  hashes = grown(hashes);
};

/** What of a store is in memory. */
export interface EntriesInMemory {
  readonly table: FlatTable;
  readonly changes: ChangeList;
  readonly due: DueQueue;
  readonly expiry: Expiry | undefined;
  /** Entries that are kept beside the table. */
  readonly recent: RecentEntries | undefined;
  /** To find the windows of a key. */
  readonly keyWindows: KeyWindows | undefined;
  readonly stored: StoredEntries;
  readonly spilled: SpilledEntries | undefined;
  /** What is evicted is gone, and the same as absent. */
  readonly forgets: boolean;
  /** Memory holds everything. */
  complete: boolean;
  /** Takes an unchanged entry out of memory. */
  remove(address: number): void;
}

export class StoreMemory implements MemoryUser {
  evictions = 0;
  readonly #entries: EntriesInMemory;
  readonly #budget: MemoryBudget | undefined;
  /** New entries that no checkpoint has written yet, by number alone. */
  #added = 0;
  /** New entries until memory is accounted for again. */
  #untilAccount = entriesBetween;
  #grown = 0;
  /** What was reported to the budget. */
  #reported = 0;
  /** The unsigned hash from which on entries are passed next. */
  #hand = 0;
  /** Slots that are to be passed still; below 0: so many more were passed. */
  #owed = 0;
  /** The last pass has met what may leave memory. */
  #progress = false;

  constructor(entries: EntriesInMemory, budget: MemoryBudget | undefined) {
    this.#entries = entries;
    this.#budget = budget;
    budget?.join(this);
  }

  /** Bytes that are counted against the budget. */
  get bytesInUse(): number {
    const { table, changes, due, expiry, recent, keyWindows, spilled } = this.#entries;
    return (
      table.slab.liveBytes +
      (recent?.bytesInMemory ?? 0) +
      (keyWindows?.bytesInMemory ?? 0) +
      table.slotBytes +
      changes.bytesInMemory +
      due.bytesInMemory +
      (spilled?.bytesInMemory ?? 0) +
      (expiry?.windows.bytesInMemory ?? 0)
    );
  }

  /** Memory is short, and this store holds a good part of it. */
  get isShort(): boolean {
    const budget = this.#budget;
    return (
      this.#entries.stored.kv !== undefined &&
      budget !== undefined &&
      budget.excess > 0 &&
      this.bytesInUse * 8 > budget.limitBytes
    );
  }

  /** Memory is short, and so many bytes count for that. */
  isShortFor(bytes: number): boolean {
    const budget = this.#budget;
    if (budget === undefined) return false;
    const { excess, limitBytes } = budget;
    return excess > 0 && Math.max(bytes, excess) * 16 > limitBytes;
  }

  /** Call it before an entry is added: entries that were found before may leave memory now, changed and due ones
   *  stay. */
  beforeInsert(bytes: number): void {
    this.#added++;
    if (--this.#untilAccount < 0 || bytes > largeEntryBytes) this.account();
  }

  /** An entry has grown where it lies. Entries that were found before may leave memory now, changed and due ones
   *  stay. */
  afterGrowth(bytes: number): void {
    this.#grown += bytes;
    if (this.#grown < grownBetween) return;
    this.#grown = 0;
    this.account();
  }

  /** A checkpoint has written so many entries. Each new one among them has made the hand pass; for each that was only
   *  written over it passes now, since nothing else would make room where none are new. */
  afterCheckpoint(entries: number): void {
    const writtenOver = entries - this.#added;
    this.#added = Math.max(0, -writtenOver);
    if (writtenOver > 0) this.account(writtenOver * slotsPerEntry);
  }

  /** Reports what is in use, and where that is too much makes some room. */
  account(slots = slotsPerEntry): void {
    const budget = this.#budget;
    if (budget === undefined) return;
    this.report();
    this.#untilAccount = budget.excess > 0 && budget.reclaim(slots) ? 0 : entriesBetween;
  }

  report(): void {
    const bytes = this.bytesInUse;
    this.#budget?.add(bytes - this.#reported);
    this.#reported = bytes;
  }

  /** The store is not used any more. */
  leave(): void {
    this.#budget?.leave(this);
    this.#budget?.add(-this.#reported);
    this.#reported = 0;
  }

  get slots(): number {
    const { stored, table, forgets } = this.#entries;
    return stored.kv === undefined && !forgets ? 0 : table.slotBytes / 8;
  }

  evict(slots: number): boolean {
    const budget = this.#budget as MemoryBudget;
    this.#entries.recent?.releaseSpare();
    for (this.#owed += slots; this.#owed > 0 && budget.isShort; ) this.#pass(budget);
    this.#owed = Math.min(this.#owed, 0);
    return this.#progress;
  }

  /** Passes the entries of one range of hashes. */
  #pass(budget: MemoryBudget): void {
    const entries = this.#entries;
    const { table, spilled, expiry } = entries;
    const from = this.#hand;
    const slots = this.slots;
    const width = Math.ceil((allHashes / slots) * Math.max(leastPassed, Math.min(mostPassed, slots / 16)));
    let found = 0;
    const to = table.visitHashes(from, Math.min(from + width, allHashes), (address, hash) => {
      if (found === addresses.length) growFound();
      addresses[found] = address;
      hashes[found++] = hash;
      return true;
    });
    this.#hand = to === allHashes ? 0 : to;
    this.#owed -= Math.max(1, (slots * (to - from)) / allHashes);
    table.touchHeaders(addresses, 0, found);
    let leaving = 0;
    this.#progress = false;
    for (let i = 0; i < found; i++) {
      const address = addresses[i] as number;
      if (table.hasFlag(address, flags.changed | flags.due)) continue;
      this.#progress = true;
      if (table.hasFlag(address, flags.referenced)) {
        table.clearFlag(address, flags.referenced);
        continue;
      }
      addresses[leaving] = address;
      hashes[leaving++] = hashes[i] as number;
    }
    if (leaving === 0) return;
    spilled?.keep(table, addresses, hashes, leaving);
    entries.complete = entries.forgets;
    for (let i = 0; i < leaving; i++) {
      const address = addresses[i] as number;
      if (expiry !== undefined && hasWindow(table.kindOf(address))) {
        const windowStart = readTime(table.bytesOf(address), table.keyStart(address) + 1);
        expiry.windows.setIncomplete(expiry.windows.list(windowStart));
      }
      entries.remove(address);
    }
    this.evictions += leaving;
    const before = this.#reported;
    this.report();
    budget.evicted(before - this.#reported);
  }
}
