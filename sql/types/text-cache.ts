/**
 * Short ASCII texts seen lately, so that the same few words are not made a million times from their bytes.
 *
 * A table by hash, overwritten, never growing: at most a few hundred kilobytes for each thread. A hit costs a comparison in place of a
 * call into the runtime and an allocation; where every text is another one, a miss costs a look.
 */

import { readLatin1 } from '../../base/index.ts';

const cacheBits = 12;
const cachedTexts: string[] = new Array<string>(1 << cacheBits).fill('');
const longestCached = 32;

/** The ASCII text in `bytes[start, end)`, whose rolling hash (`hash * 31 + byte`, as an int) the caller has at hand. */
export const asciiText = (bytes: Uint8Array, start: number, end: number, hash: number): string => {
  const length = end - start;
  if (length > longestCached) return readLatin1(bytes, start, end);
  const slot = (Math.imul(hash, 0x9e3779b1) >>> (32 - cacheBits)) & ((1 << cacheBits) - 1);
  const cached = cachedTexts[slot] as string;
  if (cached.length === length) {
    let i = 0;
    while (i < length && cached.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return cached;
  }
  const text = readLatin1(bytes, start, end);
  cachedTexts[slot] = text;
  return text;
};
