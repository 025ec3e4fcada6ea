/**
 * The checksum that each value has in the key-value store: LevelDB as we get it does not verify its blocks when it
 * reads them.
 *
 *   value as stored = value · CRC-32C of (key · value), 4 bytes, big-endian; 0 is stored as 1
 *
 * It is bound to the key, so that a value that turns up under another key is found as well. It is computed when a
 * checkpoint writes an entry and when an entry is read back, never for an update in memory.
 */

import { crc32c, readU32, writeI32 } from '../../base/index.ts';
import { KvError } from './ordered-kv.ts';

export const checksumBytes = 4;

/** The checksum of a key and the value `bytes[start, end)`; never 0. */
const checksumOf = (key: Uint8Array, bytes: Uint8Array, start: number, end: number): number =>
  crc32c(bytes, start, end, crc32c(key, 0, key.length)) || 1;

/** Puts the checksum behind the value `bytes[0, length)`; answers with it. */
export const appendChecksum = (key: Uint8Array, bytes: Uint8Array, length: number): number => {
  const checksum = checksumOf(key, bytes, 0, length);
  writeI32(bytes, length, checksum);
  return checksum;
};

/** A value with its checksum behind it. */
export const withChecksum = (key: Uint8Array, value: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(value.length + checksumBytes);
  bytes.set(value);
  appendChecksum(key, bytes, value.length);
  return bytes;
};

/** Whether a value as it was stored has its checksum; it is `stored[start, end)`. */
export const isWhole = (key: Uint8Array, stored: Uint8Array, start = 0, end = stored.length): boolean => {
  const valueEnd = end - checksumBytes;
  return valueEnd >= start && checksumOf(key, stored, start, valueEnd) === readU32(stored, valueEnd);
};

/** Verifies a value as it was stored; answers with its checksum. Throws a `KvError` of kind `corrupt`. */
export const verifyChecksum = (key: Uint8Array, stored: Uint8Array): number => {
  if (!isWhole(key, stored)) throw new KvError('corrupt', 'the checksum of an entry does not match');
  return readU32(stored, stored.length - checksumBytes);
};
