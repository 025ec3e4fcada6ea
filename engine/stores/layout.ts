/**
 * How a store's keys and values look in its changelog and in the key-value store.
 *
 *   changelog key   kind · key
 *   LevelDB key     store id (4 bytes, big-endian) · kind · key
 *
 *   kind 0  data       key-value stores: the operator's key; window stores: window start · the operator's key
 *                      ordered stores, changelog: length of the operator's key (unsigned varint) · the operator's key · order
 *                      ordered stores, LevelDB: [window start ·] the operator's key; value: the first page (`pages.ts`) of its entries
 *   kind 1  meta       key: name as UTF-8; value: f64, big-endian
 *   kind 2  expiry     no key; value as meta: every time before it is gone. Applied after older entries, it drops them again
 *   kind 3  window     LevelDB only; key: window start; value: sum of the window's data entries and pages (`entry-sum.ts`)
 *   kind 4  position   LevelDB only; no key; value: layout version (1 byte) · changelog offset (f64, big-endian) · the changelog's id (UTF-8)
 *                      [· LF · the form of the store (UTF-8)]
 *   kind 5  sum        LevelDB only; no key; value: sum of all entries of kinds 0 to 3 and 6, but for what the sums of
 *                      windows hold, and for windows that have expired
 *   kind 6  page       LevelDB only, ordered stores; key: the key of kind 0 · number of the page (u32, big-endian)
 *
 * A window start is a time: 8 bytes, big-endian, the sign bit flipped, so that byte order is the order of time before
 * 1970 as well. In LevelDB a checksum follows each value (`checksum.ts`).
 *
 * A checkpoint is not used, and the store is rebuilt from its changelog (whose layout is part of the topic's contract),
 * where one of these is another than now: the version byte; the changelog's id, since an offset means nothing in a
 * topic that was deleted and created again under the same name; the form, which holds what of the layout depends on the
 * store's specification.
 */

import {
  ByteWriter,
  readF64,
  readOrderedI64,
  readViewOrderedI64,
  utf8Text,
  writeF64,
  writeOrderedI64,
} from '../../base/index.ts';

export const kinds = { data: 0, meta: 1, expiry: 2, window: 3, position: 4, sum: 5, page: 6 } as const;

/** In an ordered store: whether the value of such an entry is a page. */
export const isPage = (kind: number): boolean => kind === kinds.data || kind === kinds.page;

/** In a store that expires: whether the key of such an entry begins with the start of a window. */
export const hasWindow = isPage;

export const layoutVersion = 2;
export const timeBytes = 8;
export const kvPrefixBytes = 5;

export const writeTime = writeOrderedI64;
/** Exact while the time is a safe integer. */
export const readTime = readOrderedI64;
export const readViewTime = readViewOrderedI64;

export const numberValue = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  writeF64(bytes, 0, value);
  return bytes;
};

export const readNumberValue = (bytes: Uint8Array, at = 0): number => readF64(bytes, at);

/** `form` is empty for stores whose layout does not depend on their specification. */
const positionName = (changelogId: string, form: string): string =>
  form === '' ? changelogId : `${changelogId}\n${form}`;

export const positionValue = (offset: number, changelogId: string, form: string): Uint8Array => {
  const out = new ByteWriter(64);
  out.i8(layoutVersion);
  out.f64(offset);
  out.utf8(positionName(changelogId, form));
  return out.slice();
};

/** The offset, or why the checkpoint cannot be used. */
export const readPositionValue = (bytes: Uint8Array, changelogId: string, form: string): number | string => {
  if (bytes[0] !== layoutVersion) return 'its checkpoint was written in another layout';
  const name = utf8Text(bytes.subarray(9));
  if (name === positionName(changelogId, form)) return readF64(bytes, 1);
  return changelogIdOf(bytes) === changelogId
    ? 'its checkpoint was written for another retention time'
    : 'its checkpoint belongs to a former changelog of the same name';
};

export const changelogIdOf = (position: Uint8Array): string => utf8Text(position.subarray(9)).split('\n')[0] as string;
