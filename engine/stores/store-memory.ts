/**
 * A store's part in the memory budget (`memory-budget.ts`): what it uses, and what it evicts.
 *
 * Over the limit, each new entry makes the clock's hand pass some slots, of whatever store: clean entries that were not
 * used since the hand last passed leave memory. Entries that are changed or due cannot leave; when they are what fills
 * the memory, a checkpoint is due at once. A store without a key-value store evicts nothing, unless it may forget.
 */

import type { ChangeList } from './change-list.ts';
import type { DueQueue } from './due-queue.ts';
import type { Expiry } from './expiry.ts';
import { type FlatTable, flags } from './flat-table.ts';
import type { KeyWindows } from './key-windows.ts';
import { hasWindow, readTime } from './layout.ts';
import type { MemoryBudget, MemoryUser } from './memory-budget.ts';
import type { RecentEntries } from './recent-entries.ts';
import type { StoredEntries } from './stored-entries.ts';

/** Slots that one new entry may make the hand pass. */
const slotsPerEntry = 64;
/** New entries after which memory is accounted for; larger ones are at once. */
const entriesBetween = 64;
const largeEntryBytes = 16 << 10;
/** Bytes by which entries grow before memory is accounted for again. */
const grownBetween = 2 << 10;

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
  /** New entries until memory is accounted for again. */
  #untilAccount = entriesBetween;
  #grown = 0;
  /** What was reported to the budget. */
  #reported = 0;

  constructor(entries: EntriesInMemory, budget: MemoryBudget | undefined) {
    this.#entries = entries;
    this.#budget = budget;
    budget?.join(this);
  }

  /** Bytes that are counted against the budget. */
  get bytesInUse(): number {
    const { table, changes, due, expiry, recent, keyWindows } = this.#entries;
    return (
      table.slab.liveBytes +
      (recent?.bytesInMemory ?? 0) +
      (keyWindows?.bytesInMemory ?? 0) +
      table.slotBytes +
      changes.bytesInMemory +
      due.bytesInMemory +
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

  /** Reports what is in use, and where that is too much makes some room. */
  account(): void {
    const budget = this.#budget;
    if (budget === undefined) return;
    this.report();
    this.#untilAccount = budget.excess > 0 && budget.reclaim(slotsPerEntry) ? 0 : entriesBetween;
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
    const entries = this.#entries;
    const { table, expiry } = entries;
    const budget = this.#budget as MemoryBudget;
    let progress = false;
    entries.recent?.releaseSpare();
    // What is in use changes here with an eviction only. To ask at each slot took a third of all time where a store was
    // ten times larger than its memory.
    let isShort = budget.isShort;
    for (let left = slots; left > 0 && isShort; left--) {
      const address = table.tick();
      if (address === 0 || table.hasFlag(address, flags.changed) || table.hasFlag(address, flags.due)) continue;
      progress = true;
      if (table.hasFlag(address, flags.referenced)) {
        table.clearFlag(address, flags.referenced);
        continue;
      }
      entries.complete = entries.forgets;
      if (expiry !== undefined && hasWindow(table.kindOf(address))) {
        const windowStart = readTime(table.bytesOf(address), table.keyStart(address) + 1);
        expiry.windows.setIncomplete(expiry.windows.list(windowStart));
      }
      entries.remove(address);
      table.untick();
      this.evictions++;
      const before = this.#reported;
      this.report();
      budget.evicted(before - this.#reported);
      isShort = budget.isShort;
    }
    return progress;
  }
}
