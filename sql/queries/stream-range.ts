/**
 * Which part of a topic a pull query on a stream has to read: the range that its condition leaves of ROWTIME and
 * ROWOFFSET.
 *
 * Comparisons with literals narrow the range, AND narrows further, OR takes both sides'; nothing else narrows.
 * The range only saves reading: the condition itself is evaluated for every row that was read. An upper bound of
 * ROWTIME alone ends nothing, because topics are not ordered by time.
 */

import type { LogicalNode } from '../analyze/logical.ts';
import type { ColumnReference, TypedExpression, TypedOf } from '../analyze/typed.ts';
import { constantOf } from '../evaluate/closure.ts';
import type { ComparisonOperator } from '../parser/ast.ts';
import { foldCondition } from './condition-fold.ts';

export interface StreamRange {
  /** Bounds of ROWTIME in epoch milliseconds, both included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Bounds of ROWOFFSET, both included. */
  readonly fromOffset: number;
  readonly toOffset: number;
}

const everything: StreamRange = {
  fromMs: Number.NEGATIVE_INFINITY,
  toMs: Number.POSITIVE_INFINITY,
  fromOffset: Number.NEGATIVE_INFINITY,
  toOffset: Number.POSITIVE_INFINITY,
};

/** The range that the filters right above the source leave. */
export const streamRangeOf = (plan: LogicalNode): StreamRange => {
  switch (plan.kind) {
    case 'project':
      return streamRangeOf(plan.input);
    case 'filter':
      return both(streamRangeOf(plan.input), rangeOf(plan.predicate));
    case 'source':
    case 'flat-map':
    case 'rekey':
    case 'aggregate':
    case 'join':
      return everything;
  }
};

/** No row can be in it. */
export const isEmpty = ({ fromMs, toMs, fromOffset, toOffset }: StreamRange): boolean =>
  fromMs > toMs || fromOffset > toOffset;

export const rangeOf = (predicate: TypedExpression): StreamRange =>
  foldCondition(predicate, { nothing: everything, both, either, compare });

/** Bounds are taken as included ones: a row too many is read, and the condition leaves it out. */
const compare = (column: ColumnReference, operator: ComparisonOperator, literal: TypedOf<'literal'>): StreamRange => {
  const value = constantOf(literal);
  if (typeof value !== 'number') return everything;
  const low = operator === '>' || operator === '>=' || operator === '=' ? value : Number.NEGATIVE_INFINITY;
  const high = operator === '<' || operator === '<=' || operator === '=' ? value : Number.POSITIVE_INFINITY;
  if (column.from === 'rowtime') return { ...everything, fromMs: low, toMs: high };
  if (column.from === 'rowoffset') return { ...everything, fromOffset: Math.ceil(low), toOffset: Math.floor(high) };
  return everything;
};

const both = (a: StreamRange, b: StreamRange): StreamRange => ({
  fromMs: Math.max(a.fromMs, b.fromMs),
  toMs: Math.min(a.toMs, b.toMs),
  fromOffset: Math.max(a.fromOffset, b.fromOffset),
  toOffset: Math.min(a.toOffset, b.toOffset),
});

const either = (a: StreamRange, b: StreamRange): StreamRange => {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return {
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    fromOffset: Math.min(a.fromOffset, b.fromOffset),
    toOffset: Math.max(a.toOffset, b.toOffset),
  };
};
