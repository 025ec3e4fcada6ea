/**
 * What a source or a step delivers: key columns, value columns, and whether the key carries a window.
 *
 * A row holds the value columns only, by slot; key columns stay bytes in the record until an expression asks for them.
 * Names are unique over key and value. Pseudo columns belong to every source and stand in no schema.
 */

import { arrayOf, printType, quoteName, type SqlType, scalarOf, stringType, structOf } from './type.ts';

export interface Column {
  readonly name: string;
  readonly type: SqlType;
}

/** A column that is read from the headers of a record: the value of the last header with this key; without a key, all
 *  headers. */
export interface HeaderColumn extends Column {
  readonly headerKey?: string | undefined;
}

export interface WindowedKey {
  readonly type: 'TUMBLING' | 'HOPPING' | 'SESSION';
  /** Absent for sessions. */
  readonly sizeMs?: number | undefined;
}

export interface Schema {
  readonly key: readonly Column[];
  readonly value: readonly Column[];
  readonly windowed?: WindowedKey | undefined;
  /** Of a source only: what reads it has them among its value columns. */
  readonly headers?: readonly HeaderColumn[] | undefined;
}

/** The type of a column with all headers. */
export const headersType = arrayOf(
  structOf([
    { name: 'KEY', type: stringType },
    { name: 'VALUE', type: scalarOf('BYTES') },
  ]),
);
export const headerType = scalarOf('BYTES');

/** The columns of a source as queries see them: those of headers are values like others. */
export const withHeaderValues = ({ headers, ...schema }: Schema): Schema =>
  headers === undefined
    ? schema
    : { ...schema, value: [...schema.value, ...headers.map(({ name, type }) => ({ name, type }))] };

/** The slots of a list's columns by name, made when first asked for: statements over thousands of columns look up each
 *  of them. */
const slots = new WeakMap<readonly Column[], ReadonlyMap<string, number>>();

/** The slot of the first column of that name; −1 when there is none. */
export const slotNamed = (columns: readonly Column[], name: string): number => {
  if (columns.length < 16) return columns.findIndex((column) => column.name === name);
  let known = slots.get(columns);
  if (known === undefined) {
    known = new Map(columns.map((column, slot) => [column.name, slot] as const).reverse());
    slots.set(columns, known);
  }
  return known.get(name) ?? -1;
};

export const pseudoColumns = ['ROWTIME', 'ROWPARTITION', 'ROWOFFSET', 'WINDOWSTART', 'WINDOWEND'] as const;
export type PseudoColumn = (typeof pseudoColumns)[number];

/** Whether a name is reserved for what every record has. */
export const isPseudoColumn = (name: string): name is PseudoColumn =>
  (pseudoColumns as readonly string[]).includes(name);

/** The schema as text, as the REST interface has it: `` `ID` BIGINT KEY, `V` STRING ``. */
export const printSchema = (schema: Schema): string =>
  [
    ...schema.key.map((column) => `${printColumn(column)} KEY`),
    ...schema.value.map((column) => printColumn(column)),
    ...(schema.headers ?? []).map((column) => `${printColumn(column)} ${headerWord(column)}`),
  ].join(', ');

/** How the column is marked in CREATE. */
export const headerWord = ({ headerKey }: HeaderColumn): string =>
  headerKey === undefined ? 'HEADERS' : `HEADER('${headerKey.replaceAll("'", "''")}')`;

/** `` `V` ARRAY<STRING> `` */
export const printColumn = (column: Column): string => `${quoteName(column.name)} ${printType(column.type)}`;
