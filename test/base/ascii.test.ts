import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAscii, readShortUtf8, utf8Bytes } from '../../base/index.ts';

test('ASCII of every length is read as it stands', () => {
  for (let length = 0; length <= 60; length++) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 37 + length) % 128)).join('');
    expect(readAscii(utf8Bytes(`<${text}>`), 1, length + 1)).toBe(text);
  }
});

test('texts are read as they stand', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '~', 'é', '語', '🙂'), maxLength: 40 });
  fc.assert(
    fc.property(word, (text) => {
      const bytes = utf8Bytes(`<${text}>`);
      expect(readShortUtf8(bytes, 1, bytes.length - 1)).toBe(text);
    }),
  );
});

test('malformed bytes read as U+FFFD', () => {
  expect(readShortUtf8(Uint8Array.of(97, 0xff, 98), 0, 3)).toBe('a\ufffdb');
  expect(readShortUtf8(Uint8Array.of(97, 0xe8, 0xaa), 0, 3)).toBe('a\ufffd');
});
