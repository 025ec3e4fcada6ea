/**
 * A hash table of byte keys and byte values in typed arrays: no object and no string per entry.
 *
 * An entry is one block of a slab, found by its address; address 0 is none. Header, key and value lie together, so that
 * a look-up touches two places in memory: a slot and an entry.
 *
 *   word 0   units << 8 | flags
 *   word 1   key length, kind included
 *   word 2   value length, −1: absent
 *   word 3   place: in the list of changes while `changed`, else in the queue of due entries while `due`
 *   word 4   checksum of what the key-value store has under this key, 0: nothing
 *   word 5   next entry of the same window          (tables with lists only)
 *   word 6   previous one, or ~list for the first   (tables with lists only)
 *   then     kind (one byte), key, value, room for the value to grow
 *
 * The kind byte stands before the key because it stands there in the changelog (`layout.ts`); to the table it is a part
 * of the key.
 *
 * Slots are pairs (hash, address) with linear probing, in sub-tables of at most 8,192 slots. A directory maps the upper
 * bits of a hash to a sub-table; a full one is split by one more bit (extendible hashing), so that growth never moves
 * more than a sub-table. Taking an entry out shifts the ones behind it back: there are no tombstones among the slots. A
 * sub-table covers a range of hashes that a split only ever narrows: a visit of hash ranges in order meets each entry
 * that stays exactly once, whatever happens between.
 *
 * A value that fits its block is overwritten in place; else the entry moves to a larger block, and `onMove` is called.
 */

import { Copier, copyBytes, copyViewed } from '../../base/index.ts';
import { inUse, Slab, segmentShift, unitMask } from './slab.ts';

export const flags = { inUse, referenced: 2, due: 4, changed: 8, unknown: 16 } as const;

/** Words behind the header that `touch` reads. */
const touchedBehind = 15;
const shortValue = 512;
const smallestSlots = 16;
const largestSlots = 8192;
/** Beyond so many bits a sub-table grows instead: should very many hashes be alike, the directory stays small. */
const deepest = 20;
const plainHeaderBytes = 20;
const listedHeaderBytes = 28;

const noBytes = new Uint8Array(0);
/** The sub-table that is being split. */
const splitting = new Int32Array(largestSlots * 2 + 2);

/** Slots of a sub-table, and behind them two words: how many are taken, and how many bits of the hash led here. */
const newSlots = (slots: number, depth: number): Int32Array => {
  const sub = new Int32Array(slots * 2 + 2);
  sub[slots * 2 + 1] = depth;
  return sub;
};
const slotsOf = (sub: Int32Array): number => (sub.length >>> 1) - 1;

export class FlatTable {
  readonly slab = new Slab();
  readonly headerBytes: number;
  count = 0;
  /** Keeps the compiler from leaving out what `touch` reads. */
  touched = 0;
  /** Bytes of the slots. */
  slotBytes = 0;
  /** Called when an entry gets a new address. */
  onMove: (from: number, to: number) => void = () => {};

  readonly #values = new Copier();
  readonly #bytes: Uint8Array[];
  readonly #words: Int32Array[];
  /** Where the last key came from, and the one from elsewhere before it. */
  #keyBytes: Uint8Array = noBytes;
  #keyView: DataView | undefined;
  #otherBytes: Uint8Array = noBytes;
  #otherView: DataView | undefined;
  readonly #seed: number;
  readonly #multiplier: number;
  readonly #listed: boolean;
  /** Values change their length all the time: they are pages. */
  readonly coarse: boolean;
  readonly #heads: number[] = [];
  #directory: Int32Array[];
  /** 32 − bits that the directory uses. */
  #shift = 32;

  /** `listed`: entries are kept in lists. `coarse`: values change their length all the time. */
  constructor(options: { readonly seed: number; readonly listed: boolean; readonly coarse?: boolean }) {
    this.coarse = options.coarse ?? false;
    this.#seed = options.seed | 0;
    this.#multiplier = Math.imul(options.seed ^ 0x5bd1e995, 0xcc9e2d51) | 1;
    this.#listed = options.listed;
    this.headerBytes = options.listed ? listedHeaderBytes : plainHeaderBytes;
    this.#bytes = this.slab.bytes;
    this.#words = this.slab.words;
    this.#directory = [newSlots(smallestSlots, 0)];
    this.slotBytes = smallestSlots * 8;
  }

  // ---- look-up

  /** Signed 32 bits. Keys that collide cannot be prepared without the seed. */
  hash(kind: number, key: Uint8Array, start: number, end: number, view = this.#keyViewOf(key)): number {
    const multiplier = this.#multiplier;
    let hash = this.#seed ^ kind;
    let at = start;
    for (const whole = end - 3; at < whole; at += 4) {
      const word =
        view === undefined
          ? (key[at] as number) |
            ((key[at + 1] as number) << 8) |
            ((key[at + 2] as number) << 16) |
            ((key[at + 3] as number) << 24)
          : view.getInt32(at, true);
      const mixed = Math.imul(word, multiplier);
      hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
    if (at < end) {
      let word = 0;
      for (; at < end; at++) word = (word << 8) | (key[at] as number);
      const mixed = Math.imul(word, multiplier);
      hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    }
    hash ^= end - start;
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x85ebca6b);
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  /** The entry's address, or 0. */
  find(hash: number, kind: number, key: Uint8Array, start: number, end: number): number {
    const sub = this.#directory[(hash >>> 1) >>> (this.#shift - 1)] as Int32Array;
    const mask = (sub.length >>> 1) - 2;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const address = sub[slot * 2 + 1] as number;
      if (address === 0) return 0;
      if (sub[slot * 2] === hash && this.holds(address, kind, key, start, end)) return address;
    }
  }

  /** Brings the slots where look-ups of these hashes begin into the processor's cache. A loop of its own, and a short
   *  one: the less there is between two reads, the more of them are under way together. */
  touchSlots(hashes: Int32Array, count: number): void {
    const directory = this.#directory;
    const shift = this.#shift - 1;
    let seen = 0;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i] as number;
      const sub = directory[(hash >>> 1) >>> shift] as Int32Array;
      seen ^= sub[(hash & ((sub.length >>> 1) - 2)) * 2] as number;
    }
    this.touched = seen;
  }

  /** The first entry whose hash this is, whatever its key; 0: there is none. */
  candidate(hash: number): number {
    const sub = this.#directory[(hash >>> 1) >>> (this.#shift - 1)] as Int32Array;
    const mask = (sub.length >>> 1) - 2;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const address = sub[slot * 2 + 1] as number;
      if (address === 0 || sub[slot * 2] === hash) return address;
    }
  }

  /** Whether there still is an entry at an address of some time ago, and has this key. */
  stillHolds(address: number, kind: number, key: Uint8Array, start: number, end: number): boolean {
    const words = this.#words[address >>> segmentShift] as Int32Array;
    return ((words[(address & unitMask) << 1] ?? 0) & inUse) !== 0 && this.holds(address, kind, key, start, end);
  }

  /** Whether the entry at this address has this key. */
  holds(address: number, kind: number, key: Uint8Array, start: number, end: number): boolean {
    const segment = address >>> segmentShift;
    const unit = address & unitMask;
    const words = this.#words[segment] as Int32Array;
    if (words[(unit << 1) + 1] !== end - start + 1) return false;
    const bytes = this.#bytes[segment] as Uint8Array;
    let at = (unit << 3) + this.headerBytes;
    if (bytes[at++] !== kind) return false;
    let i = start;
    const view = this.#keyViewOf(key);
    if (view !== undefined) {
      const entry = this.slab.views[segment] as DataView;
      for (; i + 4 <= end; i += 4, at += 4) if (entry.getInt32(at, true) !== view.getInt32(i, true)) return false;
    }
    for (; i < end; i++) if (bytes[at++] !== key[i]) return false;
    return true;
  }

  /** To read keys in words: a view is made of memory that keys come from again and again. */
  #keyViewOf(key: Uint8Array): DataView | undefined {
    if (key === this.#keyBytes) return (this.#keyView ??= viewOf(key));
    const isOther = key === this.#otherBytes;
    const view = isOther ? (this.#otherView ?? viewOf(key)) : undefined;
    this.#otherBytes = this.#keyBytes;
    this.#otherView = this.#keyView;
    this.#keyBytes = key;
    this.#keyView = view;
    return view;
  }

  // ---- parts of an entry

  /** Of the segment that the entry lies in, as `bytesOf`. */
  viewOf(address: number): DataView {
    return this.slab.views[address >>> segmentShift] as DataView;
  }

  bytesOf(address: number): Uint8Array {
    return this.#bytes[address >>> segmentShift] as Uint8Array;
  }

  /** Where the kind byte lies; the key begins one behind. */
  keyStart(address: number): number {
    return ((address & unitMask) << 3) + this.headerBytes;
  }

  /** Of kind and key together. */
  keyLength(address: number): number {
    return this.#word(address, 1);
  }

  kindOf(address: number): number {
    return this.bytesOf(address)[this.keyStart(address)] as number;
  }

  valueStart(address: number): number {
    const unit = address & unitMask;
    const words = this.#words[address >>> segmentShift] as Int32Array;
    return (unit << 3) + this.headerBytes + (words[(unit << 1) + 1] as number);
  }

  /** −1: the key is absent. */
  valueLength(address: number): number {
    return this.#word(address, 2);
  }

  hasFlag(address: number, flag: number): boolean {
    return (this.#word(address, 0) & flag) !== 0;
  }

  setFlag(address: number, flag: number): void {
    const words = this.#words[address >>> segmentShift] as Int32Array;
    const at = (address & unitMask) << 1;
    const word = words[at] as number;
    if ((word & flag) === 0) words[at] = word | flag;
  }

  clearFlag(address: number, flag: number): void {
    const words = this.#words[address >>> segmentShift] as Int32Array;
    const at = (address & unitMask) << 1;
    words[at] = (words[at] as number) & ~flag;
  }

  /** Word 3: a place in the list of changes or in the queue of due entries. */
  place(address: number): number {
    return this.#word(address, 3);
  }

  setPlace(address: number, place: number): void {
    (this.#words[address >>> segmentShift] as Int32Array)[((address & unitMask) << 1) + 3] = place;
  }

  /** Word 4, unsigned. */
  checksum(address: number): number {
    return this.#word(address, 4) >>> 0;
  }

  setChecksum(address: number, checksum: number): void {
    this.#setWord(address, 4, checksum);
  }

  #hashOf(address: number): number {
    const bytes = this.bytesOf(address);
    const start = this.keyStart(address);
    return this.hash(bytes[start] as number, bytes, start + 1, start + this.keyLength(address), this.viewOf(address));
  }

  #word(address: number, index: number): number {
    return (this.#words[address >>> segmentShift] as Int32Array)[((address & unitMask) << 1) + index] as number;
  }

  /**
   * Brings entries into the processor's cache; address 0 is passed over. Walking a list of addresses pays a full trip
   * to memory for each; asked for together, they come together (measured over 1e5 entries: 130 ns one by one, 8 ns in
   * groups of 32). Of each entry the cache line of its header, and of the word that is the last of an entry of 64
   * bytes: so all of an entry of that size, wherever it lies, and most of a longer one.
   */
  touch(addresses: Int32Array, from: number, to: number): void {
    const segments = this.#words;
    let seen = 0;
    for (let i = from; i < to; i++) {
      const address = addresses[i] as number;
      if (address === 0) continue;
      const words = segments[address >>> segmentShift] as Int32Array;
      const at = (address & unitMask) << 1;
      seen ^= words[at] as number;
      if (at + touchedBehind < words.length) seen ^= words[at + touchedBehind] as number;
    }
    this.touched = seen;
  }

  /** The same for where values end, of entries whose headers are in the cache: pages are counted and grow there. */
  touchEnds(addresses: Int32Array, from: number, to: number): void {
    const segments = this.#words;
    let seen = 0;
    for (let i = from; i < to; i++) {
      const address = addresses[i] as number;
      if (address === 0) continue;
      const words = segments[address >>> segmentShift] as Int32Array;
      const at = (address & unitMask) << 1;
      const bytes = this.headerBytes + (words[at + 1] as number) + (words[at + 2] as number);
      seen ^= words[at + ((bytes - 1) >> 2)] ?? 0;
    }
    this.touched = seen;
  }

  /** The same for headers alone. */
  touchHeaders(addresses: Int32Array, from: number, to: number): void {
    const segments = this.#words;
    let seen = 0;
    for (let i = from; i < to; i++) {
      const address = addresses[i] as number;
      seen ^= (segments[address >>> segmentShift] as Int32Array)[(address & unitMask) << 1] as number;
    }
    this.touched = seen;
  }

  // ---- changing

  /** Adds an entry whose key is known to be missing; its value is absent until `setValue`, with room for `room`
   *  bytes. */
  insert(hash: number, kind: number, key: Uint8Array, start: number, end: number, room: number): number {
    const address = this.slab.allocate(this.#unitsFor(this.headerBytes + 1 + (end - start) + room));
    const segment = address >>> segmentShift;
    const unit = address & unitMask;
    const words = this.#words[segment] as Int32Array;
    const at = unit << 1;
    words[at] = (words[at] as number) | flags.referenced;
    words[at + 1] = end - start + 1;
    words[at + 2] = -1;
    words[at + 4] = 0;
    const bytes = this.#bytes[segment] as Uint8Array;
    const keyAt = (unit << 3) + this.headerBytes;
    bytes[keyAt] = kind;
    copyBytes(key, start, end, bytes, keyAt + 1);
    this.count++;
    this.#place(hash, address);
    return address;
  }

  /** Values that grow and shrink all the time get blocks of few sizes, so that a block that is freed fits the next
   *  one. */
  #unitsFor(bytes: number): number {
    const units = (bytes + 7) >>> 3;
    if (!this.coarse || units < 16) return units;
    const step = 1 << (29 - Math.clz32(units));
    return (units + step - 1) & -step;
  }

  /** Sets the value, `start` −1: absent. Answers with the address, which is a new one when the value did not fit. */
  setValue(address: number, value: Uint8Array, start: number, end: number): number {
    const segment = address >>> segmentShift;
    const at = (address & unitMask) << 1;
    const words = this.#words[segment] as Int32Array;
    if (start < 0) {
      words[at + 2] = -1;
      return address;
    }
    const length = end - start;
    const before = this.headerBytes + (words[at + 1] as number);
    const room = (((words[at] as number) >>> 8) << 3) - before;
    if (length > room || (room > 256 && length * 4 < room)) return this.#moveWithValue(address, value, start, end);
    words[at + 2] = length;
    const view = this.slab.views[segment] as DataView;
    this.#values.copy(value, start, end, this.#bytes[segment] as Uint8Array, view, (at << 2) + before);
    return address;
  }

  /** Sets the length of a value, −1: absent. It keeps its bytes as far as they fit; behind them it is arbitrary.
   *  Answers with the address, which is a new one when the value did not fit: there it has room to grow by a quarter, a
   *  short one by as much again. */
  resize(address: number, length: number): number {
    const words = this.#words[address >>> segmentShift] as Int32Array;
    const at = (address & unitMask) << 1;
    const before = this.headerBytes + (words[at + 1] as number);
    const room = (((words[at] as number) >>> 8) << 3) - before;
    const held = words[at + 2] as number;
    if (length <= room && (room <= 256 || length * 4 >= room || length < 0)) {
      words[at + 2] = length;
      return address;
    }
    // Short values grow more steps at a time: a move costs more than the room.
    const spare = length < shortValue ? length : length >>> 2;
    const to = this.slab.allocate(this.#unitsFor(before + length + spare));
    this.#adopt(address, to, before + Math.max(0, Math.min(held, length)));
    this.#setWord(to, 2, length);
    this.slab.free(address);
    return to;
  }

  #moveWithValue(address: number, value: Uint8Array, start: number, end: number): number {
    const before = this.headerBytes + this.#word(address, 1);
    const to = this.slab.allocate(this.#unitsFor(before + (end - start)));
    this.#values.copy(value, start, end, this.bytesOf(to), this.viewOf(to), ((to & unitMask) << 3) + before);
    this.#adopt(address, to, before);
    (this.#words[to >>> segmentShift] as Int32Array)[((to & unitMask) << 1) + 2] = end - start;
    this.slab.free(address);
    return to;
  }

  /** Moves an entry out of a closed segment. */
  #evacuate(address: number): void {
    const units = this.slab.unitsOf(address);
    const to = this.slab.allocate(units);
    this.#adopt(address, to, units << 3);
    this.slab.abandon(address);
  }

  /** Makes `to` the entry that `from` was: copies its first `bytes` bytes, and updates slot, list and every holder of
   *  addresses. */
  #adopt(from: number, to: number, bytes: number): void {
    const fromWords = this.#words[from >>> segmentShift] as Int32Array;
    const toWords = this.#words[to >>> segmentShift] as Int32Array;
    const fromAt = (from & unitMask) << 1;
    const toAt = (to & unitMask) << 1;
    toWords[toAt] = ((toWords[toAt] as number) & ~0xff) | ((fromWords[fromAt] as number) & 0xff);
    const end = (fromAt << 2) + bytes;
    copyViewed(
      this.bytesOf(from),
      this.viewOf(from),
      (fromAt << 2) + 4,
      end,
      this.bytesOf(to),
      this.viewOf(to),
      (toAt << 2) + 4,
    );
    const hash = this.#hashOf(to);
    const sub = this.#subOf(hash);
    sub[slotOf(sub, hash, from) * 2 + 1] = to;
    if (this.#listed) {
      const next = toWords[toAt + 5] as number;
      const previous = toWords[toAt + 6] as number;
      if (next !== 0) this.#setWord(next, 6, to);
      if (previous > 0) this.#setWord(previous, 5, to);
      else if (previous < 0) this.#heads[~previous] = to;
    }
    this.onMove(from, to);
  }

  remove(address: number): void {
    if (this.#listed) this.#unlist(address);
    const hash = this.#hashOf(address);
    const sub = this.#subOf(hash);
    const mask = slotsOf(sub) - 1;
    let hole = slotOf(sub, hash, address);
    // What probed past the hole moves into it, until an empty slot ends the run.
    for (let slot = (hole + 1) & mask; (sub[slot * 2 + 1] as number) !== 0; slot = (slot + 1) & mask) {
      const home = sub[slot * 2] as number;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        sub[hole * 2] = home;
        sub[hole * 2 + 1] = sub[slot * 2 + 1] as number;
        hole = slot;
      }
    }
    sub[hole * 2] = 0;
    sub[hole * 2 + 1] = 0;
    this.count--;
    const taken = (sub[sub.length - 2] as number) - 1;
    sub[sub.length - 2] = taken;
    this.slab.free(address);
    if (taken * 8 < mask && mask >= smallestSlots) this.#replace(sub, this.#rebuilt(sub, (mask + 1) >>> 1));
  }

  #setWord(address: number, index: number, value: number): void {
    (this.#words[address >>> segmentShift] as Int32Array)[((address & unitMask) << 1) + index] = value;
  }

  // ---- slots

  #subOf(hash: number): Int32Array {
    return this.#directory[(hash >>> 1) >>> (this.#shift - 1)] as Int32Array;
  }

  #place(hash: number, address: number): void {
    let sub = this.#subOf(hash);
    while ((sub[sub.length - 2] as number) * 10 >= slotsOf(sub) * 7) {
      const slots = slotsOf(sub);
      if (slots < largestSlots || (sub[sub.length - 1] as number) >= deepest)
        this.#replace(sub, this.#rebuilt(sub, slots * 2));
      else this.#split(sub);
      sub = this.#subOf(hash);
    }
    placeIn(sub, hash, address);
  }

  #rebuilt(sub: Int32Array, slots: number): Int32Array {
    const next = newSlots(slots, sub[sub.length - 1] as number);
    for (let at = 0; at < sub.length - 2; at += 2) {
      if (sub[at + 1] !== 0) placeIn(next, sub[at] as number, sub[at + 1] as number);
    }
    return next;
  }

  /** The sub-table keeps the entries of the lower half of its hashes; a new one takes the others. What stays is placed
   *  again, from a copy that all splits share. */
  #split(sub: Int32Array): void {
    const depth = (sub[sub.length - 1] as number) + 1;
    if (depth > 32 - this.#shift) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#shift--;
    }
    const upper = newSlots(slotsOf(sub), depth);
    const end = sub.length - 2;
    splitting.set(sub);
    sub.fill(0);
    sub[end + 1] = depth;
    for (let at = 0; at < end; at += 2) {
      const hash = splitting[at] as number;
      const address = splitting[at + 1] as number;
      if (address !== 0) placeIn(((hash >>> (32 - depth)) & 1) === 0 ? sub : upper, hash, address);
    }
    this.slotBytes += slotsOf(upper) * 8;
    const width = 1 << (32 - this.#shift - depth);
    const first = this.#directory.indexOf(sub) + width;
    this.#directory.fill(upper, first, first + width);
  }

  /** Puts a sub-table in the place of another. */
  #replace(sub: Int32Array, by: Int32Array): void {
    this.slotBytes += (slotsOf(by) - slotsOf(sub)) * 8;
    const first = this.#directory.indexOf(sub);
    this.#directory.fill(by, first, first + (1 << (32 - this.#shift - (sub[sub.length - 1] as number))));
  }

  // ---- lists of entries that share a window

  /** Puts the entry at the head of a list. */
  enlist(address: number, list: number): void {
    const head = this.#heads[list] ?? 0;
    this.#setWord(address, 5, head);
    this.#setWord(address, 6, ~list);
    if (head !== 0) this.#setWord(head, 6, address);
    this.#heads[list] = address;
  }

  /** For entries that belong to no list. */
  leaveUnlisted(address: number): void {
    this.#setWord(address, 5, 0);
    this.#setWord(address, 6, 0);
  }

  headOf(list: number): number {
    return this.#heads[list] ?? 0;
  }

  #unlist(address: number): void {
    const next = this.#word(address, 5);
    const previous = this.#word(address, 6);
    if (next !== 0) this.#setWord(next, 6, previous);
    if (previous > 0) this.#setWord(previous, 5, next);
    else if (previous < 0) this.#heads[~previous] = next;
  }

  // ---- walking

  /** Visits the entries with `from` ≤ unsigned hash < `to`, but at most those of one sub-table. Answers with the hash
   *  to go on from. The visitor must not change the table; answering false ends the visit. */
  visitHashes(from: number, to: number, visit: (address: number, hash: number) => boolean): number {
    const sub = this.#subOf(from | 0);
    const bits = sub[sub.length - 1] as number;
    const width = 2 ** (32 - bits);
    const end = Math.min(to, Math.floor(from / width) * width + width);
    for (let at = 0; at < sub.length - 2; at += 2) {
      const address = sub[at + 1] as number;
      if (address === 0) continue;
      const hash = sub[at] as number;
      const place = hash >>> 0;
      if (place >= from && place < end && !visit(address, hash)) break;
    }
    return end;
  }

  /** Empties the emptiest segment into others; true when it did. */
  defragment(): boolean {
    const segment = this.slab.emptiest();
    if (segment < 0) return false;
    this.slab.close(segment);
    this.slab.walk(segment, (address) => this.#evacuate(address));
    this.slab.release(segment);
    return true;
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const slotOf = (sub: Int32Array, hash: number, address: number): number => {
  const mask = (sub.length >>> 1) - 2;
  let slot = hash & mask;
  while (sub[slot * 2 + 1] !== address) slot = (slot + 1) & mask;
  return slot;
};

const placeIn = (sub: Int32Array, hash: number, address: number): void => {
  const mask = (sub.length >>> 1) - 2;
  let slot = hash & mask;
  while ((sub[slot * 2 + 1] as number) !== 0) slot = (slot + 1) & mask;
  sub[slot * 2] = hash;
  sub[slot * 2 + 1] = address;
  sub[sub.length - 2] = (sub[sub.length - 2] as number) + 1;
};
