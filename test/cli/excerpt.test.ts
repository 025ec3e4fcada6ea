/** The line where a fault lies, and the mark under it. */

import { expect, test } from 'vitest';
import { displayWidth, renderCaret } from '../../cli/excerpt.ts';

const place = (line: number, column: number, length?: number) => ({
  line,
  column,
  offset: 0,
  ...(length === undefined ? {} : { length }),
});

test.each([
  ['one line', 'SELECT naem FROM users', place(1, 8, 4), ['SELECT naem FROM users', '       ^^^^']],
  ['a point', 'SELECT a', place(1, 8), ['SELECT a', '       ^']],
  ['a later line', 'SELECT\n  naem\nFROM users', place(2, 3, 4), ['  naem', '  ^^^^']],
  ['a fault over several lines', "SELECT 'a\nb' x", place(1, 8, 6), ["SELECT 'a", '       ^^']],
  ['behind the end', 'SELECT', place(1, 7), ['SELECT', '      ^']],
  ['tabs', '\tSELECT\tx', place(1, 9), [' SELECT x', '        ^']],
  ['wide characters', "'数据' naem", place(1, 6, 4), ["'数据' naem", '       ^^^^']],
  ['a wide character at fault', 'a 数 b', place(1, 3, 1), ['a 数 b', '  ^^']],
  ['a line that is not there', 'a', place(7, 3), ['', '^']],
])('%s', (_, text, at, lines) => {
  expect(renderCaret(text, at).split('\n')).toEqual(lines);
});

test('a long line is cut around the place', () => {
  const text = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
  const [line = '', mark = ''] = renderCaret(text, place(1, 501, 4)).split('\n');
  expect(displayWidth(line)).toBeLessThan(110);
  expect(line.startsWith('…') && line.endsWith('…')).toBe(true);
  expect(line.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('HERE');
});

test('an emoji is two columns and an accent none', () => {
  expect(displayWidth('🦀')).toBe(2);
  expect(displayWidth('e\u0301')).toBe(1);
});
