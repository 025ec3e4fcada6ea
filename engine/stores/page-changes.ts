/**
 * What the open transaction has changed in an ordered store, entry by entry: the difference between its changed pages
 * and what they were before. Nothing is listed while entries change; a page that has changed is compared once, when the
 * changelog is written, and before, where an operator visits its changes.
 *
 * An entry that only the page before has was removed, unless a split has moved it to another page: where a tree has
 * more than one page, it is looked up. One that only the page now has was put, or moved: then it is written to the
 * changelog although it did not change, which does no harm; for a visitor what it was before is looked up.
 */

import { assert, ByteWriter, compareBytes, equalBytes } from '../../base/index.ts';
import { wasOnDisk } from './change-list.ts';
import type { Expiry } from './expiry.ts';
import { isPage, kinds, readTime, timeBytes } from './layout.ts';
import type { PageTree } from './page-tree.ts';
import { Page } from './pages.ts';
import type { ChangelogAppend, CommittedValue } from './state-store.ts';
import type { OrderedVisitor } from './store.ts';
import type { StoreCore } from './store-core.ts';
import { endOfTreeKey, type TreeKey } from './tree-key.ts';

const noBytes = new Uint8Array(0);

/** Takes an entry that is not the same in a page and in what the page was before, where the pages came to it;
 *  undefined: it is not in that one. `isWhole`: the tree has, and had, no other page. */
type TakeDifference = (before: Page | undefined, after: Page | undefined, isWhole: boolean) => void;

export class PageChanges {
  readonly #core: StoreCore;
  /** To look entries up; `#key` is its key. */
  readonly #tree: PageTree;
  readonly #key: TreeKey;
  readonly #expiry: Expiry | undefined;
  readonly #before = new Page();
  readonly #after = new Page();
  /** The changelog key: the part of it that all entries of a tree share, then the order. */
  readonly #name = new ByteWriter(64);
  #shared = 0;
  /** Where the key begins in it. */
  #keyAt = 0;
  /** The page that is compared. */
  #address = 0;

  constructor(core: StoreCore, tree: PageTree, key: TreeKey) {
    this.#core = core;
    this.#tree = tree;
    this.#key = key;
    this.#expiry = core.expiry;
  }

  /** Hands out the changed entries of all pages. */
  write(append: ChangelogAppend): void {
    this.#compare((before, after, isWhole) => {
      const name = this.#name;
      if (after !== undefined) {
        if (!this.#setName(after)) return;
        append(name.buffer, 0, name.length, after.bytes, after.valueStart, after.valueEnd);
      } else if (before !== undefined) {
        if (!this.#setName(before) || (!isWhole && this.#hasMoved(before))) return;
        append(name.buffer, 0, name.length, noBytes, -1, -1);
      }
    });
  }

  /** The same, with what they were before. `elsewhere`: entries that were not in pages may have come into some. */
  visit(visit: OrderedVisitor, elsewhere: boolean, committed: CommittedValue): void {
    this.#compare((before, after, isOnly) => {
      const isWhole = isOnly && !elsewhere;
      const at = after ?? before;
      if (at === undefined || !this.#setName(at)) return;
      const { buffer, length } = this.#name;
      let bytes: Uint8Array = noBytes;
      let [start, end] = [-1, -1];
      if (before !== undefined) {
        if (after === undefined && !isWhole && this.#hasMoved(before)) return;
        ({ bytes, valueStart: start, valueEnd: end } = before);
      } else if (after !== undefined && !isWhole) {
        const value = committed(buffer, this.#keyAt, this.#shared, length);
        if (value !== undefined) {
          if (equalBytes(value, 0, value.length, after.bytes, after.valueStart, after.valueEnd)) return;
          [bytes, start, end] = [value, 0, value.length];
        }
      }
      if (after === undefined) visit(buffer, this.#keyAt, this.#shared, length, bytes, start, end, noBytes, -1, -1);
      else {
        const { valueStart, valueEnd } = after;
        visit(buffer, this.#keyAt, this.#shared, length, bytes, start, end, after.bytes, valueStart, valueEnd);
      }
    });
  }

  #compare(take: TakeDifference): void {
    const { changes, table } = this.#core;
    for (let i = 0; i < changes.count; i++) {
      changes.touchAhead(table, i, 'value');
      const address = changes.address(i);
      if (isPage(table.kindOf(address))) this.#comparePage(i, address, take);
    }
  }

  #comparePage(index: number, address: number, take: TakeDifference): void {
    const { changes, table } = this.#core;
    const before = this.#before;
    const after = this.#after;
    const lengthBefore = changes.lengthBefore(index);
    assert(lengthBefore !== wasOnDisk, 'a page was changed that was not in memory');
    const wasLeaf =
      lengthBefore >= 0 && this.#view(before, changes.bytesBefore(index), changes.startBefore(index), lengthBefore);
    const lengthAfter = table.valueLength(address);
    const isLeaf =
      lengthAfter >= 0 && this.#view(after, table.bytesOf(address), table.valueStart(address), lengthAfter);
    if (!wasLeaf && !isLeaf) return;
    this.#setTree(address);
    const { count: stop } = after;
    // All entries of a tree lie in its first page while that is its only one.
    const isWhole =
      table.kindOf(address) === kinds.data && (isLeaf || lengthAfter < 0) && (wasLeaf || lengthBefore < 0);
    if (isLeaf && wasLeaf && after.continues(before)) {
      for (let i = before.count; i < stop; i++) {
        after.at(i);
        take(undefined, after, isWhole);
      }
      return;
    }
    let [i, j] = [0, 0];
    const [ends, end] = [wasLeaf ? before.count : 0, isLeaf ? stop : 0];
    while (i < ends || j < end) {
      const order = i === ends ? 1 : j === end ? -1 : this.#compareOrders(i, j);
      if (order < 0) {
        before.at(i++);
        take(before, undefined, isWhole);
      } else if (order > 0) {
        after.at(j++);
        take(undefined, after, isWhole);
      } else {
        const same = equalBytes(
          before.bytes,
          before.valueStart,
          before.valueEnd,
          after.bytes,
          after.valueStart,
          after.valueEnd,
        );
        if (!same) take(before, after, isWhole);
        i++;
        j++;
      }
    }
  }

  /** Whether the page holds entries, and not references to pages. */
  #view(page: Page, bytes: Uint8Array, start: number, length: number): boolean {
    page.set(bytes, start, start + length);
    return page.level === 0;
  }

  #compareOrders(i: number, j: number): number {
    const before = this.#before;
    const after = this.#after;
    before.at(i);
    after.at(j);
    return compareBytes(
      before.bytes,
      before.orderStart,
      before.orderEnd,
      after.bytes,
      after.orderStart,
      after.orderEnd,
    );
  }

  /** Sets the key to look entries of the tree up by; answers with its end in the page's own key. */
  #setKey(): number {
    const { table } = this.#core;
    const address = this.#address;
    const start = table.keyStart(address) + 1;
    const end = endOfTreeKey(table.kindOf(address) === kinds.data, start - 1 + table.keyLength(address));
    this.#key.set(table.bytesOf(address), start, end);
    this.#key.hint = 0;
    return end;
  }

  /** The tree of a page. */
  #setTree(address: number): void {
    this.#address = address;
    const end = this.#setKey();
    const { table } = this.#core;
    const bytes = table.bytesOf(address);
    const start = table.keyStart(address) + 1;
    const own = this.#expiry === undefined ? start : start + timeBytes;
    const name = this.#name;
    name.reset();
    name.i8(kinds.data);
    name.unsignedVarint(end - own);
    this.#keyAt = name.length;
    name.bytes(bytes, own, end);
    this.#shared = name.length;
  }

  /** Whether an entry that a page does not have any more lies in another one. */
  #hasMoved({ bytes, orderStart, orderEnd }: Page): boolean {
    // A visitor may have looked up another key.
    this.#setKey();
    return this.#tree.find(bytes, orderStart, orderEnd) >= 0;
  }

  /** False: the entry has expired in the same transaction, and the expiry itself is an entry. */
  #setName({ bytes, orderStart, orderEnd }: Page): boolean {
    if (this.#expiry !== undefined && readTime(bytes, orderStart) < this.#expiry.below) return false;
    const name = this.#name;
    name.length = this.#shared;
    name.bytes(bytes, orderStart, orderEnd);
    return true;
  }
}
