/**
 * PROTOBUF: rows as messages of Protocol Buffers, behind the id of their schema in a registry and the place of the
 * message in it. PROTOBUF_NOSR: the message alone, which follows from the columns, in their order.
 *
 * `columns.ts` translates between schemas and columns, `reading.ts` decides how a message becomes columns; `plain.ts`,
 * `generated.ts` and `writer.ts` read and write.
 */

import { assert, codegenAllowed, UserError } from '../../../base/index.ts';
import type { KnownSchema, ResolvedSchema } from '../../registry/schema.ts';
import { messageNamed, type ProtoFile, type ProtoMessage } from '../../registry/schemas/protobuf.ts';
import { loadParser, parseProto } from '../../registry/schemas/protobuf-text.ts';
import type { Column } from '../../types/schema.ts';
import type { Row, Value } from '../../types/value.ts';
import { type Format, type FormatOptions, type FormatProperty, type RowReader, scannerOf, scanOne } from '../format.ts';
import { schemaReader, schemaScanner } from '../framed-schemas.ts';
import { framedWriter } from '../framing.ts';
import { fieldsFault } from '../schema-columns.ts';
import { fullNameOf, schemaFullName, schemaId } from '../schema-properties.ts';
import { columnsOfSlots } from '../text-span.ts';
import { bareDecoder, pathBytes, protoDecoder, protoRowWriter } from './codec.ts';
import { columnsOfProto, isMessageName, messageOfColumns, type Nullable, protoLimits, protoText } from './columns.ts';

const nullableRepresentation: FormatProperty = {
  name: 'PROTOBUF_NULLABLE_REPRESENTATION',
  doc: 'How a scalar that may be NULL is declared: OPTIONAL, or WRAPPER. Without it NULL is written as the default.',
  fault: (text) => (/^(optional|wrapper)$/i.test(text) ? undefined : 'OPTIONAL or WRAPPER'),
};

const nullableOf = ({ properties }: FormatOptions): Nullable => {
  const given = properties?.[nullableRepresentation.name]?.toLowerCase();
  return given === 'optional' || given === 'wrapper' ? given : 'no';
};

/** Parsed schemas, by the object that holds their text. */
const parsed = new WeakMap<ResolvedSchema, ProtoFile>();

const fileOf = (schema: ResolvedSchema): ProtoFile => {
  const known = parsed.get(schema);
  if (known !== undefined) return known;
  if (schema.type !== 'PROTOBUF') {
    throw new UserError('SQL_INVALID_SCHEMA', `the schema is of type ${schema.type}, not PROTOBUF`);
  }
  const file = parseProto(schema);
  parsed.set(schema, file);
  return file;
};

/** The message of the full name that was given, or the first. */
const chosen = (
  schema: ResolvedSchema,
  { properties }: FormatOptions,
): { readonly message: ProtoMessage; readonly path: readonly number[] } => {
  const file = fileOf(schema);
  const name = fullNameOf(properties);
  if (name !== undefined) {
    const found = messageNamed(file, name);
    if (found !== undefined) return found;
    const names = file.messages.map(({ message }) => message.name).join(', ');
    throw new UserError('SQL_SCHEMA_COLUMNS', `the schema has no message ${name}`, { hint: `It has ${names}.` });
  }
  const message = file.messages[0]?.message;
  if (message === undefined) throw new UserError('SQL_SCHEMA_COLUMNS', 'the schema declares no message');
  return { message, path: [0] };
};

const allSlots = (columns: readonly Column[]): readonly number[] => columns.map((_, slot) => slot);

const decoders =
  (columns: readonly Column[], { side, writers }: FormatOptions, wanted: readonly number[]) =>
  (schema: KnownSchema) =>
    protoDecoder(fileOf(schema), columns, wanted, side === 'key' && writers === undefined);

export const protobuf: Format = {
  name: 'PROTOBUF',
  doc: 'A message of Protocol Buffers behind the id of its schema in a registry.',
  sides: ['key', 'value'],
  columns: 'many',
  named: true,
  wrapping: 'always',
  canonical: false,
  properties: [schemaId, { ...schemaFullName, fault: messageNameFault }, nullableRepresentation],
  spans: true,
  schemas: {
    type: 'PROTOBUF',
    neededToRead: true,
    load: loadParser,
    schemaOf: (columns, options) =>
      protoText(messageOfColumns(columns, nullableOf(options), fullNameOf(options.properties))),
    columnsOf: (schema, options) => columnsOfProto(chosen(schema, options).message, options.names),
    misfit(columns, schema, options) {
      try {
        protoRowWriter(chosen(schema, options).message, columns, options);
        return undefined;
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
    },
    fullNames: (schema) => fileOf(schema).messages.map(({ message }) => message.name),
  },
  unsupported: (columns) => fieldsFault(columns, protoLimits('PROTOBUF')),
  writer(columns, options) {
    const { schema } = options;
    assert(schema !== undefined, 'the schema of a source was decided when it was made');
    const { message, path } = chosen(schema, options);
    const inner = protoRowWriter(message, columns, options);
    const before = pathBytes(path);
    return framedWriter(
      {
        write(row, out, bytes) {
          out.bytes(before);
          return inner.write(row, out, bytes);
        },
      },
      schema.id,
    );
  },
  reader: (columns, options, wanted = allSlots(columns)) =>
    schemaReader(options, wanted, decoders(columns, options, wanted)),
  scanner: (columns, options, wanted) =>
    schemaScanner(columns.length, options, wanted, decoders(columns, options, wanted)),
};

function messageNameFault(text: string): string | undefined {
  return isMessageName(text) ? undefined : 'the full name of a message, such as com.example.Order';
}

// ---------------------------------------------------------------------------------------------------- PROTOBUF_NOSR

/** The message of these columns; of a single STRUCT without an envelope, its own. */
const bareMessage = (columns: readonly Column[], options: FormatOptions): ProtoMessage => {
  const [only] = columns;
  const fields = !options.wrapped && only?.type.kind === 'STRUCT' ? only.type.fields : columns;
  return messageOfColumns(fields, nullableOf(options), undefined);
};

const bareReader = (columns: readonly Column[], options: FormatOptions, wanted = allSlots(columns)): RowReader => {
  const { read } = bareDecoder(bareMessage(columns, options), columns, options.wrapped, wanted);
  return { read: (bytes, start, end, into) => read(bytes, start, start, end, into) };
};

export const protobufNosr: Format = {
  name: 'PROTOBUF_NOSR',
  doc: 'A message of Protocol Buffers that follows from the columns, without a registry.',
  sides: ['key', 'value'],
  columns: 'many',
  named: false,
  wrapping: 'either',
  canonical: false,
  properties: [nullableRepresentation],
  spans: true,
  unsupported: (columns) => fieldsFault(columns, protoLimits('PROTOBUF_NOSR')),
  writer: (columns, options) => protoRowWriter(bareMessage(columns, options), columns, options),
  reader: bareReader,
  scanner(columns, options, wanted) {
    const reader = bareReader(columns, options, columnsOfSlots(columns.length, wanted));
    const scan = codegenAllowed()
      ? bareDecoder(bareMessage(columns, options), columns, options.wrapped, wanted).scan(0)
      : undefined;
    if (scan === undefined) return scannerOf(reader, columns.length, wanted);
    const scratch: Row = new Array<Value>(columns.length).fill(null);
    return {
      wanted,
      scan(bytes, starts, ends, from, to, into) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        scan(bytes, view, starts, ends, from, to, into.vectors, into.status, (row) =>
          scanOne(reader, bytes, starts[row] as number, ends[row] as number, row, wanted, scratch, into),
        );
      },
    };
  },
};
