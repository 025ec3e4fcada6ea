import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  ByteWriter,
  isAscii,
  plainText,
  readLatin1,
  readUtf8,
  useNativeText,
  utf8Bytes,
  utf8Length,
  utf8Text,
} from '../../base/index.ts';
import { nodeText } from '../../base/node/index.ts';

afterAll(() => useNativeText(plainText));

describe.each([
  ['plain', plainText],
  ['native', nodeText],
])('the %s form', (_, form) => {
  test('writes and reads any text as UTF-8, a lone surrogate as U+FFFD', () => {
    useNativeText(form);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(5), (text, padding) => {
        const out = new ByteWriter(1);
        out.bytes(new Uint8Array(padding));
        const length = out.utf8(text);
        expect(length).toBe(utf8Length(text));
        expect(out.slice().subarray(padding)).toEqual(utf8Bytes(text));
        expect(readUtf8(out.buffer, padding, padding + length)).toBe(text.toWellFormed());
      }),
      { numRuns: 300 },
    );
  });

  test('reads malformed UTF-8 and a byte order mark as they are', () => {
    useNativeText(form);
    expect(utf8Text(Uint8Array.of(0xff, 0x41))).toBe('\ufffdA');
    expect(utf8Text(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
  });

  test('writes and reads latin1', () => {
    useNativeText(form);
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)).repeat(40);
    const out = new ByteWriter();
    out.latin1(all);
    expect(out.length).toBe(all.length);
    expect(readLatin1(out.buffer, 0, out.length)).toBe(all);
    expect(isAscii(out.buffer, 0, 128)).toBe(true);
    expect(isAscii(out.buffer, 0, 129)).toBe(false);
  });
});
