/**
 * The entries of one key in an ordered store: a B+ tree of pages (`pages.ts`), each an entry of the store's core.
 *
 * A key with few entries is one page, found by one look-up. A page that outgrows `pageBytes` is split, and the first
 * page of the tree (the one under the key itself) then holds references. So memory, eviction, pre-images, checkpoints
 * and checksums see pages as they see any value. Pages are split where an entry is added at an end, so that entries
 * that come in order fill them; else in the middle. A page without entries is removed; half-empty neighbours are not
 * joined.
 *
 * Entries move between pages only by a split, or when a tree gets lower: those pages are noted as linked
 * (`linked-pages.ts`), and reach the key-value store in one batch.
 *
 * Addresses are valid until the next page is found, loaded or created: that may evict others, unless they are changed.
 */

import { assert, ByteWriter, compareBytes, copyBytes, readU32, writeI32 } from '../../base/index.ts';
import { kinds, timeBytes } from './layout.ts';
import { firstPage } from './linked-pages.ts';
import { KvError } from './ordered-kv.ts';
import { bytesInPage, emptyPageBytes, Page, PageEntry } from './pages.ts';
import type { PageWrite, StoreCore } from './store-core.ts';
import type { TreeKey } from './tree-key.ts';

/** Larger pages are read faster, and cost more to note before a change and to write: docs/design/state.md. */
export const defaultPageBytes = 1024;
/** A page above level 0 is split only where this leaves more than one reference on both sides. */
const fewestReferences = 4;

/** The order of an appended entry: a time and a sequence. */
export const appendedBytes = timeBytes + 4;

const noBytes = new Uint8Array(0);

export class PageTree {
  /** The page that was found. */
  readonly page = new Page();
  readonly #core: StoreCore;
  readonly #pageBytes: number;
  #address = 0;
  readonly #key: TreeKey;
  /** The way from the first page down: numbers of pages, and which of its references was followed. */
  readonly #numbers: number[] = [firstPage];
  readonly #indexes: number[] = [];
  #depth = 0;
  readonly #entry = new PageEntry();
  readonly #reference = new PageEntry();
  readonly #number = new Uint8Array(4);
  readonly #left = new ByteWriter(2048);
  readonly #right = new ByteWriter(2048);
  #separator = new Uint8Array(64);
  #separatorLength = 0;

  constructor(core: StoreCore, key: TreeKey, pageBytes: number) {
    this.#core = core;
    this.#key = key;
    this.#pageBytes = pageBytes;
  }

  // ---- reading

  /** The index of an entry in `page`, −1: there is none. */
  find(order: Uint8Array, start: number, end: number): number {
    if (!this.#descend(order, start, end)) return -1;
    const { page } = this;
    const index = page.count === 1 ? 0 : page.lowerBound(order, start, end);
    return page.has(index, order, start, end) ? index : -1;
  }

  /** Views the first page; false: the tree is empty. At level 0 it is the only one. */
  viewFirst(): boolean {
    return this.#view(firstPage);
  }

  /** Views the page of level 0 before the one in view; false: that is the first one. */
  #previousPage(): boolean {
    let depth = this.#depth - 1;
    while (depth >= 0 && (this.#indexes[depth] as number) === 0) depth--;
    if (depth < 0) return false;
    const { page } = this;
    this.#viewOther(this.#numbers[depth] as number);
    let index = (this.#indexes[depth] as number) - 1;
    while (page.level > 0) {
      const number = page.numberAt(index);
      this.#indexes[depth++] = index;
      this.#numbers[depth] = number;
      this.#viewOther(number);
      index = page.count - 1;
    }
    this.#depth = depth;
    return true;
  }

  /** Views the page of level 0 that an order belongs to; false: the tree is empty. */
  #descend(order: Uint8Array, start: number, end: number): boolean {
    const { page } = this;
    if (!this.#view(firstPage)) return false;
    this.#depth = 0;
    while (page.level > 0) {
      const index = Math.max(0, page.upperBound(order, start, end) - 1);
      const number = page.numberAt(index);
      this.#indexes[this.#depth++] = index;
      this.#numbers[this.#depth] = number;
      this.#viewOther(number);
    }
    return true;
  }

  /** Views a page where it lies; false: it is absent. */
  #view(number: number): boolean {
    const core = this.#core;
    const { bytes, length } = this.#key;
    const address =
      number === firstPage
        ? core.find(kinds.data, bytes, 0, length, this.#key.hint)
        : core.find(kinds.page, bytes, 0, this.#key.page(number));
    if (address === 0) return false;
    this.#viewAt(address);
    return true;
  }

  #viewOther(number: number): void {
    if (!this.#view(number)) throw this.#core.stored.noted(missingPage());
  }

  #viewAt(address: number): void {
    const { table } = this.#core;
    const start = table.valueStart(address);
    this.#address = address;
    this.page.set(table.bytesOf(address), start, start + table.valueLength(address));
  }

  // ---- writing

  put(
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    write: PageWrite,
  ): void {
    const { page } = this;
    const entry = this.#entry;
    // A copy: order and value may lie in a page that changes here.
    entry.set(order, orderStart, orderEnd, value, valueStart, valueEnd);
    const { bytes } = entry;
    while (this.#descend(bytes, entry.orderStart, entry.orderEnd)) {
      const index = page.lowerBound(bytes, entry.orderStart, entry.orderEnd);
      const found = page.has(index, bytes, entry.orderStart, entry.orderEnd);
      const without = page.length - (found ? bytesInPage(page.entryLength(index)) : 0);
      const length = without + bytesInPage(entry.length);
      if (length <= this.#pageBytes || without === emptyPageBytes) {
        this.#putInto(index, found, length, write);
        return;
      }
      if (found) this.#removeAt(index, write);
      else this.#splitLeaf(index, write);
    }
    this.#createFirst(write);
  }

  /** Overwrites an entry of the first page, which is in view and the only one, by one of another order that comes
   *  between the same neighbours, if order and value are as long as before. False, and nothing changes: it has to be
   *  removed and the other one put. */
  overwrite(index: number, to: Uint8Array, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    const { page } = this;
    if (index > 0 && this.#compareAt(index - 1, to) >= 0) return false;
    if (index < page.count - 1 && this.#compareAt(index + 1, to) <= 0) return false;
    page.at(index);
    if (page.orderEnd - page.orderStart !== to.length) return false;
    if (page.valueEnd - page.valueStart !== valueEnd - valueStart) return false;
    this.#core.editInPlace(this.#address);
    copyBytes(to, 0, to.length, page.bytes, page.orderStart);
    copyBytes(value, valueStart, valueEnd, page.bytes, page.valueStart);
    return true;
  }

  /** Order of an entry of the page in view and another order. */
  #compareAt(index: number, order: Uint8Array): number {
    const { page } = this;
    page.at(index);
    return compareBytes(page.bytes, page.orderStart, page.orderEnd, order, 0, order.length);
  }

  /** Puts an entry behind all those that begin with the same time. `order` begins with it, and gets the sequence, which
   *  is answered. */
  append(order: Uint8Array, value: Uint8Array, valueStart: number, valueEnd: number): number {
    const { page } = this;
    const entry = this.#entry;
    writeI32(order, timeBytes, -1);
    if (!this.#descend(order, 0, appendedBytes)) {
      writeI32(order, timeBytes, 0);
      entry.set(order, 0, appendedBytes, value, valueStart, valueEnd);
      this.#createFirst('change');
      return 0;
    }
    const index = page.upperBound(order, 0, appendedBytes);
    const sequence = this.#sequenceBefore(index, order) + 1;
    writeI32(order, timeBytes, sequence);
    entry.set(order, 0, appendedBytes, value, valueStart, valueEnd);
    const length = page.length + bytesInPage(entry.length);
    if (index > 0 && length <= this.#pageBytes) this.#putInto(index, false, length, 'change');
    else this.put(order, 0, appendedBytes, value, valueStart, valueEnd, 'change');
    return sequence;
  }

  /** The sequence of the entry before the one at `index` of the page in view, if it has the same time; else −1. */
  #sequenceBefore(index: number, order: Uint8Array): number {
    const { page } = this;
    let before = index - 1;
    while (before < 0) {
      // Entries may have been removed from the beginning of the page: the one before it may be at the end of another.
      if (!this.#previousPage()) return -1;
      before = page.count - 1;
    }
    page.at(before);
    const { orderStart, orderEnd } = page;
    if (orderEnd - orderStart !== appendedBytes) return -1;
    if (compareBytes(page.bytes, orderStart, orderStart + timeBytes, order, 0, timeBytes) !== 0) return -1;
    return readU32(page.bytes, orderStart + timeBytes);
  }

  #createFirst(write: PageWrite): void {
    const length = emptyPageBytes + bytesInPage(this.#entry.length);
    const { bytes, length: keyLength } = this.#key;
    const room = Math.min(length * 2, this.#pageBytes);
    const address = this.#core.create(kinds.data, bytes, 0, keyLength, length, write, Math.max(room, length));
    const { table } = this.#core;
    this.page.clear(table.bytesOf(address), table.valueStart(address), 0, firstPage + 1);
    this.page.insert(0, this.#entry);
    this.#assertLength(address);
  }

  /** Puts the entry into the page in view, which will have `length` bytes. */
  #putInto(index: number, found: boolean, length: number, write: PageWrite): void {
    const { page } = this;
    const before = page.length;
    this.#edit(Math.max(before, length), before, write);
    if (found && length === before) {
      page.overwrite(index, this.#entry);
      return;
    }
    if (found) page.removeAt(index);
    page.insert(index, this.#entry);
    this.#shrink();
  }

  /** Makes the page in view changeable, with room for `length` bytes, of which the first `used` are the page. */
  #edit(length: number, used: number, write: PageWrite): void {
    const { table } = this.#core;
    this.#address = this.#core.edit(this.#address, length, write);
    const start = table.valueStart(this.#address);
    this.page.set(table.bytesOf(this.#address), start, start + used);
  }

  /** Gives the entry of the page in view the length that the page has now. */
  #shrink(): void {
    const { page } = this;
    this.#address = this.#core.table.resize(this.#address, page.length);
    this.#viewAt(this.#address);
  }

  #assertLength(address: number): void {
    assert(this.page.length === this.#core.table.valueLength(address), 'a page has another length than its entry');
  }

  #removeAt(index: number, write: PageWrite): void {
    this.#edit(this.page.length, this.page.length, write);
    this.page.removeAt(index);
    this.#shrink();
  }

  /** Splits the page in view, which has no room for the entry before `index`. */
  #splitLeaf(index: number, write: PageWrite): void {
    const { page } = this;
    const entry = this.#entry;
    const { count } = page;
    if (index === count) {
      this.#setSeparator(entry.bytes, entry.orderStart, entry.orderEnd);
      this.#split(this.#depth, count, write);
      return;
    }
    const middle = index === 0 ? 0 : page.middle();
    page.at(middle);
    this.#setSeparator(page.bytes, page.orderStart, page.orderEnd);
    this.#split(this.#depth, middle, write);
  }

  /** The page in view, `depth` steps below the first one, keeps its entries before `index`; the others go to a new page
   *  that begins with the separator. */
  #split(depth: number, index: number, write: PageWrite): void {
    const { page } = this;
    page.copy(index, page.count, this.#right);
    if (depth === 0) {
      this.#splitFirst(index, write);
      return;
    }
    this.#edit(page.length, page.length, write);
    page.truncate(index);
    this.#shrink();
    const number = this.#newNumber(write);
    this.#createPage(number, this.#right, write);
    this.#link(firstPage, this.#numbers[depth] as number, number, this.#numbers[depth - 1] as number);
    this.#addReference(depth - 1, number, write);
  }

  /** The first page becomes one that refers to two new ones. */
  #splitFirst(index: number, write: PageWrite): void {
    const { page } = this;
    const left = page.nextNumber;
    const right = left + 1;
    const level = page.level + 1;
    page.copy(0, index, this.#left);
    const references = emptyPageBytes + bytesInPage(1 + 4) + bytesInPage(this.#refer(right));
    this.#edit(Math.max(page.length, references), page.length, write);
    page.clear(page.bytes, page.start, level, right + 1);
    this.#refer(left, false);
    page.insert(0, this.#reference);
    this.#refer(right);
    page.insert(1, this.#reference);
    this.#shrink();
    this.#createPage(left, this.#left, write);
    this.#createPage(right, this.#right, write);
    this.#link(firstPage, left, right);
  }

  /** Makes `#reference` refer to a page that begins with the separator; answers with its length. */
  #refer(number: number, separated = true): number {
    const bytes = this.#number;
    bytes[0] = number >>> 24;
    bytes[1] = number >>> 16;
    bytes[2] = number >>> 8;
    bytes[3] = number;
    if (separated) this.#reference.set(this.#separator, 0, this.#separatorLength, bytes, 0, 4);
    else this.#reference.set(noBytes, 0, 0, bytes, 0, 4);
    return this.#reference.length;
  }

  #setSeparator(order: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > this.#separator.length) this.#separator = new Uint8Array(length * 2);
    this.#separator.set(order.subarray(start, end));
    this.#separatorLength = length;
  }

  #newNumber(write: PageWrite): number {
    this.#viewOther(firstPage);
    this.#edit(this.page.length, this.page.length, write);
    const number = this.page.nextNumber;
    assert(number < 0xffff_ffff, 'a key of an ordered store has had 2^32 pages');
    this.page.nextNumber = number + 1;
    return number;
  }

  #createPage(number: number, content: ByteWriter, write: PageWrite): void {
    const core = this.#core;
    const end = this.#key.page(number);
    const address = core.create(kinds.page, this.#key.bytes, 0, end, content.length, write);
    core.table.bytesOf(address).set(content.bytesView(), core.table.valueStart(address));
  }

  /** Adds a reference to a new page behind the one that was followed at `depth`, and splits what has become too
   *  long. */
  #addReference(depth: number, number: number, write: PageWrite): void {
    const { page } = this;
    this.#viewOther(this.#numbers[depth] as number);
    const index = (this.#indexes[depth] as number) + 1;
    const before = page.length;
    this.#edit(before + bytesInPage(this.#refer(number)), before, write);
    page.insert(index, this.#reference);
    this.#assertLength(this.#address);
    if (page.length <= this.#pageBytes || page.count < fewestReferences) return;
    const middle = index === page.count - 1 ? index : page.middle();
    page.at(middle);
    this.#setSeparator(page.bytes, page.orderStart, page.orderEnd);
    this.#split(depth, middle, write);
  }

  /** False: there is no such entry. */
  delete(order: Uint8Array, start: number, end: number, write: PageWrite): boolean {
    const index = this.find(order, start, end);
    if (index < 0) return false;
    this.deleteFound(index, write);
    return true;
  }

  /** Removes the entry that `find` has just come to. */
  deleteFound(index: number, write: PageWrite): void {
    if (this.page.count > 1) this.#removeAt(index, write);
    else {
      this.#removePage(this.#depth, write);
      this.#lower(write);
    }
  }

  /** Removes the page in view, `depth` steps below the first one, and the reference to it. */
  #removePage(depth: number, write: PageWrite): void {
    this.#core.erase(this.#address, write);
    if (depth === 0) return;
    const above = this.#numbers[depth - 1] as number;
    this.#link(this.#numbers[depth] as number, above);
    this.#viewOther(above);
    if (this.page.count > 1) this.#removeAt(this.#indexes[depth - 1] as number, write);
    else this.#removePage(depth - 1, write);
  }

  /** While the first page refers to a single one, it takes that one's place. */
  #lower(write: PageWrite): void {
    const { page } = this;
    while (this.#view(firstPage) && page.level > 0 && page.count === 1) {
      const { nextNumber } = page;
      const below = page.numberAt(0);
      // Changed pages stay in memory while the other one is loaded.
      this.#edit(page.length, page.length, write);
      this.#viewOther(below);
      page.copy(0, page.count, this.#left);
      this.#core.erase(this.#address, write);
      this.#viewOther(firstPage);
      const address = this.#core.edit(this.#address, this.#left.length, write);
      this.#core.table.bytesOf(address).set(this.#left.bytesView(), this.#core.table.valueStart(address));
      this.#viewAt(address);
      page.nextNumber = nextNumber;
      this.#link(firstPage, below);
    }
  }

  #link(...pages: readonly number[]): void {
    const { linked, stored } = this.#core;
    if (stored.kv === undefined) return;
    const all = linked.add(this.#key.bytes, 0, this.#key.length);
    for (const page of pages) all.add(page);
  }
}

/** A page above refers to it. */
export const missingPage = (): KvError => new KvError('corrupt', 'a page of its entries is missing');
