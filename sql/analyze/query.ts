/**
 * From a SELECT's syntax tree to its logical plan, or to an error with what is wrong and where.
 *
 * The order is that of evaluation: sources and joins, WHERE, PARTITION BY or GROUP BY with the aggregates, HAVING,
 * SELECT. Names are qualified first (`Scope`), so that two expressions are the same when their trees are equal; then
 * each clause is typed over what the clause before it delivers. Joins, groups and the SELECT list have files of their
 * own.
 *
 * Key rules. The result of a persistent query has a key: that of its source, or what PARTITION BY, GROUP BY or a join
 * made of it, and the SELECT list must name each key column once; everything else in the list is a value column. A push
 * or pull query has no key: its columns are the SELECT list.
 */

import { type Position, UserError } from '../../base/index.ts';
import type { FormatChoice } from '../formats/choices.ts';
import type { Expression, Query, SourceKind } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { aggregate, aggregateCalls, groupExpressions } from './aggregation.ts';
import { analyzeJoins } from './join.ts';
import { type JoinNow, joinNow } from './join-now.ts';
import type { LogicalNode, NamedExpression } from './logical.ts';
import { checkOrder, isOrderColumn, type OrderKey, orderedItems } from './order.ts';
import { type ProjectedColumn, project } from './projection.ts';
import { checkPullOnly } from './pull-only.ts';
import { type AnalyzeOptions, QueryContext } from './query-context.ts';
import type { ScopedSource } from './scope.ts';
import { type Item, SelectList } from './select-list.ts';
import {
  checkKeyType,
  keySlot,
  localizeByPlanName,
  nameKey,
  qualified,
  rekeyed,
  type Stage,
  sameKeys,
  windowedRekey,
} from './stage.ts';
import { flatMapped } from './table-functions.ts';
import type { ColumnReference } from './typed.ts';
import { fingerprint } from './walk.ts';

export interface AnalyzedQuery {
  readonly plan: LogicalNode;
  readonly sources: readonly ScopedSource[];
  /** What the query delivers. */
  readonly flow: SourceKind;
  /** The columns in the order of the SELECT list; persistent queries have their key columns first. */
  readonly columns: readonly ProjectedColumn[];
  /** For each column that is a value of the plan's rows the part of their key that it is; null for others. */
  readonly keys: readonly (ColumnReference | null)[];
  /** The key was dropped by PARTITION BY NULL. */
  readonly keyDropped: boolean;
  readonly formats: { readonly key: FormatChoice; readonly value: FormatChoice };
  readonly distinct: boolean;
  /** ORDER BY: which columns of the plan's rows decide, the first one first. */
  readonly order: readonly OrderKey[];
  readonly limit: number | undefined;
  readonly offset: number;
  /** Of a pull query with joins: how its rows come together. The plan reads them from its only source. */
  readonly joins: readonly JoinNow[];
}

export const analyzeQuery = (query: Query, options: AnalyzeOptions): AnalyzedQuery => {
  if (options.purpose !== 'pull') checkPullOnly(query, options.purpose);
  const context = new QueryContext(query, options);
  const { scope, typer } = context;
  checkClauses(context);
  let joins: readonly JoinNow[] = [];
  let stage: Stage;
  if (!scope.joined) stage = singleSource(context);
  else if (options.purpose === 'pull') ({ stage, joins } = joinNow(context));
  else stage = analyzeJoins(query.joins, scope, typer);
  if (query.where !== undefined) {
    context.noAggregates(query.where, 'WHERE');
    stage = filtered(context, stage, query.where, 'where');
  }
  if (stage.node.flow === 'table' && query.partitionBy !== undefined) {
    throw new UserError('SQL_PARTITION_BY_TABLE', 'PARTITION BY cannot be used on a table: its key is its identity', {
      at: query.partitionBy.at,
      hint: 'Use GROUP BY to make a table with another key.',
    });
  }
  const list = new SelectList(context);
  const calls = aggregateCalls(context);
  let keyDropped = false;
  let items: readonly Item[];
  let order: readonly OrderKey[];
  if (query.groupBy !== undefined || calls.length > 0) {
    ({ items, order } = orderedItems(context, list.items(stage, groupExpressions(context))));
    stage = aggregate(context, stage, calls, items);
  } else {
    // Without groups HAVING is one more condition on rows.
    if (query.having !== undefined) stage = filtered(context, stage, query.having, 'having');
    const before = stage;
    const by = partitionExpressions(context);
    keyDropped = query.partitionBy !== undefined && by.length === 0;
    if (query.partitionBy !== undefined) stage = repartition(context, stage, by);
    const listed = query.partitionBy === undefined ? list.items(before, by) : list.items(before, by, stage);
    ({ items, order } = orderedItems(context, listed));
  }
  const left = (scope.sources[0] as ScopedSource).source;
  const { plan, columns, keys } = project(context, flatMapped(context, stage, items), items);
  checkOrder(query, order, columns);
  return {
    plan,
    keys,
    sources: scope.sources,
    flow: plan.flow,
    columns: columns.filter(({ name }) => !isOrderColumn(name)),
    keyDropped,
    formats: { key: left.keyFormat, value: left.valueFormat },
    distinct: query.distinct !== undefined,
    order,
    limit: query.limit?.count,
    offset: query.offset?.count ?? 0,
    joins,
  };
};

const checkClauses = ({ query, options, scope }: QueryContext): void => {
  if (query.window !== undefined && query.groupBy === undefined) {
    throw new UserError(
      'SQL_WINDOW_WITHOUT_GROUP_BY',
      'a WINDOW clause needs GROUP BY, with what SELECT has outside of aggregates',
      {
        at: query.window.at,
        hint: 'Add GROUP BY, or leave the WINDOW clause out.',
      },
    );
  }
  if (query.emit?.kind === 'final' && query.window === undefined) {
    throw new UserError('SQL_EMIT_FINAL', 'EMIT FINAL needs a WINDOW clause: without windows no result is ever final', {
      at: query.emit.at,
      hint: 'Add WINDOW and GROUP BY, or use EMIT CHANGES.',
    });
  }
  if (query.emit?.kind === 'final' && options.noFinal === true) {
    throw new UserError('SQL_EMIT_FINAL', 'EMIT FINAL is switched off', {
      at: query.emit.at,
      hint: "SET 'ksql.suppress.enabled' = 'true'; or use EMIT CHANGES.",
    });
  }
  if (query.groupBy !== undefined && query.partitionBy !== undefined) {
    throw new UserError('SQL_CLAUSE_CONFLICT', 'GROUP BY and PARTITION BY cannot stand in one query', {
      at: query.partitionBy.at,
      hint: 'Make a stream with PARTITION BY first, and group that.',
    });
  }
  for (const [clause, by] of [
    ['GROUP BY', query.groupBy],
    ['PARTITION BY', query.partitionBy],
  ] as const) {
    if (by?.expressions.length !== 0) continue;
    throw new UserError('SQL_EMPTY_CLAUSE', `${clause} needs at least one expression`, { at: by.at });
  }
  if (query.limit !== undefined && options.purpose === 'persistent') {
    throw new UserError('SQL_LIMIT_NOT_ALLOWED', 'LIMIT cannot be used in a query that goes on for ever', {
      at: query.limit.at,
      hint: 'LIMIT is for SELECT at the top level.',
    });
  }
  if (options.purpose === 'persistent') {
    for (const { source, at } of scope.sources) {
      if (source.kind === 'table' && source.schema.windowed !== undefined) {
        throw new UserError(
          'SQL_WINDOWED_TABLE',
          `"${source.name}" is a windowed table, which a persistent query cannot read`,
          {
            at,
            hint: 'Read its topic as a windowed stream: CREATE STREAM … WITH (KAFKA_TOPIC, WINDOW_TYPE, WINDOW_SIZE).',
          },
        );
      }
    }
  }
};

const singleSource = ({ scope }: QueryContext): Stage => {
  const { source, alias, node } = scope.sources[0] as ScopedSource;
  return {
    node,
    keys: source.schema.key.map((column) => keySlot(column.name, [qualified(alias, column.name)])),
    localize: localizeByPlanName(scope),
  };
};

const filtered = (context: QueryContext, stage: Stage, condition: Expression, clause: 'where' | 'having'): Stage => {
  const name = clause === 'where' ? 'WHERE' : 'HAVING';
  const local = stage.localize(context.scope.qualify(condition, name), name);
  return { ...stage, node: context.filter(stage.node, local, clause) };
};

/** What is partitioned by, qualified; nothing for NULL, which drops the key. */
const partitionExpressions = (context: QueryContext): readonly Expression[] => {
  const { partitionBy } = context.query;
  const by = (partitionBy?.expressions ?? []).map((expression) => {
    context.noAggregates(expression, 'PARTITION BY');
    return context.scope.qualify(expression, 'PARTITION BY');
  });
  const nulls = by.filter((expression) => expression.kind === 'null');
  if (nulls.length > 0) {
    if (by.length === 1) return [];
    throw new UserError('SQL_PARTITION_BY_NULL', 'PARTITION BY NULL cannot be combined with other expressions', {
      at: (nulls[0] as Expression).at,
      hint: 'NULL alone drops the key; otherwise leave it out.',
    });
  }
  context.noDuplicates(by, 'PARTITION BY');
  return by;
};

const repartition = ({ query, typer }: QueryContext, stage: Stage, by: readonly Expression[]): Stage => {
  const { node } = stage;
  const typed = by.map((expression) => ({
    expression,
    typed: typer.type(stage.localize(expression, 'PARTITION BY'), node.schema, 'PARTITION BY'),
  }));
  if (by.length > 0 && sameKeys(by, stage)) {
    const keys = stage.keys.map((slot, i) => ({
      ...slot,
      fingerprints: [fingerprint(by[i] as Expression)],
      text: printExpression(by[i] as Expression),
    }));
    return { ...stage, keys };
  }
  if (node.schema.windowed !== undefined)
    throw windowedRekey('PARTITION BY', (query.partitionBy as { at: Position }).at);
  const keys: NamedExpression[] = [];
  for (const one of typed) {
    checkKeyType(one.typed.type, 'PARTITION BY', one.expression);
    keys.push(nameKey(one.expression, one.typed, node.schema, keys));
  }
  const rekey = rekeyed(node, keys, 'partition-by');
  return {
    node: rekey,
    keys: by.map((expression, i) => ({
      name: (keys[i] as NamedExpression).name,
      fingerprints: [fingerprint(expression)],
      text: printExpression(expression),
    })),
    localize: stage.localize,
  };
};
