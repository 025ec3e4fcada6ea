/**
 * JSON_SR: JSON whose records name a JSON Schema in a registry. The data is that of JSON but for maps, read and written
 * by the same code; so a record can be read without its schema, by the names of the columns.
 */

import { assert } from '../../base/index.ts';
import type { Column } from '../types/schema.ts';
import type { Format } from './format.ts';
import { framedReader, framedScanner, framedWriter } from './framing.ts';
import { json, jsonWriter } from './json.ts';
import { columnsOfJsonSchema, jsonSchemaOf, mapFormOf, renamedBy } from './json-schema.ts';
import { schemaFullName, schemaId } from './schema-properties.ts';

export const jsonSr: Format = {
  name: 'JSON_SR',
  doc: 'JSON text behind the id of a JSON Schema in a registry.',
  sides: ['key', 'value'],
  columns: 'many',
  named: true,
  wrapping: 'either',
  canonical: false,
  properties: [schemaId, schemaFullName],
  spans: true,
  schemas: {
    type: 'JSON',
    neededToRead: false,
    schemaOf: jsonSchemaOf,
    columnsOf: columnsOfJsonSchema,
    misfit: (columns, schema, options) => renamedBy(columns, schema, options).missing,
  },
  unsupported: (columns: readonly Column[]) => json.unsupported(columns)?.replace('JSON', 'JSON_SR'),
  writer(columns, options) {
    const { schema } = options;
    assert(schema !== undefined, 'the schema of a source was decided when it was made');
    const { columns: named } = renamedBy(columns, schema, options);
    return framedWriter(jsonWriter(named, { ...options, maps: mapFormOf(schema) }), schema.id);
  },
  reader: (columns, options, wanted) => framedReader(json.reader(columns, options, wanted)),
  scanner: (columns, options, wanted) => framedScanner(json.scanner(columns, options, wanted)),
};
