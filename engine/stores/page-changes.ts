/**
 * What the open transaction has changed in an ordered store, entry by entry: the difference between its changed pages
 * and what they were before. Nothing is listed while entries change; a page that has changed is compared once, when the
 * changelog is written.
 *
 * An entry that only the page before has was removed, unless a split has moved it to another page: where a tree has
 * more than one page, it is looked up. One that only the page now has was put, or moved: then it is written although it
 * did not change, which does no harm.
 */

import { assert, ByteWriter, compareBytes, equalBytes } from '../../base/index.ts';
import { wasOnDisk } from './change-list.ts';
import type { Expiry } from './expiry.ts';
import { isPage, kinds, readTime, timeBytes } from './layout.ts';
import type { PageTree } from './page-tree.ts';
import { Page } from './pages.ts';
import type { ChangelogAppend } from './state-store.ts';
import type { StoreCore } from './store-core.ts';
import { endOfTreeKey, type TreeKey } from './tree-key.ts';

const noBytes = new Uint8Array(0);
const touchedTogether = 32;

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

  constructor(core: StoreCore, tree: PageTree, key: TreeKey) {
    this.#core = core;
    this.#tree = tree;
    this.#key = key;
    this.#expiry = core.expiry;
  }

  /** Hands out the changed entries of all pages. */
  write(append: ChangelogAppend): void {
    const { changes, table } = this.#core;
    for (let i = 0; i < changes.count; i++) {
      if (i % touchedTogether === 0) table.touch(changes.addresses, i, Math.min(i + touchedTogether, changes.count));
      const address = changes.addresses[i] as number;
      if (isPage(table.kindOf(address))) this.#writePage(i, address, append);
    }
  }

  #writePage(index: number, address: number, append: ChangelogAppend): void {
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
    if (isLeaf && wasLeaf && after.continues(before)) {
      for (let i = before.count; i < stop; i++) this.#put(i, append);
      return;
    }
    // All entries of a tree lie in its first page while that is its only one.
    const isWhole =
      table.kindOf(address) === kinds.data && (isLeaf || lengthAfter < 0) && (wasLeaf || lengthBefore < 0);
    let [i, j] = [0, 0];
    const [ends, end] = [wasLeaf ? before.count : 0, isLeaf ? stop : 0];
    while (i < ends || j < end) {
      const order = i === ends ? 1 : j === end ? -1 : this.#compare(i, j);
      if (order < 0) this.#removed(i++, isWhole, append);
      else if (order > 0) this.#put(j++, append);
      else {
        const same = equalBytes(
          before.bytes,
          before.valueStart,
          before.valueEnd,
          after.bytes,
          after.valueStart,
          after.valueEnd,
        );
        if (!same) this.#put(j, append);
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

  #compare(i: number, j: number): number {
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

  /** The tree of a page. */
  #setTree(address: number): void {
    const { table } = this.#core;
    const bytes = table.bytesOf(address);
    const start = table.keyStart(address) + 1;
    const end = endOfTreeKey(table.kindOf(address) === kinds.data, start - 1 + table.keyLength(address));
    this.#key.set(bytes, start, end);
    this.#key.hint = 0;
    const own = this.#expiry === undefined ? start : start + timeBytes;
    const name = this.#name;
    name.reset();
    name.i8(kinds.data);
    name.unsignedVarint(end - own);
    name.bytes(bytes, own, end);
    this.#shared = name.length;
  }

  #put(index: number, append: ChangelogAppend): void {
    const page = this.#after;
    page.at(index);
    if (!this.#setName(page)) return;
    append(this.#name.buffer, 0, this.#name.length, page.bytes, page.valueStart, page.valueEnd);
  }

  #removed(index: number, isWhole: boolean, append: ChangelogAppend): void {
    const page = this.#before;
    page.at(index);
    const { bytes, orderStart, orderEnd } = page;
    if (!this.#setName(page) || (!isWhole && this.#tree.find(bytes, orderStart, orderEnd) >= 0)) return;
    append(this.#name.buffer, 0, this.#name.length, noBytes, -1, -1);
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
