/**
 * Which texts of a scan are read as spans (`formats/text-span.ts`), and tests of those.
 *
 * A column's texts are not read where all that a query does with them is to test them (`=`, `<>`, IN and LIKE with
 * constants, IS NULL), and to pass them on to a sink that copies them. What a test looks for is ASCII: no other bytes
 * are decoded to such a text.
 */

import { utf8Bytes } from '../../base/index.ts';
import { type ColumnReference, columnsOf, partsOf, type TypedExpression, type TypedOf } from '../analyze/typed.ts';
import { constantOf, type Evaluate } from '../evaluate/closure.ts';
import { formatNamed } from '../formats/index.ts';
import { hasSpans, spanLength, spanStart, spanText } from '../formats/text-span.ts';
import type { SourceStep } from '../plan/steps/source.ts';

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

/** The columns that stand anywhere but in a test that spans will do for. */
const outsideOfTests = (expression: TypedExpression): readonly ColumnReference[] => {
  if (expression.kind === 'column') return [expression];
  // A span is no NULL either.
  if (expression.kind === 'is-null' && isText(expression.operand)) return [];
  return testOf(expression) === undefined ? partsOf(expression).flatMap(outsideOfTests) : [];
};

/** A test of a text column with constants. */
interface Test {
  readonly column: ColumnReference;
  /** Whether the text of a span passes; undefined: only the text tells. */
  readonly passes: (bytes: Uint8Array, span: number) => boolean | undefined;
}

const testOf = (part: TypedExpression): Test | undefined => {
  if (part.kind === 'comparison') return comparisonTest(part);
  if (part.kind === 'in') return listTest(part);
  return part.kind === 'like' ? likeTest(part) : undefined;
};

const comparisonTest = ({ left, right, operator }: TypedOf<'comparison'>): Test | undefined => {
  const text = asciiOf(right);
  if (!isText(left) || text === undefined || (operator !== '=' && operator !== '<>')) return undefined;
  const wanted = utf8Bytes(text);
  return operator === '='
    ? { column: left, passes: (bytes, span) => isAt(bytes, span, wanted) }
    : { column: left, passes: (bytes, span) => !isAt(bytes, span, wanted) };
};

/** A span is compared with each text of a list, in 30 ns each on a busy machine; making its text and finding that in a
 *  set took 200 ns, for any number of them. */
const longestList = 5;

const listTest = ({ operand, values, negated }: TypedOf<'in'>): Test | undefined => {
  // NULL is in no list.
  const constants = values.filter((value) => value.kind !== 'literal' || constantOf(value) !== null);
  const texts = constants.map(asciiOf).filter((text) => text !== undefined);
  if (!isText(operand) || texts.length < constants.length || texts.length > longestList) return undefined;
  const wanted = texts.map(utf8Bytes);
  return { column: operand, passes: (bytes, span) => wanted.some((text) => isAt(bytes, span, text)) !== negated };
};

/** Patterns whose only `%` are at the ends. */
const likeTest = ({ operand, pattern, escape, negated }: TypedOf<'like'>): Test | undefined => {
  const text = asciiOf(pattern);
  const [, before, middle, behind] = /^(%*)([^%_]*)(%*)$/.exec(text ?? '_') ?? [];
  if (!isText(operand) || middle === undefined || escape !== undefined) return undefined;
  const wanted = utf8Bytes(middle);
  const [anyBefore, anyBehind] = [before !== '', behind !== ''];
  return {
    column: operand,
    passes: (bytes, span) => {
      if (!isPlain(bytes, span)) return undefined;
      const most = spanLength(span) - wanted.length;
      const first = anyBehind ? 0 : most;
      const last = anyBefore ? most : 0;
      return isWithin(bytes, span, wanted, first, last) !== negated;
    },
  };
};

const isText = (part: TypedExpression): part is ColumnReference =>
  part.kind === 'column' && part.from === 'value' && hasSpans(part);

/** The text of a constant, where that is ASCII. */
const asciiOf = (part: TypedExpression): string | undefined => {
  const constant = part.kind === 'literal' && hasSpans(part) ? constantOf(part) : null;
  return typeof constant === 'string' && isAscii.test(constant) ? constant : undefined;
};

const isAscii = /^[\0-\x7f]*$/;

/** The test of a column that is read as spans, by `read`; undefined: it is another one. `plain` tests texts. */
export const spanTest = (
  part: TypedExpression,
  plain: (column: Evaluate) => Evaluate,
  columns: ReadonlySet<number>,
  read: (column: ColumnReference) => Evaluate,
): Evaluate | undefined => {
  const test = columns.size === 0 ? undefined : testOf(part);
  if (test === undefined || !columns.has(test.column.index)) return undefined;
  const { passes } = test;
  const column = read(test.column);
  const ofText = plain((record) => {
    const value = column(record);
    return typeof value === 'number' ? spanText(record.valueBytes, value) : value;
  });
  return (record) => {
    const value = column(record);
    return (typeof value === 'number' ? passes(record.valueBytes, value) : undefined) ?? ofText(record);
  };
};

const isAt = (bytes: Uint8Array, span: number, text: Uint8Array): boolean =>
  spanLength(span) === text.length && stands(bytes, spanStart(span), text);

/** Whether a text begins at one of the places from `first` to `last`, counted from the start of the span, and ends
 *  within it. */
const isWithin = (bytes: Uint8Array, span: number, text: Uint8Array, first: number, last: number): boolean => {
  const most = Math.min(last, spanLength(span) - text.length);
  for (let at = Math.max(first, 0); at <= most; at++) if (stands(bytes, spanStart(span) + at, text)) return true;
  return false;
};

const stands = (bytes: Uint8Array, start: number, text: Uint8Array): boolean => {
  const { length } = text;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
};

/** Whether all bytes are ASCII without line breaks, which no `%` stands for. */
const isPlain = (bytes: Uint8Array, span: number): boolean => {
  const start = spanStart(span);
  const end = start + spanLength(span);
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte > 127 || byte === 10 || byte === 13) return false;
  }
  return true;
};
