import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter, fromHex } from '../../../base/index.ts';
import { avroDecoder, avroRowWriter } from '../../../sql/formats/avro/codec.ts';
import { avroLimits, avroOfColumns, columnsOfAvro, defaultKeyName } from '../../../sql/formats/avro/columns.ts';
import { type ColumnNames, SerdeError } from '../../../sql/formats/format.ts';
import { fieldsFault } from '../../../sql/formats/schema-columns.ts';
import { type AvroType, parseAvro } from '../../../sql/registry/schemas/avro.ts';
import { type Column, printColumn } from '../../../sql/types/schema.ts';
import { isScalar, type SqlType } from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { renamed } from './plain-names.ts';
import { anyType, valueOf } from './support.ts';

const parse = (schema: string): AvroType => parseAvro({ schema, definitions: [] });

const columnsIn = (text: string, given: { wrapped?: boolean; names?: ColumnNames } = {}): string =>
  columnsOfAvro(parse(text), { side: 'value', wrapped: true, names: 'upper-case', ...given })
    .map(printColumn)
    .join(', ');

const slots = (columns: readonly Column[]): number[] => columns.map((_, i) => i);

const write = (schema: AvroType, columns: readonly Column[], row: Row, wrapped = true): Uint8Array => {
  const out = new ByteWriter(1);
  avroRowWriter(schema, columns, { wrapped }).write(row, out);
  return out.slice();
};

const read = (
  writer: AvroType,
  columns: readonly Column[],
  bytes: Uint8Array,
  given: { wrapped?: boolean; wanted?: readonly number[]; reader?: AvroType } = {},
): Row | undefined => {
  const { wrapped = true, wanted = slots(columns), reader } = given;
  const row: Row = columns.map(() => null);
  const padded = new Uint8Array(bytes.length + 20).fill(2);
  padded.set(bytes, 7);
  const { read: readRow } = avroDecoder(writer, columns, { wrapped }, wanted, reader);
  return readRow(padded, 7, 7, 7 + bytes.length, row) ? row : undefined;
};

const longs = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

const oracle = (schema: string): avsc.Type =>
  avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, {
    wrapUnions: true,
    typeHook: (attributes) =>
      attributes === 'long' || (attributes as { type?: unknown }).type === 'long' ? longs : undefined,
  });

/** A value as avsc has it: of a union, an object that names the branch. */
const generic = (value: Value, type: SqlType, schema: avsc.Type): unknown => {
  if (schema instanceof avsc.types.WrappedUnionType) {
    const [, branch] = schema.types;
    return value === null || branch === undefined
      ? null
      : { [branch.branchName as string]: generic(value, type, branch) };
  }
  if (isScalar(type)) {
    switch (type.kind) {
      case 'BIGINT':
      case 'TIMESTAMP':
        return BigInt(value as number);
      case 'BYTES':
        return Buffer.from(value as Uint8Array);
      case 'DECIMAL': {
        let hex = BigInt.asUintN(256, value as bigint)
          .toString(16)
          .padStart(64, '0');
        while (/^(00[0-7]|ff[89a-f])./.test(hex)) hex = hex.slice(2);
        return Buffer.from(hex, 'hex');
      }
      case 'BOOLEAN':
      case 'INTEGER':
      case 'DOUBLE':
      case 'STRING':
      case 'DATE':
      case 'TIME':
        return value;
    }
  }
  switch (type.kind) {
    case 'ARRAY': {
      const { itemsType } = schema as avsc.types.ArrayType;
      return (value as Value[]).map((item) => generic(item, type.element, itemsType));
    }
    case 'MAP': {
      const { fields } = (schema as avsc.types.ArrayType).itemsType as avsc.types.RecordType;
      return [...(value as Map<string, Value>)].map(([key, item]) => ({
        key: generic(key, type.key, fields[0]?.type as avsc.Type),
        value: generic(item, type.value, fields[1]?.type as avsc.Type),
      }));
    }
    case 'STRUCT':
      return Object.fromEntries(
        type.fields.map((field, i) => {
          const own = (schema as avsc.types.RecordType).fields[i]?.type as avsc.Type;
          return [field.name, generic((value as Value[])[i] ?? null, field.type, own)];
        }),
      );
  }
};

/** With texts that can be written in UTF-8: avsc writes lone surrogates otherwise than all others do. */
const wellFormed = (value: Value): Value => {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
  return value;
};

const anyColumns = fc
  .array(anyType, { minLength: 1, maxLength: 5 })
  .map((types) => types.map((type, i): Column => ({ name: `${i % 2 === 0 ? 'C' : 'c'}${i}`, type: renamed(type) })));

const columnsAndRow = anyColumns.chain((columns) =>
  fc.tuple(...columns.map((column) => valueOf(column.type))).map((row) => ({ columns, row: wellFormed(row) as Row })),
);

test('bare bytes have no length in front, as the serializers of Confluent write them', () => {
  const columns = (type: SqlType): readonly Column[] => [{ name: 'K', type }];
  const bytes = parse('"bytes"');
  const money = parse('{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}');
  const decimal: SqlType = { kind: 'DECIMAL', precision: 6, scale: 2 };
  for (const value of [Uint8Array.of(), Uint8Array.of(1, 2)]) {
    expect(write(bytes, columns({ kind: 'BYTES' }), [value], false)).toEqual(value);
    expect(read(bytes, columns({ kind: 'BYTES' }), value, { wrapped: false })).toEqual([value]);
  }
  expect(write(money, columns(decimal), [125n], false)).toEqual(Uint8Array.of(0x7d));
  expect(read(money, columns(decimal), Uint8Array.of(0x7d), { wrapped: false })).toEqual([125n]);
});

describe('schemas', () => {
  test('columns are written under names and attributes of ksqlDB', () => {
    const columns: Column[] = [
      { name: 'S', type: { kind: 'STRUCT', fields: [{ name: 'A', type: { kind: 'INTEGER' } }] } },
      { name: 'M', type: { kind: 'MAP', key: { kind: 'STRING' }, value: { kind: 'TIMESTAMP' } } },
      { name: 'D', type: { kind: 'DECIMAL', precision: 4, scale: 2 } },
    ];
    expect(JSON.parse(avroOfColumns(columns, true, 'a.b.C'))).toEqual({
      type: 'record',
      name: 'C',
      namespace: 'a.b',
      fields: [
        {
          name: 'S',
          type: [
            'null',
            {
              type: 'record',
              name: 'C_S',
              fields: [{ name: 'A', type: ['null', 'int'], default: null }],
              'connect.name': 'a.b.C_S',
            },
          ],
          default: null,
        },
        {
          name: 'M',
          type: [
            'null',
            {
              type: 'array',
              items: {
                type: 'record',
                name: 'C_M',
                fields: [
                  { name: 'key', type: ['null', 'string'], default: null },
                  {
                    name: 'value',
                    type: [
                      'null',
                      {
                        type: 'long',
                        'connect.version': 1,
                        'connect.name': 'org.apache.kafka.connect.data.Timestamp',
                        logicalType: 'timestamp-millis',
                      },
                    ],
                    default: null,
                  },
                ],
                'connect.internal.type': 'MapEntry',
              },
              'connect.name': 'a.b.C_M',
            },
          ],
          default: null,
        },
        {
          name: 'D',
          type: [
            'null',
            {
              type: 'bytes',
              scale: 2,
              precision: 4,
              'connect.version': 1,
              'connect.parameters': { scale: '2', 'connect.decimal.precision': '4' },
              'connect.name': 'org.apache.kafka.connect.data.Decimal',
              logicalType: 'decimal',
            },
          ],
          default: null,
        },
      ],
      'connect.name': 'a.b.C',
    });
  });

  test.each([
    ['STRING', '"string"'],
    ['ARRAY', '{"type":"array","items":["null","int"]}'],
  ])('a single %s without an envelope is not optional', (kind, text) => {
    const type: SqlType = kind === 'STRING' ? { kind } : { kind: 'ARRAY', element: { kind: 'INTEGER' } };
    expect(avroOfColumns([{ name: 'K', type }], false, 'a.K')).toBe(text);
  });

  test('the record of a key is called after its source', () => {
    expect(defaultKeyName('ORDERS_BY_USER')).toBe('io.confluent.ksql.avro_schemas.OrdersByUserKey');
  });

  test.each([
    [
      '{"type":"record","name":"r","fields":[{"name":"a","type":"float"},{"name":"b","type":["null","long"]}]}',
      '`A` DOUBLE, `B` BIGINT',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}}]}',
      '`E` STRING',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":2}},{"name":"g","type":"F"}]}',
      '`F` BYTES, `G` BYTES',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"d","type":{"type":"int","logicalType":"date"}},{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}}]}',
      '`D` DATE, `T` BIGINT',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"d","type":{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":6,"scale":2}}]}',
      '`D` DECIMAL(6, 2)',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"m","type":{"type":"map","values":"int"}}]}',
      '`M` MAP<STRING, INTEGER>',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"u","type":["null","int","string",{"type":"record","name":"x.Y","fields":[{"name":"q","type":"int"}]}]}]}',
      '`U` STRUCT<`INT` INTEGER, `STRING` STRING, `Y` STRUCT<`Q` INTEGER>>',
    ],
    [
      '[{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]},{"type":"record","name":"B","fields":[{"name":"y","type":"int"}]}]',
      '`A` STRUCT<`X` INTEGER>, `B` STRUCT<`Y` INTEGER>',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"n","type":"null"},{"name":"r","type":["null","r"]}]}',
      '`A` INTEGER',
    ],
  ])('%s has the columns %s', (schema, columns) => {
    expect(columnsIn(schema)).toBe(columns);
  });

  test('names are kept where they are asked for', () => {
    expect(
      columnsIn('{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}', { names: 'as-written' }),
    ).toBe('`a` INTEGER');
  });

  test('what is not a record is one column', () => {
    expect(columnsIn('"int"', { wrapped: false })).toBe('`ROWVAL` INTEGER');
    expect(() => columnsIn('"int"')).toThrow(
      'the schema of the value cannot be read as columns: it is one int, and no record with fields',
    );
  });

  test.each([
    ['{', 'the schema is not JSON, as Avro schemas are'],
    ['"integer"', 'the Avro schema is wrong: there is no type "integer"'],
    ['{"type":"record","name":"r","fields":[{"name":"a b","type":"int"}]}', '"a b" is not a field\'s name'],
    [
      '{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
      'the field a is there twice',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"A","type":"int"}]}',
      'two fields of the schema are called A',
    ],
    [
      '{"type":"record","name":"r","fields":[{"name":"a","type":["int","int"]}]}',
      'wrong at a: the union has int twice',
    ],
    ['{"type":"enum","name":"e"}', 'the enum e needs symbols'],
    ['{"type":"fixed","name":"f","size":-1}', 'the fixed f needs a size'],
    ['"null"', 'it is null only'],
    ['{"items":"int"}', 'an object needs a "type"'],
    [`${'{"type":"array","items":'.repeat(300)}"int"${'}'.repeat(300)}`, 'it is more than 200 levels deep'],
  ])('%s is refused', (schema, fault) => {
    expect(() => columnsIn(schema)).toThrow(fault);
  });

  test('maps with other keys than STRING, and names that are not of Avro, are refused', () => {
    const fault = (column: Column): string | undefined => fieldsFault([column], avroLimits);
    expect(fault({ name: 'M', type: { kind: 'MAP', key: { kind: 'INTEGER' }, value: { kind: 'STRING' } } })).toBe(
      'the format AVRO cannot hold column "M" of type MAP<INTEGER, STRING>; keys of maps have to be STRING',
    );
    expect(fault({ name: 'a-b', type: { kind: 'STRING' } })).toBe(
      'the format AVRO cannot hold column "a-b" of type STRING; names in Avro are letters, digits and "_", a digit not first',
    );
  });

  test('a schema made from columns has those columns again, and avsc reads it', () => {
    fc.assert(
      fc.property(anyColumns, (columns) => {
        const text = avroOfColumns(columns, true, 'io.x.Row');
        oracle(text);
        expect(columnsIn(text, { names: 'as-written' })).toBe(columns.map(printColumn).join(', '));
      }),
    );
  });
});

describe('data', () => {
  const field = (type: string): AvroType =>
    parse(`{"type":"record","name":"r","fields":[{"name":"c","type":${type}},{"name":"z","type":"int"}]}`);

  test.each<[string, string, SqlType, Value]>([
    ['"int"', '0d', { kind: 'BIGINT' }, -7],
    ['"int"', '0d', { kind: 'DOUBLE' }, -7],
    ['"int"', '0d', { kind: 'STRING' }, '-7'],
    ['"float"', '0000c03f', { kind: 'STRING' }, '1.5'],
    ['"boolean"', '01', { kind: 'STRING' }, 'true'],
    ['{"type":"enum","name":"E","symbols":["A","B"]}', '02', { kind: 'STRING' }, 'B'],
    [
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}',
      '0404d2',
      { kind: 'DECIMAL', precision: 6, scale: 3 },
      12340n,
    ],
    ['{"type":"array","items":"int"}', '0304020400', { kind: 'ARRAY', element: { kind: 'STRING' } }, ['1', '2']],
    [
      '{"type":"map","values":"int"}',
      '0202610200',
      { kind: 'MAP', key: { kind: 'STRING' }, value: { kind: 'INTEGER' } },
      new Map([['a', 1]]),
    ],
    [
      '["null","int","string"]',
      '040271',
      {
        kind: 'STRUCT',
        fields: [
          { name: 'INT', type: { kind: 'INTEGER' } },
          { name: 'STRING', type: { kind: 'STRING' } },
        ],
      },
      [null, 'q'],
    ],
    ['["null","int","string"]', '00', { kind: 'STRUCT', fields: [{ name: 'INT', type: { kind: 'INTEGER' } }] }, null],
  ])('a value of a writer: %s, %s', (type, hex, column, value) => {
    const columns: Column[] = [
      { name: 'C', type: column },
      { name: 'Y', type: { kind: 'INTEGER' } },
    ];
    expect(read(field(type), columns, fromHex(`${hex}06`))).toEqual([value, null]);
  });

  test.each<[string, string, SqlType, string]>([
    ['"string"', '0478', { kind: 'STRING' }, 'a length of 2 is not within the record'],
    ['"string"', '0278', { kind: 'DOUBLE' }, 'a string cannot be read as DOUBLE'],
    ['"long"', 'ffffffffffffffffffffff', { kind: 'BIGINT' }, 'a number has too many bytes'],
    [
      '{"type":"array","items":"null"}',
      'feffffff0f',
      { kind: 'ARRAY', element: { kind: 'STRING' } },
      'items are not within the record',
    ],
    ['["null","int"]', '06', { kind: 'INTEGER' }, 'there is no branch 3'],
    ['{"type":"enum","name":"E","symbols":["A"]}', '02', { kind: 'STRING' }, 'there is no symbol 1'],
  ])('a fault of a record: %s, %s', (type, hex, column, fault) => {
    expect(() => read(field(type), [{ name: 'C', type: column }], fromHex(hex))).toThrow(fault);
  });

  test('with a schema of the reader, aliases are found, and defaults stand for what the writer has not', () => {
    const reader = parse(
      '{"type":"record","name":"r","fields":[{"name":"A","type":"int","aliases":["old"]},{"name":"D","type":"string","default":"x"}]}',
    );
    const writer = parse('{"type":"record","name":"r","fields":[{"name":"old","type":"int"}]}');
    const columns: Column[] = [
      { name: 'A', type: { kind: 'INTEGER' } },
      { name: 'D', type: { kind: 'STRING' } },
    ];
    expect(read(writer, columns, fromHex('02'), { reader })).toEqual([1, 'x']);
  });

  test('rows are written as avsc writes them, and read back', () => {
    fc.assert(
      fc.property(columnsAndRow, ({ columns, row }) => {
        const text = avroOfColumns(columns, true, 'io.x.Row');
        const schema = parse(text);
        const bytes = write(schema, columns, row);
        const type = { kind: 'STRUCT', fields: columns } as const;
        const theirs = oracle(text);
        expect(Buffer.from(bytes)).toEqual(theirs.toBuffer(generic(row, type, theirs)));
        expect(read(schema, columns, bytes)).toEqual(row);
      }),
      { numRuns: 300 },
    );
  });

  test('bytes that were changed or cut are read, or a fault of the record', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 127, 128, 255)), { maxLength: 3 });
    fc.assert(
      fc.property(columnsAndRow, changes, fc.nat(), ({ columns, row }, changed, cut) => {
        const schema = parse(avroOfColumns(columns, true, 'io.x.Row'));
        const bytes = write(schema, columns, row);
        for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        try {
          read(schema, columns, bytes.slice(0, bytes.length - (cut % 4)));
        } catch (error) {
          expect(error).toBeInstanceOf(SerdeError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
