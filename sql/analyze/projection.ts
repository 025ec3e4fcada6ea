/**
 * The SELECT list as the last node of the plan: for a persistent query which item is which key column and which are
 * values, for a push or pull query its columns in the order of the list.
 */

import { UserError } from '../../base/index.ts';
import type { Column } from '../types/schema.ts';
import { type SqlType, structOf } from '../types/type.ts';
import type { LogicalNode, LogicalProject, NamedExpression } from './logical.ts';
import type { QueryContext } from './query-context.ts';
import type { Item } from './select-list.ts';
import type { KeySlot, Stage } from './stage.ts';
import type { ColumnReference, TypedExpression } from './typed.ts';
import { fingerprint } from './walk.ts';

export interface ProjectedColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly isKey: boolean;
}

interface Projected {
  readonly plan: LogicalProject;
  readonly columns: readonly ProjectedColumn[];
  /** For each value column of the plan the part of its key that it is; null for others. */
  readonly keys: readonly (ColumnReference | null)[];
}

export const project = (context: QueryContext, stage: Stage, items: readonly Item[]): Projected =>
  context.options.purpose === 'persistent' ? withKey(context, stage, items) : asListed(context, stage, items);

/** The rows of a push or pull query: the list, and nothing but the list. */
const asListed = (context: QueryContext, stage: Stage, items: readonly Item[]): Projected => {
  const values = typed(context, stage, items);
  const keys = values.map(({ name, expression }, i): ColumnReference | null => {
    const print = fingerprint((items[i] as Item).expression);
    const index = stage.keys.findIndex((slot) => slot.fingerprints.includes(print));
    const { type } = expression;
    return index >= 0 ? { kind: 'column', name, from: 'key', index, type } : windowBound(expression);
  });
  const columns = values.map(({ name, expression: { type } }, i) => ({ name, type, isKey: keys[i] !== null }));
  // Together they are no larger than a type may be.
  structOf(columns);
  return { plan: projectNode(stage.node, stage.node.schema.key, values), columns, keys };
};

/** The window is part of the key. */
const windowBound = (expression: TypedExpression): ColumnReference | null =>
  expression.kind === 'column' && (expression.from === 'windowstart' || expression.from === 'windowend')
    ? expression
    : null;

/** The rows of a persistent query: each key column stands in the list once, what is left is the value. */
const withKey = (context: QueryContext, stage: Stage, items: readonly Item[]): Projected => {
  const { query, options } = context;
  const { node } = stage;
  const prints = items.map((item) => fingerprint(item.expression));
  const keyItems = stage.keys.map((slot) => keyItem(slot, items, prints));
  const values = typed(
    context,
    stage,
    items.filter((item) => !keyItems.includes(item)),
  );
  const { timestamp } = options;
  if (timestamp !== undefined && !items.some((item) => item.name === timestamp.value)) {
    throw new UserError('SQL_TIMESTAMP_COLUMN', `the timestamp column "${timestamp.value}" is not in the SELECT list`, {
      at: timestamp.at,
      hint: `The columns are ${items.map((item) => item.name).join(', ')}.`,
    });
  }
  const missing = stage.keys.filter((_, i) => keyItems[i] === undefined);
  if (missing.length > 0) {
    const names = missing
      .map(({ text, reason }) => `${text}${reason === undefined ? '' : `, since ${reason}`}`)
      .join(', ');
    throw new UserError(
      'SQL_MISSING_KEY_COLUMN',
      `the SELECT list of "${options.sink ?? 'the query'}" must name the key ${missing.length === 1 ? 'column' : 'columns'} ${names}`,
      { at: query.at, hint: `Write SELECT ${missing.map((slot) => slot.text.split(' or ')[0]).join(', ')}, …` },
    );
  }
  if (values.length === 0) {
    throw new UserError('SQL_NO_VALUE_COLUMNS', 'the SELECT list has no value columns, only key columns', {
      at: query.at,
      hint: 'For a copy of a key column among the values write AS_VALUE(column) AS name.',
    });
  }
  const key = keyItems.map((item, i) => ({
    name: (item as Item).name,
    type: (node.schema.key[i] as Column).type,
  }));
  const plan = projectNode(node, key, values);
  return {
    plan,
    columns: [
      ...key.map((column) => ({ ...column, isKey: true })),
      ...plan.schema.value.map((column) => ({ ...column, isKey: false })),
    ],
    keys: plan.schema.value.map(() => null),
  };
};

const typed = (
  { typer }: QueryContext,
  { node, localize }: Stage,
  items: readonly Item[],
): readonly NamedExpression[] =>
  items.map(({ name, expression }) => ({
    name,
    expression: typer.type(localize(expression, 'SELECT'), node.schema, 'SELECT'),
  }));

const projectNode = (
  input: LogicalNode,
  key: readonly Column[],
  items: readonly NamedExpression[],
): LogicalProject => ({
  kind: 'project',
  input,
  items,
  flow: input.flow,
  schema: {
    key,
    value: items.map(({ name, expression }) => ({ name, type: expression.type })),
    windowed: input.schema.windowed,
  },
});

/** The item that is this key column: of the expressions that may stand for it the preferred one that is selected, which
 *  must be there once. */
const keyItem = (slot: KeySlot, items: readonly Item[], prints: readonly string[]): Item | undefined => {
  const print = slot.fingerprints.find((one) => prints.includes(one));
  const [first, second] = items.filter((_, i) => prints[i] === print);
  if (print === undefined || first === undefined || second === undefined)
    return print === undefined ? undefined : first;
  throw new UserError(
    'SQL_DUPLICATE_KEY_COLUMN',
    `the key column ${slot.text} stands more than once in the SELECT list, as "${first.name}" and "${second.name}"`,
    { at: second.at, hint: `For a copy among the values write AS_VALUE(${slot.text}) AS ${second.name}.` },
  );
};
