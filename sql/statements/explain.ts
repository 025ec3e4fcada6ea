/**
 * EXPLAIN: every step from text to topology, printed by itself: the tree of the statement, the logical plan as analysed
 * and after each rule that changed it, the physical plan, the topology. A statement is planned in the sandbox and does
 * not run; a running query shows the plan that runs. Behind the physical plan stands what the query shares with those
 * that run, where their tasks are on one thread (`sql/compile/shared-steps.ts`).
 */

import { UserError } from '../../base/index.ts';
import { printLogical } from '../analyze/logical.ts';
import { analyzeQuery } from '../analyze/query.ts';
import type { PersistentQuery } from '../catalog.ts';
import type { AlikeStep } from '../compile/alike-steps.ts';
import type { CompileEnvironment } from '../compile/environment.ts';
import { ScanRegistry } from '../compile/scan-view.ts';
import { type AlikeScan, alikeScans, compileTopology } from '../compile/topology.ts';
import type { QueryDescription } from '../facade.ts';
import type { Query } from '../parser/ast.ts';
import type { Explain, Statement } from '../parser/statements/index.ts';
import { type PhysicalPlan, printPlan, sourcesOf } from '../plan/plan.ts';
import { planQuery } from '../plan/planner.ts';
import { applyRules, printTrace } from '../plan/rules.ts';
import { printSteps } from '../queries/pull/step.ts';
import { explainPull } from '../queries/pull.ts';
import { createAs } from './create-as.ts';
import { fieldsOf, requireQuery } from './describe.ts';
import { insertAs } from './insert-as.ts';
import type { Handler, StatementContext, View } from './statement.ts';

export const explain: Handler<Explain> = ({ target, at }, context) => {
  if (target.kind === 'query-id') {
    const query = requireQuery(context.catalog, target.id.name, target.id.at);
    return {
      kind: 'show',
      show: (view) => ({ kind: 'queryDescription', queryDescription: describeRunning(query, view, context) }),
    };
  }
  const { statement } = target;
  const query = queryOf(statement);
  if (query === undefined) {
    throw new UserError(
      'SQL_EXPLAIN',
      'EXPLAIN takes a SELECT, a CREATE … AS SELECT, an INSERT INTO … SELECT, or the id of a query',
      {
        at,
      },
    );
  }
  const description = explainStatement(statement, query, context);
  return { kind: 'show', show: () => ({ kind: 'queryDescription', queryDescription: description }) };
};

const queryOf = (statement: Statement): Query | undefined =>
  statement.kind === 'query' || statement.kind === 'create-as' || statement.kind === 'insert-as'
    ? statement.query
    : undefined;

const explainStatement = (statement: Statement, query: Query, context: StatementContext): QueryDescription => {
  const isPull = statement.kind === 'query' && query.emit === undefined;
  if (isPull) return explainPullQuery(query, context);
  const purpose = statement.kind === 'query' ? 'push' : 'persistent';
  const { catalog, typer } = context;
  const analyzed = analyzeQuery(query, {
    catalog,
    typer,
    purpose,
    noFinal: context.settings.isTrue('ksql.suppress.enabled') === false,
  });
  const tree = `Statement\n${context.canonical()}\n\nAnalysed\n${printLogical(analyzed.plan)}\n\n`;
  if (statement.kind === 'create-as' || statement.kind === 'insert-as') {
    const planned = statement.kind === 'create-as' ? createAs(statement, context) : insertAs(statement, context);
    if (planned.kind === 'command') {
      const description = describeQuery(planned.command.query, context);
      const { trace } = applyRules(analyzed.plan, context);
      const executionPlan = `${tree}${printTrace(analyzed.plan, trace)}\n\n${description.executionPlan}`;
      return { ...description, executionPlan, state: null };
    }
  }
  const { trace, physical } = planQuery(analyzed.plan, context);
  return {
    id: '',
    statementText: context.text,
    windowType: physical.root.schema.windowed?.type ?? null,
    fields: fieldsOf({ key: [], value: physical.root.schema.value }),
    sources: sourcesOf(physical).map((step) => step.source),
    sinks: [],
    topology: topologyText(physical, context),
    executionPlan: `${tree}${printTrace(analyzed.plan, trace)}\n\n${planText(physical, '', context)}`,
    overriddenProperties: context.settings.toRecord(),
    queryType: purpose.toUpperCase(),
    state: null,
    queryErrors: [],
  };
};

const explainPullQuery = (query: Query, context: StatementContext): QueryDescription => {
  const { catalog, typer } = context;
  const { step, columns, sources } = explainPull(query, { catalog, typer, environment: environmentOf(context) });
  return {
    id: '',
    statementText: context.text,
    windowType: null,
    fields: fieldsOf({ key: [], value: columns }),
    sources: [...new Set(sources.map((source) => source.name))],
    sinks: [],
    topology: '',
    executionPlan: `Statement\n${context.canonical()}\n\nSteps\n${printSteps(step)}\n`,
    overriddenProperties: context.settings.toRecord(),
    queryType: 'PULL',
    state: null,
    queryErrors: [],
  };
};

const environmentOf = ({ functions, functionContext }: StatementContext): CompileEnvironment => ({
  functions,
  context: functionContext,
  scans: new ScanRegistry(),
});

const topologyText = (plan: PhysicalPlan, context: StatementContext): string =>
  compileTopology(plan, environmentOf(context)).describe();

/** The plan, and which of its first steps queries that run have as well. */
const planText = (plan: PhysicalPlan, id: string, context: StatementContext): string => {
  const text = `Physical\n${printPlan(plan.root)}\n`;
  const lines: string[] = [];
  const topics = new Set(sourcesOf(plan).map(({ topic }) => topic));
  const others = context.catalog
    .queries()
    .filter((query) => query.id !== id && sourcesOf(query.plan).some(({ topic }) => topics.has(topic)))
    .map((query) => ({ id: query.id, scans: scansOf(query.plan, context) }));
  for (const scan of alikeScans(plan, environmentOf(context))) {
    const shared = others.map((other) => ({
      id: other.id,
      steps: new Set(other.scans.flatMap((theirs) => sharedSteps(scan, theirs))),
    }));
    for (const { text: step } of [...scan.conditions, ...scan.others]) {
      const ids = shared.filter(({ steps }) => steps.has(step)).map((sharer) => sharer.id);
      if (ids.length > 0) lines.push(`${scan.source}: ${step} with ${ids.join(', ')}`);
    }
  }
  return lines.length === 0 ? text : `${text}\nShared on each thread\n${lines.join('\n')}\n`;
};

/** What was found of plans that run, which are compared with each other by SHOW QUERIES EXTENDED. */
const knownScans = new WeakMap<PhysicalPlan, readonly AlikeScan[]>();

/** A query that runs may name a module of functions that is missing by now: it shares nothing then. */
const scansOf = (plan: PhysicalPlan, context: StatementContext): readonly AlikeScan[] => {
  const known = knownScans.get(plan);
  if (known !== undefined) return known;
  try {
    const scans = alikeScans(plan, environmentOf(context));
    knownScans.set(plan, scans);
    return scans;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [];
  }
};

/** The steps of both, as text: of leading conditions as many as are equal. */
const sharedSteps = (scan: AlikeScan, other: AlikeScan): readonly string[] => {
  if (scan.over !== other.over) return [];
  const equal = (steps: readonly AlikeStep[], theirs: readonly AlikeStep[]): readonly AlikeStep[] =>
    steps.filter(({ id }) => theirs.some((their) => their.id === id));
  return [...equal(scan.conditions, other.conditions).slice(-1), ...equal(scan.others, other.others)].map(
    ({ text }) => text,
  );
};

/** A query that runs, as it stands. */
export const describeRunning = (query: PersistentQuery, view: View, context: StatementContext): QueryDescription => ({
  ...describeQuery(query, context),
  state: view.state(query.id),
  queryErrors: view.errors(query.id),
});

const describeQuery = (query: PersistentQuery, context: StatementContext): QueryDescription => ({
  id: query.id,
  statementText: query.statement,
  windowType: query.plan.root.schema.windowed?.type ?? null,
  fields: fieldsOf(query.plan.root.schema),
  sources: query.sources,
  sinks: query.kind === 'source-table' ? [] : [query.sink],
  topology: topologyText(query.plan, context),
  executionPlan: planText(query.plan, query.id, context),
  overriddenProperties: query.properties,
  queryType: 'PERSISTENT',
  state: null,
  queryErrors: [],
});
