import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter, codegenAllowed, useGeneratedCode, utf8Bytes } from '../../../base/index.ts';
import { delimited } from '../../../sql/formats/delimited.ts';
import { type FormatOptions, type Scanner, ScanVectors, SerdeError, scanned } from '../../../sql/formats/format.ts';
import {
  bigintType,
  booleanType,
  doubleType,
  integerType,
  type SqlType,
  scalarOf,
  stringType,
} from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { readText, scalarTypes, valueOf, writeRow } from './support.ts';

const columnsOf = (...types: SqlType[]) => types.map((type, i) => ({ name: `C${i}`, type }));
const optionsOf = (delimiter = ','): FormatOptions => ({
  side: 'value',
  wrapped: false,
  properties: { DELIMITER: delimiter },
});

/** The values of a line, or the fault. */
const read = (line: string, types: readonly SqlType[], delimiter = ','): unknown => {
  try {
    return readText(delimited.reader(columnsOf(...types), optionsOf(delimiter)), line);
  } catch (error) {
    if (!(error instanceof SerdeError)) throw error;
    return error.message.replace('not readable as DELIMITED: ', '');
  }
};

const texts = [stringType, stringType];

test.each<[string, string, readonly SqlType[], unknown]>([
  ['plain fields', 'a,b', texts, ['a', 'b']],
  ['empty fields are NULL', ',', texts, [null, null]],
  ['so are quoted ones', '"",""', texts, [null, null]],
  ['quotes hold delimiters, line breaks and doubled quotes', '"a,\nb","say ""x"""', texts, ['a,\nb', 'say "x"']],
  ['a quote within a plain field is itself', 'a"b,c', texts, ['a"b', 'c']],
  ['blanks around a plain field belong to it', ' a ,b ', texts, [' a ', 'b ']],
  ['blanks behind a closing quote do not', '"a" ,b', texts, ['a', 'b']],
  [
    'other bytes behind a closing quote',
    '"a"b,c',
    texts,
    'something stands between a closing quote and a delimiter at byte 3',
  ],
  ['a quoted field that is never closed', 'a,"b', texts, 'a quoted field is never closed at byte 2'],
  ['empty lines before the first', '\r\n\na,b', texts, ['a', 'b']],
  ['further lines', 'a,b\nc', texts, ['a', 'b']],
  ['further lines that cannot be read', 'a,b\n"c', texts, 'a quoted field is never closed at byte 4'],
  ['nothing', '', texts, 'there is no field'],
  ['a line break only', '\n', texts, 'there is no field'],
  ['fewer fields', 'a', texts, 'there are 1 fields for 2 columns'],
  ['more fields', 'a,b,', texts, 'there are 3 fields for 2 columns'],
  ['text beyond ASCII', 'é,"日,"', texts, ['é', '日,']],
  ['whole numbers', '+7,-9007199254740993', [integerType, bigintType], [7, -9007199254740993n]],
  ['a number that is too large', '2147483648', [integerType], 'the field of "C0" cannot be read as INTEGER'],
  ['blanks around a whole number', ' 7', [integerType], 'the field of "C0" cannot be read as INTEGER'],
  ['blanks around a double', ' 7 ', [doubleType], [7]],
  ['doubles', '1e3', [doubleType], [1000]],
  ['booleans', 'TRUE,yes', [booleanType, booleanType], [true, false]],
  ['decimals', '-1.20', [scalarOf('DECIMAL', [4, 2])], [-120n]],
  [
    'decimals that do not fit',
    '1.234',
    [scalarOf('DECIMAL', [4, 2])],
    'the field of "C0" cannot be read as DECIMAL(4, 2)',
  ],
  ['dates and times', '18,3,5', [scalarOf('DATE'), scalarOf('TIME'), scalarOf('TIMESTAMP')], [18, 3, 5]],
])('%s are read', (_, line, types, wanted) => expect(read(line, types)).toEqual(wanted));

test('a delimiter is one character, SPACE or TAB', () => {
  expect(read('a b', texts, 'SPACE')).toEqual(['a', 'b']);
  expect(read('a\tb', texts, 'TAB')).toEqual(['a', 'b']);
  expect(read('aéb', texts, 'é')).toEqual(['a', 'b']);
  const [{ fault } = { fault: () => '' }] = delimited.properties;
  expect(['|', 'TAB', '1', '', ' ', '"', '||', 'tab'].map((text) => fault(text) ?? 'fine')).toEqual([
    ...['fine', 'fine', 'fine'],
    ...Array.from({ length: 5 }, () => 'one character, SPACE or TAB'),
  ]);
});

describe('texts are quoted where they have to be, and as ksqlDB does', () => {
  test.each<[readonly Value[], string]>([
    [['x', 'y', 1.5], 'x,y,1.5'],
    [[null, null, null], ',,'],
    [['', '', -1.5], '"",,-1.5'],
    [['é', 'é,', 1e20], '"é","é,",1.0E20'],
    [['-x', '#x', 0.5], '"-x","#x",0.5'],
    [['a b', 'b ', 3], 'a b,"b ",3.0'],
    [['a"b', 'l\nm', 7], '"a""b","l\nm",7.0'],
    [['[', '\\', 7], '"[",\\,7.0'],
  ])('%j', (row, wanted) => {
    const writer = delimited.writer(columnsOf(stringType, stringType, doubleType), optionsOf());
    expect(writeRow(writer, row)).toBe(wanted);
  });
});

const anyDelimiter = fc.constantFrom(',', '|', 'SPACE', 'TAB', ';', 'x', '5', 'é');
const anyRow = fc
  .array(fc.constantFrom(...scalarTypes), { minLength: 1, maxLength: 6 })
  .chain((types) => fc.record({ types: fc.constant(types), row: fc.tuple(...types.map((type) => valueOf(type))) }));

test('what is written is read again', () => {
  fc.assert(
    fc.property(anyRow, anyDelimiter, ({ types, row }, delimiter) => {
      fc.pre(row.length > 1 || row[0] !== null);
      const columns = columnsOf(...types);
      const out = new ByteWriter(8);
      delimited.writer(columns, optionsOf(delimiter)).write(row, out);
      const into: Row = [];
      delimited.reader(columns, optionsOf(delimiter)).read(out.slice(), 0, out.length, into);
      // An empty text is an empty field, which is NULL; a lone surrogate has no bytes.
      const plain = row.map((value) => {
        if (value === '' || (value instanceof Uint8Array && value.length === 0)) return null;
        return typeof value === 'string' ? value.toWellFormed() : value;
      });
      expect(into).toEqual(plain);
    }),
    { numRuns: 500 },
  );
});

const scan = (scanner: Scanner, records: readonly (Uint8Array | null)[], columnCount: number): unknown[] => {
  const out = new ByteWriter(8);
  const starts = new Int32Array(records.length).fill(-1);
  const ends = new Int32Array(records.length).fill(-1);
  records.forEach((record, i) => {
    out.bytes(utf8Bytes('1,"'));
    if (record === null) return;
    starts[i] = out.length;
    out.bytes(record);
    ends[i] = out.length;
  });
  const into = new ScanVectors(columnCount, scanner.wanted);
  into.reset(records.length);
  scanner.scan(out.slice(), starts, ends, 0, records.length, into);
  return records.map((_, i) => ({
    status: into.status[i],
    fault: into.status[i] === scanned.bad ? into.errors.get(i) : undefined,
    values: scanner.wanted.map((slot) => (into.vectors[slot] as Value[])[i]),
  }));
};

test('generated code reads what the plain form reads', () => {
  const anyCase = anyRow.chain(({ types }) =>
    fc.record({
      types: fc.constant(types),
      wanted: fc.subarray(types.map((_, i) => i)),
      delimiter: anyDelimiter,
      rows: fc.array(
        fc.tuple(
          fc.tuple(...types.map((type) => valueOf(type))),
          fc.nat(40),
          fc.constantFrom<number | undefined>(
            undefined,
            undefined,
            undefined,
            34,
            44,
            10,
            13,
            32,
            45,
            46,
            48,
            57,
            101,
            200,
          ),
        ),
        { minLength: 1, maxLength: 8 },
      ),
      none: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(anyCase, ({ types, wanted, delimiter, rows, none }) => {
      const columns = columnsOf(...types);
      const records = rows.map(([row, at, byte]): Uint8Array | null => {
        const out = new ByteWriter(8);
        delimited.writer(columns, optionsOf(delimiter)).write(row, out);
        const bytes = out.slice();
        if (byte !== undefined && bytes.length > 0) bytes[at % bytes.length] = byte;
        return bytes;
      });
      if (none) records.push(null);
      const generated = scan(delimited.scanner(columns, optionsOf(delimiter), wanted), records, columns.length);
      const allowed = codegenAllowed();
      useGeneratedCode(false);
      try {
        const plain = scan(delimited.scanner(columns, optionsOf(delimiter), wanted), records, columns.length);
        expect(generated).toEqual(plain);
      } finally {
        useGeneratedCode(allowed);
      }
    }),
    { numRuns: 1500 },
  );
});
