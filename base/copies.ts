/**
 * Copies of bytes that others may keep for as long as they like.
 *
 * An array above 64 bytes lies outside the engine's heap, and costs a microsecond to make. So copies of up to 2 KiB are
 * cut from chunks of 16 KiB, as Node does for its buffers (150 bytes: 190 ns instead of 960); shorter ones than 64
 * bytes lie in the heap, and longer ones have memory of their own. A chunk stays as long as one of its copies does. It
 * must not be transferred to another thread, for it has other copies in it: `useChunks` lets the host forbid that.
 */

const inHeap = 64;
const inChunk = 2048;
const chunkBytes = 16_384;

let newChunk = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);
let chunk = new Uint8Array(0);
let at = 0;

/** Installs how the host makes chunks, for this thread. */
export const useChunks = (make: (bytes: number) => ArrayBuffer): void => {
  newChunk = make;
};

/** A copy of `source[start, end)`. */
export const copyOf = (source: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> => {
  const length = end - start;
  if (length <= inHeap) {
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = source[start + i] as number;
    return copy;
  }
  if (length > inChunk) {
    const copy = new Uint8Array(length);
    copy.set(source.subarray(start, end));
    return copy;
  }
  if (at + length > chunk.length) {
    chunk = new Uint8Array(newChunk(chunkBytes));
    at = 0;
  }
  const copy = new Uint8Array(chunk.buffer, at, length);
  copy.set(source.subarray(start, end));
  // A multiple of 8: the next one may be read by words.
  at = (at + length + 7) & ~7;
  return copy;
};
