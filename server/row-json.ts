/**
 * Rows as JSON arrays, by the types of the query's columns.
 *
 * BIGINT keeps all its digits; TIMESTAMP is ISO text in UTC at the top level, and epoch milliseconds inside a STRUCT
 * (as ksqlDB's converter has it); MAP and STRUCT are objects; numbers that JSON cannot say (NaN, infinities) are text.
 * The writer for a query is made once.
 */

import type { SqlType, Value } from '../sql/index.ts';

export type RowWriter = (row: readonly Value[]) => string;
type ValueWriter = (value: Value) => string;

export const rowWriter = (types: readonly SqlType[]): RowWriter => {
  const writers = types.map((type) => writerOf(type, false));
  return (row) => {
    let text = '[';
    for (let i = 0; i < writers.length; i++) {
      if (i > 0) text += ',';
      const value = row[i];
      text += value === null || value === undefined ? 'null' : (writers[i] as ValueWriter)(value);
    }
    return `${text}]`;
  };
};

const writerOf = (type: SqlType, inStruct: boolean): ValueWriter => {
  switch (type.kind) {
    case 'BOOLEAN':
    case 'INTEGER':
    case 'BIGINT':
      return String;
    case 'DOUBLE':
      return (value) => (Number.isFinite(value) ? String(value) : `"${String(value)}"`);
    case 'STRING':
      return (value) => JSON.stringify(value);
    case 'TIMESTAMP':
      return inStruct ? String : (value) => `"${timestampText(value as number)}"`;
    case 'ARRAY': {
      const element = nullable(writerOf(type.element, inStruct));
      return (value) => `[${(value as readonly Value[]).map(element).join(',')}]`;
    }
    case 'MAP': {
      const member = nullable(writerOf(type.value, inStruct));
      return (value) =>
        `{${Array.from(value as ReadonlyMap<string, Value>, ([key, item]) => `${JSON.stringify(key)}:${member(item)}`).join(',')}}`;
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({
        name: `${JSON.stringify(field.name)}:`,
        write: nullable(writerOf(field.type, true)),
      }));
      return (value) =>
        `{${fields.map(({ name, write }, i) => name + write((value as readonly Value[])[i] ?? null)).join(',')}}`;
    }
  }
};

const nullable =
  (write: ValueWriter): ValueWriter =>
  (value) =>
    value === null ? 'null' : write(value);

/** `yyyy-MM-dd'T'HH:mm:ss.SSS`, UTC. */
const timestampText = (ms: number): string => new Date(ms).toISOString().replace('Z', '');
