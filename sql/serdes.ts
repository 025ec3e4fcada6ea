/**
 * `millrace/formats`: serdes of Avro and Protocol Buffers for topologies, by the same codecs as the formats of SQL.
 *
 *   import { avro } from 'millrace/formats';
 *   const order = await avro<Order>(schema, { registry, subject: 'orders-value' });
 *
 * With a registry the schema is registered when the serde is made, and records are framed with its id: SQL and other
 * programs read them. What was written with other schemas is read by these: those of the subject are looked up when the
 * serde is made, and later ones before records that name them are read. Without a registry records are the data alone.
 * Values are objects as `query` of `millrace` answers them: STRUCT is an object, MAP a Map, a 64-bit number a number
 * while that is exact and a bigint beyond.
 */

import { UserError } from '../base/index.ts';
import { type Serde, SerdeError } from '../engine/index.ts';
import { avro as avroFormat } from './formats/avro/avro.ts';
import { avroDecoder, avroRowWriter } from './formats/avro/codec.ts';
import type { Format, FormatOptions, RowReader, RowWriter } from './formats/format.ts';
import { bareDecoder, protoRowWriter } from './formats/protobuf/codec.ts';
import { protobuf as protobufFormat } from './formats/protobuf/protobuf.ts';
import { WriterSchemas } from './formats/writer-schemas.ts';
import { objectOf, typedReader } from './queries/typed-values.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import type { ResolvedSchema } from './registry/schema.ts';
import { parseAvro } from './registry/schemas/avro.ts';
import { parseProto } from './registry/schemas/protobuf-text.ts';
import { EvaluationError } from './types/evaluation-error.ts';
import type { Column } from './types/schema.ts';
import { structOf } from './types/type.ts';
import type { Row } from './types/value.ts';

export type { SchemaRegistry } from './registry/registry.ts';

export interface Registration {
  readonly registry: SchemaRegistry;
  /** As which the schema is registered: `orders-value` for the values of the topic `orders`. */
  readonly subject: string;
}

/** The data alone, of a schema that both sides have. */
type Bare = (
  schema: ResolvedSchema,
  columns: readonly Column[],
  options: FormatOptions,
) => { readonly writer: RowWriter; readonly reader: RowReader; readonly writers?: undefined };

const bareAvro: Bare = (schema, columns, options) => {
  const tree = parseAvro(schema);
  const { read } = avroDecoder(tree, columns, options, slotsOf(columns));
  return {
    writer: avroRowWriter(tree, columns, options),
    reader: { read: (bytes, start, end, into) => read(bytes, start, start, end, into) },
  };
};

const bareProtobuf: Bare = (schema, columns, options) => {
  const message = parseProto(schema).messages[0]?.message;
  if (message === undefined) throw new UserError('SQL_INVALID_SCHEMA', 'the schema declares no message');
  const { read } = bareDecoder(message, columns, true, slotsOf(columns));
  return {
    writer: protoRowWriter(message, columns, options),
    reader: { read: (bytes, start, end, into) => read(bytes, start, start, end, into) },
  };
};

const slotsOf = (columns: readonly Column[]): readonly number[] => columns.map((_, slot) => slot);

/** Records of a schema of Avro, which is one of a record. Rejects with a `UserError` when it is none, and with a
 *  `RegistryError` when the registry refuses it. */
export const avro = <T>(schema: string, registration?: Registration): Promise<Serde<T>> =>
  serdeOf(avroFormat, bareAvro, schema, registration);

/** Records of the first message of a text of Protocol Buffers. Rejects as `avro` does. */
export const protobuf = <T>(schema: string, registration?: Registration): Promise<Serde<T>> =>
  serdeOf(protobufFormat, bareProtobuf, schema, registration);

const serdeOf = async <T>(
  format: Format,
  bare: Bare,
  text: string,
  registration: Registration | undefined,
): Promise<Serde<T>> => {
  const { schemas } = format;
  if (schemas === undefined) throw new UserError('SQL_INVALID_SCHEMA', `the format ${format.name} has no schemas`);
  await schemas.load?.();
  const options = { side: 'value', wrapped: true } as const;
  const schema: ResolvedSchema = { type: schemas.type, schema: text, definitions: [] };
  const columns = schemas.columnsOf(schema, { ...options, names: 'as-written' });
  const { writer, reader, writers } =
    registration === undefined
      ? bare(schema, columns, options)
      : await framed(format, schema, columns, options, registration);
  const rowOf = typedReader(structOf(columns));
  const toObject = objectOf(columns);
  const row: Row = columns.map(() => null);
  return {
    ...(writers !== undefined && { prepare: writers.prepare.bind(writers) }),
    name: registration === undefined ? format.name.toLowerCase() : `framed ${format.name.toLowerCase()}`,
    write(value, out) {
      let given: Row;
      try {
        given = rowOf(value) as Row;
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        throw new SerdeError(error.message, { cause: error });
      }
      writer.write(given, out);
    },
    read(bytes, start, end) {
      reader.read(bytes, start, end, row);
      return toObject(row) as T;
    },
  };
};

const framed = async (
  format: Format,
  { type, schema: text }: ResolvedSchema,
  columns: readonly Column[],
  options: FormatOptions,
  { registry, subject }: Registration,
): Promise<{ readonly writer: RowWriter; readonly reader: RowReader; readonly writers: WriterSchemas }> => {
  const { id } = await registry.register(subject, { type, schema: text });
  const schema = await registry.byId(id);
  if (schema === undefined) {
    throw new UserError('SQL_UNKNOWN_SCHEMA', `the registry has no schema with the id ${id}, which it gave`);
  }
  const writers = new WriterSchemas((id) => registry.byId(id));
  for (const version of await registry.versions(subject)) {
    const written = await registry.version(subject, version);
    if (written !== undefined) writers.add(written);
  }
  const known = { ...options, schema, writers };
  return { writer: format.writer(columns, known), reader: format.reader(columns, known), writers };
};
