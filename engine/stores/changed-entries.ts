/** The entries of an ordered store that the open transaction has changed, each once, by their changelog keys
 *  (`layout.ts`). */

import { ByteWriter } from '../../base/index.ts';
import { FlatTable } from './flat-table.ts';
import { kinds } from './layout.ts';

export class ChangedEntries {
  count = 0;
  #table = new FlatTable({ seed: 0, listed: false });
  #addresses = new Int32Array(64);
  readonly #seed: number;
  readonly #key = new ByteWriter(64);

  constructor(seed: number) {
    this.#seed = seed;
    this.reset();
  }

  get bytesInMemory(): number {
    return this.#table.slab.liveBytes + this.#table.slotBytes + this.#addresses.length * 4;
  }

  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): void {
    const name = this.#key;
    name.reset();
    name.unsignedVarint(keyEnd - keyStart);
    name.bytes(key, keyStart, keyEnd);
    name.bytes(order, orderStart, orderEnd);
    const { buffer, length } = name;
    const table = this.#table;
    const hash = table.hash(kinds.data, buffer, 0, length);
    if (table.find(hash, kinds.data, buffer, 0, length) !== 0) return;
    if (this.count === this.#addresses.length) {
      const grown = new Int32Array(this.count * 2);
      grown.set(this.#addresses);
      this.#addresses = grown;
    }
    this.#addresses[this.count++] = table.insert(hash, kinds.data, buffer, 0, length, 0);
  }

  /** Visits the changelog keys `bytes[start, end)` in the order of their first change. */
  forEach(visit: (bytes: Uint8Array, start: number, end: number) => void): void {
    const table = this.#table;
    for (let i = 0; i < this.count; i++) {
      const address = this.#addresses[i] as number;
      const start = table.keyStart(address);
      visit(table.bytesOf(address), start, start + table.keyLength(address));
    }
  }

  reset(): void {
    if (this.count > 0 || this.#addresses.length > 64) this.#table = new FlatTable({ seed: this.#seed, listed: false });
    if (this.#addresses.length > 1 << 20) this.#addresses = new Int32Array(64);
    this.count = 0;
  }
}
