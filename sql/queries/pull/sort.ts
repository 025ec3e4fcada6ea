/**
 * ORDER BY: rows in the order of some of their columns, rows that are equal there in the order in which they came.
 *
 * Rows are sorted in runs of a few thousand as they come, and the runs merged while they are taken: no sort of all rows
 * at once holds up the thread. Where only the first rows are wanted (LIMIT) no more than about twice as many are kept.
 */

import type { OrderKey } from '../../analyze/order.ts';
import { orderOf } from '../../types/equality.ts';
import type { SqlType } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';
import { bytesOfRow, type QueryMemory } from './memory.ts';
import { batchRows, type PullStep } from './step.ts';

const runRows = 4096;

type Compare = (a: Row, b: Row) => number;

export interface SortOptions {
  readonly order: readonly OrderKey[];
  readonly types: readonly SqlType[];
  readonly names: readonly string[];
  /** How many of the first rows are wanted; left out: all. */
  readonly first: number | undefined;
  /** How many columns the sorted rows keep: what is sorted by only stands behind them. */
  readonly width: number;
  readonly memory: QueryMemory;
}

export const sort = (input: PullStep, options: SortOptions): PullStep => {
  const { order, types, first, width, memory } = options;
  const compare = comparator(order, types);
  return {
    text: `Sort by ${order.map((key) => printKey(key, options)).join(', ')}${first === undefined ? '' : `, the first ${first}`}`,
    inputs: [input],
    async *rows() {
      let runs: Row[][] = [];
      let run: Row[] = [];
      let kept = 0;
      const most = first === undefined ? Number.POSITIVE_INFINITY : 2 * Math.max(first, runRows);
      for await (const batch of input.rows()) {
        let bytes = 0;
        for (const row of batch) {
          run.push(row);
          bytes += bytesOfRow(row);
        }
        memory.take(bytes, 'ORDER BY');
        kept += batch.length;
        if (run.length >= runRows) {
          runs.push(run.sort(compare));
          run = [];
        }
        if (kept >= most && run.length === 0) {
          const best: Row[] = [];
          const all = merged(runs, compare);
          for (const row of all) {
            if (best.length < (first ?? 0)) best.push(row);
            else memory.give(bytesOfRow(row));
          }
          runs = [best];
          kept = best.length;
        }
        yield [];
      }
      if (run.length > 0) runs.push(run.sort(compare));
      let page: Row[] = [];
      let left = first ?? Number.POSITIVE_INFINITY;
      for (const row of merged(runs, compare)) {
        if (left-- <= 0) break;
        if (row.length > width) row.length = width;
        page.push(row);
        if (page.length < batchRows) continue;
        yield page;
        page = [];
      }
      yield page;
    },
  };
};

const comparator = (order: readonly OrderKey[], types: readonly SqlType[]): Compare => {
  const keys = order.map(({ column, descending, nulls }) => ({
    column,
    sign: descending ? -1 : 1,
    nullSign: nulls === 'first' ? -1 : 1,
    order: orderOf(types[column] as SqlType),
  }));
  return (a, b) => {
    for (const { column, sign, nullSign, order: compare } of keys) {
      const left = a[column] as Value;
      const right = b[column] as Value;
      if (left === null || right === null) {
        if (left === right) continue;
        return left === null ? nullSign : -nullSign;
      }
      const found = compare(left, right);
      if (found !== 0) return sign * found;
    }
    return 0;
  };
};

/** The rows of sorted runs in one order; of equal rows those of an earlier run first. The runs wait in a heap, the one
 *  with the first row on top. */
function* merged(runs: readonly Row[][], compare: Compare): Generator<Row, void, undefined> {
  const heap = runs.map((rows, index) => ({ rows, index, next: 0 })).filter(({ rows }) => rows.length > 0);
  type Waiting = (typeof heap)[number];
  const before = (a: Waiting, b: Waiting): boolean => {
    const found = compare(a.rows[a.next] as Row, b.rows[b.next] as Row);
    return found < 0 || (found === 0 && a.index < b.index);
  };
  const sink = (from: number): void => {
    for (let at = from; ; ) {
      const child = 2 * at + 1;
      if (child >= heap.length) return;
      const other = child + 1;
      const least = other < heap.length && before(heap[other] as Waiting, heap[child] as Waiting) ? other : child;
      if (!before(heap[least] as Waiting, heap[at] as Waiting)) return;
      [heap[at], heap[least]] = [heap[least] as Waiting, heap[at] as Waiting];
      at = least;
    }
  };
  for (let at = heap.length >> 1; at >= 0; at--) if (at < heap.length) sink(at);
  for (;;) {
    const [top] = heap;
    if (top === undefined) return;
    yield top.rows[top.next++] as Row;
    if (top.next >= top.rows.length) {
      const last = heap.pop() as Waiting;
      if (heap.length === 0) return;
      if (last !== top) heap[0] = last;
    }
    sink(0);
  }
}

const printKey = ({ column, descending, nulls }: OrderKey, { names, width }: SortOptions): string => {
  const name = column < width ? (names[column] ?? '') : `expression ${column - width + 1}`;
  return `${name}${descending ? ' DESC' : ''} NULLS ${nulls.toUpperCase()}`;
};
