/**
 * What the plan has to know about one kind of step. Each kind has a file with its data and its definition, and a row in
 * `index.ts`; everything that walks a plan asks the definition, so a new kind is added without touching a walk.
 *
 * `Input` is the union of all steps, which only `index.ts` can name.
 */

import type { AggregateCall } from '../../analyze/logical.ts';
import type { FormatChoice } from '../../formats/choices.ts';
import type { Column, Schema } from '../../types/schema.ts';

/** What every step has. */
export interface StepBase {
  readonly id: string;
  readonly schema: Schema;
}

export interface StepDefinition<S, Input> {
  /** The steps that feed it, in the order of the text of the query: left before right. */
  inputs(step: S): readonly Input[];
  /** The same step over other inputs, which deliver what the former ones did. */
  withInputs(step: S, inputs: readonly Input[]): S;
  /** The keys behind it: those of its first input, passed on as they are, or keys that it makes or writes again. */
  readonly keys: 'passed' | KeysMade<S>;
  /** Where the rows of a table behind it can be looked up by key: in its own store, in that of its input (with the
   *  step's work done again at each look-up), or nowhere. */
  readonly lookup: 'own store' | 'input' | 'none';
  /** What its stores hold, where it has any. */
  stored?(step: S): readonly Stored<S | Input>[];
  /** What must be the same in a plan that takes the place of the step's own (CREATE OR REPLACE), by the names that
   *  messages give it. `nothing`: the step keeps nothing, so that such steps may come, go and change. Left out: a plan
   *  with such a step cannot be replaced. */
  kept?(step: S): KeptParts | 'nothing';
  /** What it does, as EXPLAIN shows it behind the kind. */
  print(step: S): string;
}

/** Parts of a step as text, by what they are called. */
export type KeptParts = Readonly<Record<string, string>>;

/** The entries of one store of a step. */
export interface Stored<S> {
  readonly store: string;
  /** The keys are those behind this step, and so are the rows. */
  readonly of: S;
  /** In place of those rows, the accumulators of these calls. */
  readonly accumulators?: readonly AggregateCall[];
  /** In place of rows, something of the step's own, under this name. */
  readonly holds?: string;
  /** How an entry holds a row, where it is not the row alone under its key; with a version. */
  readonly form?: string;
}

export interface KeysMade<S> {
  format(step: S): FormatChoice;
  /** The key columns, under the names that they have in the key's bytes. */
  columns(step: S): readonly Column[];
  /** The same step, whose key has these names in its bytes. */
  renamed(step: S, names: readonly string[]): S;
}

/** Of a step over one input. */
export const overOneInput = {
  inputs: <Input>(step: { readonly from: Input }): readonly Input[] => [step.from],
  withInputs: <Input, S extends { readonly from: Input }>(step: S, inputs: readonly Input[]): S => ({
    ...step,
    from: inputs[0] ?? step.from,
  }),
};

/** Of a join. */
export const overTwoInputs = {
  inputs: <Input>({ left, right }: { readonly left: Input; readonly right: Input }): readonly Input[] => [left, right],
  withInputs: <Input, S extends { readonly left: Input; readonly right: Input }>(
    step: S,
    [left, right]: readonly Input[],
  ): S => ({ ...step, left: left ?? step.left, right: right ?? step.right }),
};

export const renamedColumns = (columns: readonly Column[], names: readonly string[]): readonly Column[] =>
  columns.map((column, i) => ({ ...column, name: names[i] ?? column.name }));

/** Of a step whose schema has the key columns as they are called in the key's bytes. */
export const keysOfSchema = {
  format: (step: { readonly keyFormat: FormatChoice }): FormatChoice => step.keyFormat,
  columns: (step: StepBase): readonly Column[] => step.schema.key,
  renamed: <S extends StepBase>(step: S, names: readonly string[]): S => ({
    ...step,
    schema: { ...step.schema, key: renamedColumns(step.schema.key, names) },
  }),
};
