/**
 * Aggregates in a pull query: all rows that it reads are folded into one.
 *
 * The query is cut in two: a pull query for the columns that the aggregates need, with the condition of WHERE, and the
 * fold over its rows, behind which HAVING and the SELECT list are evaluated once. Over no rows at all COUNT is 0 and
 * every other aggregate NULL, as SQL has it. Rows are folded batch by batch: none is kept. What the aggregates keep
 * (COLLECT_LIST keeps every value) is bounded by `maxGroupBytes`.
 */

import { ByteWriter, UserError } from '../../base/index.ts';
import { StreamRecord } from '../../engine/index.ts';
import {
  functionOf,
  type LogicalAggregate,
  type LogicalFilter,
  type LogicalNode,
  type LogicalProject,
} from '../analyze/logical.ts';
import type { AnalyzedQuery } from '../analyze/query.ts';
import { columnsOf } from '../analyze/typed.ts';
import type { Catalog } from '../catalog.ts';
import { accumulatorTypes, aggregator, resultFiller } from '../compile/aggregates.ts';
import type { CompileEnvironment } from '../compile/environment.ts';
import { columnScope } from '../compile/reading.ts';
import { condition, rowFiller } from '../compile/select.ts';
import { keylessFormat } from '../formats/index.ts';
import { rebind } from '../plan/rules/prune-columns.ts';
import { applyRules } from '../plan/rules.ts';
import { RowEncoding } from '../types/row-encoding.ts';
import type { Schema } from '../types/schema.ts';
import { RowSlots } from '../types/slots.ts';
import type { SqlType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import { silentContext } from './materialized.ts';

type Rows = () => AsyncGenerator<readonly Row[], void, undefined>;

export interface AggregatedPull {
  /** The query for the rows that are folded. */
  readonly input: AnalyzedQuery;
  readonly fold: (rows: Rows) => Rows;
}

/** Undefined: the query has no aggregates. */
export const aggregatePull = (
  analyzed: AnalyzedQuery,
  catalog: Catalog,
  environment: CompileEnvironment,
): AggregatedPull | undefined => {
  const found = partsOf(applyRules(analyzed.plan, { catalog }).plan);
  if (found === undefined) return undefined;
  const { project, filters, groups } = found;
  const columns = columnsOf(...groups.aggregates.flatMap((call) => call.args));
  const schema: Schema = { key: [], value: columns.map(({ name, type }) => ({ name, type })) };
  const input: LogicalProject = {
    kind: 'project',
    input: groups.input,
    items: columns.map((column) => ({ name: column.name, expression: column })),
    flow: groups.input.flow,
    schema: { ...groups.input.schema, value: schema.value },
  };
  const calls = groups.aggregates.map((call) => ({ ...call, args: call.args.map((arg) => rebind(arg, schema)) }));
  const types = accumulatorTypes(calls, environment);
  const size = new GroupSize(types);
  const { initialize, add } = aggregator(calls, scopeOf(schema), environment);
  const fillResults = resultFiller(calls, environment);
  const tests = filters.map(({ predicate }) => condition(predicate, scopeOf(groups.schema), environment));
  const fillItems = rowFiller(project.items, scopeOf(groups.schema), environment);
  const overNothing = calls.map(
    (call) => environment.functions.aggregate(functionOf(call)).definition.overNothing ?? null,
  );

  const fold = (rows: Rows): Rows =>
    async function* folded() {
      if (analyzed.limit === 0) return;
      const record = new StreamRecord<Row>();
      const slots = new RowSlots(new Array<Value>(types.length).fill(null));
      initialize(slots);
      let any = false;
      for await (const batch of rows()) {
        any ||= batch.length > 0;
        for (const row of batch) {
          record.value = row;
          add(slots, record, silentContext);
        }
        size.check(slots.row, batch.length);
        // Nothing to give yet; but a client that has left is noticed here.
        yield [];
      }
      const results = new Array<Value>(calls.length).fill(null);
      if (any) fillResults(slots, record, silentContext, results);
      else for (let i = 0; i < calls.length; i++) results[i] = overNothing[i] as Value;
      record.value = results;
      if (!tests.every((test) => test(record, silentContext))) return;
      const row = new Array<Value>(project.items.length).fill(null);
      fillItems(record, silentContext, row);
      yield [row];
    };
  return { input: { ...analyzed, plan: input, limit: undefined }, fold };
};

/** Bytes that the accumulators of a pull query may take in the row encoding: what one group of a table may take in its
 *  changelog. */
const maxGroupBytes = 16 << 20;

/** Watches how large the accumulators get: measured when there are a quarter more rows than the last time, so that all
 *  of it costs little. */
class GroupSize {
  readonly #encoding: RowEncoding;
  readonly #out = new ByteWriter(64);
  #rows = 0;
  #nextAt = 0;

  constructor(types: readonly SqlType[]) {
    this.#encoding = new RowEncoding(types);
  }

  check(accumulators: Row, moreRows: number): void {
    this.#rows += moreRows;
    if (this.#rows < this.#nextAt) return;
    this.#nextAt = this.#rows + Math.ceil(this.#rows / 4);
    this.#out.reset();
    this.#encoding.write(accumulators, this.#out);
    if (this.#out.length <= maxGroupBytes) return;
    throw new UserError(
      'SQL_PULL_TOO_LARGE',
      `the aggregates of the query hold more than ${maxGroupBytes >> 20} MiB after ${this.#rows} rows`,
      { hint: 'Read fewer rows (WHERE), or use aggregates that do not keep every value.' },
    );
  }
}

const scopeOf = (schema: Schema) => columnScope(schema, { name: keylessFormat.name }, 'row');

/** The SELECT list, the conditions of HAVING, and the groups below them. */
const partsOf = (
  plan: LogicalNode,
):
  | {
      readonly project: LogicalProject;
      readonly filters: readonly LogicalFilter[];
      readonly groups: LogicalAggregate;
    }
  | undefined => {
  if (plan.kind !== 'project') return undefined;
  const filters: LogicalFilter[] = [];
  let below = plan.input;
  while (below.kind === 'filter') {
    filters.push(below);
    below = below.input;
  }
  return below.kind === 'aggregate' ? { project: plan, filters, groups: below } : undefined;
};
