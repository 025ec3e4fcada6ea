/** Columns that are read from the headers of a record. */

import { readUtf8, utf8Bytes } from '../../base/index.ts';
import type { StreamRecord } from '../../engine/index.ts';
import { forEachHeader } from '../../storage/index.ts';
import type { HeaderColumn } from '../types/schema.ts';
import type { Value } from '../types/value.ts';

export const headerReader = ({ headerKey }: HeaderColumn): ((record: StreamRecord<unknown>) => Value) =>
  headerKey === undefined ? allHeaders : lastHeader(utf8Bytes(headerKey));

const allHeaders = ({ headerBytes, headersAt }: StreamRecord<unknown>): Value => {
  const headers: Value[] = [];
  if (headersAt > 0) {
    forEachHeader(headerBytes, headersAt, headerBytes.length, (keyStart, keyEnd, valueStart, valueEnd) => {
      const value = valueStart < 0 ? null : headerBytes.slice(valueStart, valueEnd);
      headers.push([readUtf8(headerBytes, keyStart, keyEnd), value]);
    });
  }
  return headers;
};

/** The value of the last header with the key; NULL where there is none, or where it has none. */
const lastHeader =
  (key: Uint8Array) =>
  ({ headerBytes, headersAt }: StreamRecord<unknown>): Value => {
    if (headersAt === 0) return null;
    let start = -1;
    let end = -1;
    forEachHeader(headerBytes, headersAt, headerBytes.length, (keyStart, keyEnd, valueStart, valueEnd) => {
      if (!equals(headerBytes, keyStart, keyEnd, key)) return;
      start = valueStart;
      end = valueEnd;
    });
    return start < 0 ? null : headerBytes.slice(start, end);
  };

const equals = (bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean => {
  if (end - start !== key.length) return false;
  for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
  return true;
};
