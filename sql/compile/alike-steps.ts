/** The steps that a plan begins with and that other plans may have too (`shared-steps.ts`): equal as data, but for the
 *  names of columns. */

import { columnsOf, mapColumns, printTyped, type TypedExpression } from '../analyze/typed.ts';
import { isRepeatable } from '../evaluate/repeatable.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { SourceStep } from '../plan/steps/source.ts';

/** A step that other plans may have too. */
export interface AlikeStep {
  /** Equal for equal steps over one source. */
  readonly id: string;
  /** For people. */
  readonly text: string;
}

/** Values that may be shared. `slot` is where they lie among the vectors while a scan has them; the same in all
 *  tasks. */
export interface AlikeValues extends AlikeStep {
  slot: number;
}

/** What the scan of a plan may share with others. */
export interface AlikeSteps {
  /** The first condition, the first two, and so on. */
  readonly conditions: readonly AlikeStep[];
  readonly values: readonly AlikeValues[];
  readonly time: AlikeValues | undefined;
}

/** `conditions` are tried, in their order, before anything else of a record is looked at; `read` are the expressions
 *  behind them. */
export const alikeSteps = (
  step: SourceStep,
  {
    conditions: all,
    read,
  }: { readonly conditions: readonly TypedExpression[]; readonly read: readonly TypedExpression[] },
  functions: FunctionRegistry,
): AlikeSteps => {
  const isShared = (expression: TypedExpression): boolean =>
    columnsOf(expression).every((column) => column.from === 'value') && isRepeatable(expression, functions);
  const end = all.findIndex((condition) => !isShared(condition));
  const conditions = all.slice(0, end < 0 ? undefined : end).map((_, i) => {
    const first = all.slice(0, i + 1);
    return { id: `where ${first.map(idOf).join()}`, text: `WHERE ${first.map(printTyped).join(' AND ')}` };
  });
  const values = new Map<string, AlikeValues>();
  for (const expression of read) {
    if (expression.kind === 'column' || expression.kind === 'literal' || !isShared(expression)) continue;
    const id = idOf(expression);
    values.set(id, { id, text: printTyped(expression), slot: -1 });
  }
  const { timestamp, schema } = step;
  const fromText = timestamp?.format !== undefined && schema.value.some((column) => column.name === timestamp.column);
  const time = fromText
    ? { id: `time ${JSON.stringify([timestamp.column, timestamp.format])}`, text: 'the event time', slot: -1 }
    : undefined;
  return { conditions, values: [...values.values()], time };
};

/** Columns are told apart by their slots: a query may call them as it likes. */
export const idOf = (expression: TypedExpression): string =>
  JSON.stringify(mapColumns(expression, (column) => ({ ...column, name: '' })));

/** All steps of a scan that may be shared. */
export const allAlike = ({ conditions, values, time }: AlikeSteps): readonly AlikeStep[] => [
  ...conditions,
  ...values,
  ...(time === undefined ? [] : [time]),
];
