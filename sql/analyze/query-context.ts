/** What the steps of one query's analysis share: the query, its sources, and what several clauses do alike. */

import { type Position, UserError } from '../../base/index.ts';
import type { Expression, Query, SourceReference } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { withHeaderValues } from '../types/schema.ts';
import type { LogicalNode } from './logical.ts';
import { referTo, Scope, type ScopedSource } from './scope.ts';
import { type Source, type SourceCatalog, unknownSource } from './sources.ts';
import type { TypedExpression } from './typed.ts';
import type { Typer } from './typer.ts';
import { findExpression, fingerprint } from './walk.ts';

export type QueryPurpose = 'persistent' | 'push' | 'pull';

export interface AnalyzeOptions {
  readonly catalog: SourceCatalog;
  readonly typer: Typer;
  readonly purpose: QueryPurpose;
  /** What a persistent query is for, as messages call it. */
  readonly sink?: string;
  /** EMIT FINAL is switched off. */
  readonly noFinal?: boolean;
  /** The column that is to be the event time of what a persistent query writes: the SELECT list must have it. */
  readonly timestamp?: { readonly value: string; readonly at: Position } | undefined;
  /** What the subqueries of a pull query deliver. */
  readonly subqueries?: ReadonlyMap<SourceReference, Source>;
}

export class QueryContext {
  readonly query: Query;
  readonly options: AnalyzeOptions;
  readonly typer: Typer;
  readonly scope: Scope;

  constructor(query: Query, options: AnalyzeOptions) {
    this.query = query;
    this.options = options;
    this.typer = options.typer;
    const given = query.items.flatMap((item) =>
      item.kind === 'expression-item' && item.alias !== undefined ? [item.alias.name] : [],
    );
    this.scope = new Scope(scopedSources(query, options), given);
  }

  noAggregates(expression: Expression, clause: string): void {
    const found = findExpression(expression, (part) => part.kind === 'call' && this.typer.isAggregate(part.name));
    if (found === undefined || found.kind !== 'call') return;
    this.noWindowBounds(found, clause);
    throw new UserError('SQL_AGGREGATE_NOT_ALLOWED', `the aggregate ${found.name} cannot stand in ${clause}`, {
      at: found.at,
      hint: clause === 'WHERE' ? 'Conditions on aggregates go to HAVING.' : undefined,
    });
  }

  /** Bounds of the windows that this query makes are known behind GROUP BY only. Those of a windowed source have the
   *  source before their name then. */
  noWindowBounds(expression: Expression, where: string): void {
    if (this.query.window === undefined) return;
    const found = findExpression(
      expression,
      (part) =>
        part.kind === 'column' &&
        part.source === undefined &&
        (part.name === 'WINDOWSTART' || part.name === 'WINDOWEND'),
    );
    if (found !== undefined && found.kind === 'column') throw windowBounds(found.name, where, found.at);
  }

  noDuplicates(by: readonly Expression[], clause: string): void {
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
  }

  /** The rows for which the condition, in names of the input's schema, is true. */
  filter(input: LogicalNode, condition: Expression, clause: 'where' | 'having'): LogicalNode {
    const predicate = this.typer.condition(condition, input.schema, clause === 'where' ? 'WHERE' : 'HAVING');
    return { kind: 'filter', input, predicate, flow: input.flow, schema: input.schema, clause };
  }
}

export const windowBounds = (name: string, where: string, at: Position): UserError =>
  new UserError(
    'SQL_WINDOW_BOUNDS',
    `${name} cannot stand in ${where}: the bounds of windows can be used in the SELECT list of a windowed aggregation only`,
    { at },
  );

/** The source, and above it, where columns are read from headers, a projection that has them among the values. What is
 *  kept of a table, which pull queries read, has them there already. */
const readSource = ({ name, kind, schema }: Source, purpose: QueryPurpose): LogicalNode => {
  const visible = withHeaderValues(schema);
  if (schema.headers === undefined || (purpose === 'pull' && kind === 'table')) {
    return { kind: 'source', name, flow: kind, schema: visible };
  }
  const items = visible.value.map((column) => ({
    name: column.name,
    expression: referTo(schema, column.name) as TypedExpression,
  }));
  return { kind: 'project', input: { kind: 'source', name, flow: kind, schema }, items, flow: kind, schema: visible };
};

const scopedSources = (query: Query, { catalog, purpose, subqueries }: AnalyzeOptions): readonly ScopedSource[] => {
  const references = [query.from, ...query.joins.map((join) => join.source)];
  const scoped: ScopedSource[] = [];
  for (const reference of references) {
    const { name, alias, subquery, at } = reference;
    const source = subquery === undefined ? catalog.source(name) : subqueries?.get(reference);
    if (source === undefined) throw unknownSource(catalog, name, at);
    const own = alias?.name ?? source.name;
    // A pull query reads each side by itself.
    if (purpose !== 'pull' && scoped.some((other) => other.source.name === name)) {
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
    const node = readSource(source, purpose);
    scoped.push({
      alias: own,
      source: { ...source, schema: node.schema },
      node,
      isSubquery: subquery !== undefined,
      at,
    });
  }
  return scoped;
};
