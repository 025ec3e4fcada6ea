/** Rows as aligned text, and values as they came. */

import { expect, test } from 'vitest';
import { type Cell, cellJson, cellText, parseCells, rowJson } from '../../cli/cell.ts';
import { plainStyle, TableWriter } from '../../cli/table.ts';

const rows = (...lines: readonly string[]): (readonly Cell[])[] =>
  lines.map((line) => parseCells(line) as readonly Cell[]);

const columns = [
  { name: 'ID', type: 'BIGINT' },
  { name: 'NAME', type: 'STRING' },
];

test('numbers stand to the right, text to the left, and wide characters count as two', () => {
  const table = new TableWriter(columns, plainStyle);
  expect(table.write(rows('[1,"Anna"]', '[9007199254740993,"数据库"]', '[null,null]'))).toBe(
    [
      '               ID | NAME',
      '------------------+--------',
      '                1 | Anna',
      ' 9007199254740993 | 数据库',
      '             NULL | NULL',
      '',
    ].join('\n'),
  );
});

test('a table without rows is its head', () => {
  expect(new TableWriter(columns, plainStyle).write([])).toBe(' ID | NAME\n----+------\n');
});

test('rows that come later keep to the columns, and widen them where they need more', () => {
  const table = new TableWriter(columns, plainStyle);
  const first = table.write(rows('[1,"a"]'));
  const second = table.write(rows('[12345,"bcd"]'));
  const third = table.write(rows('[1,"a"]'));
  expect(first + second + third).toBe(
    [' ID | NAME', '----+------', '  1 | a', ' 12345 | bcd', '     1 | a', ''].join('\n'),
  );
});

test('in a terminal the widest text gives way, and its cells wrap', () => {
  const table = new TableWriter([...columns, { name: 'NOTE', type: 'STRING' }], {
    ...plainStyle,
    width: 30,
    boxes: true,
  });
  const text = table.write(rows('[1,"Anna","a note that is much too long"]'));
  expect(text).toBe(
    [
      ' ID │ NAME │ NOTE',
      '────┼──────┼─────────────────',
      '  1 │ Anna │ a note that is',
      '    │      │ much too long',
      '',
    ].join('\n'),
  );
});

test('a name that is wider than its column wraps as well', () => {
  const table = new TableWriter([{ name: 'A_NAME_OF_COLUMN', type: 'STRING' }], { ...plainStyle, width: 11 });
  expect(table.write(rows('["x"]'))).toBe([' A_NAME_O', ' F_COLUMN', '----------', ' x', ''].join('\n'));
});

test('a cell that wraps keeps all its characters, wide ones too', () => {
  const table = new TableWriter([{ name: 'NAME', type: 'STRING' }], { ...plainStyle, width: 13, boxes: true });
  expect(table.write(rows('["one 漢字 and emoji 🎉!"]'))).toBe(
    [' NAME', '────────────', ' one 漢字 a', ' nd emoji', ' 🎉!', ''].join('\n'),
  );
});

test('nothing in a value can draw on the terminal', () => {
  expect(cellText('a\nb\u001b[31m\u0000\u202e')).toBe('a\\nb\\u001b[31m\\u0000\\u202e');
});

test('numbers keep their digits, in tables and as JSON', () => {
  const row = parseCells('[9223372036854775807,12.50,1.0,{"a":[0.10,null],"__proto__":true},"x"]') as readonly Cell[];
  expect(row.map(cellText)).toEqual(['9223372036854775807', '12.50', '1.0', '{"a":[0.10,null],"__proto__":true}', 'x']);
  expect(cellJson(row)).toBe('[9223372036854775807,12.50,1.0,{"a":[0.10,null],"__proto__":true},"x"]');
  expect(rowJson(['A', 'B', 'constructor', '__proto__', 'E', 'F'], row)).toBe(
    '{"A":9223372036854775807,"B":12.50,"constructor":1.0,"__proto__":{"a":[0.10,null],"__proto__":true},"E":"x","F":null}',
  );
});
