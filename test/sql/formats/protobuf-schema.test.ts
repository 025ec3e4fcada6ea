import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { columnsOfProto, messageOfColumns, protoLimits, protoText } from '../../../sql/formats/protobuf/columns.ts';
import { fieldsFault } from '../../../sql/formats/schema-columns.ts';
import { messageAt, messageNamed, type ProtoMessage } from '../../../sql/registry/schemas/protobuf.ts';
import { knownFiles } from '../../../sql/registry/schemas/protobuf-known-files.ts';
import { loadParser, parseProto } from '../../../sql/registry/schemas/protobuf-text.ts';
import type { Column } from '../../../sql/types/schema.ts';
import { printColumn } from '../../../sql/types/schema.ts';
import { renamed } from './plain-names.ts';
import { anyType } from './support.ts';

beforeAll(loadParser);

const first = (schema: string): ProtoMessage =>
  parseProto({ schema, definitions: [] }).messages[0]?.message as ProtoMessage;

const columnsIn = (text: string): string =>
  columnsOfProto(first(`syntax = "proto3"; ${text}`), 'upper-case')
    .map(printColumn)
    .join(', ');

const anyColumns = fc
  .array(anyType, { minLength: 1, maxLength: 5 })
  .map((types) => types.map((type, i): Column => ({ name: `${i % 2 === 0 ? 'C' : 'c'}${i}`, type: renamed(type) })))
  .filter((columns) => fieldsFault(columns, protoLimits('PROTOBUF')) === undefined);

test('every file that schemas may import without registering it can be read, with all others', async () => {
  const imports = Object.keys(knownFiles).map((name) => `import "${name}";`);
  const file = parseProto({ schema: `syntax = "proto3"; ${imports.join(' ')} message M {}`, definitions: [] });
  expect(file.messages.map(({ message }) => message.name)).toEqual(['M']);
});

describe('schemas', () => {
  test.each([
    [
      'message M { uint32 a = 1; sint64 b = 2; float c = 3; fixed64 d = 4; }',
      '`A` BIGINT, `B` BIGINT, `C` DOUBLE, `D` BIGINT',
    ],
    ['message M { repeated string a = 1; map<int32, string> b = 2; }', '`A` ARRAY<STRING>, `B` MAP<STRING, STRING>'],
    ['message M { enum E { X = 0; } E e = 1; bytes b = 2; }', '`E` STRING, `B` BYTES'],
    [
      'message M { int32 a = 1; oneof choice { int32 x = 2; S y = 3; } message S { bool q = 1; } optional int32 o = 4; }',
      '`CHOICE_0` STRUCT<`X` INTEGER, `Y` STRUCT<`Q` BOOLEAN>>, `A` INTEGER, `O` INTEGER',
    ],
    [
      'import "google/protobuf/wrappers.proto"; import "google/type/date.proto"; message M { google.protobuf.StringValue a = 1; google.type.Date b = 2; }',
      '`A` STRING, `B` DATE',
    ],
    [
      'import "confluent/type/decimal.proto"; message M { confluent.type.Decimal a = 1 [(confluent.field_meta) = { params: [{ key: "precision", value: "4" }, { key: "scale", value: "2" }]}]; confluent.type.Decimal b = 2; }',
      '`A` DECIMAL(4, 2), `B` DECIMAL(64, 0)',
    ],
    ['message M { int32 a = 1; M inner = 2; }', '`A` INTEGER'],
  ])('%s has the columns %s', (text, columns) => {
    expect(columnsIn(text)).toBe(columns);
  });

  test('a message is found by its name, and by its place', () => {
    const file = parseProto({
      schema: 'syntax = "proto3"; package p; message A { message B { int32 x = 1; } } message C {}',
      definitions: [],
    });
    expect(file.messages.map(({ message }) => message.name)).toEqual(['p.A', 'p.C']);
    const found = messageNamed(file, 'p.A.B');
    expect(found?.path).toEqual([0, 0]);
    expect(messageAt(file, [0, 0])).toBe(found?.message);
  });

  test('other texts are referred to by their names', () => {
    const { messages } = parseProto({
      schema: 'syntax = "proto3"; import "event.proto"; message Log { Event event = 1; }',
      definitions: [{ name: 'event.proto', schema: 'syntax = "proto3"; message Event { int64 at = 1; }' }],
    });
    expect(columnsOfProto(messages[0]?.message as ProtoMessage, 'as-written').map(printColumn)).toEqual([
      '`event` STRUCT<`at` BIGINT>',
    ]);
  });

  test.each([
    ['message {', 'the Protocol Buffers schema is wrong: illegal type name'],
    ['message A { B b = 1; }', "no such Type or Enum 'B'"],
    ['message A { int32 a = 1; int32 b = 1; }', 'duplicate id 1'],
  ])('%s is refused', (text, fault) => {
    expect(() => first(`syntax = "proto3"; ${text}`)).toThrow(fault);
  });

  test.each(['no', 'optional', 'wrapper'] as const)(
    'the text of columns is read back as their message: %s',
    (nullable) => {
      fc.assert(
        fc.property(anyColumns, fc.constantFrom(undefined, 'a.b.C', 'D'), (columns, name) => {
          const message = messageOfColumns(columns, nullable, name);
          expect(first(protoText(message))).toEqual(message);
          expect(columnsOfProto(message, 'as-written').map(printColumn)).toEqual(columns.map(printColumn));
        }),
      );
    },
  );
});
