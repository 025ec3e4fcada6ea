import fc from 'fast-check';
import protobufjs from 'protobufjs';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter, fromHex, toHex } from '../../../base/index.ts';
import { bareDecoder, pathBytes, protoDecoder, protoRowWriter } from '../../../sql/formats/protobuf/codec.ts';
import { messageOfColumns, protoLimits, protoText } from '../../../sql/formats/protobuf/columns.ts';
import { fieldsFault } from '../../../sql/formats/schema-columns.ts';
import type { ProtoMessage } from '../../../sql/registry/schemas/protobuf.ts';
import { loadParser, parseProto } from '../../../sql/registry/schemas/protobuf-text.ts';
import type { Column } from '../../../sql/types/schema.ts';
import { arrayOf, isScalar, mapOf, type SqlType, structOf } from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { closeWorlds, openWorld, rowsOf, topicOf } from '../support/world.ts';
import { renamed } from './plain-names.ts';
import { anyType, valueOf } from './support.ts';

beforeAll(loadParser);
afterEach(closeWorlds);

const file = (text: string) => parseProto({ schema: `syntax = "proto3"; ${text}`, definitions: [] });

const columns = (...types: readonly SqlType[]): Column[] =>
  types.map((type, i) => ({ name: String.fromCharCode(65 + i), type }));

/** The columns A, B … of the data of a message with the fields a, b … */
const read = (text: string, hex: string, ...types: readonly SqlType[]): Row => {
  const own = columns(...types);
  const row: Row = own.map(() => null);
  const bytes = fromHex(`00${hex.replaceAll(' ', '')}`);
  protoDecoder(
    file(text),
    own,
    own.map((_, i) => i),
  ).read(bytes, 0, 0, bytes.length, row);
  return row;
};

const int: SqlType = { kind: 'INTEGER' };
const big: SqlType = { kind: 'BIGINT' };
const text: SqlType = { kind: 'STRING' };

describe('reading', () => {
  test('the one field of a key is found by its name, and in a key of the query itself whatever its name', () => {
    const own: Column[] = [{ name: 'OTHER', type: int }];
    const read = (ownKeys: boolean): Row => {
      const row: Row = [null];
      protoDecoder(file('message M { int32 id = 1; }'), own, [0], ownKeys).read(fromHex('000807'), 0, 0, 3, row);
      return row;
    };
    expect(read(true)).toEqual([7]);
    expect(read(false)).toEqual([null]);
  });

  test.each<[string, string, SqlType[], Row]>([
    ['message M { int32 a = 1; string b = 2; }', '', [int, text], [0, '']],
    ['message M { optional int32 a = 1; }', '', [int], [null]],
    ['message M { int32 a = 1; }', '08 ff ff ff ff ff ff ff ff ff 01', [int], [-1]],
    ['message M { uint64 a = 1; }', '08 ff ff ff ff ff ff ff ff ff 01', [big], [-1]],
    ['message M { uint32 a = 1; }', '08 ff ff ff ff 0f', [big], [4294967295]],
    ['message M { sint32 a = 1; sint64 b = 2; }', '08 03 10 03', [int, big], [-2, -2]],
    ['message M { fixed32 a = 1; sfixed64 b = 2; }', '0d ffffffff 11 ffffffffffffffff', [big, big], [4294967295, -1]],
    // Unknown fields, of every wire type, are passed over; of the same field twice the last counts.
    [
      'message M { int32 a = 1; }',
      '50 01 51 0000000000000000 52 01 00 55 00000000 53 50 01 54 08 05 08 07',
      [int],
      [7],
    ],
    // Packed and one by one.
    ['message M { repeated int32 a = 1; }', '0a 02 01 02 08 03', [arrayOf(int)], [[1, 2, 3]]],
    ['message M { repeated string a = 1; }', '0a 01 78 0a 00', [arrayOf(text)], [['x', '']]],
    [
      'message M { map<int32, string> a = 1; }',
      '0a 05 08 03 12 01 76 0a 00',
      [mapOf(text, text)],
      [
        new Map([
          ['3', 'v'],
          ['0', ''],
        ]),
      ],
    ],
    // Parts of one message are put together.
    [
      'message M { S a = 1; message S { int32 x = 1; int32 y = 2; } }',
      '0a 02 08 05 0a 02 10 06',
      [
        structOf([
          { name: 'x', type: int },
          { name: 'Y', type: int },
        ]),
      ],
      [[5, 6]],
    ],
    [
      'message M { E a = 1; E b = 2; enum E { X = 0; Y = 1; } }',
      '08 01 10 09',
      [text, text],
      ['Y', 'UNKNOWN_ENUM_VALUE_E_9'],
    ],
    ['message M { int32 a = 1; }', '08 07', [text], ['7']],
    // Another wire type than the field's own: an unknown field.
    ['message M { int32 a = 1; }', '0a 01 78', [int], [0]],
  ])('%s with %s', (schema, hex, types, row) => {
    expect(read(schema, hex, ...types)).toEqual(row);
  });

  test('a oneof is a struct, of which the last that was written counts', () => {
    const own: Column[] = [
      {
        name: 'C_0',
        type: structOf([
          { name: 'X', type: int },
          { name: 'Y', type: text },
        ]),
      },
    ];
    const row: Row = [null];
    const bytes = fromHex('000805120177');
    protoDecoder(file('message M { oneof c { int32 x = 1; string y = 2; } }'), own, [0]).read(bytes, 0, 0, 6, row);
    expect(row).toEqual([[null, 'w']]);
  });

  test.each([
    ['message M { int32 a = 1; }', '08', 'the data ends within a number at byte 2'],
    ['message M { bytes a = 1; }', '12 05 78', 'a length of 5 is not within the data, at byte 2'],
    ['message M { int32 a = 1; }', '0f', 'there is no wire type 7'],
    ['message M { int32 a = 1; }', '00', '0 is not the tag of a field'],
    ['message M { int32 a = 1; }', '53'.repeat(200), 'groups lie more than 100 levels deep'],
    ['message M { bool a = 1; }', '08 01', 'bool cannot be read as INTEGER'],
  ])('%s with %s is a fault', (schema, hex, fault) => {
    expect(() => read(schema, hex, int)).toThrow(fault);
  });

  test('a message stands at the place that is written before its data', () => {
    expect([[0], [1], [2, 300]].map((path) => toHex(pathBytes(path)))).toEqual(['00', '0202', '0404d804']);
    const own: Column[] = [{ name: 'X', type: int }];
    const row: Row = [null];
    const bytes = fromHex('04000008 05'.replaceAll(' ', ''));
    const decoder = protoDecoder(file('message A { message B { int32 x = 1; } }'), own, [0]);
    decoder.read(bytes, 0, 0, bytes.length, row);
    expect(row).toEqual([5]);
    expect(() => decoder.read(fromHex('0206'), 0, 0, 2, row)).toThrow('the schema has no message 3');
  });
});

/** Without what has no form of its own: NULL in arrays and maps, and NULL for a default. */
const plain = (value: Value, type: SqlType): Value => {
  if (isScalar(type)) {
    if (value !== null) return typeof value === 'string' ? value.toWellFormed() : value;
    switch (type.kind) {
      case 'BOOLEAN':
        return false;
      case 'STRING':
        return '';
      case 'BYTES':
        return new Uint8Array(0);
      case 'INTEGER':
      case 'BIGINT':
      case 'DOUBLE':
        return 0;
      case 'DECIMAL':
      case 'DATE':
      case 'TIME':
      case 'TIMESTAMP':
        return null;
    }
  }
  switch (type.kind) {
    case 'ARRAY': {
      const items = ((value ?? []) as Value[]).filter((item) => item !== null);
      return items.map((item) => plain(item, type.element));
    }
    case 'MAP':
      return new Map(
        [...((value ?? new Map()) as Map<string, Value>)].map(([key, item]) => [
          key.toWellFormed(),
          plain(item, type.value),
        ]),
      );
    case 'STRUCT':
      return value === null ? null : type.fields.map((field, i) => plain((value as Value[])[i] ?? null, field.type));
  }
};

/** A value as protobufjs has it. */
const generic = (value: Value, type: SqlType): unknown => {
  if (value === null) return undefined;
  if (isScalar(type)) {
    if (type.kind === 'BIGINT') return String(value);
    return type.kind === 'BYTES' ? Buffer.from(value as Uint8Array) : value;
  }
  switch (type.kind) {
    case 'ARRAY':
      return (value as Value[]).map((item) => generic(item, type.element));
    case 'MAP':
      return [...(value as Map<string, Value>)].map(([key, item]) => ({ key, value: generic(item, type.value) }));
    case 'STRUCT':
      return Object.fromEntries(
        type.fields.map((field, i) => [field.name, generic((value as Value[])[i] ?? null, field.type)]),
      );
  }
};

const isPlain = (type: SqlType): boolean => {
  if (isScalar(type)) return !['DECIMAL', 'DATE', 'TIME', 'TIMESTAMP'].includes(type.kind);
  switch (type.kind) {
    case 'ARRAY':
      return isPlain(type.element);
    case 'MAP':
      return isPlain(type.value);
    case 'STRUCT':
      return type.fields.every((field) => isPlain(field.type));
  }
};

const anyRow = (test: (type: SqlType) => boolean) =>
  fc
    .array(anyType.map(renamed).filter(test), { minLength: 1, maxLength: 5 })
    .map((types) => types.map((type, i): Column => ({ name: `C${i}`, type })))
    .filter((own) => fieldsFault(own, protoLimits('PROTOBUF')) === undefined)
    .chain((own) =>
      fc
        .tuple(...own.map(({ type }) => valueOf(type)))
        .map((row) => ({ own, row: row.map((value, i) => plain(value, own[i]?.type ?? text)) })),
    );

const write = (message: ProtoMessage, own: readonly Column[], row: Row): Uint8Array => {
  const out = new ByteWriter(1);
  protoRowWriter(message, own, { side: 'value', wrapped: true }).write(row, out);
  return out.slice();
};

describe('writing', () => {
  test('rows are written as protobufjs writes them', () => {
    fc.assert(
      fc.property(anyRow(isPlain), ({ own, row }) => {
        const message = messageOfColumns(own, 'no', undefined);
        const type = protobufjs.parse(protoText(message), { keepCase: true }).root.lookupType('ConnectDefault1');
        const bytes = write(message, own, row);
        const theirs = type.encode(type.fromObject(generic(row, structOf(own)) as Record<string, unknown>)).finish();
        // The same fields, though the two leave out different defaults.
        const options = { longs: String, bytes: String, defaults: true, arrays: true, objects: true } as const;
        expect(type.toObject(type.decode(bytes), options)).toEqual(type.toObject(type.decode(theirs), options));
        const again: Row = own.map(() => null);
        bareDecoder(
          message,
          own,
          true,
          own.map((_, i) => i),
        ).read(theirs, 0, 0, theirs.length, again);
        expect(again).toEqual(row);
      }),
    );
  });

  test.each(['no', 'optional', 'wrapper'] as const)('what was written is read back: %s', (nullable) => {
    fc.assert(
      fc.property(
        anyRow(() => true),
        ({ own, row }) => {
          const message = messageOfColumns(own, nullable, undefined);
          const bytes = write(message, own, row);
          const again: Row = own.map(() => null);
          bareDecoder(
            message,
            own,
            true,
            own.map((_, i) => i),
          ).read(bytes, 0, 0, bytes.length, again);
          expect(again).toEqual(row);
        },
      ),
    );
  });

  test('dates are those of the Gregorian calendar', () => {
    const own = columns({ kind: 'DATE' });
    const bytes = write(messageOfColumns(own, 'no', undefined), own, [-1_000_000]);
    // The year −768, month 2, day 4.
    expect(toHex(bytes)).toBe('0a0f0880faffffffffffffff0110021804');
  });

  test('a NULL within an array is refused', () => {
    const own = columns(arrayOf(int));
    expect(() => write(messageOfColumns(own, 'no', undefined), own, [[1, null]])).toThrow(
      'not writable as PROTOBUF: "A" has a NULL within, which there is no place for',
    );
  });
});

test('a key column finds its field in a topic by name; a query may call the column otherwise', async () => {
  const { engine, runtime, log } = await openWorld();
  await engine.execute(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM j (k INT KEY, a INT) WITH (KAFKA_TOPIC='j', PARTITIONS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');
    CREATE STREAM s WITH (KEY_FORMAT='PROTOBUF') AS SELECT * FROM j;
    CREATE STREAM t AS SELECT k AS k2, a FROM s WHERE k IS NULL OR k < 100;
    CREATE STREAM u WITH (KEY_FORMAT='JSON') AS SELECT k2, a FROM t;
    CREATE STREAM s2 (other INT KEY, a INT) WITH (KAFKA_TOPIC='S', KEY_FORMAT='PROTOBUF', VALUE_FORMAT='JSON');
    CREATE STREAM v WITH (KEY_FORMAT='JSON') AS SELECT other, a FROM s2;
    INSERT INTO j VALUES (7, 1);
    INSERT INTO j (a) VALUES (2);`);
  await runtime.awaitIdle();
  expect(await rowsOf(engine, 'SELECT * FROM t;')).toEqual([
    [7, 1],
    [null, 2],
  ]);
  expect(await topicOf(log, 'U')).toEqual(['7={"A":1}', '-={"A":2}']);
  expect(await topicOf(log, 'V')).toEqual(['-={"A":1}', '-={"A":2}']);
});
