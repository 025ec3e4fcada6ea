/** Records of a registry's formats for people: as the JSON of what the schema that they name finds in them. */

import { ByteWriter, readUtf8, UserError } from '../../base/index.ts';
import type { KnownSchema } from '../registry/schema.ts';
import type { Column } from '../types/schema.ts';
import type { Row } from '../types/value.ts';
import { type Format, SerdeError } from './format.ts';
import { knownFormats } from './index.ts';
import { json } from './json.ts';

/** How the records of one schema are shown. */
export interface FramedText {
  /** The name of their format. */
  readonly format: string;
  /** Undefined for bytes that are not of the schema. */
  read(bytes: Uint8Array): string | undefined;
}

/** How records that name this schema are shown; undefined: no format has schemas of this type. */
export const framedText = async (schema: KnownSchema): Promise<FramedText | undefined> => {
  const format = knownFormats().find(({ schemas }) => schemas?.type === schema.type);
  if (format === undefined) return undefined;
  await format.schemas?.load?.();
  const found = [true, false].flatMap((wrapped) => {
    const columns = columnsOf(format, schema, wrapped);
    return columns === undefined ? [] : [{ columns, wrapped }];
  });
  const [shape] = found;
  if (shape === undefined) return { format: format.name, read: () => undefined };
  const options = { side: 'value', wrapped: shape.wrapped, schema } as const;
  const reader = format.reader(shape.columns, options);
  const writer = json.writer(shape.columns, { side: 'value', wrapped: shape.wrapped });
  const row: Row = shape.columns.map(() => null);
  return {
    format: format.name,
    read(bytes) {
      const out = new ByteWriter(64);
      try {
        const written = reader.read(bytes, 0, bytes.length, row) && writer.write(row, out);
        return written ? readUtf8(out.buffer, 0, out.length) : 'null';
      } catch (error) {
        if (error instanceof SerdeError) return undefined;
        throw error;
      }
    },
  };
};

/** The columns of a schema, in an envelope or without one; undefined: it has none in this form. */
const columnsOf = ({ schemas }: Format, schema: KnownSchema, wrapped: boolean): readonly Column[] | undefined => {
  try {
    return schemas?.columnsOf(schema, { side: 'value', wrapped, names: 'as-written' });
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
};
