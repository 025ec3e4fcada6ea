/**
 * Shows where in a text a fault lies: the line, and under it a mark.
 *
 *     SELECT id, naem FROM users
 *                ^^^^
 *
 * The mark covers the part of the fault that lies on its first line. A tab becomes one blank, so that mark and text
 * stay aligned, and a line too long to be read is cut around the position, with `…` where something is missing.
 * Characters that take two columns in a terminal (Chinese, Japanese, Korean, emoji) are counted as two.
 */

import type { ErrorEntity } from '../server/protocol.ts';

/** A position in a text, as the server names it. */
export type Position = NonNullable<NonNullable<ErrorEntity['millrace']>['at']>;

const maxWidth = 100;

/** Two lines, without a line end at the last. An unknown position gives the beginning of the text. */
export function renderCaret(text: string, at: Position): string {
  const lines = text.split(/\r\n?|\n/);
  const line = lines[at.line - 1] ?? '';
  const start = Math.min(at.column - 1, line.length);
  const end = Math.max(start + 1, Math.min(start + (at.length ?? 1), line.length));

  const from = start > maxWidth * 0.7 ? safeCut(line, start - Math.floor(maxWidth / 2)) : 0;
  const to = line.length - from > maxWidth ? safeCut(line, from + maxWidth) : line.length;
  const before = `${from > 0 ? '…' : ''}${plain(line.slice(from, start))}`;
  const meant = plain(line.slice(start, Math.min(end, to)));
  const after = `${plain(line.slice(end, to))}${to < line.length ? '…' : ''}`;
  const mark = '^'.repeat(Math.max(1, displayWidth(meant)));
  return `${before}${meant}${after}\n${' '.repeat(displayWidth(before))}${mark}`;
}

/** Control characters would move the cursor; each becomes one blank. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

/** A position to cut at that is not inside a surrogate pair. */
const safeCut = (text: string, index: number): number => {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff ? index - 1 : index;
};

/** How many columns of a terminal a text is wide: two for wide characters, none for marks that combine with the one
 *  before. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) width += widthOf(char);
  return width;
}

const combining = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

function widthOf(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (combining.test(char)) return 0;
  return isWide(code) ? 2 : 1;
}

/** The blocks of characters that terminals draw two columns wide. */
const wideBlocks: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

const isWide = (code: number): boolean => wideBlocks.some(([first, last]) => code >= first && code <= last);
