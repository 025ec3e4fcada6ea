import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  columnsOfProto,
  messageOfColumns,
  protoColumnsFault,
  protoText,
} from '../../../sql/formats/protobuf/columns.ts';
import { loadParser, parseProto } from '../../../sql/formats/protobuf/parse.ts';
import { messageNamed, type ProtoMessage } from '../../../sql/formats/protobuf/schema.ts';
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
  .filter((columns) => protoColumnsFault('PROTOBUF', columns, ({ name }) => name) === undefined);

describe('schemas', () => {
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
void messageNamed;
void columnsIn;
