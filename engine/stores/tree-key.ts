/** The keys of the pages of one tree (`page-tree.ts`): of its first page, and of the others. Made in a buffer that is
 *  used again. */

import { Copier, writeI32 } from '../../base/index.ts';
import { timeBytes, writeTime } from './layout.ts';

const numberBytes = 4;

export class TreeKey {
  bytes = new Uint8Array(256);
  #view = new DataView(this.bytes.buffer);
  readonly #copier = new Copier();
  /** The key of the first page is `bytes[0, length)`. */
  length = 0;
  /** Where the first page may lie, 0: not known; whoever sets the key sets it as well. */
  hint = 0;

  set(key: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#copier.copy(key, start, end, this.bytes, this.#view, 0);
  }

  setWindowed(windowStart: number, key: Uint8Array, start: number, end: number): void {
    this.#reserve(timeBytes + end - start);
    writeTime(this.bytes, 0, windowStart);
    this.#copier.copy(key, start, end, this.bytes, this.#view, timeBytes);
  }

  /** Makes `bytes[0, answer)` the key of another page. */
  page(number: number): number {
    writeI32(this.bytes, this.length, number);
    return this.length + numberBytes;
  }

  #reserve(length: number): void {
    if (length + numberBytes > this.bytes.length) {
      this.bytes = new Uint8Array((length + numberBytes) * 2);
      this.#view = new DataView(this.bytes.buffer);
    }
    this.length = length;
  }
}

/** The end of the tree's key within the key `[start, end)` of one of its pages. */
export const endOfTreeKey = (isFirst: boolean, end: number): number => (isFirst ? end : end - numberBytes);
