/**
 * Which pages of a tree have to be written to the key-value store together: those between which entries or references
 * have moved since they were last written. A crash between two chunks of a checkpoint could otherwise leave a page
 * without the entries that moved to a page which is not there.
 *
 * Changes within a page need no such care: they are replayed from the changelog.
 */

/** The first page of a tree; others are numbered from 1. */
export const firstPage = 0;

const nameOf = (key: Uint8Array, start: number, end: number): string => {
  let name = '';
  for (let i = start; i < end; i++) name += String.fromCharCode(key[i] as number);
  return name;
};

export class LinkedPages {
  readonly #trees = new Map<string, Set<number>>();

  get size(): number {
    return this.#trees.size;
  }

  /** The pages of the tree whose key is `key[start, end)`; a new set when there is none. */
  add(key: Uint8Array, start: number, end: number): Set<number> {
    const name = nameOf(key, start, end);
    let pages = this.#trees.get(name);
    if (pages === undefined) {
      pages = new Set();
      this.#trees.set(name, pages);
    }
    return pages;
  }

  /** The pages that must be written together with any page of this tree; undefined: none. */
  of(key: Uint8Array, start: number, end: number): ReadonlySet<number> | undefined {
    return this.#trees.size === 0 ? undefined : this.#trees.get(nameOf(key, start, end));
  }

  /** The pages of a tree were put into one batch; `keep` tells which of them have changed again. */
  written(key: Uint8Array, start: number, end: number, keep: (page: number) => boolean): void {
    const name = nameOf(key, start, end);
    const pages = this.#trees.get(name);
    if (pages === undefined) return;
    for (const page of pages) if (!keep(page)) pages.delete(page);
    if (pages.size === 0) this.#trees.delete(name);
  }

  /** Forgets the trees whose keys lie below `key[0, end)`, by their bytes: names compare as they do. */
  forgetBelow(key: Uint8Array, end: number): void {
    const bound = nameOf(key, 0, end);
    for (const name of this.#trees.keys()) if (name < bound) this.#trees.delete(name);
  }

  clear(): void {
    this.#trees.clear();
  }
}
