/**
 * What the clauses of a query up to SELECT make, one from the other: a node of the plan, its key, and the way to read
 * an expression there.
 *
 * Also here: how a new key is named and made (PARTITION BY, GROUP BY, one side of a join), which all clauses do alike.
 */

import { type Position, UserError, unreachable } from '../../base/index.ts';
import type { Expression, ExpressionOf } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { Schema } from '../types/schema.ts';
import { isScalar, printType, type SqlType } from '../types/type.ts';
import type { LogicalNode, NamedExpression } from './logical.ts';
import { type Clause, findColumn, referTo, type Scope } from './scope.ts';
import type { TypedExpression } from './typed.ts';
import { fingerprint, replaceExpressions } from './walk.ts';

/** One key column of the result: the expressions that may stand for it in SELECT, the preferred one first, and how
 *  messages name it. */
export interface KeySlot {
  readonly name: string;
  readonly fingerprints: readonly string[];
  readonly text: string;
  /** For a column that the query made: why there is one. */
  readonly reason?: string;
}

/** What the clauses up to SELECT have made: a node, its key, and how a qualified expression is read there. */
export interface Stage {
  readonly node: LogicalNode;
  readonly keys: readonly KeySlot[];
  /** Turns a qualified expression into one whose columns are names of the node's schema. */
  readonly localize: (expression: Expression, clause: Clause) => Expression;
}

export const columnAt = (source: string, name: string, at: Position): Expression => ({
  kind: 'column',
  source,
  name,
  at,
});

/** A column by its name in the schema of a stage's node. It has a source, if an empty one, so that it is not taken for
 *  a parameter of that name where it stands in a lambda. */
export const localColumn = (name: string, at: Position): Expression => columnAt('', name, at);

const nowhere: Position = { line: 1, column: 1, offset: 0 };

export const qualified = (alias: string, name: string): Expression => columnAt(alias, name, nowhere);

export const keySlot = (name: string, expressions: readonly Expression[]): KeySlot => ({
  name,
  fingerprints: expressions.map(fingerprint),
  text: (expressions[0] as ExpressionOf<'column'>).name,
});

/** Columns become the names that they have in the plan: `<alias>_<name>` behind a join, the same name otherwise. */
export const localizeByPlanName =
  (scope: Scope) =>
  (expression: Expression): Expression =>
    replaceExpressions(expression, (part) =>
      part.kind === 'column' && part.source !== undefined
        ? localColumn(scope.planName(part.source, part.name), part.at)
        : undefined,
    );

/** Another key; the former key columns become values. A column of which the key is made stays among the values as well
 *  behind PARTITION BY, and is read there: of the bytes of a key not every format reads the same value. */
export const rekeyed = (
  input: LogicalNode,
  keys: readonly NamedExpression[],
  purpose: 'partition-by' | 'join',
): LogicalNode => {
  const { schema } = input;
  const moved = purpose === 'join' ? keys.filter(({ expression }) => expression.kind === 'column') : [];
  const taken = new Set(moved.map(({ name }) => name));
  const names = [
    ...schema.value.map((column) => column.name),
    ...['ROWPARTITION', 'ROWOFFSET'].filter((name) => findColumn(schema, name) === undefined),
    ...schema.key.map((column) => column.name),
  ].filter((name) => !taken.has(name));
  const items = names.map((name) => ({ name, expression: referTo(schema, name) as TypedExpression }));
  return {
    kind: 'rekey',
    input,
    keys,
    items,
    purpose,
    flow: input.flow,
    schema: {
      key: keys.map(({ name, expression }) => ({ name, type: expression.type })),
      value: items.map(({ name, expression }) => ({ name, type: expression.type })),
    },
  };
};

export const sameKeys = (by: readonly Expression[], stage: Stage): boolean =>
  by.length === stage.keys.length &&
  by.every((expression, i) => (stage.keys[i] as KeySlot).fingerprints.includes(fingerprint(expression)));

/** A plain column keeps its name in the key; a field of a struct gives its name; anything else gets one. */
export const nameKey = (
  expression: Expression,
  typed: TypedExpression,
  schema: Schema,
  taken: readonly NamedExpression[] = [],
  nameless: (used: ReadonlySet<string>) => string = generatedName,
): NamedExpression => {
  const used = new Set([...schema.key, ...schema.value].map((column) => column.name));
  for (const one of taken) used.add(one.name);
  if (expression.kind === 'column' && typed.kind === 'column') {
    return { name: typed.name, expression: typed };
  }
  if (expression.kind === 'field') return { name: unused(expression.name, used), expression: typed };
  return { name: nameless(used), expression: typed };
};

/** A MAP has no order of its entries and therefore no one form as bytes. */
export const checkKeyType = (type: SqlType, clause: string, expression: Expression): void => {
  if (!containsMap(type)) return;
  throw new UserError(
    'SQL_KEY_TYPE',
    `${printExpression(expression)} in ${clause} is ${printType(type)}, and a MAP cannot be part of a key`,
    { at: expression.at },
  );
};

export const containsMap = (type: SqlType): boolean => {
  if (isScalar(type)) return false;
  switch (type.kind) {
    case 'ARRAY':
      return containsMap(type.element);
    case 'MAP':
      return true;
    case 'STRUCT':
      return type.fields.some((field) => containsMap(field.type));
    default:
      return unreachable(type);
  }
};

export const windowedRekey = (what: string, at: Position): UserError =>
  new UserError('SQL_WINDOWED_SOURCE', `a windowed source cannot be given another key (${what})`, {
    at,
    hint: 'Its windows are part of its key.',
  });

export const unused = (name: string, used: ReadonlySet<string>): string => {
  if (!used.has(name)) return name;
  for (let i = 1; ; i++) if (!used.has(`${name}_${i}`)) return `${name}_${i}`;
};

export const generatedName = (used: ReadonlySet<string>): string => {
  for (let i = 0; ; i++) if (!used.has(`KSQL_COL_${i}`)) return `KSQL_COL_${i}`;
};
