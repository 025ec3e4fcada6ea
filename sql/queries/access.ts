/**
 * How a pull query finds the rows of a table: by which keys, within which windows; or, where the condition names none,
 * by a scan.
 *
 * The condition is read for what it allows: equality with a literal (or a list of them) on every key column gives keys,
 * comparisons of a single key of text give a range of keys, comparisons of WINDOWSTART and WINDOWEND with literals give
 * a range of windows: of their starts, or, since sessions are kept in that order, of their ends. OR takes both sides'
 * rows, AND what both allow. What is derived here only narrows the read: the condition itself is then evaluated for
 * every row that was read.
 */

import { assert, base64 } from '../../base/index.ts';
import { type LogicalNode, printNamed } from '../analyze/logical.ts';
import type { AnalyzedQuery } from '../analyze/query.ts';
import type { ScopedSource } from '../analyze/scope.ts';
import { type ColumnReference, printTyped, type TypedExpression } from '../analyze/typed.ts';
import { constantOf } from '../evaluate/closure.ts';
import type { ComparisonOperator } from '../parser/ast.ts';
import type { Schema } from '../types/schema.ts';
import { booleanType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import { foldCondition } from './condition-fold.ts';

export interface Access {
  /** Keys by column; undefined: all of them. */
  readonly keys: readonly Row[] | undefined;
  /** For tables with one key column of text: bounds of it, both included; undefined: open. */
  readonly low: string | undefined;
  readonly high: string | undefined;
  /** Bounds of window starts, of sessions bounds of their ends, both included. */
  readonly from: number;
  readonly to: number;
}

const everything: Access = {
  keys: undefined,
  low: undefined,
  high: undefined,
  from: Number.NEGATIVE_INFINITY,
  to: Number.POSITIVE_INFINITY,
};

/** With more keys than this the table is scanned. */
const mostKeys = 1000;

/** What one condition allows: values by key column, and windows. */
interface Narrowing {
  /** For each key column the values that it may have; undefined: any. */
  readonly columns: readonly (readonly Value[] | undefined)[];
  /** Whole keys, where an OR of them was met. */
  readonly keys: readonly Row[] | undefined;
  readonly low: string | undefined;
  readonly high: string | undefined;
  readonly from: number;
  readonly to: number;
}

export const accessOf = (predicate: TypedExpression | undefined, schema: Schema): Access => {
  if (predicate === undefined) return everything;
  const narrowing = narrow(predicate, schema);
  const { low, high, from, to } = narrowing;
  return { keys: keysOf(narrowing), low, high, from, to };
};

/** WHERE, and HAVING, which is a condition like it where nothing is grouped. */
export const conditionOf = (node: LogicalNode): TypedExpression | undefined => {
  // A projection below reads columns from headers.
  if (node.kind !== 'filter') return undefined;
  const below = conditionOf(node.input);
  if (below === undefined) return node.predicate;
  return { kind: 'logical', operator: 'AND', operands: [below, node.predicate], type: booleanType };
};

/** How a query reads its stream or table, as a line of EXPLAIN. */
export const accessText = ({ plan, sources, limit }: AnalyzedQuery): string => {
  const { source } = sources[0] as ScopedSource;
  assert(plan.kind === 'project', 'a pull query selects columns');
  const predicate = conditionOf(plan.input);
  const items = printNamed(plan.items);
  const where = predicate === undefined ? '' : ` where ${printTyped(predicate)}`;
  const most = limit === undefined ? '' : `, the first ${limit}`;
  const how = source.kind === 'table' ? howOf(accessOf(predicate, source.schema)) : 'Scan';
  return `${how} ${source.kind} ${source.name}: ${items}${where}${most}`;
};

const howOf = ({ keys, low, high, from, to }: Access): string => {
  if (keys !== undefined) return keys.length === 1 ? 'Look up 1 key of' : `Look up ${keys.length} keys of`;
  if (low !== undefined || high !== undefined) return 'Scan a range of keys of';
  return Number.isFinite(from) || Number.isFinite(to) ? 'Scan some windows of' : 'Scan';
};

const keysOf = ({ columns, keys }: Narrowing): readonly Row[] | undefined => {
  if (keys !== undefined) return keys;
  if (columns.length === 0) return undefined;
  let rows: Row[] = [[]];
  for (const values of columns) {
    if (values === undefined || rows.length * values.length > mostKeys) return undefined;
    rows = rows.flatMap((row) => values.map((value) => [...row, value]));
  }
  return rows;
};

const narrow = (predicate: TypedExpression, schema: Schema): Narrowing => {
  const nothing: Narrowing = {
    columns: schema.key.map(() => undefined),
    keys: undefined,
    low: undefined,
    high: undefined,
    from: Number.NEGATIVE_INFINITY,
    to: Number.POSITIVE_INFINITY,
  };
  return foldCondition(predicate, {
    nothing,
    both,
    either,
    compare: (column, operator, literal) => compare(column, operator, constantOf(literal), schema, nothing),
    among(column, literals) {
      if (column.from !== 'key') return nothing;
      const found = new Map<string, Value>();
      for (const literal of literals) {
        const constant = constantOf(literal);
        if (constant !== null) found.set(keyOf([constant]), constant);
      }
      return {
        ...nothing,
        columns: nothing.columns.map((_, i) => (i === column.index ? [...found.values()] : undefined)),
      };
    },
  });
};

const compare = (
  column: ColumnReference,
  operator: ComparisonOperator,
  value: Value,
  schema: Schema,
  nothing: Narrowing,
): Narrowing => {
  if (column.from === 'key') {
    if (operator === '<>') return nothing;
    if (operator !== '=') {
      if (schema.key.length !== 1 || typeof value !== 'string' || !ordersLikeBytes(value)) return nothing;
      return operator === '<' || operator === '<=' ? { ...nothing, high: value } : { ...nothing, low: value };
    }
    const values = value === null ? [] : [value];
    return { ...nothing, columns: nothing.columns.map((_, i) => (i === column.index ? values : undefined)) };
  }
  if ((column.from !== 'windowstart' && column.from !== 'windowend') || typeof value !== 'number') return nothing;
  // A session ends at its start at the earliest; how late it ends its start does not tell.
  if (schema.windowed?.type === 'SESSION' && column.from === 'windowstart') {
    if (operator === '<' || operator === '<=' || operator === '<>') return nothing;
    return { ...nothing, from: operator === '>' ? value + 1 : value };
  }
  const start = column.from === 'windowstart' ? value : value - (schema.windowed?.sizeMs ?? 0);
  switch (operator) {
    case '=':
      return { ...nothing, from: start, to: start };
    case '<':
      return { ...nothing, to: start - 1 };
    case '<=':
      return { ...nothing, to: start };
    case '>':
      return { ...nothing, from: start + 1 };
    case '>=':
      return { ...nothing, from: start };
    case '<>':
      return nothing;
  }
};

const both = (a: Narrowing, b: Narrowing): Narrowing => ({
  columns: a.columns.map((values, i) => {
    const others = b.columns[i];
    if (values === undefined || others === undefined) return values ?? others;
    const allowed = new Set(others.map((value) => keyOf([value])));
    return values.filter((value) => allowed.has(keyOf([value])));
  }),
  // The condition is evaluated anyway: one side's keys are enough.
  keys: a.keys ?? b.keys,
  low: a.low === undefined ? b.low : b.low === undefined || a.low > b.low ? a.low : b.low,
  high: a.high === undefined ? b.high : b.high === undefined || a.high < b.high ? a.high : b.high,
  from: Math.max(a.from, b.from),
  to: Math.min(a.to, b.to),
});

/** Texts are compared by UTF-16 units, stores are ordered by UTF-8 bytes: the same but above U+D7FF, and every text is
 *  on the same side of one that stays below. */
const ordersLikeBytes = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0xd800) return false;
  return true;
};

const either = (a: Narrowing, b: Narrowing): Narrowing => {
  const left = keysOf(a);
  const right = keysOf(b);
  const keys = left === undefined || right === undefined ? undefined : distinct([...left, ...right]);
  return {
    columns: a.columns.map(() => undefined),
    keys,
    low: a.low === undefined || b.low === undefined ? undefined : a.low < b.low ? a.low : b.low,
    high: a.high === undefined || b.high === undefined ? undefined : a.high > b.high ? a.high : b.high,
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
  };
};

const distinct = (rows: readonly Row[]): readonly Row[] => [...new Map(rows.map((row) => [keyOf(row), row])).values()];

/** Values from literals as text: as different as they are, since each is in the type of its column. */
const keyOf = (values: Row): string =>
  JSON.stringify(
    values.map((value) =>
      value instanceof Uint8Array ? base64(value) : typeof value === 'bigint' ? String(value) : value,
    ),
  );
