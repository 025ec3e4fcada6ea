/** Base64, of the standard alphabet: bytes as text. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The values of the digits, by their code; 64 for what is no digit. */
const digits: Uint8Array = new Uint8Array(128).fill(64);
for (let value = 0; value < 64; value++) digits[alphabet.charCodeAt(value)] = value;

const padding = 61;

/** With padding. */
export const base64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[word >> 18] as string;
    text += alphabet[(word >> 12) & 63] as string;
    text += left > 1 ? (alphabet[(word >> 6) & 63] as string) : '=';
    text += left > 2 ? (alphabet[word & 63] as string) : '=';
  }
  return text;
};

/**
 * The bytes that a text stands for, as Java's basic decoder reads it: padding may be left out, but half of it is a
 * fault, and so is every character that is not a digit. None when the text is not base64.
 */
export const parseBase64 = (text: string): Uint8Array | undefined => {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text.charCodeAt(end - 1) === padding) end--;
  if (end < text.length && text.length % 4 !== 0) return undefined;
  if (end % 4 === 1) return undefined;
  const bytes = new Uint8Array((end * 3) >> 2);
  let word = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (digits[code] as number) : 64;
    if (value === 64) return undefined;
    word = (word << 6) | value;
    if (i % 4 === 0) continue;
    bytes[at++] = word >> (6 - 2 * (i % 4));
    if (i % 4 === 3) word = 0;
  }
  return bytes;
};
