/**
 * Text and bytes: UTF-8, latin1 and ASCII, read and written at a position.
 *
 * The plain forms run wherever JavaScript does. A host that has faster ones installs them once at start
 * (`useNativeText`; `base/node/text.ts` does so with Node's own slices, 3 to 5 times faster on short texts). Both give
 * the same answers: malformed UTF-8 reads as U+FFFD, a lone surrogate is written as U+FFFD.
 */

export interface NativeText {
  readLatin1(bytes: Uint8Array, start: number, end: number): string;
  readUtf8(bytes: Uint8Array, start: number, end: number): string;
  /** Writes the whole text at `at`, where there is room for 3 bytes per UTF-16 unit; returns the number of bytes
   *  written. */
  writeUtf8(bytes: Uint8Array, text: string, at: number): number;
  /** Writes one byte per UTF-16 unit; the caller makes sure that each is below 256. */
  writeLatin1(bytes: Uint8Array, text: string, at: number): number;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export const plainText: NativeText = {
  readLatin1(bytes, start, end) {
    let text = '';
    for (let at = start; at < end; at += 4096) {
      text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, end)));
    }
    return text;
  },
  readUtf8(bytes, start, end) {
    return decoder.decode(bytes.subarray(start, end));
  },
  writeUtf8(bytes, text, at) {
    return encoder.encodeInto(text, bytes.subarray(at)).written;
  },
  writeLatin1(bytes, text, at) {
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    return text.length;
  },
};

let text: NativeText = plainText;

/** Installs the host's forms, for this thread. */
export const useNativeText = (native: NativeText): void => {
  text = native;
};

export const readLatin1 = (bytes: Uint8Array, start: number, end: number): string => text.readLatin1(bytes, start, end);

export const readUtf8 = (bytes: Uint8Array, start: number, end: number): string => text.readUtf8(bytes, start, end);

export const writeLatin1 = (bytes: Uint8Array, value: string, at: number): number => text.writeLatin1(bytes, value, at);

/** Short texts are written by a loop (a call into the host costs more than 20 characters do), long ones by the host. */
export const writeUtf8 = (bytes: Uint8Array, value: string, at: number): number => {
  const length = value.length;
  if (length <= 24) {
    let i = 0;
    for (; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 128) break;
      bytes[at + i] = unit;
    }
    if (i === length) return length;
  }
  return text.writeUtf8(bytes, value, at);
};

/** The number of bytes that `writeUtf8` would write. */
export const utf8Length = (value: string): number => {
  let length = value.length;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else {
      length += 2;
      if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < value.length) {
        const next = value.charCodeAt(i + 1);
        if (next >= 0xdc00 && next < 0xe000) i++;
      }
    }
  }
  return length;
};

export const isAscii = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 128) return false;
  return true;
};

/** The beginning of a text that may be long, for a message. */
export const shortened = (value: string, most = 40): string =>
  value.length > most ? `${value.slice(0, most - 3)}…` : value;

/** A text as bytes of its own. */
export const utf8Bytes = (value: string): Uint8Array => encoder.encode(value);

export const utf8Text = (bytes: Uint8Array): string => text.readUtf8(bytes, 0, bytes.length);
