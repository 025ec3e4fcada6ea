/** The headers of a record: encoded, skipped, visited in place, or read as objects. */

import { ByteWriter, newCursor, readUtf8, readVarint, utf8Bytes } from '../base/index.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Headers as they lie in a record, behind one byte of padding: give them to `append` with `headersAt` 1. */
export const encodeHeaders = (headers: readonly RecordHeader[]): Uint8Array => {
  const out = new ByteWriter(64);
  out.i8(0);
  out.varint(headers.length);
  for (const { key, value } of headers) {
    const name = utf8Bytes(key);
    out.varint(name.length);
    out.bytes(name);
    out.varint(value === null ? -1 : value.length);
    if (value !== null) out.bytes(value);
  }
  return out.slice();
};

const cursor = newCursor();

/** The position behind the headers whose count lies at `position`; -1 when they run beyond `end` or are malformed. */
export const skipHeaders = (bytes: Uint8Array, position: number, end: number): number =>
  forEachHeader(bytes, position, end, undefined);

/** Calls `visit` for each header with the positions of its key and value (value start -1: null); see `skipHeaders`. */
export const forEachHeader = (
  bytes: Uint8Array,
  position: number,
  end: number,
  visit: ((keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void) | undefined,
): number => {
  cursor.at = position;
  const count = readVarint(bytes, end, cursor);
  if (!(count >= 0) || count > end - position) return -1;
  for (let i = 0; i < count; i++) {
    const keyLength = readVarint(bytes, end, cursor);
    const keyStart = cursor.at;
    if (!(keyLength >= 0) || keyLength > end - keyStart) return -1;
    cursor.at = keyStart + keyLength;
    const valueLength = readVarint(bytes, end, cursor);
    const valueStart = cursor.at;
    if (!(valueLength >= -1) || valueLength > end - valueStart) return -1;
    const next = valueStart + Math.max(0, valueLength);
    if (visit !== undefined) {
      visit(keyStart, keyStart + keyLength, valueLength < 0 ? -1 : valueStart, valueLength < 0 ? -1 : next);
    }
    cursor.at = next;
  }
  return cursor.at;
};

/** The headers at a column's `headersAt` as objects, bytes copied; none at 0. */
export const readHeaders = (bytes: Uint8Array, headersAt: number): RecordHeader[] => {
  const headers: RecordHeader[] = [];
  if (headersAt > 0) {
    forEachHeader(bytes, headersAt, bytes.length, (keyStart, keyEnd, valueStart, valueEnd) => {
      const value = valueStart < 0 ? null : bytes.slice(valueStart, valueEnd);
      headers.push({ key: readUtf8(bytes, keyStart, keyEnd), value });
    });
  }
  return headers;
};
