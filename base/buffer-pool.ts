/**
 * Reuses buffers. A fresh large buffer costs a page fault for every 4 KiB, ten times what filling it costs; so
 * code that fills many buffers borrows them here and gives them back. Sizes are powers of two; at most
 * `keepBytes` lie idle.
 */

export class BufferPool {
  readonly #idle = new Map<number, ArrayBuffer[]>();
  readonly #keepBytes: number;
  #idleBytes = 0;

  constructor(keepBytes = 32 * 1024 * 1024) {
    this.#keepBytes = keepBytes;
  }

  /** A buffer of at least this many bytes, with whatever was in it before. */
  take(least: number): Uint8Array<ArrayBuffer> {
    const size = sizeFor(least);
    const found = this.#idle.get(size)?.pop();
    if (found === undefined) return new Uint8Array(size);
    this.#idleBytes -= size;
    return new Uint8Array(found);
  }

  /** Gives back the whole buffer behind `bytes`, which must not be used afterwards. Buffers of other sizes than the
   *  pool's are left to the garbage collector. */
  give(bytes: Uint8Array): void {
    const buffer = bytes.buffer;
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < 4096) return;
    const size = buffer.byteLength;
    if (size !== sizeFor(size) || this.#idleBytes + size > this.#keepBytes) return;
    const list = this.#idle.get(size);
    if (list === undefined) this.#idle.set(size, [buffer]);
    else list.push(buffer);
    this.#idleBytes += size;
  }
}

const sizeFor = (least: number): number => {
  let size = 4096;
  while (size < least) size *= 2;
  return size;
};
