/**
 * From a pull query to its steps.
 *
 * A query over one stream or table is read by key, by range or by a scan (`Leaf`), with its conditions and its SELECT
 * list; groups, DISTINCT, ORDER BY and LIMIT are steps above. The sides of a join, subqueries and the members of a
 * UNION are queries of their own, made into steps in the same way; a condition of WHERE on one side of a join only is
 * part of that side's query, so that it narrows what is read.
 */

import { UserError } from '../../../base/index.ts';
import { conjuncts, joinedColumns } from '../../analyze/join-now.ts';
import type { LogicalNode } from '../../analyze/logical.ts';
import type { ProjectedColumn } from '../../analyze/projection.ts';
import { type AnalyzedQuery, analyzeQuery } from '../../analyze/query.ts';
import { Scope, type ScopedSource } from '../../analyze/scope.ts';
import type { Source } from '../../analyze/sources.ts';
import { columnAt } from '../../analyze/stage.ts';
import type { Typer } from '../../analyze/typer.ts';
import { findExpression } from '../../analyze/walk.ts';
import type { Catalog } from '../../catalog.ts';
import type { CompileEnvironment } from '../../compile/environment.ts';
import { keylessFormat } from '../../formats/index.ts';
import type { Expression, Query, SourceReference } from '../../parser/ast.ts';
import type { Rule } from '../../plan/rule.ts';
import { applyRules } from '../../plan/rules.ts';
import type { Column, Schema } from '../../types/schema.ts';
import { printType, type SqlType } from '../../types/type.ts';
import { distinct } from './distinct.ts';
import { hashAggregate } from './hash-aggregate.ts';
import { hashJoin, type JoinSide } from './hash-join.ts';
import { limit } from './limit.ts';
import type { QueryMemory } from './memory.ts';
import { select } from './select.ts';
import { sort } from './sort.ts';
import type { PullStep } from './step.ts';
import { unionAll, widened, widerType } from './union.ts';

/** Reads a stream or table: the query has it as its only source, and filters and projects. */
export type Leaf = (analyzed: AnalyzedQuery, query: Query) => PullStep;

export interface PullPlanOptions {
  readonly catalog: Catalog;
  readonly typer: Typer;
  readonly environment: CompileEnvironment;
  readonly memory: QueryMemory;
  readonly leaf: Leaf;
  /** The rules that rewrite plans; all of them when left out. */
  readonly rules?: readonly Rule[] | undefined;
}

export interface PullPlan {
  readonly step: PullStep;
  readonly columns: readonly ProjectedColumn[];
  /** The streams and tables that it reads. */
  readonly sources: readonly Source[];
}

export const pullPlan = (query: Query, options: PullPlanOptions): PullPlan => {
  checkNoEmit(query);
  return query.unions === undefined ? selectPlan(query, options) : unionPlan(query, options);
};

const checkNoEmit = ({ emit }: Query): void => {
  if (emit === undefined) return;
  throw new UserError('SQL_PULL_QUERY', 'a subquery cannot have EMIT', {
    at: emit.at,
    hint: 'Leave it out: a subquery is asked once, for the rows that there are now.',
  });
};

// ---------------------------------------------------------------------------------------------------- one SELECT

const selectPlan = (query: Query, options: PullPlanOptions): PullPlan => {
  const { catalog, typer, environment, memory, leaf, rules } = options;
  const inner = new Map<SourceReference, PullPlan>();
  const references = [query.from, ...query.joins.map((join) => join.source)];
  for (const reference of references) {
    if (reference.subquery !== undefined) inner.set(reference, pullPlan(reference.subquery, options));
  }
  const subqueries = new Map(
    [...inner].map(([reference, plan], i) => [reference, sourceOf(reference, plan.columns, i)] as const),
  );
  let where: readonly Expression[] = [];
  let sides: readonly (readonly Expression[])[] = [];
  if (query.joins.length > 0 && query.where !== undefined) {
    ({ where, sides } = divided(query, references, subqueries, options));
  }
  const own = query.joins.length > 0 ? { ...query, where: conjunction(where) } : query;
  const analyzed = analyzeQuery(own, { catalog, typer, purpose: 'pull', subqueries });
  const ruled: AnalyzedQuery = { ...analyzed, plan: applyRules(analyzed.plan, { catalog, rules }).plan };
  const { order, limit: most, offset, columns } = analyzed;
  const wanted = most === undefined ? undefined : most + offset;
  const aggregated = hashAggregate(ruled, environment, memory);
  const direct = aggregated === undefined && !analyzed.distinct && order.length === 0;
  const lowest: AnalyzedQuery = { ...(aggregated?.input ?? ruled), limit: direct ? wanted : undefined };

  let step: PullStep;
  const sources: Source[] = [...inner.values()].flatMap((plan) => plan.sources);
  if (query.joins.length === 0) {
    const subquery = inner.get(query.from);
    if (subquery === undefined) {
      step = leaf(lowest, own);
      sources.push((analyzed.sources[0] as ScopedSource).source);
    } else {
      const schema = (subqueries.get(query.from) as Source).schema;
      step = select(subquery.step, lowest.plan, schema, environment);
    }
  } else {
    const needed = neededNames(analyzed, lowest.plan);
    const read = analyzed.sources.map((source, i): JoinSide => {
      const side = sideOf(
        source,
        references[i] as SourceReference,
        sides[i] ?? [],
        needed,
        query,
        analyzed,
        options,
        inner,
      );
      if (source.isSubquery !== true) sources.push(source.source);
      return side;
    });
    let joined = read[0] as JoinSide;
    analyzed.joins.forEach((join, i) => {
      const right = read[i + 1] as JoinSide;
      joined = {
        step: hashJoin(joined, right, join, environment, memory),
        columns: [...joined.columns, ...right.columns],
      };
    });
    step = select(joined.step, lowest.plan, { key: [], value: joined.columns }, environment);
  }
  if (aggregated !== undefined) step = aggregated.over(step);
  const types = analyzed.plan.schema.value.map(({ type }) => type);
  if (analyzed.distinct) step = distinct(step, types, memory);
  if (order.length > 0) {
    const names = columns.map(({ name }) => name);
    step = sort(step, { order, types, names, first: wanted, width: columns.length, memory });
  }
  // The scan of a query without more to do stops by itself.
  const isCut = direct && offset === 0 && query.joins.length === 0 && query.from.subquery === undefined;
  return { step: isCut ? step : limit(step, most, offset), columns, sources };
};

/** A subquery as a source of the query around it. */
const sourceOf = (reference: SourceReference, columns: readonly ProjectedColumn[], index: number): Source => ({
  name: reference.alias?.name ?? `SUBQUERY_${index + 1}`,
  kind: 'stream',
  schema: { key: [], value: columns.map(({ name, type }) => ({ name, type })) },
  topic: '',
  keyFormat: { name: keylessFormat.name },
  valueFormat: { name: keylessFormat.name },
  readOnly: true,
  statement: '',
});

// --------------------------------------------------------------------------------------------------------- joins

/** The conditions of WHERE that read one side of a join only, and belong to the query of that side; and the others. A
 *  side that has NULLs where it has no partner is read whole: its conditions are for the joined rows. */
const divided = (
  query: Query,
  references: readonly SourceReference[],
  subqueries: ReadonlyMap<SourceReference, Source>,
  { catalog, typer }: PullPlanOptions,
): { readonly where: readonly Expression[]; readonly sides: readonly (readonly Expression[])[] } => {
  const bare = { ...query, where: undefined, items: query.items };
  const { sources } = analyzeQuery(bare, { catalog, typer, purpose: 'pull', subqueries });
  const scope = new Scope(sources);
  const sides: Expression[][] = references.map(() => []);
  const where: Expression[] = [];
  const types = query.joins.map((join) => join.type);
  const isWhole = (i: number): boolean =>
    references[i]?.subquery !== undefined ||
    types.slice(i).some((type) => type === 'right' || type === 'full') ||
    (i > 0 && (types[i - 1] === 'left' || types[i - 1] === 'full'));
  for (const part of query.where === undefined ? [] : conjuncts(query.where)) {
    const aliases = new Set<string>();
    const qualified = scope.qualify(part, 'WHERE');
    findExpression(qualified, (one) => {
      if (one.kind === 'column' && one.source !== undefined) aliases.add(one.source);
      return false;
    });
    const [alias, other] = aliases;
    const side = other === undefined ? sources.findIndex((source) => source.alias === alias) : -1;
    const hasAggregate = findExpression(part, (one) => one.kind === 'call' && typer.isAggregate(one.name));
    if (side < 0 || isWhole(side) || hasAggregate !== undefined) where.push(part);
    else sides[side]?.push(qualified);
  }
  return { where, sides };
};

const conjunction = (parts: readonly Expression[]): Expression | undefined => {
  const [first, second] = parts;
  if (first === undefined || second === undefined) return first;
  return { kind: 'logical', operator: 'AND', operands: parts, at: first.at };
};

/** The names of the joined rows' columns that something above reads. */
const neededNames = (analyzed: AnalyzedQuery, plan: LogicalNode): ReadonlySet<string> => {
  const names = new Set<string>();
  const read = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const node = value as { readonly kind?: unknown; readonly name?: unknown };
    if (node.kind === 'column' && typeof node.name === 'string') names.add(node.name);
    for (const part of Object.values(value)) read(part);
  };
  read(analyzed.joins);
  for (let node = plan; node.kind === 'project' || node.kind === 'filter'; node = node.input) {
    read(node.kind === 'project' ? node.items : node.predicate);
  }
  return names;
};

/** One side of a join, read by a query of its own for the columns that are needed. */
const sideOf = (
  source: ScopedSource,
  reference: SourceReference,
  where: readonly Expression[],
  needed: ReadonlySet<string>,
  query: Query,
  analyzed: AnalyzedQuery,
  { catalog, typer, leaf, rules }: PullPlanOptions,
  inner: ReadonlyMap<SourceReference, PullPlan>,
): JoinSide => {
  const scope = new Scope(analyzed.sources);
  const all = joinedColumns(source, (alias, name) => scope.planName(alias, name));
  const subquery = inner.get(reference);
  if (subquery !== undefined) return { step: subquery.step, columns: all.map(({ name, type }) => ({ name, type })) };
  const kept = all.filter(({ name }) => needed.has(name));
  const columns: readonly Column[] = kept.map(({ name, type }) => ({ name, type }));
  const { at } = reference;
  const own: Query = {
    items: kept.map(({ own: name }) => ({
      kind: 'expression-item',
      expression: columnAt(source.alias, name, at),
      alias: { name, at },
      at,
    })),
    from: reference,
    joins: [],
    where: conjunction(where),
    at: query.at,
  };
  const side = analyzeQuery(own, { catalog, typer, purpose: 'pull' });
  return { step: leaf({ ...side, plan: applyRules(side.plan, { catalog, rules }).plan }, own), columns };
};

// --------------------------------------------------------------------------------------------------------- union

const unionPlan = (query: Query, options: PullPlanOptions): PullPlan => {
  const { unions = [], orderBy, limit: most, offset, ...first } = query;
  const plans = [first, ...unions.map((member) => member.query)].map((one) =>
    selectPlan({ ...one, unions: undefined }, options),
  );
  const [head, ...others] = plans as [PullPlan, ...PullPlan[]];
  let wide = head.columns;
  others.forEach(({ columns }, i) => {
    wide = unionColumns(wide, columns, unions[i]?.query as Query);
  });
  const types: readonly SqlType[] = wide.map(({ type }) => type);
  const stepOf = (plan: PullPlan): PullStep =>
    widened(
      plan.step,
      plan.columns.map(({ type }) => type),
      types,
    );
  let step = stepOf(head);
  unions.forEach(({ all }, i) => {
    const next = stepOf(plans[i + 1] as PullPlan);
    // One UNION ALL of many inputs reads better than a tower of two each.
    step = unionAll(all && i > 0 && step.text === 'Union all' ? [...step.inputs, next] : [step, next]);
    if (!all) step = distinct(step, types, options.memory);
  });
  const columns = wide.map((column) => ({ ...column, isKey: false }));
  const sources = plans.flatMap((plan) => plan.sources);
  if (orderBy === undefined && most === undefined && offset === undefined) return { step, columns, sources };
  // What stands behind the last member is for the rows of all: a query over them.
  const from: SourceReference = { kind: 'source', name: '', subquery: first, at: query.at };
  const outer: Query = {
    items: [{ kind: 'all-columns', at: query.at }],
    from,
    joins: [],
    orderBy,
    limit: most,
    offset,
    at: query.at,
  };
  return over({ step, columns, sources }, outer, options);
};

const over = (plan: PullPlan, query: Query, options: PullPlanOptions): PullPlan => {
  const { catalog, typer, environment, memory } = options;
  const source: Source = { ...sourceOf(query.from, plan.columns, 0), name: 'UNION' };
  const analyzed = analyzeQuery(query, {
    catalog,
    typer,
    purpose: 'pull',
    subqueries: new Map([[query.from, source]]),
  });
  const schema: Schema = source.schema;
  const wanted = analyzed.limit === undefined ? undefined : analyzed.limit + analyzed.offset;
  let step = analyzed.order.length === 0 ? plan.step : select(plan.step, analyzed.plan, schema, environment);
  if (analyzed.order.length > 0) {
    step = sort(step, {
      order: analyzed.order,
      types: analyzed.plan.schema.value.map(({ type }) => type),
      names: plan.columns.map(({ name }) => name),
      first: wanted,
      width: plan.columns.length,
      memory,
    });
  }
  return { ...plan, step: limit(step, analyzed.limit, analyzed.offset) };
};

/** The columns of both, under the names of the first. */
const unionColumns = (
  first: readonly ProjectedColumn[],
  other: readonly ProjectedColumn[],
  { at }: Query,
): readonly ProjectedColumn[] => {
  if (first.length !== other.length) {
    throw new UserError('SQL_UNION', `the queries of a UNION have ${first.length} and ${other.length} columns`, {
      at,
      hint: 'Select as many columns in each, in the same order.',
    });
  }
  return first.map((column, i) => {
    const { name, type } = column;
    const own = other[i] as ProjectedColumn;
    const wider = widerType(type, own.type);
    if (wider !== undefined) return { ...column, type: wider };
    throw new UserError(
      'SQL_UNION',
      `column ${i + 1} of a UNION is "${name}" ${printType(type)} in the first query, and "${own.name}" ${printType(own.type)} here`,
      { at, hint: `Convert it: CAST(… AS ${printType(type)}).` },
    );
  });
};
