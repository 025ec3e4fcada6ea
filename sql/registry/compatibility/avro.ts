/** The rules of Avro schemas. */

import type { SchemaRules } from './rules.ts';

export const avroRules: SchemaRules = {
  check: ({ schema }) => {
    if (schema.trim() === '') throw new Error('the text is empty');
  },
  normalized: ({ schema }) => schema,
  faults: () => [],
};
