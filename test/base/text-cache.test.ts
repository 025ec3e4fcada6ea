import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCachedUtf8, readUtf8, utf8Bytes } from '../../base/index.ts';

test('texts are read as they stand, whether they come for the first time or again', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '~', 'é', '語'), maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(5), { maxLength: 40 }),
      (words, order) => {
        const bytes = words.map((text) => utf8Bytes(`<${text}>`));
        for (const i of [0, 0, 0, ...order]) {
          const at = bytes[i % bytes.length] as Uint8Array;
          expect(readCachedUtf8(at, 1, at.length - 1)).toBe(words[i % words.length]);
        }
      },
    ),
  );
});

test('two texts with one hash are told apart', () => {
  // 'Aa' and 'BB' have the same rolling hash, and with them all texts that are made of them.
  const texts = ['AaAa', 'BBBB', 'AaBB', 'BBAa'].map(utf8Bytes);
  for (let round = 0; round < 4; round++)
    for (const bytes of texts)
      for (let times = 0; times < 3; times++)
        expect(readCachedUtf8(bytes, 0, bytes.length)).toBe(readUtf8(bytes, 0, bytes.length));
});

test('malformed bytes read as U+FFFD', () => {
  for (let times = 0; times < 3; times++) expect(readCachedUtf8(Uint8Array.of(97, 0xff, 98), 0, 3)).toBe('a\ufffdb');
});
