import { beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter, toHex } from '../../../base/index.ts';
import {
  checkColumns,
  type Format,
  type FormatOptions,
  holdsColumns,
  isWrapped,
  ScanVectors,
  SerdeError,
  scanned,
} from '../../../sql/formats/format.ts';
import { formatNamed, formatOf, formats } from '../../../sql/formats/index.ts';
import { json } from '../../../sql/formats/json.ts';
import { kafka } from '../../../sql/formats/kafka.ts';
import { none } from '../../../sql/formats/none.ts';
import type { Column } from '../../../sql/types/schema.ts';
import {
  bigintType,
  booleanType,
  doubleType,
  integerType,
  mapOf,
  type SqlType,
  stringType,
} from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { faultOf } from '../evaluate/support.ts';

const options = { side: 'key', wrapped: false } as const;
const columnsOf = (...types: SqlType[]) => types.map((type, i) => ({ name: `C${i}`, type }));

describe('KAFKA', () => {
  test.each([
    [integerType, -2, 'fffffffe'],
    [bigintType, 1, '0000000000000001'],
    [bigintType, -9007199254740993n, 'ffdfffffffffffff'],
    [doubleType, 1.5, '3ff8000000000000'],
    [stringType, 'é', 'c3a9'],
    [stringType, '', ''],
  ] as const)('%o %s is %s', (type, value, hex) => {
    const out = new ByteWriter(1);
    expect(kafka.writer(columnsOf(type), options).write([value], out)).toBe(true);
    expect(toHex(out.slice())).toBe(hex);
    const row: Row = [];
    expect(kafka.reader(columnsOf(type), options).read(out.slice(), 0, out.length, row)).toBe(true);
    expect(row).toEqual([value]);
  });

  test('NULL is the NULL record, bytes of another length are a fault', () => {
    expect(kafka.writer(columnsOf(bigintType), options).write([null], new ByteWriter(1))).toBe(false);
    expect(() => kafka.reader(columnsOf(bigintType), options).read(new Uint8Array(4), 0, 4, [])).toThrow(SerdeError);
    expect(faultOf(() => kafka.reader(columnsOf(integerType), options).read(new Uint8Array(8), 0, 8, []))).toBe(
      'SerdeError: INTEGER takes 4 bytes, there are 8',
    );
  });

  test('a scan notes faults by row and goes on', () => {
    const scanner = kafka.scanner(columnsOf(integerType), options, [0]);
    const into = new ScanVectors(1, [0]);
    into.reset(3);
    scanner.scan(new Uint8Array([0, 0, 0, 7, 1, 2]), Int32Array.of(0, 4, -1), Int32Array.of(4, 6, -1), 0, 3, into);
    expect([...into.status.subarray(0, 3)]).toEqual([scanned.row, scanned.bad, scanned.nullRecord]);
    expect((into.vectors[0] as Value[]).slice(0, 3)).toEqual([7, null, null]);
    expect(into.errors.get(1)).toBe('INTEGER takes 4 bytes, there are 2');
  });
});

test('NONE writes and reads nothing', () => {
  expect(none.writer([], options).write([], new ByteWriter(1))).toBe(false);
  expect(none.reader([], options).read(new Uint8Array(3), 0, 3, [])).toBe(false);
});

describe('what a format cannot do', () => {
  test.each([
    [
      'the value in NONE',
      () => checkColumns(none, [], 'value'),
      'SQL_FORMAT_SIDE: the format NONE cannot be used for the value of a record',
    ],
    [
      'columns in NONE',
      () => checkColumns(none, columnsOf(stringType), 'key'),
      'SQL_FORMAT_COLUMNS: the format NONE holds no columns, but "C0" is a key column',
    ],
    [
      'two columns in KAFKA',
      () => checkColumns(kafka, columnsOf(stringType, stringType), 'value'),
      'SQL_FORMAT_COLUMNS: the format KAFKA holds exactly one column, but there are 2 value columns',
    ],
    [
      'a BOOLEAN in KAFKA',
      () => checkColumns(kafka, columnsOf(booleanType), 'key'),
      'SQL_FORMAT_TYPE: the format KAFKA cannot hold column "C0" of type BOOLEAN; it holds INTEGER, BIGINT, DOUBLE, STRING and BYTES',
    ],
    [
      'other keys of maps in JSON',
      () => checkColumns(json, columnsOf(mapOf(integerType, integerType)), 'value'),
      'SQL_FORMAT_TYPE: the format JSON cannot hold column "C0" of type MAP<INTEGER, INTEGER>; keys of maps have to be STRING',
    ],
    [
      'wrapping in KAFKA',
      () => isWrapped(kafka, columnsOf(stringType), 'value', true),
      'SQL_WRAP_SINGLE_VALUE: the format KAFKA cannot wrap a single value',
    ],
    [
      'wrapping of several',
      () => isWrapped(json, columnsOf(stringType, stringType), 'value', false),
      'SQL_WRAP_SINGLE_VALUE: WRAP_SINGLE_VALUE is only for sources with one value column',
    ],
    ['an unknown name', () => formatNamed('JSNO'), 'SQL_UNKNOWN_FORMAT: there is no format called "JSNO"'],
  ])('%s', (_, run, wanted) => expect(faultOf(run)).toBe(wanted));

  test('is said before anything is written', () => {
    expect(isWrapped(json, columnsOf(stringType), 'key', undefined)).toBe(false);
    expect(isWrapped(json, columnsOf(stringType), 'value', undefined)).toBe(true);
    expect(isWrapped(json, columnsOf(stringType), 'value', false)).toBe(false);
    expect(isWrapped(json, columnsOf(stringType, stringType), 'key', undefined)).toBe(true);
    expect(formats.map((format) => formatNamed(format.name.toLowerCase()))).toEqual(formats);
  });
});

describe('what a format says of itself is true', () => {
  beforeAll(async () => {
    for (const { schemas } of formats) await schemas?.load?.();
  });

  const samples: readonly (readonly [SqlType, readonly Value[]])[] = [
    [integerType, [-2, 0, 1, 300]],
    [bigintType, [-9007199254740993n, -1, 0, 5, 9007199254740993n]],
    [doubleType, [-1.5, 0, 2.25]],
    [stringType, ['', 'a', 'ab', 'b', 'é', '日']],
    [booleanType, [false, true]],
  ];
  const held = formats.flatMap((format) =>
    samples.flatMap(([type, values]) =>
      holdsColumns(format, columnsOf(type), 'key') ? [[format.name, type.kind, format, type, values] as const] : [],
    ),
  );
  /** With the schema of these columns, where the format has one. */
  const optionsOf = ({ name, schemas }: Format, columns: readonly Column[]): FormatOptions => {
    const { options } = formatOf({ name }, columns, 'key');
    if (schemas === undefined) return options;
    const schema = {
      id: 1,
      type: schemas.type,
      schema: schemas.schemaOf(columns, { ...options, source: 'S' }),
      definitions: [],
    };
    return { ...options, schema };
  };
  const bytesOf = (format: Format, type: SqlType, value: Value): Uint8Array => {
    const options = optionsOf(format, columnsOf(type));
    const out = new ByteWriter(8);
    format.writer(columnsOf(type), options).write([value], out);
    return out.slice();
  };

  test.each(held)('%s keys of type %s', (_name, _kind, format, type, values) => {
    const options = optionsOf(format, columnsOf(type));
    const reader = format.reader(columnsOf(type), options);
    const check = format.checker?.(columnsOf(type), options);
    const written = values.map((value) => bytesOf(format, type, value));
    for (const bytes of [...written, new Uint8Array(3), new Uint8Array(9).fill(255)]) {
      let readable = true;
      const row: Row = [];
      try {
        reader.read(bytes, 0, bytes.length, row);
      } catch {
        readable = false;
      }
      if (check !== undefined) expect(check(bytes, 0, bytes.length) === undefined).toBe(readable);
      // Canonical: what can be read is what our own writer makes of it. (Some bytes of a text are not UTF-8.)
      const proper = type.kind !== 'STRING' || !String(row[0]).includes('\uFFFD');
      if (format.canonical && readable && proper) expect(bytesOf(format, type, row[0] as Value)).toEqual(bytes);
    }
    if (format.sorts?.(type) === true) {
      expect(format.canonical).toBe(true);
      expect([...written].sort((a, b) => Buffer.compare(a, b))).toEqual(written);
    }
  });

  test('equal keys may be written in several ways where a format is not canonical', () => {
    expect(json.canonical).toBe(false);
    const reader = json.reader(columnsOf(integerType), options);
    const rows = ['1', ' 1 ', '1.0'].map((text) => {
      const row: Row = [];
      reader.read(new TextEncoder().encode(text), 0, text.length, row);
      return row[0];
    });
    expect(rows).toEqual([1, 1, 1]);
  });
});
