/** MD5 (RFC 1321), as SQL has it: a fingerprint of a text, of no use against somebody who wants two texts to have the
 *  same one. */

import { toHex } from './bytes.ts';
import { utf8Bytes } from './text.ts';

/** How far each of the 64 steps rotates: four amounts in turn for each round of 16. */
const rotations = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

const sines = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/** The digest of the text's UTF-8 as 32 hexadecimal digits. */
export const md5 = (text: string): string => {
  const bytes = utf8Bytes(text);
  const padded = new DataView(new ArrayBuffer((Math.floor((bytes.length + 8) / 64) + 1) * 64));
  new Uint8Array(padded.buffer).set(bytes);
  padded.setUint8(bytes.length, 0x80);
  padded.setBigUint64(padded.byteLength - 8, BigInt(bytes.length) * 8n, true);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < padded.byteLength; block += 64) addBlock(state, padded, block);
  return toHex(new Uint8Array(state.buffer));
};

const addBlock = (state: Int32Array, data: DataView, block: number): void => {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const [mixed, word] =
      round === 0
        ? [(b & c) | (~b & d), i]
        : round === 1
          ? [(d & b) | (~d & c), 5 * i + 1]
          : round === 2
            ? [b ^ c ^ d, 3 * i + 5]
            : [c ^ (b | ~d), 7 * i];
    const sum = (a + mixed + (sines[i] ?? 0) + data.getInt32(block + (word % 16) * 4, true)) | 0;
    const by = rotations[round as 0 | 1 | 2 | 3][i % 4] ?? 0;
    [a, d, c, b] = [d, c, b, (b + ((sum << by) | (sum >>> (32 - by)))) | 0];
  }
  [a, b, c, d].forEach((word, i) => {
    state[i] = (state[i] ?? 0) + word;
  });
};
