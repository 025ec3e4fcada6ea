/**
 * GROUP BY and aggregates of a pull query.
 *
 * The query is cut in two: a query for what is grouped by and the columns that the aggregates need, with the condition
 * of WHERE, and the groups of its rows, behind which HAVING and the SELECT list are evaluated. No row is kept, only the
 * accumulators of each group. Groups come in the order of their first rows.
 *
 * A row of which a group expression is NULL is in no group, as in a table that GROUP BY makes. Without GROUP BY all
 * rows are one group, which is there over no rows too: COUNT is 0 then and every other aggregate NULL, as SQL has it.
 */

import { StreamRecord } from '../../../engine/index.ts';
import { noGroup } from '../../analyze/aggregation.ts';
import {
  functionOf,
  type LogicalAggregate,
  type LogicalFilter,
  type LogicalNode,
  type LogicalProject,
  printAggregate,
  printNamed,
} from '../../analyze/logical.ts';
import type { AnalyzedQuery } from '../../analyze/query.ts';
import { columnsOf } from '../../analyze/typed.ts';
import { accumulatorTypes, aggregator, resultFiller } from '../../compile/aggregates.ts';
import type { CompileEnvironment } from '../../compile/environment.ts';
import { columnScope } from '../../compile/reading.ts';
import { condition, rowFiller } from '../../compile/select.ts';
import { keylessFormat } from '../../formats/index.ts';
import { rebind } from '../../plan/rules/prune-columns.ts';
import type { Schema } from '../../types/schema.ts';
import { FixedSlots, RowSlots } from '../../types/slots.ts';
import type { Row, Value } from '../../types/value.ts';
import { silentContext } from '../materialized.ts';
import { bytesOf, bytesOfRow, entryBytes, type QueryMemory } from './memory.ts';
import { rowKey } from './row-key.ts';
import { batchRows, type PullStep } from './step.ts';

export interface Aggregated {
  /** The query for the rows that are grouped. */
  readonly input: AnalyzedQuery;
  readonly over: (rows: PullStep) => PullStep;
}

interface Group {
  /** What is grouped by, behind it the results. */
  readonly row: Row;
  readonly slots: Row;
  rows: number;
  /** The accumulators are measured again when so many rows have come. */
  measureAt: number;
  bytes: number;
}

/** Undefined: the query has neither groups nor aggregates. */
export const hashAggregate = (
  analyzed: AnalyzedQuery,
  environment: CompileEnvironment,
  memory: QueryMemory,
): Aggregated | undefined => {
  const found = partsOf(analyzed.plan);
  if (found === undefined) return undefined;
  const { project, filters, groups } = found;
  const keys = groups.groupBy.filter(({ name }) => name !== noGroup);
  const columns = columnsOf(...groups.aggregates.flatMap((call) => call.args));
  // Names of what is grouped by may be those of columns.
  const items = [
    ...keys.map(({ expression }, i) => ({ name: ` group ${i}`, expression })),
    ...columns.map((column) => ({ name: column.name, expression: column })),
  ];
  const read: Schema = { key: [], value: items.map(({ name, expression }) => ({ name, type: expression.type })) };
  const input: LogicalProject = {
    kind: 'project',
    input: groups.input,
    items,
    flow: groups.input.flow,
    schema: { ...groups.input.schema, value: read.value },
  };
  const calls = groups.aggregates.map((call) => ({ ...call, args: call.args.map((arg) => rebind(arg, read)) }));
  const behind: Schema = {
    key: [],
    value: [...keys.map(({ name, expression }) => ({ name, type: expression.type })), ...groups.schema.value],
  };
  const slotTypes = accumulatorTypes(calls, environment);
  const isFixed = FixedSlots.over(slotTypes) !== undefined;
  const { initialize, add } = aggregator(calls, scopeOf(read), environment);
  const fillResults = resultFiller(calls, environment);
  const tests = filters.map(({ predicate }) => condition(rebind(predicate, behind), scopeOf(behind), environment));
  const shown = project.items.map(({ name, expression }) => ({ name, expression: rebind(expression, behind) }));
  const fillShown = rowFiller(shown, scopeOf(behind), environment);
  const overNothing = calls.map(
    (call) => environment.functions.aggregate(functionOf(call)).definition.overNothing ?? null,
  );
  const what = keys.length > 0 ? 'GROUP BY' : 'an aggregate';

  const over = (rows: PullStep): PullStep => ({
    text: `Aggregate${keys.length === 0 ? '' : ` by ${printNamed(keys)}`}: ${calls.map(printAggregate).join(', ') || 'no aggregates'}`,
    inputs: [rows],
    async *rows() {
      const keyOfRow = rowKey(keys.map(({ expression }) => expression.type));
      const byKey = new Map<Value, Group>();
      const record = new StreamRecord<Row>();
      const slots = new RowSlots();
      const results = new Array<Value>(calls.length).fill(null);
      const width = keys.length;

      const groupOf = (row: Row): Group => {
        const own = width === 1 ? row : row.slice(0, width);
        const key = keyOfRow(own);
        let group = byKey.get(key);
        if (group === undefined) {
          group = {
            row: row.slice(0, width),
            slots: new Array<Value>(slotTypes.length).fill(null),
            rows: 0,
            measureAt: 1,
            bytes: 0,
          };
          slots.row = group.slots;
          initialize(slots);
          byKey.set(key, group);
          group.bytes = bytesOfRow(group.slots);
          memory.take(2 * entryBytes + bytesOf(key) + bytesOfRow(group.row) + group.bytes, what);
        }
        return group;
      };
      const measure = (group: Group): void => {
        // So seldom that measuring costs little beside adding.
        group.measureAt = group.rows + Math.ceil(group.rows / 4);
        const bytes = bytesOfRow(group.slots);
        memory.take(bytes - group.bytes, what);
        group.bytes = bytes;
      };

      for await (const batch of rows.rows()) {
        for (const row of batch) {
          const group = groupOf(row);
          slots.row = group.slots;
          record.value = row;
          add(slots, record, silentContext);
          group.rows++;
          if (!isFixed && group.rows >= group.measureAt) measure(group);
        }
        // Nothing to give yet; but a client that has left is noticed here.
        yield [];
      }
      const isEmpty = byKey.size === 0 && width === 0;
      if (isEmpty) groupOf([]);
      let page: Row[] = [];
      for (const group of byKey.values()) {
        slots.row = group.slots;
        if (!isEmpty) fillResults(slots, record, silentContext, results);
        record.value = [...group.row, ...(isEmpty ? overNothing : results)];
        if (!tests.every((test) => test(record, silentContext))) continue;
        const row = new Array<Value>(shown.length).fill(null);
        fillShown(record, silentContext, row);
        page.push(row);
        if (page.length < batchRows) continue;
        yield page;
        page = [];
      }
      yield page;
    },
  });
  return { input: { ...analyzed, plan: input, limit: undefined }, over };
};

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
