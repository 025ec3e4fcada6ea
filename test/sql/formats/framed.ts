/**
 * FRAMED: a format for tests whose records name the schema of their writer, as those of AVRO do. The data behind the
 * framing is a line of fields between delimiters; the writer's schema is the list of their names.
 */

import { readUtf8, utf8Bytes } from '../../../base/index.ts';
import { type Format, SerdeError, scannerOf } from '../../../sql/formats/format.ts';
import { framingBytes, type SchemaLookUp, schemaIdAt } from '../../../sql/formats/writer-schemas.ts';
import { LocalRegistry } from '../../../sql/registry/local-registry.ts';
import { isScalar } from '../../../sql/types/type.ts';

/** A record of this writer. */
export const framed = (id: number, line: string): Uint8Array => {
  const text = utf8Bytes(line);
  const bytes = new Uint8Array(framingBytes + text.length);
  new DataView(bytes.buffer).setInt32(1, id);
  bytes.set(text, framingBytes);
  return bytes;
};

/** The names of the fields in a text that a registry takes for a schema of Avro. */
const schemaOf = (names: readonly string[]): string => JSON.stringify({ type: 'enum', name: 'Fields', symbols: names });

const namesIn = (schema: string): readonly string[] =>
  (JSON.parse(schema) as { readonly symbols: readonly string[] }).symbols;

/** Schemas of two writers, which come after a while; there is none for another id, and 13 cannot be asked for. */
export const slowSchemas: SchemaLookUp = async (id) => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (id === 13) throw new Error('the registry does not answer');
  const schema = [undefined, schemaOf(['A', 'B']), schemaOf(['B', 'A'])][id];
  return schema === undefined ? undefined : { id, type: 'AVRO', schema, definitions: [] };
};

/** A registry of these schemas. */
export class SlowRegistry extends LocalRegistry {
  override byId = slowSchemas;
}

export const framedFormat = (): Format => {
  const format: Format = {
    name: 'FRAMED',
    doc: 'Fields of a line, in the order that the schema of the writer tells.',
    sides: ['key', 'value'],
    columns: 'many',
    named: true,
    wrapping: 'always',
    canonical: false,
    properties: [
      {
        name: 'DELIMITER',
        doc: 'What stands between two fields.',
        fault: (text) => (text.length === 1 ? undefined : 'one character'),
      },
    ],
    schemas: {
      type: 'AVRO',
      neededToRead: true,
      schemaOf: (columns) => schemaOf(columns.map(({ name }) => name)),
      columnsOf: ({ schema }) => namesIn(schema).map((name) => ({ name, type: { kind: 'STRING' } })),
      misfit: () => undefined,
    },
    unsupported: (columns) =>
      columns.every(({ type }) => isScalar(type)) ? undefined : 'the format FRAMED holds no collections',
    writer: (columns, { properties }) => ({
      write(row, out) {
        out.i8(0);
        out.i32(columns[0]?.name === 'B' ? 2 : 1);
        out.utf8(row.join(properties?.['DELIMITER'] ?? ','));
        return true;
      },
    }),
    reader: (columns, { properties, writers }, wanted) => ({
      read(bytes, start, end, into) {
        const id = schemaIdAt(bytes, start, end);
        const schema = writers?.get(id)?.schema;
        if (schema === undefined) throw new SerdeError(`there is no schema with the id ${id}`);
        const names = namesIn(schema);
        const fields = readUtf8(bytes, start + framingBytes, end).split(properties?.['DELIMITER'] ?? ',');
        for (const slot of wanted ?? columns.keys()) {
          into[slot] = fields[names.indexOf(columns[slot]?.name ?? '')] ?? null;
        }
        return true;
      },
    }),
    scanner: (columns, options, wanted) => scannerOf(format.reader(columns, options, wanted), columns.length, wanted),
  };
  return format;
};
