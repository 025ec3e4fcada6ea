/** What the rules of one type of schema are asked. */

import type { ResolvedSchema } from '../schema.ts';

export interface SchemaRules {
  /** Raises an error for a text that is no schema of this type. */
  check(schema: ResolvedSchema): void;
  /** The text in its normal form: the same for schemas that differ in spelling only. */
  normalized(schema: ResolvedSchema): string;
  /** Why data that was written with `writer` cannot always be read with `reader`, as sentences; none: it can. */
  faults(reader: ResolvedSchema, writer: ResolvedSchema): readonly string[];
}
