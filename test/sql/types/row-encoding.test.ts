import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter, toHex } from '../../../base/index.ts';
import { SerdeError } from '../../../sql/formats/format.ts';
import { RowEncoding } from '../../../sql/types/row-encoding.ts';
import {
  arrayOf,
  bigintType,
  booleanType,
  doubleType,
  integerType,
  mapOf,
  stringType,
} from '../../../sql/types/type.ts';
import type { Row } from '../../../sql/types/value.ts';
import { columnsAndRow } from '../formats/support.ts';

const encode = (encoding: RowEncoding, row: Row): Uint8Array => {
  const out = new ByteWriter(1);
  encoding.write(row, out);
  return out.slice();
};

test('the layout is the documented one', () => {
  const encoding = new RowEncoding([stringType, integerType, bigintType, booleanType, doubleType]);
  expect(toHex(encode(encoding, ['ab', null, -2, true, 1.5]))).toBe(
    ['01', '02', '0000000000000000', 'fffffffffffffffe', '0000000000000001', '3ff8000000000000', '04', '6162'].join(''),
  );
});

test('the layout of decimals and bytes, too', () => {
  const short = { kind: 'DECIMAL', precision: 18, scale: 2 } as const;
  const long = { kind: 'DECIMAL', precision: 19, scale: 2 } as const;
  const encoding = new RowEncoding([{ kind: 'BYTES' }, short, long, long, { kind: 'DATE' }, { kind: 'TIME' }]);
  const row = [Uint8Array.of(1, 255), -150n, -150n, 2n ** 63n, -1, 1000];
  expect(toHex(encode(encoding, row))).toBe(
    [
      ...['01', '00', 'ffffffffffffff6a', 'ffffffffffffffff', '00000000000003e8'],
      ...['02', '01ff', '08', 'ffffffffffffff6a', '10', '00000000000000008000000000000000'],
    ].join(''),
  );
});

test('every row comes back', () => {
  fc.assert(
    fc.property(columnsAndRow, ({ columns, row }) => {
      const encoding = new RowEncoding(columns.map((column) => column.type));
      const bytes = encode(encoding, row);
      expect(encoding.read(bytes, 0, bytes.length)).toEqual(row);
    }),
    { numRuns: 500 },
  );
});

test('another version, bytes cut short and bytes left over are faults', () => {
  const encoding = new RowEncoding([bigintType, arrayOf(mapOf(stringType, integerType))]);
  const bytes = encode(encoding, [5, [new Map([['k', 1]]), null]]);
  for (let end = 0; end < bytes.length; end++) expect(() => encoding.read(bytes, 0, end)).toThrow(SerdeError);
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  expect(() => encoding.read(longer, 0, longer.length)).toThrow('left behind');
  longer[0] = 9;
  expect(() => encoding.read(longer, 0, bytes.length)).toThrow('the encoded row has version 9, this build reads 1');
});

test('damaged bytes raise a SerdeError or nothing', () => {
  fc.assert(
    fc.property(columnsAndRow, fc.uint8Array({ maxLength: 60 }), ({ columns }, bytes) => {
      bytes[0] = 1;
      try {
        new RowEncoding(columns.map((column) => column.type)).read(bytes, 0, bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(SerdeError);
      }
    }),
    { numRuns: 500 },
  );
});

test('BYTES that are read stay as they are when the buffer that they came from is used again', () => {
  const encoding = new RowEncoding([{ kind: 'BYTES' }]);
  const buffer = Buffer.from(encode(encoding, [Uint8Array.of(1, 2, 3)]));
  const [value] = encoding.read(buffer, 0, buffer.length);
  buffer.fill(9);
  expect(value).toEqual(Uint8Array.of(1, 2, 3));
});
