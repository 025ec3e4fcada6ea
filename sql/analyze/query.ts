/**
 * From a SELECT's syntax tree to its logical plan, or to an error that says what is wrong and where.
 *
 * The order is that of evaluation: sources and joins, WHERE, PARTITION BY or GROUP BY with the aggregates, HAVING, SELECT. Names are
 * qualified first (`Scope`), so that "the same expression" is a comparison of trees; then each clause is typed against what
 * the clause before it delivers.
 *
 * Key rules. The result of a persistent query has a key: that of its source, or what PARTITION BY, GROUP BY or a join made of it, and the
 * SELECT list must name each key column once; everything else in the list is a value column. A push or pull query has no key:
 * its columns are the SELECT list.
 */

import { type Position, UserError } from '../../base/index.ts';
import { type Catalog, unknownSource } from '../catalog.ts';
import type { Expression, ExpressionOf, Query, SelectItem, SourceKind } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { FormatChoice } from '../plan/choices.ts';
import type { AggregateCall, LogicalNode, NamedExpression } from '../plan/logical.ts';
import { type Column, isPseudoColumn, type Schema } from '../types/schema.ts';
import { integerType, printType, type SqlType } from '../types/type.ts';
import { analyzeJoins } from './join.ts';
import { type Clause, Scope, type ScopedSource } from './scope.ts';
import {
  checkKeyType,
  columnAt,
  generatedName,
  type KeySlot,
  keySlot,
  localizeByPlanName,
  nameKey,
  qualified,
  rekeyed,
  type Stage,
  sameKeys,
  unused,
  windowedRekey,
} from './stage.ts';
import type { Typer } from './typer.ts';
import { findExpression, fingerprint, partsOfExpression, replaceExpressions } from './walk.ts';
import { analyzeWindow } from './window.ts';

export type QueryPurpose = 'persistent' | 'push' | 'pull';

export interface AnalyzeOptions {
  readonly catalog: Catalog;
  readonly typer: Typer;
  readonly purpose: QueryPurpose;
  /** What a persistent query is for, as messages call it. */
  readonly sink?: string;
  /** The column that is to be the event time of what a persistent query writes: the SELECT list must have it. */
  readonly timestamp?: { readonly value: string; readonly at: Position } | undefined;
}

export interface AnalyzedQuery {
  readonly plan: LogicalNode;
  readonly sources: readonly ScopedSource[];
  /** What the query delivers. */
  readonly flow: SourceKind;
  /** The columns in the order of the SELECT list; persistent queries have their key columns first. */
  readonly columns: readonly { readonly name: string; readonly type: SqlType; readonly isKey: boolean }[];
  /** The key was dropped by PARTITION BY NULL. */
  readonly keyDropped: boolean;
  readonly formats: { readonly key: FormatChoice; readonly value: FormatChoice };
  readonly limit: number | undefined;
}

/** One entry of the SELECT list, after `*` was spelled out. */
interface Item {
  readonly expression: Expression;
  readonly name: string;
  readonly at: Position;
}

export const analyzeQuery = (query: Query, options: AnalyzeOptions): AnalyzedQuery =>
  new QueryAnalysis(query, options).run();

class QueryAnalysis {
  readonly #query: Query;
  readonly #options: AnalyzeOptions;
  readonly #typer: Typer;
  readonly #scope: Scope;
  readonly #windowed: boolean;

  constructor(query: Query, options: AnalyzeOptions) {
    this.#query = query;
    this.#options = options;
    this.#typer = options.typer;
    this.#windowed = query.window !== undefined;
    this.#scope = new Scope(scopedSources(query, options.catalog));
  }

  run(): AnalyzedQuery {
    const query = this.#query;
    this.#checkClauses();
    let stage = this.#scope.joined ? analyzeJoins(query.joins, this.#scope, this.#typer) : this.#single();
    const flow = stage.node.flow;

    if (query.where !== undefined) stage = this.#filter(stage, query.where);
    if (flow === 'table' && query.partitionBy !== undefined) {
      throw new UserError('SQL_PARTITION_BY_TABLE', 'PARTITION BY cannot be used on a table: its key is its identity', {
        at: query.partitionBy.at,
        hint: 'Use GROUP BY to make a table with another key.',
      });
    }
    let keyDropped = false;
    const rawItems = query.items;
    let items: readonly Item[];
    const aggregated = this.#aggregateCalls();
    if (query.groupBy !== undefined || aggregated.length > 0) {
      items = this.#items(rawItems, stage, this.#groupExpressions());
      stage = this.#aggregate(stage, aggregated, items);
    } else if (query.partitionBy !== undefined) {
      const by = this.#partitionExpressions();
      keyDropped = by.length === 0;
      const before = stage;
      stage = this.#partitionBy(stage, by);
      items = this.#items(rawItems, before, by, stage);
    } else {
      items = this.#items(rawItems, stage, []);
    }
    return this.#project(stage, items, keyDropped);
  }

  // ------------------------------------------------------------------------------------------------- checks up front

  #checkClauses(): void {
    const query = this.#query;
    if (query.window !== undefined && query.window.kind !== 'tumbling') {
      throw new UserError(
        'SQL_UNSUPPORTED_WINDOW',
        `${query.window.kind.toUpperCase()} windows are not supported yet`,
        {
          at: query.window.at,
          hint: 'Use WINDOW TUMBLING (SIZE n unit).',
        },
      );
    }
    if (query.emit?.kind === 'final') {
      throw new UserError('SQL_UNSUPPORTED_EMIT', 'EMIT FINAL is not supported yet', {
        at: query.emit.at,
        hint: 'Use EMIT CHANGES.',
      });
    }
    if (query.window !== undefined && query.groupBy === undefined) {
      throw new UserError('SQL_WINDOW_WITHOUT_GROUP_BY', 'a WINDOW clause needs GROUP BY', {
        at: query.window.at,
        hint: 'Add GROUP BY, or leave the WINDOW clause out.',
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
    if (query.having !== undefined && query.groupBy === undefined) {
      throw new UserError('SQL_HAVING_WITHOUT_GROUP_BY', 'HAVING needs GROUP BY', {
        at: query.having.at,
        hint: 'Use WHERE to filter rows.',
      });
    }
    if (query.limit !== undefined && this.#options.purpose === 'persistent') {
      throw new UserError('SQL_LIMIT_NOT_ALLOWED', 'LIMIT cannot be used in a query that goes on for ever', {
        at: query.limit.at,
        hint: 'LIMIT is for SELECT at the top level.',
      });
    }
    if (this.#options.purpose === 'persistent') {
      for (const { source, at } of this.#scope.sources) {
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
  }

  // ------------------------------------------------------------------------------------------------- FROM

  #single(): Stage {
    const scoped = this.#scope.sources[0] as ScopedSource;
    const { source, alias } = scoped;
    const node: LogicalNode = { kind: 'source', name: source.name, flow: source.kind, schema: source.schema };
    return {
      node,
      keys: source.schema.key.map((column) => keySlot(column.name, [qualified(alias, column.name)])),
      localize: localizeByPlanName(this.#scope),
    };
  }

  // ------------------------------------------------------------------------------------------------- WHERE, HAVING

  #filter(stage: Stage, where: Expression): Stage {
    this.#noAggregates(where, 'WHERE');
    const expression = stage.localize(this.#scope.qualify(where, 'WHERE'), 'WHERE');
    return { ...stage, node: this.#filterNode(stage.node, expression, 'where') };
  }

  #filterNode(input: LogicalNode, expression: Expression, clause: 'where' | 'having'): LogicalNode {
    const name = clause === 'where' ? 'WHERE' : 'HAVING';
    const predicate = this.#typer.condition(expression, input.schema, name);
    return { kind: 'filter', input, predicate, flow: input.flow, schema: input.schema, clause };
  }

  // ------------------------------------------------------------------------------------------------- PARTITION BY

  #partitionExpressions(): readonly Expression[] {
    const { partitionBy } = this.#query;
    const by = (partitionBy?.expressions ?? []).map((expression) => {
      this.#noAggregates(expression, 'PARTITION BY');
      return this.#scope.qualify(expression, 'PARTITION BY');
    });
    const nulls = by.filter((expression) => expression.kind === 'null');
    if (nulls.length > 0) {
      if (by.length === 1) return [];
      throw new UserError('SQL_PARTITION_BY_NULL', 'PARTITION BY NULL cannot be combined with other expressions', {
        at: (nulls[0] as Expression).at,
        hint: 'NULL alone drops the key; otherwise leave it out.',
      });
    }
    noDuplicates(by, 'PARTITION BY');
    return by;
  }

  #partitionBy(stage: Stage, by: readonly Expression[]): Stage {
    const { node } = stage;
    if (node.schema.windowed !== undefined)
      throw windowedRekey('PARTITION BY', (this.#query.partitionBy as { at: Position }).at);
    const typed = by.map((expression) => ({
      expression,
      typed: this.#typer.type(stage.localize(expression, 'PARTITION BY'), node.schema, 'PARTITION BY'),
    }));
    const same =
      by.length > 0 &&
      by.length === stage.keys.length &&
      by.every((expression, i) => (stage.keys[i] as KeySlot).fingerprints.includes(fingerprint(expression)));
    if (same) {
      const keys = stage.keys.map((slot, i) => ({
        ...slot,
        fingerprints: [fingerprint(by[i] as Expression)],
        text: printExpression(by[i] as Expression),
      }));
      return { ...stage, keys };
    }
    const keys: NamedExpression[] = [];
    for (const one of typed) {
      checkKeyType(one.typed.type, 'PARTITION BY', one.expression);
      keys.push(nameKey(one.expression, one.typed, node.schema, this.#scope, keys));
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
  }

  // ------------------------------------------------------------------------------------------------- GROUP BY

  #groupExpressions(): readonly Expression[] {
    const { groupBy } = this.#query;
    if (groupBy === undefined) return [];
    const by = groupBy.expressions.map((expression) => {
      this.#noAggregates(expression, 'GROUP BY');
      this.#noWindowBounds(expression, 'GROUP BY');
      return this.#scope.qualify(expression, 'GROUP BY');
    });
    noDuplicates(by, 'GROUP BY');
    return by;
  }

  /** Calls of aggregates in SELECT and HAVING, as written. */
  #aggregateCalls(): readonly ExpressionOf<'call'>[] {
    const found: ExpressionOf<'call'>[] = [];
    const visit = (expression: Expression, within: ExpressionOf<'call'> | undefined): void => {
      const isCall = expression.kind === 'call' && this.#typer.isAggregate(expression.name);
      if (isCall) {
        if (within !== undefined) {
          throw new UserError(
            'SQL_NESTED_AGGREGATE',
            `the aggregate ${expression.name} stands inside the aggregate ${within.name}`,
            { at: expression.at, hint: 'Aggregates cannot be nested: make a table of the inner one first.' },
          );
        }
        found.push(expression);
      }
      for (const part of partsOfExpression(expression)) visit(part, isCall ? expression : within);
    };
    for (const item of this.#query.items) {
      if (item.kind === 'expression-item') visit(item.expression, undefined);
      if (item.kind === 'all-fields') visit(item.base, undefined);
    }
    if (this.#query.having !== undefined) visit(this.#query.having, undefined);
    return found;
  }

  #aggregate(stage: Stage, calls: readonly ExpressionOf<'call'>[], items: readonly Item[]): Stage {
    const query = this.#query;
    const { node } = stage;
    const tableFunction = this.#query.items.find(
      (item) =>
        item.kind === 'expression-item' &&
        findExpression(item.expression, (part) => part.kind === 'call' && this.#typer.isTableFunction(part.name)),
    );
    if (tableFunction !== undefined) {
      throw new UserError('SQL_TABLE_FUNCTION', 'table functions cannot be used together with aggregates', {
        at: tableFunction.at,
      });
    }
    if (query.having !== undefined) this.#noWindowBounds(query.having, 'HAVING');
    if (query.groupBy === undefined && this.#options.purpose === 'persistent') {
      const call = calls[0] as ExpressionOf<'call'>;
      throw new UserError('SQL_AGGREGATE_WITHOUT_GROUP_BY', `the aggregate ${call.name} needs a GROUP BY clause`, {
        at: call.at,
        hint: 'Add GROUP BY with the columns that the groups are made of.',
      });
    }
    if (calls.length === 0 && query.groupBy !== undefined) {
      // A misspelt aggregate is the likelier fault than a forgotten one.
      for (const { expression } of items) this.#knownFunctions(expression);
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

    const by = this.#groupExpressions();
    const keys: NamedExpression[] = [];
    for (const expression of by) {
      const typed = this.#typer.type(stage.localize(expression, 'GROUP BY'), node.schema, 'GROUP BY');
      checkKeyType(typed.type, 'GROUP BY', expression);
      keys.push(nameKey(expression, typed, { key: [], value: [] }, this.#scope, keys));
    }
    if (keys.length === 0)
      keys.push({ name: 'KSQL_GROUP', expression: { kind: 'literal', value: 0, type: integerType } });

    const aggregates: AggregateCall[] = [];
    const known = new Map<string, AggregateCall>();
    for (const call of calls) {
      this.#noWindowBounds(call, `${call.name}(…)`);
      const local = stage.localize(this.#scope.qualify(call, 'SELECT'), 'SELECT') as ExpressionOf<'call'>;
      const print = fingerprint(this.#scope.qualify(call, 'SELECT'));
      if (known.has(print)) continue;
      const resolved = this.#typer.aggregate(local, node.schema);
      const { definition } = this.#typer.functions.aggregate(call.name, resolved.signature);
      if (node.flow === 'table' && !definition.undo) {
        throw new UserError(
          'SQL_AGGREGATE_ON_TABLE',
          `${call.name} cannot be used on a table: it cannot take back the value of a row that changes`,
          {
            at: call.at,
            hint: 'Aggregates such as COUNT, SUM and AVG can; or aggregate the stream of the table’s changes.',
          },
        );
      }
      const aggregate: AggregateCall = {
        name: `KSQL_AGG_VARIABLE_${aggregates.length}`,
        function: call.name,
        signature: resolved.signature,
        args: resolved.args,
        type: resolved.type,
      };
      known.set(print, aggregate);
      aggregates.push(aggregate);
    }

    const window = analyzeWindow(query.window);
    if (node.schema.windowed !== undefined && sameKeys(by, stage)) {
      const { name } = (this.#scope.sources[0] as ScopedSource).source;
      throw new UserError('SQL_WINDOWED_SOURCE', `"${name}" is windowed and cannot be grouped by its own key`, {
        at: query.groupBy?.at,
        hint: 'The window is part of the key. Group by another expression, or group what the windows were made of.',
      });
    }
    const schema: Schema = {
      key: keys.map(({ name, expression }) => ({ name, type: expression.type })),
      value: aggregates.map(({ name, type }) => ({ name, type })),
      windowed: window === undefined ? undefined : { type: window.type, sizeMs: window.sizeMs },
    };
    let result: LogicalNode = {
      kind: 'aggregate',
      input: node,
      groupBy: keys,
      aggregates,
      window,
      flow: 'table',
      schema,
    };

    const grouped = new Map(by.map((expression, i) => [fingerprint(expression), (keys[i] as NamedExpression).name]));
    const localize = (expression: Expression, clause: Clause): Expression =>
      replaceExpressions(expression, (part, bound) => {
        const print = fingerprint(part);
        const key = grouped.get(print);
        if (key !== undefined) return { kind: 'column', name: key, at: part.at };
        if (part.kind === 'call') {
          const call = known.get(print);
          if (call !== undefined) return { kind: 'column', name: call.name, at: part.at };
        }
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
    if (query.having !== undefined) {
      const having = localize(this.#scope.qualify(query.having, 'HAVING'), 'HAVING');
      result = this.#filterNode(result, having, 'having');
    }
    return {
      node: result,
      keys: by.map((expression, i) => ({
        name: (keys[i] as NamedExpression).name,
        fingerprints: [fingerprint(expression)],
        text: printExpression(expression),
      })),
      localize,
    };
  }

  // ------------------------------------------------------------------------------------------------- SELECT

  /** The list with `*` spelled out and every item named; expressions are qualified. `rekeyed` is the stage behind PARTITION BY. */
  #items(items: readonly SelectItem[], stage: Stage, by: readonly Expression[], rekeyedStage?: Stage): readonly Item[] {
    const persistent = this.#options.purpose === 'persistent';
    const scope = this.#scope;
    const sourceNames = new Set(scope.sources.flatMap((source) => scope.columnsOf(source)));
    const used = new Set<string>();
    const fieldNames = new Set(sourceNames);
    const result: Item[] = [];
    const add = (expression: Expression, name: string, at: Position): void => {
      result.push({ expression, name, at });
      used.add(name);
    };
    for (const item of items) {
      if (item.kind === 'all-columns') {
        const sources = item.source === undefined ? scope.sources : [scope.sourceNamed(item.source, item.at)];
        for (const one of this.#expand(sources, item.at, by, item.source === undefined ? rekeyedStage : undefined)) {
          add(one.expression, one.name, item.at);
        }
        continue;
      }
      if (item.kind === 'all-fields') {
        const base = scope.qualify(item.base, 'SELECT');
        const typed = this.#typer.type(stage.localize(base, 'SELECT'), stage.node.schema, 'SELECT');
        if (typed.type.kind !== 'STRUCT') {
          throw new UserError(
            'SQL_NOT_A_STRUCT',
            `->* takes the fields of a STRUCT, but ${printExpression(item.base)} is ${printType(typed.type)}`,
            { at: item.at },
          );
        }
        for (const { name } of typed.type.fields) add({ kind: 'field', base, name, at: item.at }, name, item.at);
        continue;
      }
      const { expression, alias, at } = item;
      const qualifiedItem = this.#qualifyItem(expression);
      if (alias !== undefined) {
        if (persistent && isPseudoColumn(alias.name)) {
          throw new UserError('SQL_RESERVED_NAME', `"${alias.name}" is a reserved column name and cannot be an alias`, {
            at: alias.at,
            hint: 'Choose another alias.',
          });
        }
        add(qualifiedItem, alias.name, at);
        continue;
      }
      if (expression.kind === 'column') {
        const shared = scope.sources.filter((source) => scope.has(source, expression.name)).length > 1;
        const source = qualifiedItem.kind === 'column' ? qualifiedItem.source : undefined;
        const name = shared && source !== undefined ? `${source}_${expression.name}` : expression.name;
        if (persistent && isPseudoColumn(name)) {
          throw new UserError('SQL_RESERVED_NAME', `"${name}" is a reserved column name and needs an alias here`, {
            at: expression.at,
            hint: `Write ${name} AS another_name.`,
          });
        }
        add(qualifiedItem, name, at);
      } else if (expression.kind === 'field') {
        const name = unused(expression.name, fieldNames);
        fieldNames.add(name);
        add(qualifiedItem, name, at);
      } else {
        const name = generatedName(new Set([...sourceNames, ...used]));
        add(qualifiedItem, name, at);
      }
    }
    const seen = new Set<string>();
    for (const { name, at } of result) {
      if (seen.has(name)) {
        throw new UserError('SQL_DUPLICATE_COLUMN', `the column name "${name}" stands twice in the SELECT list`, {
          at,
          hint: 'Give one of them another name: … AS other_name.',
        });
      }
      seen.add(name);
    }
    return result;
  }

  #qualifyItem(expression: Expression): Expression {
    const tableFunction = findExpression(
      expression,
      (part) => part.kind === 'call' && this.#typer.isTableFunction(part.name),
    );
    if (tableFunction !== undefined) {
      throw new UserError('SQL_TABLE_FUNCTION', 'table functions are not supported yet', { at: tableFunction.at });
    }
    // The bounds of windows over a join are not to be had, as in ksqlDB: read them from the table that results.
    return this.#scope.qualify(expression, 'SELECT', this.#windowed && !this.#scope.joined);
  }

  #expand(
    sources: readonly ScopedSource[],
    point: Position,
    by: readonly Expression[],
    rekeyedStage: Stage | undefined,
  ): readonly { readonly expression: Expression; readonly name: string }[] {
    const scope = this.#scope;
    if (rekeyedStage !== undefined && rekeyedStage.node.kind === 'rekey' && !scope.joined) {
      // Behind PARTITION BY: the new key, the values, the former key columns.
      const { alias } = scope.sources[0] as ScopedSource;
      const { schema } = rekeyedStage.node;
      return [
        ...by.map((expression, i) => ({ expression, name: (schema.key[i] as Column).name })),
        ...schema.value
          .filter((column) => !isPseudoColumn(column.name))
          .map((column) => ({ expression: columnAt(alias, column.name, point), name: column.name })),
      ];
    }
    return sources.flatMap((source) => {
      const { schema } = source.source;
      const bounds =
        this.#options.purpose !== 'persistent' && schema.windowed !== undefined ? ['WINDOWSTART', 'WINDOWEND'] : [];
      const names = [
        ...schema.key.map((column) => column.name),
        ...bounds,
        ...schema.value.map((column) => column.name),
      ];
      return names.map((name) => ({
        expression: columnAt(source.alias, name, point),
        name: scope.joined ? `${source.alias}_${name}` : name,
      }));
    });
  }

  #project(stage: Stage, items: readonly Item[], keyDropped: boolean): AnalyzedQuery {
    const { node } = stage;
    const type = (item: Item): NamedExpression => ({
      name: item.name,
      expression: this.#typer.type(stage.localize(item.expression, 'SELECT'), node.schema, 'SELECT'),
    });
    const finish = (plan: LogicalNode, columns: AnalyzedQuery['columns']): AnalyzedQuery => {
      const left = (this.#scope.sources[0] as ScopedSource).source;
      return {
        plan,
        sources: this.#scope.sources,
        flow: plan.flow,
        columns,
        keyDropped,
        formats: { key: left.keyFormat, value: left.valueFormat },
        limit: this.#query.limit?.count,
      };
    };
    if (this.#options.purpose !== 'persistent') {
      const values = items.map(type);
      const prints = items.map((item) => fingerprint(item.expression));
      const schema: Schema = {
        key: node.schema.key,
        value: values.map(({ name, expression }) => ({ name, type: expression.type })),
        windowed: node.schema.windowed,
      };
      return finish(
        { kind: 'project', input: node, items: values, flow: node.flow, schema },
        values.map(({ name, expression }, i) => ({
          name,
          type: expression.type,
          isKey: stage.keys.some((slot) => slot.fingerprints.includes(prints[i] as string)),
        })),
      );
    }

    const prints = items.map((item) => fingerprint(item.expression));
    const keyItems = new Map(stage.keys.map((slot) => [slot, keyItem(slot, items, prints)]));
    const chosen = new Set(keyItems.values());
    const values = items.filter((item) => !chosen.has(item)).map(type);
    const { timestamp } = this.#options;
    if (timestamp !== undefined && !items.some((item) => item.name === timestamp.value)) {
      throw new UserError(
        'SQL_TIMESTAMP_COLUMN',
        `the timestamp column "${timestamp.value}" is not in the SELECT list`,
        {
          at: timestamp.at,
          hint: `The columns are ${items.map((item) => item.name).join(', ')}.`,
        },
      );
    }
    const missing = stage.keys.filter((slot) => keyItems.get(slot) === undefined);
    if (missing.length > 0) {
      const names = missing.map((slot) => slot.text).join(', ');
      throw new UserError(
        'SQL_MISSING_KEY_COLUMN',
        `the SELECT list of "${this.#options.sink ?? 'the query'}" must name the key ${missing.length === 1 ? 'column' : 'columns'} ${names}`,
        { at: this.#query.at, hint: `Write SELECT ${missing.map((slot) => slot.text.split(' or ')[0]).join(', ')}, …` },
      );
    }
    if (values.length === 0) {
      throw new UserError('SQL_NO_VALUE_COLUMNS', 'the SELECT list has no value columns, only key columns', {
        at: this.#query.at,
        hint: 'For a copy of a key column among the values write AS_VALUE(column) AS name.',
      });
    }
    const key = stage.keys.map((slot, i) => ({
      name: (keyItems.get(slot) as Item).name,
      type: (node.schema.key[i] as Column).type,
    }));
    const schema: Schema = {
      key,
      value: values.map(({ name, expression }) => ({ name, type: expression.type })),
      windowed: node.schema.windowed,
    };
    return finish({ kind: 'project', input: node, items: values, flow: node.flow, schema }, [
      ...key.map((column) => ({ ...column, isKey: true })),
      ...schema.value.map((column) => ({ ...column, isKey: false })),
    ]);
  }

  // ------------------------------------------------------------------------------------------------- shared checks

  #noAggregates(expression: Expression, clause: string): void {
    const found = findExpression(expression, (part) => part.kind === 'call' && this.#typer.isAggregate(part.name));
    if (found === undefined || found.kind !== 'call') return;
    this.#noWindowBounds(found, clause);
    throw new UserError('SQL_AGGREGATE_NOT_ALLOWED', `the aggregate ${found.name} cannot stand in ${clause}`, {
      at: found.at,
      hint: clause === 'WHERE' ? 'Conditions on aggregates go to HAVING.' : undefined,
    });
  }

  #knownFunctions(expression: Expression): void {
    const { functions } = this.#typer;
    findExpression(expression, (part) => {
      if (part.kind === 'call' && functions.get(part.name) === undefined) functions.resolve(part.name, [], part.at);
      return false;
    });
  }

  /** Bounds of the windows that this query makes are known behind GROUP BY only. */
  #noWindowBounds(expression: Expression, where: string): void {
    if (!this.#windowed) return;
    const found = findExpression(
      expression,
      (part) =>
        part.kind === 'column' &&
        (part.name === 'WINDOWSTART' || part.name === 'WINDOWEND') &&
        !this.#scope.sources.some((source) => this.#scope.has(source, part.name)),
    );
    if (found !== undefined && found.kind === 'column') throw windowBounds(found.name, where, found.at);
  }
}

/** The item that is this key column: of the expressions that may stand for it the preferred one that is selected, which must be there once. */
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

const windowBounds = (name: string, where: string, at: Position): UserError =>
  new UserError(
    'SQL_WINDOW_BOUNDS',
    `${name} cannot stand in ${where}: the bounds of windows can be used in the SELECT list of a windowed aggregation only`,
    { at },
  );

const scopedSources = (query: Query, catalog: Catalog): readonly ScopedSource[] => {
  const references = [query.from, ...query.joins.map((join) => join.source)];
  const scoped: ScopedSource[] = [];
  for (const { name, alias, at } of references) {
    const source = catalog.source(name);
    if (source === undefined) throw unknownSource(catalog, name, at);
    const own = alias?.name ?? name;
    if (scoped.some((other) => other.source.name === name)) {
      throw new UserError(
        'SQL_SELF_JOIN',
        `"${name}" stands twice in the query, and a source cannot be joined with itself`,
        {
          at,
          hint: `Make a copy first: CREATE STREAM … AS SELECT * FROM ${name};`,
        },
      );
    }
    if (scoped.some((other) => other.alias === own)) {
      throw new UserError('SQL_DUPLICATE_ALIAS', `two sources of the query are called "${own}"`, {
        at: alias?.at ?? at,
        hint: 'Give one of them another alias.',
      });
    }
    scoped.push({ alias: own, source, at });
  }
  return scoped;
};

const noDuplicates = (by: readonly Expression[], clause: string): void => {
  const seen = new Set<string>();
  for (const expression of by) {
    const print = fingerprint(expression);
    if (seen.has(print)) {
      throw new UserError('SQL_DUPLICATE_EXPRESSION', `${printExpression(expression)} stands twice in ${clause}`, {
        at: expression.at,
        hint: 'Leave one of them out.',
      });
    }
    seen.add(print);
  }
};
