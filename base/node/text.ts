/** Node's own slices and writes of text: they work on any Uint8Array and cost one call into the runtime. */

import { Buffer } from 'node:buffer';
import type { NativeText } from '../text.ts';

interface Slices {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, offset: number, length?: number): number;
  latin1Write(this: Uint8Array, text: string, offset: number, length?: number): number;
}

const slices = Buffer.prototype as unknown as Slices;
const { latin1Slice, utf8Slice, utf8Write, latin1Write } = slices;

const encoder = new TextEncoder();

export const nodeText: NativeText = {
  readLatin1: (bytes, start, end) => latin1Slice.call(bytes, start, end),
  readUtf8: (bytes, start, end) => utf8Slice.call(bytes, start, end),
  // `encodeInto` is faster, where it needs no view of the bytes behind `at`.
  writeUtf8: (bytes, text, at) =>
    at === 0 ? encoder.encodeInto(text, bytes).written : utf8Write.call(bytes, text, at, bytes.length - at),
  writeLatin1: (bytes, text, at) => latin1Write.call(bytes, text, at, bytes.length - at),
};
