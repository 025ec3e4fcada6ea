/**
 * The offset map of the compactor: for each key of a stretch of log, the number of its last record there.
 *
 * Keys are compared byte by byte, so two keys are never mistaken for one, whatever they hash to. Memory is bounded: a
 * key that would need more than `limitBytes` is refused, and the caller ends its stretch there. (The first batch of a
 * stretch is never refused: a stretch with keys left out would keep records that look superseded, and a tombstone
 * dropped later would bring them back.) One entry takes 32 bytes, 8 to 16 bytes of hash table, and, where the key has
 * more than 12 bytes, those.
 *
 *   slots     Int32Array     entry + 1 at the slot of its hash or behind (linear probing, at most half full); 0: free
 *   entries   Int32Array     8 words each: hash · length · number of the last record · the key in 3 words, or its start
 *                            in `keys` · 2 unused
 *   keys      Uint8Array     longer keys, one behind the other
 *
 * A look-up in a large map costs cache misses. `prepare` takes a group of keys ahead: it makes the same accesses for
 * all of them, one kind after the other, so that the processor waits for many at a time (75 ns a key instead of 190,
 * 100,000 keys on a busy machine).
 */

const wordsPerEntry = 8;
const leastEntries = 1024;
/** Keys up to this length lie in their entry. */
const shortKey = 12;
/** The most keys that are prepared at once: what they touch fits the second-level cache. */
export const groupRows = 256;

const at = { hash: 0, length: 1, number: 2, key: 3 } as const;

export class KeyMap {
  readonly #limitBytes: number;
  #slots = new Int32Array(leastEntries * 2);
  #entries = new Int32Array(leastEntries * wordsPerEntry);
  #keys = new Uint8Array(16 * 1024);
  #keysEnd = 0;
  #count = 0;
  /** The group that was prepared last: hashes, the three words of short keys, and what was found on the way. */
  readonly #hashes = new Int32Array(groupRows);
  readonly #words = new Int32Array(groupRows * 3);
  readonly #seen = new Int32Array(groupRows);
  /** Keeps the accesses of `prepare` from being optimized away. */
  touched = 0;
  /** Where the last search ended: the slot of the key, or the free one that it would take. */
  #slot = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Distinct keys. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the arrays. */
  get sizeBytes(): number {
    return this.#slots.byteLength + this.#entries.byteLength + this.#keys.byteLength;
  }

  /** Forgets all keys; the memory is kept. */
  clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
    this.#keysEnd = 0;
  }

  /** Hashes the keys `[starts, ends)` of rows [from, to), at most `groupRows`: `has` and `set` are then asked for them
   *  by `row - from`. A negative start means that the row has no key. */
  prepare(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const hashes = this.#hashes;
    const words = this.#words;
    const seen = this.#seen;
    const slots = this.#slots;
    const entries = this.#entries;
    const mask = slots.length - 1;
    const count = to - from;
    for (let i = 0; i < count; i++) {
      const start = starts[from + i] as number;
      if (start < 0) continue;
      const end = ends[from + i] as number;
      if (end - start > shortKey) {
        hashes[i] = hashOf(bytes, start, end);
        continue;
      }
      const a = wordAt(bytes, start, end);
      const b = wordAt(bytes, start + 4, end);
      const c = wordAt(bytes, start + 8, end);
      words[i * 3] = a;
      words[i * 3 + 1] = b;
      words[i * 3 + 2] = c;
      hashes[i] = finished(mixed(mixed(mixed(0, a), b), c) ^ (end - start));
    }
    for (let i = 0; i < count; i++) seen[i] = slots[(hashes[i] as number) & mask] as number;
    let touched = 0;
    for (let i = 0; i < count; i++) touched += entries[Math.max(0, (seen[i] as number) - 1) * wordsPerEntry] as number;
    this.touched = touched;
  }

  /** Whether the `i`-th key that was prepared, `bytes[start, end)`, is there. */
  has(bytes: Uint8Array, start: number, end: number, i: number): boolean {
    return this.#find(bytes, start, end, i) >= 0;
  }

  /** Sets the numbers of rows [from, to), whose keys were prepared: `first` that of row `from`, then one more for each.
   *  Answers for each row the number before: -1 for a new key or none, -2 when there is no room for the key (it is left
   *  out; never with `must`). The array is good until the next call. */
  set(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    from: number,
    to: number,
    first: number,
    must = false,
  ): Int32Array {
    const before = this.#seen;
    const hashes = this.#hashes;
    const words = this.#words;
    const count = to - from;
    for (let i = 0; i < count; i++) {
      const start = starts[from + i] as number;
      if (start < 0) {
        before[i] = -1;
        continue;
      }
      const length = (ends[from + i] as number) - start;
      // The common case, a short key that is found at once, without a call.
      const entries = this.#entries;
      const slots = this.#slots;
      const hash = hashes[i] as number;
      const entry = ((slots[hash & (slots.length - 1)] as number) - 1) * wordsPerEntry;
      const isHere =
        entry >= 0 &&
        length <= shortKey &&
        entries[entry] === hash &&
        entries[entry + at.length] === length &&
        entries[entry + at.key] === words[i * 3] &&
        entries[entry + at.key + 1] === words[i * 3 + 1] &&
        entries[entry + at.key + 2] === words[i * 3 + 2];
      if (isHere) {
        before[i] = entries[entry + at.number] as number;
        entries[entry + at.number] = first + i;
      } else before[i] = this.#set(bytes, start, start + length, i, first + i, must);
    }
    return before;
  }

  #set(bytes: Uint8Array, start: number, end: number, i: number, number: number, must: boolean): number {
    const found = this.#find(bytes, start, end, i);
    if (found >= 0) {
      const word = found * wordsPerEntry + at.number;
      const before = this.#entries[word] as number;
      this.#entries[word] = number;
      return before;
    }
    const length = end - start;
    if (!this.#reserve(length > shortKey ? length : 0, must)) return -2;
    if (this.#count * 2 >= this.#slots.length) {
      this.#rehash();
      this.#find(bytes, start, end, i);
    }
    const entries = this.#entries;
    const entry = this.#count * wordsPerEntry;
    entries[entry + at.hash] = this.#hashes[i] as number;
    entries[entry + at.length] = length;
    entries[entry + at.number] = number;
    if (length > shortKey) {
      entries[entry + at.key] = this.#keysEnd;
      this.#keys.set(bytes.subarray(start, end), this.#keysEnd);
      this.#keysEnd += length;
    } else for (let word = 0; word < 3; word++) entries[entry + at.key + word] = this.#words[i * 3 + word] as number;
    this.#count++;
    this.#slots[this.#slot] = this.#count;
    return -1;
  }

  /** The entry of a prepared key, or -1; `#slot` is its slot. */
  #find(bytes: Uint8Array, start: number, end: number, i: number): number {
    const slots = this.#slots;
    const entries = this.#entries;
    const hash = this.#hashes[i] as number;
    const mask = slots.length - 1;
    const length = end - start;
    let slot = hash & mask;
    for (;;) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) break;
      const from = entry * wordsPerEntry;
      if (entries[from + at.hash] === hash && entries[from + at.length] === length) {
        if (
          length > shortKey ? this.#isKey(entries[from + at.key] as number, bytes, start, end) : this.#isShort(from, i)
        ) {
          this.#slot = slot;
          return entry;
        }
      }
      slot = (slot + 1) & mask;
    }
    this.#slot = slot;
    return -1;
  }

  #isShort(from: number, i: number): boolean {
    const entries = this.#entries;
    const words = this.#words;
    return (
      entries[from + at.key] === words[i * 3] &&
      entries[from + at.key + 1] === words[i * 3 + 1] &&
      entries[from + at.key + 2] === words[i * 3 + 2]
    );
  }

  #isKey(key: number, bytes: Uint8Array, start: number, end: number): boolean {
    const keys = this.#keys;
    for (let from = start; from < end; from++) if (keys[key++] !== bytes[from]) return false;
    return true;
  }

  /** Makes room for one more entry with so many bytes in `keys`; false when that is beyond the limit, unless it must
   *  be. */
  #reserve(keyBytes: number, must: boolean): boolean {
    let size = this.sizeBytes;
    let keys = this.#keys.length;
    while (this.#keysEnd + keyBytes > keys) keys *= 2;
    size += keys - this.#keys.length;
    const full = (this.#count + 1) * wordsPerEntry > this.#entries.length;
    if (full) size += this.#entries.byteLength;
    if (this.#count * 2 >= this.#slots.length) size += this.#slots.byteLength;
    if (!must && size > this.sizeBytes && size > this.#limitBytes) return false;
    if (keys > this.#keys.length) {
      const wider = new Uint8Array(keys);
      wider.set(this.#keys.subarray(0, this.#keysEnd));
      this.#keys = wider;
    }
    if (full) {
      const wider = new Int32Array(this.#entries.length * 2);
      wider.set(this.#entries);
      this.#entries = wider;
    }
    return true;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      let slot = (this.#entries[entry * wordsPerEntry + at.hash] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

// Murmur3 in 32 bits.

const hashOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = 0;
  for (let from = start; from < end; from += 4) hash = mixed(hash, wordAt(bytes, from, end));
  return finished(hash ^ (end - start));
};

/** Up to four bytes from `from` on, those before `end`. */
const wordAt = (bytes: Uint8Array, from: number, end: number): number => {
  if (from + 4 <= end) {
    return (
      (bytes[from] as number) |
      ((bytes[from + 1] as number) << 8) |
      ((bytes[from + 2] as number) << 16) |
      ((bytes[from + 3] as number) << 24)
    );
  }
  let word = 0;
  for (let shift = 0; from < end; from++, shift += 8) word |= (bytes[from] as number) << shift;
  return word;
};

const mixed = (hash: number, word: number): number => {
  let part = Math.imul(word, 0xcc9e_2d51);
  part = Math.imul((part << 15) | (part >>> 17), 0x1b87_3593);
  const next = hash ^ part;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe654_6b64) | 0;
};

const finished = (hash: number): number => {
  let mix = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2_ae35);
  return mix ^ (mix >>> 16);
};
