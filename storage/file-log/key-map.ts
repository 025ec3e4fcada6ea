/**
 * The offset map of the compactor: for each key of a stretch of log, the number of its last record there.
 *
 * Keys are compared byte by byte, so two keys are never taken for one, whatever they hash to. Memory is bounded: a key that would need more than
 * `limitBytes` is refused, and the caller ends its stretch there. One entry takes its key's bytes, 16 bytes, and 8 to 16 bytes of hash table.
 *
 * A look-up in a large map costs three cache misses. `prepare` takes a group of keys ahead: it makes the same accesses for all of them, one kind
 * after the other, so that the processor waits for many at a time.
 *
 *   slots     Int32Array     entry + 1 at the place of its hash or behind (linear probing, at most half full); 0: free
 *   entries   Int32Array     4 words each: hash · start of the key in `keys` · its length · number of its last record
 *   keys      Uint8Array     key bytes, one behind the other
 */

const wordsPerEntry = 4;
const leastEntries = 1024;
/** The most keys that are prepared at once: what they touch fits the second-level cache. */
export const groupRows = 256;

export class KeyMap {
  readonly #limitBytes: number;
  #slots = new Int32Array(leastEntries * 2);
  #entries = new Int32Array(leastEntries * wordsPerEntry);
  #keys = new Uint8Array(16 * 1024);
  #keysEnd = 0;
  #count = 0;
  /** Hashes of the group that was prepared last, and what it found on the way. */
  readonly #hashes = new Int32Array(groupRows);
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

  /** Takes the keys `[starts, ends)` of rows [from, to), at most `groupRows`: `has` and `set` are then asked for them by `row - from`. A
   *  negative start means that the row has no key. */
  prepare(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const hashes = this.#hashes;
    const seen = this.#seen;
    const slots = this.#slots;
    const entries = this.#entries;
    const keys = this.#keys;
    const mask = slots.length - 1;
    const count = to - from;
    for (let i = 0; i < count; i++) {
      const start = starts[from + i] as number;
      hashes[i] = start < 0 ? 0 : hashOf(bytes, start, ends[from + i] as number);
    }
    for (let i = 0; i < count; i++) seen[i] = slots[(hashes[i] as number) & mask] as number;
    for (let i = 0; i < count; i++) {
      const entry = seen[i] as number;
      seen[i] = entry === 0 ? 0 : (entries[(entry - 1) * wordsPerEntry + 1] as number);
    }
    let touched = 0;
    for (let i = 0; i < count; i++) touched += keys[seen[i] as number] as number;
    this.touched = touched;
  }

  /** Whether the `i`-th key that was prepared, `bytes[start, end)`, is there. */
  has(bytes: Uint8Array, start: number, end: number, i: number): boolean {
    return this.#find(bytes, start, end, this.#hashes[i] as number) >= 0;
  }

  /** Sets the number of the `i`-th key that was prepared; answers the number before, -1 for a new key, or -2 when there is no room for it
   *  (nothing changed then). */
  set(bytes: Uint8Array, start: number, end: number, i: number, number: number): number {
    const hash = this.#hashes[i] as number;
    const found = this.#find(bytes, start, end, hash);
    if (found >= 0) {
      const at = found * wordsPerEntry + 3;
      const before = this.#entries[at] as number;
      this.#entries[at] = number;
      return before;
    }
    if (!this.#reserve(end - start)) return -2;
    if (this.#count * 2 >= this.#slots.length) {
      this.#rehash();
      this.#find(bytes, start, end, hash);
    }
    const at = this.#count * wordsPerEntry;
    const entries = this.#entries;
    entries[at] = hash;
    entries[at + 1] = this.#keysEnd;
    entries[at + 2] = end - start;
    entries[at + 3] = number;
    const keys = this.#keys;
    let to = this.#keysEnd;
    for (let from = start; from < end; from++) keys[to++] = bytes[from] as number;
    this.#keysEnd = to;
    this.#count++;
    this.#slots[this.#slot] = this.#count;
    return -1;
  }

  /** The entry of a key, or -1; `#slot` is its place. */
  #find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const entries = this.#entries;
    const keys = this.#keys;
    const mask = slots.length - 1;
    const length = end - start;
    let slot = hash & mask;
    for (;;) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) break;
      const at = entry * wordsPerEntry;
      if (entries[at] === hash && entries[at + 2] === length) {
        let key = entries[at + 1] as number;
        let from = start;
        while (from < end && keys[key] === bytes[from]) {
          key++;
          from++;
        }
        if (from === end) {
          this.#slot = slot;
          return entry;
        }
      }
      slot = (slot + 1) & mask;
    }
    this.#slot = slot;
    return -1;
  }

  /** Makes room for one more entry with a key of this length; false when that is beyond the limit. */
  #reserve(keyLength: number): boolean {
    let size = this.sizeBytes;
    let keys = this.#keys.length;
    while (this.#keysEnd + keyLength > keys) keys *= 2;
    size += keys - this.#keys.length;
    const full = (this.#count + 1) * wordsPerEntry > this.#entries.length;
    if (full) size += this.#entries.byteLength;
    if (this.#count * 2 >= this.#slots.length) size += this.#slots.byteLength;
    if (size > this.sizeBytes && size > this.#limitBytes) return false;
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
      let slot = (this.#entries[entry * wordsPerEntry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** Murmur3 in 32 bits. */
const hashOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = mixed(hash, word);
  }
  let tail = 0;
  for (let shift = 0; at < end; at++, shift += 8) tail |= (bytes[at] as number) << shift;
  hash = mixed(hash, tail) ^ (end - start);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
};

const mixed = (hash: number, word: number): number => {
  let part = Math.imul(word, 0xcc9e_2d51);
  part = Math.imul((part << 15) | (part >>> 17), 0x1b87_3593);
  const next = hash ^ part;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe654_6b64) | 0;
};
