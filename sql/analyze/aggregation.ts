/**
 * GROUP BY, the aggregates of SELECT and HAVING, and HAVING itself: from the rows of a query to its groups.
 *
 * The groups are a table whose key is what is grouped by, and whose values are the results of the aggregates. An
 * aggregate without GROUP BY has one group of all rows; a persistent query cannot have that (its table would need a
 * key). Behind the groups an expression may use what is grouped by and the aggregates, nothing else.
 */

import { UserError } from '../../base/index.ts';
import type { Accumulator, AggregateDefinition } from '../functions/define.ts';
import type { Expression, ExpressionOf } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { integerType } from '../types/type.ts';
import { accumulatorOf } from './accumulator.ts';
import type { AggregateCall, LogicalAggregate, NamedExpression } from './logical.ts';
import { type QueryContext, windowBounds } from './query-context.ts';
import type { Clause, ScopedSource } from './scope.ts';
import type { Item } from './select-list.ts';
import { checkKeyType, localColumn, nameKey, type Stage, sameKeys } from './stage.ts';
import type { Typer } from './typer.ts';
import { findExpression, fingerprint, partsOfExpression, replaceExpressions } from './walk.ts';
import { analyzeWindow, windowedKeyOf } from './window.ts';

type Call = ExpressionOf<'call'>;

/** The name of the constant that all rows are grouped by where there is no GROUP BY. */
export const noGroup = 'KSQL_GROUP';

/** Calls of aggregates in SELECT, HAVING and ORDER BY, as written. */
export const aggregateCalls = ({ query, typer }: QueryContext): readonly Call[] => {
  const found: Call[] = [];
  const visit = (expression: Expression, within: Call | ExpressionOf<'lambda'> | undefined): void => {
    const isCall = expression.kind === 'call' && typer.isAggregate(expression.name);
    if (isCall) {
      if (within?.kind === 'lambda') {
        throw new UserError('SQL_AGGREGATE_NOT_ALLOWED', `the aggregate ${expression.name} cannot stand in a lambda`, {
          at: expression.at,
        });
      }
      if (within !== undefined) {
        throw new UserError(
          'SQL_NESTED_AGGREGATE',
          `the aggregate ${expression.name} stands inside the aggregate ${within.name}`,
          { at: expression.at, hint: 'Aggregates cannot be nested: make a table of the inner one first.' },
        );
      }
      found.push(expression);
    }
    const inside = isCall || expression.kind === 'lambda' ? expression : within;
    for (const part of partsOfExpression(expression)) visit(part, inside);
  };
  for (const item of query.items) {
    if (item.kind === 'expression-item') visit(item.expression, undefined);
    if (item.kind === 'all-fields') visit(item.base, undefined);
  }
  if (query.having !== undefined) visit(query.having, undefined);
  for (const { expression } of query.orderBy?.terms ?? []) visit(expression, undefined);
  return found;
};

/** What is grouped by, qualified; nothing without GROUP BY. */
export const groupExpressions = (context: QueryContext): readonly Expression[] => {
  const by = (context.query.groupBy?.expressions ?? []).map((expression) => {
    context.noAggregates(expression, 'GROUP BY');
    context.noWindowBounds(expression, 'GROUP BY');
    return context.scope.qualify(expression, 'GROUP BY');
  });
  context.noDuplicates(by, 'GROUP BY');
  return by;
};

/** The groups of a stage's rows. */
export const aggregate = (
  context: QueryContext,
  stage: Stage,
  calls: readonly Call[],
  items: readonly Item[],
): Stage => {
  const { query, scope } = context;
  const { node } = stage;
  checkGrouping(context, stage, calls, items);
  const by = groupExpressions(context);
  checkWindowedSource(context, stage, by);
  const keys = groupKeys(context, stage, by);
  const { aggregates, byPrint } = resolveCalls(context, stage, calls);
  const final = query.emit?.kind === 'final';
  const window = analyzeWindow(query.window, final);
  const groups: LogicalAggregate = {
    kind: 'aggregate',
    input: node,
    groupBy: keys,
    aggregates,
    window,
    ...(final && { final }),
    flow: 'table',
    schema: {
      key: keys.map(({ name, expression }) => ({ name, type: expression.type })),
      value: aggregates.map(({ name, type }) => ({ name, type })),
      windowed: window === undefined ? undefined : windowedKeyOf(window),
    },
  };
  const keyNames = new Map(by.map((expression, i) => [fingerprint(expression), (keys[i] as NamedExpression).name]));
  const localize = groupedColumns(keyNames, byPrint);
  const behind: Stage = {
    node: groups,
    keys: by.map((expression, i) => ({
      name: (keys[i] as NamedExpression).name,
      fingerprints: [fingerprint(expression)],
      text: printExpression(expression),
    })),
    localize,
  };
  if (query.having === undefined) return behind;
  const having = localize(scope.qualify(query.having, 'HAVING'), 'HAVING');
  return { ...behind, node: context.filter(groups, having, 'having') };
};

const checkGrouping = (
  context: QueryContext,
  { node }: Stage,
  calls: readonly Call[],
  items: readonly Item[],
): void => {
  const { query, scope, typer, options } = context;
  const tableFunction = query.items.find(
    (item) =>
      item.kind === 'expression-item' &&
      findExpression(item.expression, (part) => part.kind === 'call' && typer.isTableFunction(part.name)),
  );
  if (tableFunction !== undefined) {
    throw new UserError('SQL_TABLE_FUNCTION', 'table functions cannot be used together with aggregates', {
      at: tableFunction.at,
    });
  }
  if (query.having !== undefined) context.noWindowBounds(query.having, 'HAVING');
  const [call] = calls;
  // A misspelt aggregate is the likelier fault than a forgotten one, or than a column in its arguments.
  for (const expression of [...items.map((item) => item.expression), ...(query.having ? [query.having] : [])]) {
    findExpression(expression, (part) => {
      if (part.kind === 'call' && typer.functions.get(part.name) === undefined)
        typer.functions.resolve({ name: part.name, args: [], at: part.at });
      return false;
    });
  }
  if (query.groupBy === undefined && options.purpose === 'persistent' && call !== undefined) {
    // A column beside an aggregate is named first: it is what GROUP BY would have.
    const byPrint = new Map(calls.map((one) => [fingerprint(scope.qualify(one, 'SELECT')), one]));
    const grouped = groupedColumns(new Map(), byPrint);
    const isAggregate = (part: Expression): boolean => part.kind === 'call' && typer.isAggregate(part.name);
    if (items.some(({ expression }) => findExpression(expression, isAggregate) !== undefined)) {
      for (const { expression } of items) grouped(expression, 'SELECT');
      if (query.having !== undefined) grouped(scope.qualify(query.having, 'HAVING'), 'HAVING');
    }
    throw new UserError('SQL_AGGREGATE_WITHOUT_GROUP_BY', `the aggregate ${call.name} needs a GROUP BY clause`, {
      at: call.at,
      hint: 'Add GROUP BY with the columns that the groups are made of.',
    });
  }
  if (call === undefined && query.groupBy !== undefined && options.purpose !== 'pull') {
    throw new UserError('SQL_GROUP_BY_WITHOUT_AGGREGATE', 'GROUP BY needs an aggregate in SELECT or HAVING', {
      at: query.groupBy.at,
      hint: 'For example COUNT(*). Use PARTITION BY to give a stream another key.',
    });
  }
  if (node.flow === 'table' && query.window !== undefined) {
    throw new UserError('SQL_WINDOW_ON_TABLE', 'a WINDOW clause cannot be used on a table', {
      at: query.window.at,
      hint: 'Windows are for streams.',
    });
  }
};

const checkWindowedSource = (
  { query, scope, options }: QueryContext,
  stage: Stage,
  by: readonly Expression[],
): void => {
  if (options.purpose === 'pull') return;
  if (stage.node.schema.windowed === undefined || !sameKeys(by, stage)) return;
  const { name } = (scope.sources[0] as ScopedSource).source;
  throw new UserError('SQL_WINDOWED_SOURCE', `"${name}" is windowed and cannot be grouped by its own key`, {
    at: query.groupBy?.at,
    hint: 'The window is part of the key. Group by another expression, or group what the windows were made of.',
  });
};

/** The key of the groups; without GROUP BY a constant, so that all rows come together. */
const groupKeys = (
  { typer }: QueryContext,
  { node, localize }: Stage,
  by: readonly Expression[],
): readonly NamedExpression[] => {
  if (by.length === 0) return [{ name: noGroup, expression: { kind: 'literal', value: 0, type: integerType } }];
  const keys: NamedExpression[] = [];
  for (const expression of by) {
    const typed = typer.type(localize(expression, 'GROUP BY'), node.schema, 'GROUP BY');
    checkKeyType(typed.type, 'GROUP BY', expression);
    keys.push(nameKey(expression, typed, { key: [], value: [] }, keys));
  }
  return keys;
};

/** The calls with their functions, each different one once; `byPrint` finds it by the fingerprint of the qualified
 *  call. */
const resolveCalls = (
  context: QueryContext,
  { node, localize }: Stage,
  calls: readonly Call[],
): { readonly aggregates: readonly AggregateCall[]; readonly byPrint: ReadonlyMap<string, AggregateCall> } => {
  const { typer, scope, options } = context;
  const byPrint = new Map<string, AggregateCall>();
  for (const call of calls) {
    context.noWindowBounds(call, `${call.name}(…)`);
    const qualified = scope.qualify(call, 'SELECT');
    const print = fingerprint(qualified);
    if (byPrint.has(print)) continue;
    const resolved = typer.aggregate(localize(qualified, 'SELECT') as Call, node.schema);
    const { definition } = typer.functions.aggregate(resolved);
    // A pull query reads the rows as they are: nothing has to be taken back.
    if (node.flow === 'table' && !definition.undo && options.purpose !== 'pull') {
      throw new UserError(
        'SQL_AGGREGATE_ON_TABLE',
        `${call.name} cannot be used on a table: it cannot take back the value of a row that changes`,
        {
          at: call.at,
          hint: 'Aggregates such as COUNT, SUM and AVG can; or aggregate the stream of the table’s changes.',
        },
      );
    }
    const merges = context.query.window?.kind === 'session';
    const settings = settingsFor(typer, call.name, definition);
    const made = { ...resolved, ...(merges && { merges }), ...(settings && { settings }) };
    const accumulator = bound(call, () => accumulatorOf(definition, made, { now: () => 0, random: () => 0 }));
    if (merges && accumulator.merge === undefined) {
      throw new UserError(
        'SQL_AGGREGATE_IN_SESSIONS',
        `${call.name} cannot be used over sessions: it cannot join the values of two sessions that become one`,
        { at: call.at, hint: 'Use TUMBLING or HOPPING windows, or an aggregate that has "merge".' },
      );
    }
    byPrint.set(print, {
      name: `KSQL_AGG_VARIABLE_${byPrint.size}`,
      function: call.name,
      signature: resolved.signature,
      ...(resolved.module !== undefined && { module: resolved.module }),
      args: resolved.args,
      type: resolved.type,
      slots: accumulator.slots,
      ...(merges && { merges }),
      ...(settings && { settings }),
    });
  }
  return { aggregates: [...byPrint.values()], byPrint };
};

/** Literals that the function refuses are a fault of the statement. */
const bound = ({ name, at }: Call, bind: () => Accumulator): Accumulator => {
  try {
    return bind();
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new UserError('SQL_BAD_CONSTANT', `${name} cannot work with its constants: ${error.message}`, { at });
  }
};

/** Those properties of the statement that the function reads; undefined when there are none. */
const settingsFor = (typer: Typer, name: string, { settings }: AggregateDefinition): AggregateCall['settings'] => {
  if (settings === undefined) return undefined;
  const read = Object.entries(typer.settingsOf(name)).filter(([setting]) => settings.includes(setting));
  return read.length === 0 ? undefined : Object.fromEntries(read);
};

/** How an expression is read behind the groups: what is grouped by, and the calls, are columns there. */
const groupedColumns =
  (keyNames: ReadonlyMap<string, string>, calls: ReadonlyMap<string, { readonly name: string }>): Stage['localize'] =>
  (expression: Expression, clause: Clause): Expression =>
    replaceExpressions(expression, (part, bound) => {
      const print = fingerprint(part);
      const name = keyNames.get(print) ?? (part.kind === 'call' ? calls.get(print)?.name : undefined);
      if (name !== undefined) return localColumn(name, part.at);
      if (part.kind !== 'column' || (part.source === undefined && bound.has(part.name))) return undefined;
      if (part.source === undefined && (part.name === 'WINDOWSTART' || part.name === 'WINDOWEND')) {
        if (clause === 'SELECT') return part;
        throw windowBounds(part.name, clause, part.at);
      }
      throw new UserError(
        'SQL_NOT_GROUPED',
        `the column "${part.name}" in ${clause} is neither grouped nor inside an aggregate`,
        {
          at: part.at,
          hint: `Add it to GROUP BY, or use an aggregate, such as LATEST_BY_OFFSET(${part.name}).`,
        },
      );
    });
