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
 * (`../evaluate/repeatable.ts`). So what a query writes does not depend on the queries that read beside it.
 *
 * Steps are alike when they are equal as data, but for the names of columns (`alike-steps.ts`). That is found out when
 * tasks are made, by counting the scans of a partition that have the step (`step-registry.ts`); plans and state do not
 * depend on it. Where a scan is the only one with a step, nothing is worked out ahead or kept; where another one comes,
 * sharing begins with the next block (`block-steps.ts`). Queries at other positions read other blocks, and share
 * nothing. Here is what a scan does with all of this.
 *
 * Left out on purpose: keys and their checks, conditions over keys or ROWTIME, and everything behind the first step
 * that has state or a topic of its own.
 */

import type { Block } from '../../engine/index.ts';
import type { TypedExpression } from '../analyze/typed.ts';
import type { Evaluate } from '../evaluate/closure.ts';
import { hasPartFaults } from '../evaluate/part-faults.ts';
import type { Value } from '../types/value.ts';
import { type AlikeSteps, type AlikeValues, allAlike, idOf } from './alike-steps.ts';
import {
  allHold,
  type BlockSteps,
  type Condition,
  notShared,
  type ParsedBlock,
  type Selection,
  type Vectors,
} from './block-steps.ts';
import type { StepRegistry } from './step-registry.ts';

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
