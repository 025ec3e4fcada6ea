/**
 * JSON: the format itself. `json-plain.ts` says how each type is read and written; `generated/` holds faster forms of
 * the same.
 */

import { codegenAllowed } from '../codegen/code.ts';
import type { Column } from '../types/schema.ts';
import type { SqlType } from '../types/type.ts';
import { describeColumn, type Format, scannerOf } from './format.ts';
import { generatedJsonScanner } from './generated/json-scanner.ts';
import { generatedJsonWriter } from './generated/json-writer.ts';
import { plainJsonReader, plainJsonWriter } from './json-plain.ts';

/** A map whose keys are no STRING, anywhere within a type. */
const hasOtherKeys = (type: SqlType): boolean =>
  type.kind === 'ARRAY'
    ? hasOtherKeys(type.element)
    : type.kind === 'MAP'
      ? type.key.kind !== 'STRING' || hasOtherKeys(type.value)
      : type.kind === 'STRUCT' && type.fields.some((field) => hasOtherKeys(field.type));

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
  unsupported(columns: readonly Column[]) {
    const bad = columns.find((column) => hasOtherKeys(column.type));
    return bad === undefined
      ? undefined
      : `the format JSON cannot hold ${describeColumn(bad)}; keys of maps have to be STRING`;
  },
  writer: (columns, options) =>
    codegenAllowed() ? generatedJsonWriter(columns, options) : plainJsonWriter(columns, options),
  reader: (columns, options, wanted) => plainJsonReader(columns, options, wanted),
  scanner: (columns, options, wanted) =>
    codegenAllowed() && options.wrapped
      ? generatedJsonScanner(columns, options, wanted)
      : scannerOf(plainJsonReader(columns, options, wanted), columns.length, wanted),
};
