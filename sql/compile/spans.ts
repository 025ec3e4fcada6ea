/**
 * Which texts of a scan are read as spans (`formats/text-span.ts`), and comparisons of those.
 *
 * A column's texts are not read where all that a query does with them is to compare them with constants, and to pass
 * them on to a sink that copies them.
 */

import { utf8Bytes } from '../../base/index.ts';
import type { StreamRecord } from '../../engine/index.ts';
import { type ColumnReference, columnsOf, partsOf, type TypedExpression, type TypedOf } from '../analyze/typed.ts';
import { constantOf, type Evaluate } from '../evaluate/closure.ts';
import { formatNamed } from '../formats/index.ts';
import { hasSpans, spanLength, spanStart } from '../formats/text-span.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Value } from '../types/value.ts';

interface Uses {
  readonly conditions: readonly TypedExpression[];
  /** What becomes values of a row: columns among them may be passed on as spans where that is so for their place. */
  readonly items: readonly TypedExpression[];
  readonly takesSpan: (place: number) => boolean;
  /** What reads values. */
  readonly others: readonly TypedExpression[];
}

/** The indexes of the value columns that are read as spans. */
export const columnsAsSpans = (
  { valueFormat, schema }: Pick<SourceStep, 'valueFormat' | 'schema'>,
  { conditions, items, takesSpan, others }: Uses,
): ReadonlySet<number> => {
  if (formatNamed(valueFormat.name).spans !== true) return new Set();
  const texts = [
    ...conditions.flatMap(outsideOfTests),
    ...columnsOf(...items.filter((item, place) => item.kind !== 'column' || !takesSpan(place))),
    ...columnsOf(...others),
  ].filter(({ from }) => from === 'value');
  const all = columnsOf(...conditions, ...items, ...others).filter(({ from }) => from === 'value');
  const asTexts = new Set(texts.map(({ index }) => index));
  return new Set(
    all
      .map(({ index }) => index)
      .filter((index) => !asTexts.has(index) && schema.value[index] !== undefined && hasSpans(schema.value[index])),
  );
};

/** The columns that stand anywhere but in a comparison that spans will do for. */
const outsideOfTests = (expression: TypedExpression): readonly ColumnReference[] => {
  if (expression.kind === 'column') return [expression];
  return isSpanTest(expression) ? [] : partsOf(expression).flatMap(outsideOfTests);
};

type SpanTest = TypedOf<'comparison'> & { readonly left: ColumnReference; readonly right: TypedOf<'literal'> };

const isAscii = /^[\0-\x7f]*$/;

/** Whether a text column is compared with a constant by `=` or `<>`. That one is ASCII: no other bytes are decoded to
 *  such a text. */
const isSpanTest = (part: TypedExpression): part is SpanTest => {
  if (part.kind !== 'comparison' || (part.operator !== '=' && part.operator !== '<>')) return false;
  const { left, right } = part;
  if (left.kind !== 'column' || left.from !== 'value' || !hasSpans(left) || right.kind !== 'literal') return false;
  const constant = hasSpans(right) ? constantOf(right) : null;
  return typeof constant === 'string' && isAscii.test(constant);
};

/** The comparison of a column that is read as spans, by `read`; undefined: it is another one. */
export const spanTest = (
  part: TypedOf<'comparison'>,
  columns: ReadonlySet<number>,
  read: (column: ColumnReference) => Evaluate,
): Evaluate | undefined => {
  if (!isSpanTest(part) || !columns.has(part.left.index)) return undefined;
  const column = read(part.left);
  const text = constantOf(part.right) as string;
  const constant = utf8Bytes(text);
  const equals = (record: StreamRecord<unknown>, value: Value): boolean =>
    typeof value === 'number' ? isAt(record.valueBytes, value, constant) : value === text;
  return part.operator === '='
    ? (record) => {
        const value = column(record);
        return value !== null && equals(record, value);
      }
    : (record) => {
        const value = column(record);
        return value !== null && !equals(record, value);
      };
};

const isAt = (bytes: Uint8Array, span: number, text: Uint8Array): boolean => {
  const { length } = text;
  if (spanLength(span) !== length) return false;
  const start = spanStart(span);
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
};
