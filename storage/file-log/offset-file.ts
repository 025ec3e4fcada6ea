/**
 * A file of a partition that holds one offset:
 *
 *   crc u32 (of what follows) · version i16 (1) · offset i64
 */

import { assert, ByteWriter, crc32c, isCount, readI16, readI64, readU32 } from '../../base/index.ts';

const fileBytes = 14;

export const encodeOffset = (offset: number): Uint8Array => {
  assert(isCount(offset), () => `${offset} is not an offset`);
  const out = new ByteWriter(fileBytes);
  out.u32(0);
  out.i16(1);
  out.i64(offset);
  out.view().setUint32(0, crc32c(out.buffer, 4, fileBytes));
  return out.slice();
};

/** The offset; undefined when the bytes are damaged. */
export const decodeOffset = (bytes: Uint8Array): number | undefined =>
  bytes.length === fileBytes && readU32(bytes, 0) === crc32c(bytes, 4, fileBytes) && readI16(bytes, 4) === 1
    ? readI64(bytes, 6)
    : undefined;
