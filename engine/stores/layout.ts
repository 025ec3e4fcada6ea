/**
 * How a store's keys and values look in its changelog and in the key-value store.
 *
 *   changelog key   kind · key
 *   LevelDB key     store id (4 bytes, big-endian) · kind · key
 *
 *   kind 0  data       key: the operator's key; window stores: window start (8 bytes, big-endian, sign bit flipped) · key
 *   kind 1  meta       key: name as UTF-8; value: f64, big-endian
 *   kind 2  expiry     no key; value as meta: every window that starts below is gone. Applied after older entries, it drops them again
 *   kind 3  window     LevelDB only; key: window start as above; value: sum of the window's data entries (`entry-sum.ts`)
 *   kind 4  position   LevelDB only; no key; value: layout version (1 byte) · changelog offset (f64, big-endian) · the changelog's id (UTF-8)
 *   kind 5  sum        LevelDB only; no key; value: sum of all entries of kinds 0 to 3, but for data entries of window stores, which
 *                      the sums of their windows hold, and for windows that have expired
 *
 * In LevelDB a checksum follows each value (`checksum.ts`). Flipping the sign bit makes byte order the order of time,
 * before 1970 as well. The version byte makes a checkpoint in another layout as good as none: the store is rebuilt from
 * its changelog, whose layout is part of the topic's contract. So does the id: an offset means nothing in a topic that
 * was made anew under the old name.
 */

import { ByteWriter, readF64, utf8Text, writeF64 } from '../../base/index.ts';

export const kinds = { data: 0, meta: 1, expiry: 2, window: 3, position: 4, sum: 5 } as const;

export const layoutVersion = 2;
export const windowBytes = 8;
export const kvPrefixBytes = 5;

const two32 = 0x1_0000_0000;

export const writeWindowStart = (bytes: Uint8Array, at: number, windowStart: number): void => {
  const high = Math.floor(windowStart / two32);
  const low = windowStart - high * two32;
  bytes[at] = (high >> 24) ^ 0x80;
  bytes[at + 1] = high >> 16;
  bytes[at + 2] = high >> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = low >>> 24;
  bytes[at + 5] = low >>> 16;
  bytes[at + 6] = low >>> 8;
  bytes[at + 7] = low;
};

export const readWindowStart = (bytes: Uint8Array, at: number): number => {
  const high =
    (((bytes[at] as number) ^ 0x80) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number);
  const low =
    ((bytes[at + 4] as number) << 24) |
    ((bytes[at + 5] as number) << 16) |
    ((bytes[at + 6] as number) << 8) |
    (bytes[at + 7] as number);
  return high * two32 + (low >>> 0);
};

export const numberValue = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  writeF64(bytes, 0, value);
  return bytes;
};

export const readNumberValue = (bytes: Uint8Array, at = 0): number => readF64(bytes, at);

export const positionValue = (offset: number, changelogId: string): Uint8Array => {
  const out = new ByteWriter(64);
  out.i8(layoutVersion);
  out.f64(offset);
  out.utf8(changelogId);
  return out.slice();
};

/** The offset, or why it is none of ours. */
export const readPositionValue = (bytes: Uint8Array, changelogId: string): number | string => {
  if (bytes[0] !== layoutVersion) return 'its checkpoint was written in another layout';
  if (utf8Text(bytes.subarray(9)) !== changelogId)
    return 'its checkpoint belongs to a former changelog of the same name';
  return readF64(bytes, 1);
};
