/** The streams and tables that queries read and write, as the analysis of a query sees them. */

import { closest, type Position, UserError } from '../../base/index.ts';
import type { FormatChoice, TimestampColumn } from '../formats/choices.ts';
import type { SourceKind } from '../parser/ast.ts';
import type { Schema } from '../types/schema.ts';

export interface Source {
  readonly name: string;
  readonly kind: SourceKind;
  readonly schema: Schema;
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn;
  /** Declared with the word SOURCE: rows cannot be inserted into it, and its topic cannot be deleted. */
  readonly readOnly: boolean;
  /** The statement that made it. */
  readonly statement: string;
  /** The query that writes it, for what CREATE … AS made. */
  readonly query?: string;
}

/** Where sources are looked up by name. */
export interface SourceCatalog {
  source(name: string): Source | undefined;
  /** Sorted by name. */
  sources(kind?: SourceKind): readonly Source[];
}

export const unknownSource = (catalog: SourceCatalog, name: string, at?: Position): UserError => {
  const names = catalog.sources().map((source) => source.name);
  const near = closest(name, names);
  return new UserError('SQL_UNKNOWN_SOURCE', `there is no stream or table called "${name}"`, {
    hint:
      near !== undefined
        ? `Did you mean "${near}"?`
        : name !== name.toUpperCase() || !names.includes(name)
          ? 'SHOW STREAMS; and SHOW TABLES; list what there is.'
          : undefined,
    at,
  });
};
