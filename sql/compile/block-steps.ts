/** What is worked out once for a block: which of its rows pass the first conditions, and the values of expressions, in
 *  vectors behind those of the source's columns. */

import { type Block, StreamRecord } from '../../engine/index.ts';
import type { Evaluate } from '../evaluate/closure.ts';
import { takePartFaults } from '../evaluate/part-faults.ts';
import { scanned } from '../formats/format.ts';
import type { Value } from '../types/value.ts';

/** The columns of a block by slot, and behind them the shared values by place; undefined: not known yet. */
export type Vectors = (Value | undefined)[][];

/** Stands at a place whose values are not shared. */
export const notShared: (Value | undefined)[] = [];

/** What became of a condition: it failed, so that each query evaluates it again; it does not hold; it holds. */
export const outcome = { undecided: 0, fails: 1, passes: 2 } as const;

/** Undefined: not decided. */
export type Condition = (record: StreamRecord<unknown>) => boolean | undefined;

/** The conditions of an AND as one. A NULL among them does not decide: what it means depends on what follows. */
export const allHold =
  (conditions: readonly Evaluate[]): Condition =>
  (record) => {
    for (let i = 0; i < conditions.length; i++) {
      const value = (conditions[i] as Evaluate)(record);
      if (value !== true) return value === false ? false : undefined;
    }
    return true;
  };

/** A block whose columns are parsed. */
export interface ParsedBlock {
  readonly columns: Block['columns'];
  readonly vectors: Vectors;
  readonly passes: readonly { readonly vectors: { readonly status: Uint8Array } }[];
  readonly steps: BlockSteps;
}

/** Leading conditions over all records of a block. */
export class Selection {
  /** By row. */
  outcomes = new Uint8Array(0);
  /** The rows that are not out, in their order. */
  rows = new Int32Array(0);
  count = 0;

  fill({ columns, vectors, passes }: ParsedBlock, condition: Condition): void {
    const { count, valueStart } = columns;
    if (this.outcomes.length < count) {
      this.outcomes = new Uint8Array(count);
      this.rows = new Int32Array(count);
    }
    const { outcomes, rows } = this;
    const record = new StreamRecord<Vectors>();
    record.value = vectors;
    record.valueBytes = columns.bytes;
    let kept = 0;
    for (let row = 0; row < count; row++) {
      let found: number = outcome.undecided;
      if ((valueStart[row] as number) < 0) found = outcome.fails;
      else if (isRow(passes, row)) {
        record.index = row;
        const passed = attempt(condition, record);
        if (passed !== undefined) found = passed ? outcome.passes : outcome.fails;
      }
      outcomes[row] = found;
      if (found !== outcome.fails) rows[kept++] = row;
    }
    this.count = kept;
  }

  /** The index in `rows` of the first row that is not before this one. */
  indexOf(row: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.rows[middle] as number) < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether all passes found the record's columns to be good. */
const isRow = (passes: ParsedBlock['passes'], row: number): boolean => {
  for (let i = 0; i < passes.length; i++) {
    if ((passes[i] as ParsedBlock['passes'][number]).vectors.status[row] !== scanned.row) return false;
  }
  return true;
};

/** The result of a condition; undefined also where it, or a part of it, fails: what logs failures is then to be run. */
export const attempt = <R>(condition: (record: R) => boolean | undefined, record: R): boolean | undefined => {
  try {
    const passed = condition(record);
    return takePartFaults().length === 0 ? passed : undefined;
  } catch {
    takePartFaults();
    return undefined;
  }
};

/** What is shared of one block. */
export class BlockSteps {
  readonly #vectors: Vectors;
  readonly #columnCount: number;
  /** By place: the step whose values or selection lie there for this block. */
  readonly #ids: (string | undefined)[] = [];
  readonly #selections: (Selection | undefined)[] = [];
  /** Memory of values, by place. */
  readonly #memory: ((Value | undefined)[] | undefined)[] = [];
  /** Counts the blocks. */
  use = 0;

  constructor(vectors: Vectors) {
    this.#vectors = vectors;
    this.#columnCount = vectors.length;
  }

  /** Another block. */
  renew(): void {
    this.use++;
    for (let place = 0; place < this.#ids.length; place++) {
      if (this.#ids[place] !== undefined) continue;
      // Not needed for the last block.
      this.#selections[place] = undefined;
      this.#memory[place] = undefined;
      this.#vectors[this.#columnCount + place] = notShared;
    }
    this.#ids.fill(undefined);
  }

  /** Makes a slot ready for the values of a step. What is there already stays, shared or not. */
  prepareValues(slot: number, id: string, rows: number, shared: boolean): void {
    const place = slot - this.#columnCount;
    this.#reach(place);
    if (this.#ids[place] === id) return;
    this.#ids[place] = shared ? id : undefined;
    if (!shared) {
      this.#vectors[slot] = notShared;
      return;
    }
    const values = this.#memory[place] ?? [];
    this.#memory[place] = values;
    for (let row = 0; row < values.length; row++) values[row] = undefined;
    while (values.length < rows) values.push(undefined);
    this.#vectors[slot] = values;
  }

  selection(place: number, id: string, fill: (selection: Selection) => void): Selection {
    this.#reach(place);
    let selection = this.#selections[place];
    if (selection !== undefined && this.#ids[place] === id) return selection;
    selection ??= new Selection();
    this.#selections[place] = selection;
    this.#ids[place] = id;
    fill(selection);
    return selection;
  }

  #reach(place: number): void {
    while (this.#ids.length <= place) {
      this.#ids.push(undefined);
      this.#vectors.push(notShared);
    }
  }
}
