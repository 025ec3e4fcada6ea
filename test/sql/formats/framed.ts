/**
 * FRAMED: a format for tests whose records name the schema of their writer, as those of AVRO do. The data behind the
 * framing is a line of fields between delimiters; the writer's schema is the list of their names.
 */

import { readUtf8, utf8Bytes } from '../../../base/index.ts';
import { type Format, SerdeError, scannerOf } from '../../../sql/formats/format.ts';
import { framingBytes, type SchemaLookUp, schemaIdAt, WriterSchemas } from '../../../sql/formats/writer-schemas.ts';

/** A record of this writer. */
export const framed = (id: number, line: string): Uint8Array => {
  const text = utf8Bytes(line);
  const bytes = new Uint8Array(framingBytes + text.length);
  new DataView(bytes.buffer).setInt32(1, id);
  bytes.set(text, framingBytes);
  return bytes;
};

/** Schemas of two writers, which come after a while; there is none for another id, and 13 cannot be asked for. */
export const slowSchemas: SchemaLookUp<readonly string[]> = async (id) => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (id === 13) throw new Error('the registry does not answer');
  return [undefined, ['A', 'B'], ['B', 'A']][id];
};

export const framedFormat = (lookUp: SchemaLookUp<readonly string[]>): Format => {
  const schemas = new WriterSchemas(lookUp);
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
    inference: { columnsOf: (schema) => schema.split(',').map((name) => ({ name, type: { kind: 'STRING' } })) },
    unsupported: (columns) =>
      columns.every(({ type }) => type.kind === 'STRING') ? undefined : 'the format FRAMED holds STRING only',
    prepare: (...records) => schemas.prepare(...records),
    writer: (columns, { properties }) => ({
      write(row, out) {
        out.i8(0);
        out.i32(columns[0]?.name === 'B' ? 2 : 1);
        out.utf8(row.join(properties?.['DELIMITER'] ?? ','));
        return true;
      },
    }),
    reader: (columns, { properties }, wanted) => ({
      read(bytes, start, end, into) {
        const id = schemaIdAt(bytes, start, end);
        const names = schemas.get(id);
        if (names === undefined) throw new SerdeError(`there is no schema with the id ${id}`);
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
