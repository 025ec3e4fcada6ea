/** A hash of a text in 48 bits, a safe integer, the same on every machine: for noticing that something has changed. */

import { murmur2 } from './bytes.ts';
import { crc32c } from './crc32c.ts';
import { utf8Bytes } from './text.ts';

export const hash48 = (text: string): number => {
  const bytes = utf8Bytes(text);
  return (crc32c(bytes, 0, bytes.length) >>> 0) * 0x10000 + (murmur2(bytes) & 0xffff);
};
