/** The properties of WITH that formats with a schema registry share. */

import type { FormatProperty } from './format.ts';

const fullNameFault = (text: string): string | undefined =>
  text.trim() === '' ? 'the full name of a definition' : undefined;

export const schemaId: FormatProperty = {
  name: 'SCHEMA_ID',
  doc: 'The id of the schema that the records are written with; the columns are taken from it.',
  inherited: false,
  fault: (text) =>
    /^\d{1,9}$/.test(text) && Number(text) > 0 ? undefined : 'the id of a schema, a whole number from 1',
};

export const schemaFullName: FormatProperty = {
  name: 'SCHEMA_FULL_NAME',
  doc: 'The name of the definition in the schema: of a record, a message, or the title.',
  inherited: false,
  fault: fullNameFault,
};

/** The older name of it, for values. */
export const avroSchemaFullName: FormatProperty = {
  ...schemaFullName,
  name: 'AVRO_SCHEMA_FULL_NAME',
  doc: 'The same as SCHEMA_FULL_NAME.',
};

/** The name that was given for the definition. */
export const fullNameOf = (properties: Readonly<Record<string, string>> | undefined): string | undefined =>
  properties?.[schemaFullName.name] ?? properties?.[avroSchemaFullName.name];
