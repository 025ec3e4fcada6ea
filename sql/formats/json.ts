/**
 * JSON: the format itself. How each type is read and written is in `json-plain.ts`; `generated/` holds faster forms of
 * the same.
 */

import { codegenAllowed, unreachable } from '../../base/index.ts';
import type { Column } from '../types/schema.ts';
import { isScalar, type SqlType } from '../types/type.ts';
import { describeColumn, type Format, type RowWriter, scannerOf } from './format.ts';
import { generatedJsonScanner } from './generated/json-scanner.ts';
import { generatedJsonWriter } from './generated/json-writer.ts';
import { type JsonOptions, plainJsonReader, plainJsonWriter } from './json-plain.ts';
import { columnsOfSlots } from './text-span.ts';

/** Whether a type is, or has within, a map whose keys are not STRING. */
const hasOtherKeys = (type: SqlType): boolean => {
  if (isScalar(type)) return false;
  switch (type.kind) {
    case 'ARRAY':
      return hasOtherKeys(type.element);
    case 'MAP':
      return type.key.kind !== 'STRING' || hasOtherKeys(type.value);
    case 'STRUCT':
      return type.fields.some((field) => hasOtherKeys(field.type));
    default:
      return unreachable(type);
  }
};

export const jsonWriter = (columns: readonly Column[], options: JsonOptions): RowWriter =>
  codegenAllowed() ? generatedJsonWriter(columns, options) : plainJsonWriter(columns, options);

export const json: Format = {
  name: 'JSON',
  doc: 'JSON text: an object with the columns as fields, or the bare value of a single column.',
  sides: ['key', 'value'],
  columns: 'many',
  named: true,
  wrapping: 'either',
  // One key can be written with more or less space, its fields in any order, a number in several ways.
  canonical: false,
  properties: [],
  spans: true,
  unsupported(columns: readonly Column[]) {
    const bad = columns.find((column) => hasOtherKeys(column.type));
    return bad === undefined
      ? undefined
      : `the format JSON cannot hold ${describeColumn(bad)}; keys of maps have to be STRING`;
  },
  writer: jsonWriter,
  reader: (columns, options, wanted) => plainJsonReader(columns, options, wanted),
  scanner: (columns, options, wanted) =>
    codegenAllowed() && options.wrapped
      ? generatedJsonScanner(columns, options, wanted)
      : scannerOf(plainJsonReader(columns, options, columnsOfSlots(columns.length, wanted)), columns.length, wanted),
};
