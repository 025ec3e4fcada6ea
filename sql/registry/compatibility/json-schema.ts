/** The rules of JSON Schemas. */

import type { SchemaRules } from './rules.ts';

export const jsonSchemaRules: SchemaRules = {
  check: ({ schema }) => {
    if (schema.trim() === '') throw new Error('the text is empty');
  },
  normalized: ({ schema }) => schema,
  faults: () => [],
};
