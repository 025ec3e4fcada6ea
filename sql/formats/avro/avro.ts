/**
 * AVRO: rows as data of Avro, behind the id of their schema in a registry.
 *
 * `columns.ts` translates between schemas and columns, `reading.ts` decides how the data of a writer becomes columns
 * and `writing.ts` how columns become data; `plain.ts`, `generated.ts` and `writer.ts` read and write.
 */

import { assert, UserError } from '../../../base/index.ts';
import type { KnownSchema, ResolvedSchema } from '../../registry/schema.ts';
import { type AvroType, parseAvro } from '../../registry/schemas/avro.ts';
import type { Column } from '../../types/schema.ts';
import type { Format, FormatOptions } from '../format.ts';
import { schemaReader, schemaScanner } from '../framed-schemas.ts';
import { framedWriter } from '../framing.ts';
import { fieldsFault } from '../schema-columns.ts';
import { avroSchemaFullName, fullNameOf, schemaFullName, schemaId } from '../schema-properties.ts';
import { avroDecoder, avroRowWriter } from './codec.ts';
import { avroLimits, avroOfColumns, columnsOfAvro, defaultKeyName, defaultValueName } from './columns.ts';

/** Parsed schemas, by the object that holds their text. */
const parsed = new WeakMap<ResolvedSchema, AvroType>();

const treeOf = (schema: ResolvedSchema): AvroType => {
  const known = parsed.get(schema);
  if (known !== undefined) return known;
  assert(schema.type === 'AVRO', `the schema is of type ${schema.type}`);
  const tree = parseAvro(schema);
  parsed.set(schema, tree);
  return tree;
};

const decoders =
  (columns: readonly Column[], options: FormatOptions, wanted: readonly number[]) => (schema: KnownSchema) => {
    if (schema.type !== 'AVRO') throw new UserError('SQL_INVALID_SCHEMA', `it is of type ${schema.type}, not AVRO`);
    return avroDecoder(treeOf(schema), columns, options, wanted);
  };

const allSlots = (columns: readonly Column[]): readonly number[] => columns.map((_, slot) => slot);

export const avro: Format = {
  name: 'AVRO',
  doc: 'Data of Avro behind the id of its schema in a registry.',
  sides: ['key', 'value'],
  columns: 'many',
  named: true,
  wrapping: 'either',
  canonical: false,
  properties: [schemaId, schemaFullName, avroSchemaFullName],
  spans: true,
  schemas: {
    type: 'AVRO',
    neededToRead: true,
    schemaOf: (columns, { side, wrapped, properties, source }) =>
      avroOfColumns(
        columns,
        wrapped,
        fullNameOf(properties) ?? (side === 'key' ? defaultKeyName(source) : defaultValueName),
      ),
    columnsOf: (schema, options) => columnsOfAvro(treeOf(schema), options),
    misfit(columns, schema, options) {
      try {
        avroRowWriter(treeOf(schema), columns, options);
        return undefined;
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
    },
  },
  unsupported: (columns) => fieldsFault(columns, avroLimits),
  writer(columns, options) {
    const { schema } = options;
    assert(schema !== undefined, 'the schema of a source was decided when it was made');
    return framedWriter(avroRowWriter(treeOf(schema), columns, options), schema.id);
  },
  reader: (columns, options, wanted = allSlots(columns)) =>
    schemaReader(options, wanted, decoders(columns, options, wanted)),
  scanner: (columns, options, wanted) =>
    schemaScanner(columns.length, options, wanted, decoders(columns, options, wanted)),
};
