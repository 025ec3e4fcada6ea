import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asciiText, utf8Bytes } from '../../base/index.ts';

const read = (bytes: Uint8Array, start: number, end: number): string => {
  let hash = 0;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
  return asciiText(bytes, start, end, hash);
};

test('texts are read as they stand, whether they come for the first time or again', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '~'), maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(5), { maxLength: 40 }),
      (words, order) => {
        const bytes = words.map((text) => utf8Bytes(`<${text}>`));
        for (const i of [0, 0, 0, ...order]) {
          const at = bytes[i % bytes.length] as Uint8Array;
          expect(read(at, 1, at.length - 1)).toBe(words[i % words.length]);
        }
      },
    ),
  );
});

test('two texts with one hash are told apart', () => {
  // 'Aa' and 'BB' have the same rolling hash, and with them all texts that are made of them.
  const texts = ['AaAa', 'BBBB', 'AaBB', 'BBAa'];
  for (let round = 0; round < 4; round++)
    for (const text of texts)
      for (let times = 0; times < 3; times++) expect(read(utf8Bytes(text), 0, text.length)).toBe(text);
});
