/**
 * The steps that queries share, behind the columns that they share (`scan-view.ts`).
 *
 * Where plans over one source begin alike, what they begin with is worked out once for each block, and not once for
 * each query of the thread:
 *
 * - the conditions of WHERE, or those of them that stand first in an AND, for the whole block at once (`Selection`): a
 *   query then goes through the rows that pass, and does not look at the others;
 * - the values of expressions (computed columns, arguments of aggregates, new keys), and the event time where it is
 *   read from a text: each when the first query needs it. They are kept in vectors behind those of the source's
 *   columns, each at a place of its own, so that the others find them under the same row.
 *
 * Law: values are shared and nothing else. What fails, or has a part that fails, is not kept: each query evaluates it
 * again by itself, and logs it or fails by itself. Only repeatable expressions over value columns are shared
 * (`../evaluate/repeatable.ts`). So what a query writes does not depend on who reads beside it.
 *
 * Steps are alike when they are equal as data, but for the names of columns. That is found out when tasks are made, by
 * counting the scans of a partition that have the step; plans and state do not depend on it. Where a scan is the only
 * one with a step, nothing is worked out ahead or kept; where another one comes, sharing begins with the next block.
 * Queries at other positions read other blocks, and share nothing.
 *
 * Left out on purpose: keys and their checks, conditions over keys or ROWTIME, and everything behind the first step
 * that has state or a topic of its own.
 */

import { assert } from '../../base/index.ts';
import { type Block, StreamRecord } from '../../engine/index.ts';
import { columnsOf, mapColumns, printTyped, type TypedExpression } from '../analyze/typed.ts';
import type { Evaluate } from '../evaluate/closure.ts';
import { hasPartFaults, takePartFaults } from '../evaluate/part-faults.ts';
import { isRepeatable } from '../evaluate/repeatable.ts';
import { scanned } from '../formats/format.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Value } from '../types/value.ts';

/** The columns of a block by slot, and behind them the shared values by place; undefined: not known yet. */
type Vectors = (Value | undefined)[][];

/** Stands at a place whose values are not shared. */
const notShared: (Value | undefined)[] = [];

// ---------------------------------------------------------------- what a plan has

/** A step that other plans may have too. */
export interface AlikeStep {
  /** Equal for equal steps over one source. */
  readonly id: string;
  /** For people. */
  readonly text: string;
}

/** Values that may be shared. `slot` is where they lie among the vectors while a scan has them; the same in all
 *  tasks. */
export interface AlikeValues extends AlikeStep {
  slot: number;
}

/** What the scan of a plan may share with others. */
export interface AlikeSteps {
  /** The first condition, the first two, and so on. */
  readonly conditions: readonly AlikeStep[];
  readonly values: readonly AlikeValues[];
  readonly time: AlikeValues | undefined;
}

/** `conditions` are tried, in their order, before anything else of a record is looked at; `read` are the expressions
 *  behind them. */
export const alikeSteps = (
  step: SourceStep,
  {
    conditions: all,
    read,
  }: { readonly conditions: readonly TypedExpression[]; readonly read: readonly TypedExpression[] },
  functions: FunctionRegistry,
): AlikeSteps => {
  const isShared = (expression: TypedExpression): boolean =>
    columnsOf(expression).every((column) => column.from === 'value') && isRepeatable(expression, functions);
  const end = all.findIndex((condition) => !isShared(condition));
  const conditions = all.slice(0, end < 0 ? undefined : end).map((_, i) => {
    const first = all.slice(0, i + 1);
    return { id: `where ${first.map(idOf).join()}`, text: `WHERE ${first.map(printTyped).join(' AND ')}` };
  });
  const values = new Map<string, AlikeValues>();
  for (const expression of read) {
    if (expression.kind === 'column' || expression.kind === 'literal' || !isShared(expression)) continue;
    const id = idOf(expression);
    values.set(id, { id, text: printTyped(expression), slot: -1 });
  }
  const { timestamp, schema } = step;
  const fromText = timestamp?.format !== undefined && schema.value.some((column) => column.name === timestamp.column);
  const time = fromText
    ? { id: `time ${JSON.stringify([timestamp.column, timestamp.format])}`, text: 'the event time', slot: -1 }
    : undefined;
  return { conditions, values: [...values.values()], time };
};

/** Columns are told apart by their slots: a query may call them as it likes. */
const idOf = (expression: TypedExpression): string =>
  JSON.stringify(mapColumns(expression, (column) => ({ ...column, name: '' })));

/** All steps of a scan that may be shared. */
export const allAlike = ({ conditions, values, time }: AlikeSteps): readonly AlikeStep[] => [
  ...conditions,
  ...values,
  ...(time === undefined ? [] : [time]),
];

// ---------------------------------------------------------------- which scans have it

interface Wanted {
  readonly place: number;
  /** How many scans have the step, by partition. */
  readonly scans: Map<number, number>;
}

/** Which scans of a thread have which steps. */
export class StepRegistry {
  /** By what the steps are over (a view), then by id. */
  readonly #wanted = new Map<string, Map<string, Wanted>>();

  /** A scan of the partition has these steps from now on; the returned function ends that. */
  want(view: string, partition: number, ids: readonly string[]): () => void {
    const wanted = this.#wanted.get(view) ?? new Map<string, Wanted>();
    this.#wanted.set(view, wanted);
    for (const id of ids) {
      const { scans } = this.#step(wanted, id);
      scans.set(partition, (scans.get(partition) ?? 0) + 1);
    }
    return () => {
      for (const id of ids) {
        const { scans } = wanted.get(id) as Wanted;
        const others = (scans.get(partition) as number) - 1;
        if (others > 0) scans.set(partition, others);
        else scans.delete(partition);
        if (scans.size === 0) wanted.delete(id);
      }
      if (wanted.size === 0 && this.#wanted.get(view) === wanted) this.#wanted.delete(view);
    };
  }

  #step(wanted: Map<string, Wanted>, id: string): Wanted {
    const known = wanted.get(id);
    if (known !== undefined) return known;
    const taken = new Set(Array.from(wanted.values(), ({ place }) => place));
    let place = 0;
    while (taken.has(place)) place++;
    const made = { place, scans: new Map<number, number>() };
    wanted.set(id, made);
    return made;
  }

  /** The place of a step that some scan has. */
  placeOf(view: string, id: string): number {
    const wanted = this.#wanted.get(view)?.get(id);
    assert(wanted !== undefined, 'only steps that some scan has are at a place');
    return wanted.place;
  }

  /** Whether several scans of the partition have the step. */
  isShared(view: string, partition: number, id: string): boolean {
    return (this.#wanted.get(view)?.get(id)?.scans.get(partition) ?? 0) > 1;
  }

  /** Views over which some scan has a step. */
  get size(): number {
    return this.#wanted.size;
  }
}

// ---------------------------------------------------------------- what is worked out for a block

/** What became of a condition: it failed, so that each query evaluates it again; it does not hold; it holds. */
export const outcome = { undecided: 0, fails: 1, passes: 2 } as const;

/** Undefined: not decided. */
type Condition = (record: StreamRecord<unknown>) => boolean | undefined;

/** The conditions of an AND as one. A NULL among them does not decide: what it means depends on what follows. */
const allHold =
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

// ---------------------------------------------------------------- what a scan does with it

/** The shared steps of one scan in one task. */
export class ScanSteps {
  /** Whether the selection is that of all conditions of the scan. */
  decides = false;
  readonly close: () => void;
  /** As many as leading conditions: the first one, the first two, and so on. */
  readonly #conditions: readonly { readonly id: string; readonly place: number; readonly test: Condition }[];
  readonly #values: readonly AlikeValues[];
  /** How many conditions the scan has. */
  readonly #all: number;
  readonly #registry: StepRegistry;
  readonly #view: string;
  readonly #partition: number;
  #prepared: BlockSteps | undefined;
  #use = -1;
  #selection: Selection | undefined;

  constructor(
    alike: AlikeSteps,
    scan: {
      readonly registry: StepRegistry;
      readonly view: string;
      readonly partition: number;
      /** How many slots there are for the source's columns. */
      readonly columns: number;
      readonly conditions: readonly Evaluate[];
    },
  ) {
    const { registry, view, partition, columns, conditions } = scan;
    this.#registry = registry;
    this.#view = view;
    this.#partition = partition;
    this.#all = conditions.length;
    const { time } = alike;
    this.#values = time === undefined ? alike.values : [...alike.values, time];
    const ids = allAlike(alike).map(({ id }) => id);
    this.close = registry.want(view, partition, ids);
    for (const values of this.#values) values.slot = columns + registry.placeOf(view, values.id);
    this.#conditions = alike.conditions.map(({ id }, i) => ({
      id,
      place: registry.placeOf(view, id),
      test: allHold(conditions.slice(0, i + 1)),
    }));
  }

  /** To be called before rows of a block are read, in each turn. Answers with the rows that are left by conditions that
   *  are shared; undefined: none are. */
  prepare(block: ParsedBlock): Selection | undefined {
    const { steps } = block;
    if (this.#prepared === steps && this.#use === steps.use) return this.#selection;
    this.#prepared = steps;
    this.#use = steps.use;
    const { count } = block.columns;
    for (const { slot, id } of this.#values) steps.prepareValues(slot, id, count, this.#isShared(id));
    const shared = this.#conditions.findLast(({ id }) => this.#isShared(id));
    this.decides = shared !== undefined && this.#conditions.indexOf(shared) + 1 === this.#all;
    this.#selection =
      shared && steps.selection(shared.place, shared.id, (selection) => selection.fill(block, shared.test));
    return this.#selection;
  }

  #isShared(id: string): boolean {
    return this.#registry.isShared(this.#view, this.#partition, id);
  }
}

/** The evaluation of an expression over a scan's vectors, shared where the scan shares its values. */
export type Share = (expression: TypedExpression, evaluate: Evaluate) => Evaluate;

export const shareOf = ({ values: all }: AlikeSteps): Share => {
  const byId = new Map(all.map((values) => [values.id, values]));
  if (byId.size === 0) return (_, evaluate) => evaluate;
  return (expression, evaluate) => {
    const found = byId.get(idOf(expression));
    if (found === undefined) return evaluate;
    return (record) => {
      const vectors = record.value as Vectors | null;
      const values = vectors === null ? notShared : (vectors[found.slot] as (Value | undefined)[]);
      if (values === notShared) return evaluate(record);
      const known = values[record.index];
      if (known !== undefined) return known;
      const value = evaluate(record);
      // Some may be of expressions before this one: its value is then left to another query.
      if (!hasPartFaults()) values[record.index] = value;
      return value;
    };
  };
};

/** The same for times: numbers by row, or what explains that there is none, which is not shared. */
export const shareTime = <N>(
  time: AlikeValues,
  read: (columns: Block['columns'], vectors: Vectors, row: number) => number | N,
): typeof read => {
  return (columns, vectors, row) => {
    const values = vectors[time.slot] as (Value | undefined)[];
    if (values === notShared) return read(columns, vectors, row);
    const known = values[row];
    if (typeof known === 'number') return known;
    const found = read(columns, vectors, row);
    if (typeof found === 'number') values[row] = found;
    return found;
  };
};
