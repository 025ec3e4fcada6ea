/**
 * Fusing: a source, and the stateless steps right above it, as one scan.
 *
 * Steps are taken in one by one (`Scan`); what reads the scan then decides whether it delivers rows, or the block's
 * vectors to one that reads single columns.
 */

import { assert } from '../../base/index.ts';
import type { StreamRecord } from '../../engine/index.ts';
import type { NamedExpression } from '../analyze/logical.ts';
import { columnsOf, conjuncts, mapColumns, type TypedExpression } from '../analyze/typed.ts';
import type { Evaluate } from '../evaluate/closure.ts';
import { spanSlot } from '../formats/text-span.ts';
import { keyedSchema } from '../plan/plan.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Schema } from '../types/schema.ts';
import { type AlikeSteps, alikeSteps } from './alike-steps.ts';
import type { CompileEnvironment } from './environment.ts';
import { columnScope, type RecordValue, vectorScope } from './reading.ts';
import type { Fused } from './scan.ts';
import { compileAll, condition, rowMaker, type Test } from './select.ts';
import { type Share, shareOf } from './shared-steps.ts';
import { columnsAsSpans } from './spans.ts';

/** A source and the steps fused into its scan so far; not a node yet, because what reads it decides what the scan
 *  delivers. */
export interface Scan {
  readonly kind: 'scan';
  readonly step: SourceStep;
  readonly filters: readonly TypedExpression[];
  readonly items: readonly NamedExpression[] | undefined;
  readonly schema: Schema;
}

export interface ScanNeeds {
  /** Columns of the source that are read from the vectors behind the scan; left out: rows are wanted. */
  readonly columns?: readonly TypedExpression[];
  /** Where rows are wanted: which of their texts may be spans. */
  readonly takesSpan?: (place: number) => boolean;
  readonly noNullValues?: boolean;
  /** Which keys are wanted; made for each task. */
  readonly keys?: (() => Test) | undefined;
}

/** A scan with the steps fused into it. */
interface FusedScan {
  /** What it may share with scans of other queries. */
  readonly alike: AlikeSteps;
  readonly share: Share;
  /** Once for each task. */
  readonly makeFused: () => Fused;
}

export const fuse = (scan: Scan, needs: ScanNeeds, environment: CompileEnvironment): FusedScan => {
  const { step, filters } = scan;
  const rowsWanted = needs.columns === undefined;
  const items = rowsWanted
    ? (scan.items ??
      step.schema.value.map((column, index) => ({
        name: column.name,
        expression: { kind: 'column', name: column.name, from: 'value', index, type: column.type } as const,
      })))
    : undefined;
  const read = [...(items ?? []).map((item) => item.expression), ...(needs.columns ?? [])];
  const spans = columnsAsSpans(step, {
    conditions: filters,
    items: (items ?? []).map((item) => item.expression),
    takesSpan: needs.takesSpan ?? (() => false),
    others: needs.columns ?? [],
  });
  const columnCount = step.schema.value.length;
  const slots = columnsOf(...filters, ...read)
    .filter((column) => column.from === 'value')
    .map(({ index }) => (spans.has(index) ? spanSlot(columnCount, index) : index));
  const table = step.kind === 'tableSource';
  // Then they can be tried before anything else of a record is looked at.
  const fromValues = columnsOf(...filters).every((column) => column.from === 'value');
  const conditions = fromValues ? filters.flatMap(conjuncts) : [];
  const alike = alikeSteps(step, { conditions, read }, environment.functions);
  const share = shareOf(alike);
  const quick = !table && conditions.length > 0;
  const makeFused = (): Fused => {
    const scope = columnScope(keyedSchema(step), step.keyFormat, 'vectors', { share, spans });
    const quickScope = vectorScope(columnCount, spans);
    const tests: Test[] = [];
    if (!table && (filters.length > 0 || needs.noNullValues === true)) tests.push((record) => record.value !== null);
    for (const predicate of filters) tests.push(condition(predicate, scope, environment));
    const rest: Test[] = [];
    if (needs.keys !== undefined) rest.push(needs.keys());
    return {
      slots,
      keeps: conjunction([...tests, ...rest], table),
      conditions: compileAll(conditions, quickScope, environment),
      quick: quick ? allTrue(compileAll(filters, quickScope, environment)) : undefined,
      rest: conjunction(rest, table),
      row: items === undefined ? undefined : rowMaker(items, scope, environment),
      retracts: table,
    };
  };
  return { alike, share, makeFused };
};

const allTrue = (conditions: readonly Evaluate[]): ((record: StreamRecord<RecordValue>) => boolean) => {
  const [first, second] = conditions;
  if (first !== undefined && second === undefined) return (record) => first(record) === true;
  return (record) => {
    for (let i = 0; i < conditions.length; i++) if ((conditions[i] as Evaluate)(record) !== true) return false;
    return true;
  };
};

const isPlain = (expression: TypedExpression): boolean => expression.kind === 'column' || expression.kind === 'literal';

/** One test of all of them. A table's NULL record goes past its conditions: it is a deletion anyway. */
const conjunction = (tests: readonly Test[], table: boolean): Test | undefined => {
  const [first, second] = tests;
  if (first === undefined) return undefined;
  if (table) {
    return (record, context) => record.value !== null && tests.every((test) => test(record, context));
  }
  if (second === undefined) return first;
  if (tests.length === 2) return (record, context) => first(record, context) && second(record, context);
  return (record, context) => {
    for (let i = 0; i < tests.length; i++) if (!(tests[i] as Test)(record, context)) return false;
    return true;
  };
};

/**
 * The expression with the items of a projection below it in the place of its columns, so that both are one step over
 * the scan. Undefined where an item that is more than a column or a literal would stand within the expression, which
 * may evaluate it more than once. With `inPlace` it may stand there as the whole expression.
 */
export const substituted = (
  expression: TypedExpression,
  items: readonly NamedExpression[] | undefined,
  inPlace = false,
): TypedExpression | undefined => {
  if (items === undefined) return expression;
  let fits = true;
  const result = mapColumns(expression, (column) => {
    if (column.from !== 'value') return column;
    const item = items[column.index]?.expression;
    assert(item !== undefined, `no column ${column.name} below`);
    if (!isPlain(item) && !(inPlace && expression === column)) fits = false;
    return item;
  });
  return fits ? result : undefined;
};
