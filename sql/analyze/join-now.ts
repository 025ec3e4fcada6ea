/**
 * Joins of a pull query: the rows of streams and tables as they are now, put together by equality.
 *
 * Unlike the joins of a query that goes on (`join.ts`) these have no keys, windows or partitions to mind: each side is
 * read, and rows meet where the condition holds. It must have an equality between the sides, by which rows are looked
 * up; what else it has is tested for each pair of rows. The joined rows have all columns of all sources among their
 * values, by the names `<alias>_<name>`.
 */

import { type Position, UserError } from '../../base/index.ts';
import type { Expression, JoinType } from '../parser/ast.ts';
import { mixedOrder } from '../types/equality.ts';
import type { Column, Schema } from '../types/schema.ts';
import type { QueryContext } from './query-context.ts';
import { referTo, type ScopedSource } from './scope.ts';
import { localizeByPlanName, type Stage } from './stage.ts';
import { columnsOf, type TypedExpression, type TypedOf } from './typed.ts';

export interface JoinNow {
  readonly type: JoinType;
  /** What has to be equal, of the rows joined so far and of the new side; at least one pair. */
  readonly pairs: readonly { readonly left: TypedExpression; readonly right: TypedExpression }[];
  /** What else has to hold for a pair of rows. */
  readonly conditions: readonly TypedExpression[];
}

/** The columns of a source as the joined rows have them, with the names that the source itself has. */
export const joinedColumns = (
  source: ScopedSource,
  planName: (alias: string, name: string) => string,
): readonly (Column & { readonly own: string })[] => {
  const { schema } = source.source;
  const pseudo =
    source.isSubquery === true
      ? []
      : [
          'ROWTIME',
          'ROWPARTITION',
          'ROWOFFSET',
          ...(schema.windowed === undefined ? [] : ['WINDOWSTART', 'WINDOWEND']),
        ];
  const names = [...schema.key, ...schema.value].map(({ name }) => name);
  return [...names, ...pseudo.filter((name) => !names.includes(name))].flatMap((own) => {
    const column = referTo(schema, own);
    return column === undefined ? [] : [{ own, name: planName(source.alias, own), type: column.type }];
  });
};

export const joinNow = (context: QueryContext): { readonly stage: Stage; readonly joins: readonly JoinNow[] } => {
  const { query, scope, typer } = context;
  const columns = scope.sources.map((source) =>
    joinedColumns(source, (alias, name) => scope.planName(alias, name)).map(({ name, type }) => ({ name, type })),
  );
  checkNames(columns.flat(), query.at);
  const localize = localizeByPlanName(scope);
  const joins = query.joins.map((join, i): JoinNow => {
    if (join.within !== undefined) {
      throw new UserError('SQL_PULL_QUERY', 'a pull query joins the rows that there are now, without WITHIN', {
        at: join.within.at,
        hint: 'Compare the times in WHERE: … WHERE b.ROWTIME BETWEEN a.ROWTIME AND a.ROWTIME + 1000.',
      });
    }
    context.noAggregates(join.on, 'ON');
    const left = columns.slice(0, i + 1).flat();
    const right = columns[i + 1] ?? [];
    const schema: Schema = { key: [], value: [...left, ...right] };
    const pairs: { left: TypedExpression; right: TypedExpression }[] = [];
    const conditions: TypedExpression[] = [];
    for (const part of conjuncts(join.on)) {
      const typed = typer.condition(localize(scope.qualify(part, 'ON')), schema, 'ON');
      const pair = pairOf(typed, left.length);
      if (pair === undefined) conditions.push(typed);
      else pairs.push(pair);
    }
    if (pairs.length === 0) {
      throw new UserError('SQL_JOIN_CONDITION', 'the ON of a join needs an equality between its two sides', {
        at: join.on.at,
        hint: 'For example ON a.id = b.id; further conditions may follow it with AND.',
      });
    }
    return { type: join.type, pairs, conditions };
  });
  const schema: Schema = { key: [], value: columns.flat() };
  const names = scope.sources.map(({ alias }) => alias).join(', ');
  return { stage: { node: { kind: 'source', name: names, flow: 'stream', schema }, keys: [], localize }, joins };
};

/** Two sources may have columns of one joined name: `a_b`.`c` and `a`.`b_c`. */
const checkNames = (columns: readonly Column[], at: Position): void => {
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new UserError('SQL_DUPLICATE_COLUMN', `two columns of the join would be called "${twice}"`, {
    at,
    hint: 'Give one of the sources another alias.',
  });
};

/** The parts that AND joins. */
export const conjuncts = (condition: Expression): readonly Expression[] =>
  condition.kind === 'logical' && condition.operator === 'AND' ? condition.operands.flatMap(conjuncts) : [condition];

/** The sides of an equality of which each reads one side of the join; the first `width` columns are the left one's. */
const pairOf = (typed: TypedExpression, width: number): JoinNow['pairs'][number] | undefined => {
  if (typed.kind !== 'comparison' || typed.operator !== '=') return undefined;
  // A decimal beside a double is compared as it is: equal values have no form in common.
  if (mixedOrder(typed.left.type, typed.right.type) !== undefined) return undefined;
  const [left, right] = [sideOf(typed.left, width), sideOf(typed.right, width)];
  if (left === 'left' && right === 'right') return ordered(typed);
  if (left === 'right' && right === 'left') return ordered({ ...typed, left: typed.right, right: typed.left });
  return undefined;
};

const ordered = ({ left, right }: TypedOf<'comparison'>): JoinNow['pairs'][number] => ({ left, right });

const sideOf = (expression: TypedExpression, width: number): 'left' | 'right' | undefined => {
  const sides = new Set(columnsOf(expression).map(({ index }) => (index < width ? 'left' : 'right')));
  return sides.size === 1 ? ([...sides][0] as 'left' | 'right') : undefined;
};
