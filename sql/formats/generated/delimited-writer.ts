/**
 * The generated writer of DELIMITED: straight code for the columns of a schema.
 *
 * Numbers, and texts that need no quotes, are put in place; everything else goes the plain way in between.
 */

import { type ByteWriter, type Code, code, noCode } from '../../../base/index.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Value } from '../../types/value.ts';
import type { RowWriter } from '../format.ts';
import { numberRoom, putDouble, putInteger } from '../json-output.ts';
import { RowWriterCode, type SpanPutter } from './row-writer-code.ts';

/** Texts up to this length are written in place. */
const longestText = 256;
const mostColumns = 200;

export interface DelimitedField {
  readonly type: ScalarType;
  /** It begins the line. */
  readonly first: boolean;
  /** The plain way. */
  readonly write: (out: ByteWriter, value: Value) => void;
  /** Puts a text without quotes; -1 where it needs them. */
  readonly plain: {
    text(buffer: Uint8Array, at: number, text: string): number;
    readonly span: SpanPutter;
  };
}

/** The writer of lines; undefined where the plain form has to do. The delimiter stands in no number. */
export const generateDelimitedWriter = (
  fields: readonly DelimitedField[],
  delimiter: number,
  spans: boolean,
): RowWriter['write'] | undefined => {
  if (fields.length > mostColumns) return undefined;
  const rows = new RowWriterCode(fields.length * (numberRoom + 1), longestText, spans);
  const { constants } = rows;
  const integer = constants.add(putInteger);
  const double = constants.add(putDouble);
  const pieces = fields.map(({ type, first, write, plain }, slot) => {
    const plainly = rows.plain((value, out) => write(out, value));
    const put = (): Code => {
      switch (definitionOf(type).carrier) {
        case 'int32':
        case 'int64':
          return first
            ? code`if (v >= 0) at = k${integer}(b, at, v); else { ${plainly} }`
            : code`at = k${integer}(b, at, v);`;
        case 'double':
          return code`if (Number.isFinite(v) ${first ? code`&& v > 0` : noCode}) at = k${double}(b, at, v); else { ${plainly} }`;
        case 'text': {
          rows.text(slot);
          const writeText = code`
    e = v.length <= ${longestText} ? k${constants.add(plain.text)}(b, at, v) : -1;
    if (e < 0) { ${plainly} } else at = e;`;
          return spans ? rows.span(plain.span, writeText) : writeText;
        }
        case 'boolean':
        case 'bytes':
        case 'decimal':
          return plainly;
      }
    };
    return code`
  ${slot === 0 ? noCode : code`b[at++] = ${delimiter};`}
  v = row[${slot}];
  if (v !== null && v !== undefined) { ${put()} }`;
  });
  return rows.finish(pieces);
};
