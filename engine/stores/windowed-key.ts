/** The key of an entry in a store that expires: the start of a window, then the operator's key. Made in a buffer that
 *  is used again. */

import { Copier } from '../../base/index.ts';
import { timeBytes, writeTime } from './layout.ts';

export class WindowedKey {
  bytes = new Uint8Array(256);
  /** The key is `bytes[0, length)`. */
  length = 0;
  #view = new DataView(this.bytes.buffer);
  readonly #copier = new Copier();
  /** The window start that `bytes` begins with. */
  #windowStart = Number.NaN;

  /** Sets the operator's key; `setWindow` completes it, once for each window. */
  setKey(key: Uint8Array, start: number, end: number): void {
    const length = timeBytes + (end - start);
    if (length > this.bytes.length) {
      this.bytes = new Uint8Array(length * 2);
      this.#view = new DataView(this.bytes.buffer);
      this.#windowStart = Number.NaN;
    }
    this.#copier.copy(key, start, end, this.bytes, this.#view, timeBytes);
    this.length = length;
  }

  setWindow(windowStart: number): void {
    if (windowStart === this.#windowStart) return;
    writeTime(this.bytes, 0, windowStart);
    this.#windowStart = windowStart;
  }

  set(windowStart: number, key: Uint8Array, start: number, end: number): void {
    this.setKey(key, start, end);
    this.setWindow(windowStart);
  }
}
