/** Evaluates SQL text: parser, typer and compiler together, over one row of named columns. */

import { UserError } from '../../../base/index.ts';
import { installNative } from '../../../base/node/index.ts';
import { StreamRecord } from '../../../engine/index.ts';
import type { ExpressionScope } from '../../../sql/analyze/expressions/draft.ts';
import { typeExpression } from '../../../sql/analyze/type-expression.ts';
import type { TypedExpression } from '../../../sql/analyze/typed.ts';
import { compileExpression } from '../../../sql/evaluate/expression.ts';
import type { Accumulator } from '../../../sql/functions/define.ts';
import { builtInFunctions } from '../../../sql/functions/index.ts';
import { parseExpression } from '../../../sql/parser/parse.ts';
import { RowSlots } from '../../../sql/types/slots.ts';
import type { SqlType } from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';

installNative();

export interface TestColumn {
  readonly type: SqlType;
  readonly value: Value;
}

export const functions = builtInFunctions();
export const context = { now: () => 1_700_000_000_000, random: () => 0.25 };

export const scopeOf = (columns: Readonly<Record<string, TestColumn>> = {}): ExpressionScope => ({
  functions,
  column(node) {
    if (node.name === 'ROWTIME')
      return { kind: 'column', name: 'ROWTIME', from: 'rowtime', index: 0, type: { kind: 'BIGINT' } };
    const index = Object.keys(columns).indexOf(node.name);
    const column = columns[node.name];
    if (column === undefined) throw new UserError('SQL_UNKNOWN_COLUMN', `no column ${node.name}`, { at: node.at });
    return { kind: 'column', name: node.name, from: 'value', index, type: column.type };
  },
});

export const typed = (sql: string, columns: Readonly<Record<string, TestColumn>> = {}): TypedExpression =>
  typeExpression(parseExpression(sql), scopeOf(columns));

export const evaluateTyped = (
  expression: TypedExpression,
  columns: Readonly<Record<string, TestColumn>> = {},
  rowtime = 0,
): Value => {
  // A plan is JSON: what is evaluated has been through it.
  const read = JSON.parse(JSON.stringify(expression)) as TypedExpression;
  const compiled = compileExpression(
    read,
    {
      column: ({ from, index }) =>
        from === 'rowtime' ? (record) => record.timestamp : (record) => (record.value as Row)[index] as Value,
    },
    functions,
    context,
  );
  const record = new StreamRecord<Row>();
  record.value = Object.values(columns).map((column) => column.value);
  record.timestamp = rowtime;
  return compiled(record);
};

export const evaluate = (sql: string, columns: Readonly<Record<string, TestColumn>> = {}): Value =>
  evaluateTyped(typed(sql, columns), columns);

/** The result after values were added to an aggregate of one argument, then others taken back. */
export const aggregate = (
  name: string,
  type: SqlType,
  added: readonly Value[],
  undone: readonly Value[] = [],
): Value => {
  const { accumulator, slots } = accumulatorOver(name, type, added);
  for (const value of undone) accumulator.undo?.(slots, 0, [value]);
  return accumulator.result(slots, 0);
};

/** An aggregate of one argument that has taken these values, and its slots. */
export const accumulatorOver = (
  name: string,
  type: SqlType,
  added: readonly Value[],
  settings: Readonly<Record<string, string>> = {},
): { readonly accumulator: Accumulator; readonly slots: RowSlots } => {
  const { overload, result } = functions.resolveAggregate(name, [type]);
  const accumulator = overload.definition.bind({ args: [type], result, constants: [undefined], context, settings });
  const slots = new RowSlots(accumulator.slots.map(() => null));
  accumulator.initialize(slots, 0);
  for (const value of added) accumulator.add(slots, 0, [value]);
  return { accumulator, slots };
};

export const faultOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return `${error.code}: ${error.message}`;
    if (error instanceof Error) return `${error.name}: ${error.message}`;
  }
  return 'no fault';
};
