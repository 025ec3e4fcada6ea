/** The rules of Protocol Buffers schemas. */

import type { SchemaRules } from './rules.ts';

export const protobufRules: SchemaRules = {
  check: ({ schema }) => {
    if (schema.trim() === '') throw new Error('the text is empty');
  },
  normalized: ({ schema }) => schema,
  faults: () => [],
};
