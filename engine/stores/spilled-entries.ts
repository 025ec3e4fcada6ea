/**
 * Copies of the entries that have left memory, on the disk in a form that is cheap to read: a hash table of blocks
 * (extendible hashing), each of sixteen pages. An entry is found by reading its page, which is one read of 4 KiB; from
 * LevelDB, which has all of them as well, it takes four times as long (docs/design/speed.md).
 *
 * It is a cache. What is not here is in LevelDB, nothing here outlives the process, and when the disk fails it is given
 * up, which is reported. But what is here is never older than what is committed: each entry that leaves memory is
 * brought up to date here, or taken out, and each page has the number of the write that it comes from, which is known
 * in memory.
 *
 * Entries leave memory in the order of their hashes, so that a block is read and written once for all those that leave
 * together.
 *
 *   page     number of entries (4 bytes) · where their bytes begin (4) · number of the write (4)
 *            · for each entry its hash (4) and a word (4) · … free … · the entries' bytes, the newest first
 *   word     where the entry's bytes begin (12 bits) · length of kind and key (8) · length of the value (10)
 *   bytes    kind · key · value · checksum as in LevelDB (`checksum.ts`)
 */

import { copyBytes, messageOf, writeI32 } from '../../base/index.ts';
import { checksumBytes } from './checksum.ts';
import type { FlatTable } from './flat-table.ts';
import { KvError, type ScratchBlocks, scratchBlockBytes } from './ordered-kv.ts';

const pageBits = 4;
const pages = 1 << pageBits;
const pageBytes = scratchBlockBytes / pages;
const pageWords = pageBytes / 4;
const headWords = 3;
/** Of an entry, beside its bytes. */
const indexBytes = 8;
const mostEntries = Math.floor((pageBytes - 4 * headWords) / indexBytes);
/** Of an entry: a few fit each page, and the length of a value fits its bits. */
const mostBytes = pageBytes / 4 - indexBytes;
/** A block whose fullest page needs less than this is not split, but written again without gaps. */
const sparseBytes = (pageBytes * 3) / 4;
const mostKeyBytes = 255;
/** Bits of the hash that lead to a block, at most. */
const deepest = 20;

/** What was done to a page. */
const unchanged = 0;
const changed = 1;
/** There is no room. */
const full = 2;

const wordOf = (start: number, keyBytes: number, valueBytes: number): number =>
  (start << 18) | (keyBytes << 10) | valueBytes;
const startIn = (word: number): number => word >>> 18;
const keyBytesIn = (word: number): number => (word >>> 10) & 0xff;
const valueBytesIn = (word: number): number => word & 0x3ff;

/** A block in memory, or one page of it. */
class Image {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;

  constructor(length: number) {
    this.words = new Int32Array(length / 4);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  /** Index of the first word of an entry in a page, 0: it is not there. */
  find(page: number, hash: number, kind: number, key: Uint8Array, start: number, end: number): number {
    const { bytes, words } = this;
    const base = page * pageWords;
    const last = base + headWords + 2 * this.#count(page);
    for (let i = base + headWords; i < last; i += 2) {
      if (words[i] !== hash) continue;
      const word = words[i + 1] as number;
      let at = page * pageBytes + startIn(word);
      if (keyBytesIn(word) !== end - start + 1 || bytes[at++] !== kind) continue;
      let from = start;
      while (from < end && bytes[at] === key[from]) {
        at++;
        from++;
      }
      if (from === end) return i;
    }
    return 0;
  }

  freeBytes(page: number): number {
    return this.#top(page) - 4 * headWords - indexBytes * this.#count(page);
  }

  /** Makes room for an entry; answers with where its bytes begin. */
  add(page: number, hash: number, keyBytes: number, valueBytes: number): number {
    const { words } = this;
    const base = page * pageWords;
    const start = this.#top(page) - keyBytes - valueBytes - checksumBytes;
    if (start < 4 * headWords + indexBytes * (this.#count(page) + 1)) throw new KvError('corrupt', 'a page overflows');
    const i = base + headWords + 2 * (words[base] as number);
    words[base] = (words[base] as number) + 1;
    words[base + 1] = start;
    words[i] = hash;
    words[i + 1] = wordOf(start, keyBytes, valueBytes);
    return page * pageBytes + start;
  }

  /** Takes an entry out; its bytes stay, as a gap. */
  remove(page: number, index: number): void {
    const { words } = this;
    const base = page * pageWords;
    const last = base + headWords + 2 * ((words[base] as number) - 1);
    words[index] = words[last] as number;
    words[index + 1] = words[last + 1] as number;
    words[base] = (words[base] as number) - 1;
  }

  /** Visits a page's entries: hash, where the bytes begin, and the word. */
  visit(page: number, visit: (hash: number, start: number, word: number) => void): void {
    const { words } = this;
    const base = page * pageWords;
    const last = base + headWords + 2 * this.#count(page);
    for (let i = base + headWords; i < last; i += 2) {
      const word = words[i + 1] as number;
      visit(words[i] as number, page * pageBytes + startIn(word), word);
    }
  }

  /** How many entries a page has. One that was damaged on the disk is not walked beyond its end. */
  #count(page: number): number {
    return Math.min(this.words[page * pageWords] as number, mostEntries);
  }

  /** Where the bytes of a page's entries begin, within the page. */
  #top(page: number): number {
    return this.words[page * pageWords + 1] || pageBytes;
  }
}

const stamp = (image: Image, write: number): void => {
  for (let at = 2; at < image.words.length; at += pageWords) image.words[at] = write;
};

/** Whether all pages of an image come from one write: one that the disk has lost may leave what was there before. */
const isOf = (image: Image, write: number): boolean => {
  for (let at = 2; at < image.words.length; at += pageWords) if (image.words[at] !== write) return false;
  return true;
};

/** Shared by all stores of the thread: nothing in them lasts longer than a call. */
let images: { readonly page: Image; readonly block: Image; readonly halves: readonly [Image, Image] } | undefined;
const sharedImages = (): NonNullable<typeof images> =>
  (images ??= {
    page: new Image(pageBytes),
    block: new Image(scratchBlockBytes),
    halves: [new Image(scratchBlockBytes), new Image(scratchBlockBytes)],
  });

export class SpilledEntries {
  /** What `find` has found; valid until the next call of any store: a value with its checksum behind it. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  readonly #scratch: ScratchBlocks;
  /** Whether an entry that begins here with its kind has expired: nobody reads it again. */
  readonly #isGone: (bytes: Uint8Array, at: number) => boolean;
  /** By the upper bits of a hash: a block, −1: none yet; the write that it comes from; and how many of these bits all
   *  entries of the block share. */
  #blocks = new Int32Array([-1]);
  #written = new Int32Array(1);
  #depths = new Uint8Array(1);
  #writes = 0;
  #bits = 0;
  /** Why nothing is kept any more. */
  #failure: string | undefined;
  readonly #givenUp: (why: string) => void;

  /** `givenUp` is called with the reason, at most once, when what is here cannot be relied on any more. */
  constructor(
    scratch: ScratchBlocks,
    isGone: (bytes: Uint8Array, at: number) => boolean,
    givenUp: (why: string) => void = () => {},
  ) {
    this.#scratch = scratch;
    this.#isGone = isGone;
    this.#givenUp = givenUp;
  }

  get isGivenUp(): boolean {
    return this.#failure !== undefined;
  }

  get bytesInMemory(): number {
    return this.#blocks.length * 9;
  }

  get isEmpty(): boolean {
    return this.#bits === 0 && this.#blocks[0] === -1;
  }

  /** Forgets everything, and gives the blocks back. */
  clear(): void {
    for (const block of new Set(this.#blocks)) if (block >= 0) this.#scratch.release(block);
    this.#blocks = new Int32Array([-1]);
    this.#written = new Int32Array(1);
    this.#depths = new Uint8Array(1);
    this.#bits = 0;
  }

  /** What is here cannot be relied on, and nothing is kept from now on. */
  giveUp(why: string): void {
    this.clear();
    if (this.#failure !== undefined) return;
    this.#failure = why;
    this.#givenUp(why);
  }

  /** Whether the entry is here. */
  find(hash: number, kind: number, key: Uint8Array, start: number, end: number): boolean {
    const at = this.#at(hash);
    const block = this.#blocks[at] as number;
    if (block < 0) return false;
    const { page } = sharedImages();
    try {
      this.#scratch.read(block, pageOf(hash, this.#depths[at] as number) * pageBytes, page.bytes);
      if (!isOf(page, this.#written[at] as number)) throw lostWrite();
    } catch (error) {
      this.giveUp(messageOf(error));
      return false;
    }
    const found = page.find(0, hash, kind, key, start, end);
    if (found === 0) return false;
    const word = page.words[found + 1] as number;
    this.bytes = page.bytes;
    this.start = startIn(word) + keyBytesIn(word);
    this.end = this.start + valueBytesIn(word) + checksumBytes;
    return true;
  }

  /** Brings entries up to date here that are about to leave memory: what is committed, and in the key-value store.
   *  Those that are absent or too large are taken out. */
  keep(table: FlatTable, addresses: Int32Array, hashes: Int32Array, count: number): void {
    if (this.#failure !== undefined) return;
    try {
      this.#keep(table, addresses.slice(0, count), hashes.slice(0, count));
    } catch (error) {
      this.giveUp(messageOf(error));
    }
  }

  #keep(table: FlatTable, addresses: Int32Array, hashes: Int32Array): void {
    const { block: image } = sharedImages();
    for (let left = addresses.length; left > 0; ) {
      // All that belong to one block; the others come to the front, for the next turn.
      const first = hashes[0] as number;
      const depth = this.#depths[this.#at(first)] as number;
      this.#read(first, image);
      let others = 0;
      let change = unchanged;
      for (let i = 0; i < left; i++) {
        const hash = hashes[i] as number;
        const address = addresses[i] as number;
        if (change !== full && samePrefix(hash, first, depth)) {
          change = Math.max(change, put(image, pageOf(hash, depth), hash, table, address));
          if (change !== full) continue;
        }
        hashes[others] = hash;
        addresses[others++] = address;
      }
      if (change === full) this.#rebuild(first, image);
      else if (change === changed) this.#write(first, image);
      left = others;
    }
  }

  /** Place of a hash in the directory. */
  #at(hash: number): number {
    return this.#bits === 0 ? 0 : hash >>> (32 - this.#bits);
  }

  #read(hash: number, image: Image): void {
    const at = this.#at(hash);
    const block = this.#blocks[at] as number;
    if (block < 0) return void image.bytes.fill(0);
    this.#scratch.read(block, 0, image.bytes);
    if (!isOf(image, this.#written[at] as number)) throw lostWrite();
  }

  #write(hash: number, image: Image): void {
    const at = this.#at(hash);
    let block = this.#blocks[at] as number;
    if (block < 0) block = this.#scratch.allocate();
    this.#writes = (this.#writes + 1) | 0;
    stamp(image, this.#writes);
    this.#lead(hash, this.#depths[at] as number, block);
    this.#scratch.write(block, image.bytes);
  }

  /** Makes all hashes that share so many bits with this one lead to a block, as the last write has made it. */
  #lead(hash: number, depth: number, block: number): void {
    const width = 1 << (this.#bits - depth);
    const from = this.#at(hash) & -width;
    this.#blocks.fill(block, from, from + width);
    this.#written.fill(this.#writes, from, from + width);
    this.#depths.fill(depth, from, from + width);
  }

  /** Makes room in a block that has a full page: leaves gaps and expired entries out, and where that does not suffice
   *  makes two of it. */
  #rebuild(hash: number, image: Image): void {
    const { halves } = sharedImages();
    const [lower, upper] = halves;
    const depth = this.#depths[this.#at(hash)] as number;
    const needed = Array.from({ length: pages }, (_, page) => this.#neededBytes(image, page));
    lower.bytes.fill(0);
    upper.bytes.fill(0);
    const isSparse = needed.every((bytes) => bytes < sparseBytes);
    if (isSparse || depth === deepest) {
      // A page that is full even there begins anew.
      for (let page = 0; page < pages; page++)
        if ((needed[page] as number) < sparseBytes) this.#copy(image, page, depth, lower, lower);
      this.#write(hash, lower);
      return;
    }
    if (depth === this.#bits) this.#double();
    for (let page = 0; page < pages; page++) this.#copy(image, page, depth + 1, lower, upper);
    const bit = 1 << (31 - depth);
    this.#lead(hash & ~bit, depth + 1, this.#blocks[this.#at(hash)] as number);
    this.#lead(hash | bit, depth + 1, -1);
    this.#write(hash & ~bit, lower);
    this.#write(hash | bit, upper);
  }

  #double(): void {
    const blocks = new Int32Array(this.#blocks.length * 2);
    const written = new Int32Array(blocks.length);
    const depths = new Uint8Array(blocks.length);
    for (let i = 0; i < blocks.length; i++) {
      blocks[i] = this.#blocks[i >>> 1] as number;
      written[i] = this.#written[i >>> 1] as number;
      depths[i] = this.#depths[i >>> 1] as number;
    }
    this.#blocks = blocks;
    this.#written = written;
    this.#depths = depths;
    this.#bits++;
  }

  /** Bytes of a page without its gaps. */
  #neededBytes(image: Image, page: number): number {
    let bytes = headWords * 4;
    image.visit(page, (_hash, start, word) => {
      if (!this.#isGone(image.bytes, start))
        bytes += indexBytes + keyBytesIn(word) + valueBytesIn(word) + checksumBytes;
    });
    return bytes;
  }

  /** Copies a page's entries into blocks of this depth: those whose last bit of it is 0 into the lower one. */
  #copy(image: Image, page: number, depth: number, lower: Image, upper: Image): void {
    image.visit(page, (hash, start, word) => {
      if (this.#isGone(image.bytes, start)) return;
      const keyBytes = keyBytesIn(word);
      const valueBytes = valueBytesIn(word);
      const to = ((hash >>> (32 - depth)) & 1) === 0 ? lower : upper;
      const at = to.add(pageOf(hash, depth), hash, keyBytes, valueBytes);
      copyBytes(image.bytes, start, start + keyBytes + valueBytes + checksumBytes, to.bytes, at);
    });
  }
}

const lostWrite = (): KvError => new KvError('corrupt', 'a block is not as it was written');

const samePrefix = (a: number, b: number, bits: number): boolean => bits === 0 || (a ^ b) >>> (32 - bits) === 0;

const pageOf = (hash: number, depth: number): number => (hash << depth) >>> (32 - pageBits);

/** Brings one entry up to date in a page of its block; answers with what that has done to the page. */
const put = (image: Image, page: number, hash: number, table: FlatTable, address: number): number => {
  const bytes = table.bytesOf(address);
  const keyStart = table.keyStart(address);
  const keyBytes = table.keyLength(address);
  const valueBytes = table.valueLength(address);
  const valueStart = keyStart + keyBytes;
  const found = image.find(page, hash, bytes[keyStart] as number, bytes, keyStart + 1, valueStart);
  let at = -1;
  if (found !== 0) {
    const word = image.words[found + 1] as number;
    if (valueBytesIn(word) === valueBytes) at = page * pageBytes + startIn(word);
    else image.remove(page, found);
  }
  if (at < 0) {
    const total = keyBytes + valueBytes + checksumBytes;
    if (valueBytes < 0 || keyBytes > mostKeyBytes || total > mostBytes) return found === 0 ? unchanged : changed;
    if (image.freeBytes(page) < total + indexBytes) return full;
    at = image.add(page, hash, keyBytes, valueBytes);
    copyBytes(bytes, keyStart, valueStart, image.bytes, at);
  }
  copyBytes(bytes, valueStart, valueStart + valueBytes, image.bytes, at + keyBytes);
  writeI32(image.bytes, at + keyBytes + valueBytes, table.checksum(address));
  return changed;
};
