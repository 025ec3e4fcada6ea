/**
 * Rows as JSON arrays, by the types of the query's columns.
 *
 * Whole numbers and decimals keep all their digits, BYTES are base64; logical types (TIMESTAMP, DATE, TIME) are text as
 * CAST to STRING prints it, but inside a STRUCT their carrier's number (as ksqlDB's converter has it); MAP and STRUCT
 * are objects; numbers that JSON does not have (NaN, infinities) are text. The writer for a query is made once.
 */

import { unreachable } from '../base/index.ts';
import {
  arrayValue,
  definitionOf,
  isScalar,
  mapValue,
  type ScalarType,
  type SqlType,
  textOf,
  type Value,
} from '../sql/index.ts';

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
  if (isScalar(type)) return scalarWriter(type, inStruct);
  switch (type.kind) {
    case 'ARRAY': {
      const element = nullable(writerOf(type.element, inStruct));
      return (value) => `[${arrayValue(value).map(element).join(',')}]`;
    }
    case 'MAP': {
      const member = nullable(writerOf(type.value, inStruct));
      return (value) =>
        `{${Array.from(mapValue(value), ([key, item]) => `${JSON.stringify(key)}:${member(item)}`).join(',')}}`;
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({
        name: `${JSON.stringify(field.name)}:`,
        write: nullable(writerOf(field.type, true)),
      }));
      return (value) => `{${fields.map(({ name, write }, i) => name + write(arrayValue(value)[i] ?? null)).join(',')}}`;
    }
    default:
      return unreachable(type);
  }
};

const scalarWriter = (type: ScalarType, inStruct: boolean): ValueWriter => {
  const { carrier, logical } = definitionOf(type);
  if (logical && !inStruct) {
    const print = textOf(type);
    return (value) => JSON.stringify(print(value));
  }
  switch (carrier) {
    case 'boolean':
    case 'int32':
    case 'int64':
      return String;
    case 'double':
      return (value) => (Number.isFinite(value) ? String(value) : `"${String(value)}"`);
    case 'decimal':
      return textOf(type);
    case 'text':
      return (value) => JSON.stringify(value);
    case 'bytes': {
      const print = textOf(type);
      return (value) => `"${print(value)}"`;
    }
    default:
      return unreachable(carrier);
  }
};

const nullable =
  (write: ValueWriter): ValueWriter =>
  (value) =>
    value === null ? 'null' : write(value);
