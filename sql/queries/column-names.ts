/** The columns of a source by the names that clients write: in any case, or between backticks as they stand. Key
 *  columns come first. */

import { closest, UserError } from '../../base/index.ts';
import type { Source } from '../analyze/sources.ts';
import type { QueryColumn } from '../facade.ts';

/** Other spellings that are remembered. */
const mostSpellings = 10_000;

export class ColumnNames {
  readonly columns: readonly QueryColumn[];
  readonly #source: Source;
  readonly #slots = new Map<string, number>();

  constructor(source: Source) {
    const { key, value } = source.schema;
    this.#source = source;
    this.columns = [
      ...key.map((column) => ({ ...column, isKey: true })),
      ...value.map((column) => ({ ...column, isKey: false })),
    ];
    this.columns.forEach(({ name }, slot) => this.#slots.set(name, slot));
  }

  /** Undefined where there is no such column. */
  find(name: string): number | undefined {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const quoted = /^`(.*)`$/s.exec(name);
    const slot = this.#slots.get(quoted === null ? name.toUpperCase() : (quoted[1] as string));
    if (slot !== undefined && this.#slots.size < mostSpellings) this.#slots.set(name, slot);
    return slot;
  }

  /** The error of a name that no column has. */
  unknown(name: string, hint?: string): UserError {
    const names = this.columns.map((column) => column.name);
    const near = closest(name, names);
    const { kind, name: source } = this.#source;
    return new UserError('SQL_UNKNOWN_COLUMN', `the column "${name}" does not exist in ${kind} "${source}"`, {
      hint: hint ?? (near === undefined ? `The columns are ${names.join(', ')}.` : `Did you mean "${near}"?`),
    });
  }
}
