/**
 * How a function is declared: one literal with its signatures, words, examples and body. Documentation and tests read
 * it; the function needs no other line anywhere.
 *
 * A body takes its arguments as JavaScript values (`sql/types/value.ts`), already of the declared types, and gives back
 * a value of the result's type. It must not keep or change them, must end, and raises `EvaluationError` for what it
 * refuses. With `nulls: 'propagate'` a NULL argument makes the result NULL and the body never sees one; with `'own'` it
 * gets `null` and decides.
 *
 * A function that needs more than its arguments has `bind` in place of `body`: called once for each place where the
 * function is used, with the types, the constants and the clock and randomness of the host, it returns the body for
 * that place. A constant that it refuses, by an `EvaluationError`, is an error of the statement. Planning calls it too,
 * so it must have no effect. A function that uses the clock or randomness takes `context` from the call while it is
 * bound, not later: its results are then never shared between queries.
 *
 * A table function makes rows: its body gives the values that its column has in them.
 *
 * An aggregate keeps its state in slots of a row of the group: its `accumulator` names their types, so that state is
 * stored, logged and restored as any row. `add`, `undo` and `merge` change the slots from `at` on, by `get` and `set`:
 * where all slots of a group have a fixed width, that changes the stored bytes themselves. `undo` takes back one former
 * `add`; an aggregate without it cannot be used on tables. `merge` joins two sessions that a row has made one.
 */

import { assert } from '../../base/index.ts';
import type { Slots } from '../types/slots.ts';
import type { SqlType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import { givesResult, parseSignature, type Signature } from './signature.ts';

/** What a function may use of its surroundings. */
export interface FunctionContext {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}

/** One place where a function is used. */
export interface Call {
  /** Types of the arguments, after conversion; for a lambda the type of its body. */
  readonly args: readonly SqlType[];
  readonly result: SqlType;
  /** For each argument its value if it is a literal, else `undefined`. */
  readonly constants: readonly (Value | undefined)[];
  /** An aggregate over sessions: its accumulators are merged. */
  readonly merges?: boolean | undefined;
  readonly context: FunctionContext;
  /** The properties `ksql.functions.NAME.…` that the function reads, by what stands behind the name. They are those of
   *  the statement, and stay so. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** What a body gets for a lambda, to call as often as it likes before it returns, with as many values as the lambda has
 *  parameters. */
export type Lambda = (...values: readonly Value[]) => Value;

/** A body of any number of arguments. What it takes is up to its signature. */
export type Body = (...args: never[]) => Value;

/** An expression and the literal that it is equal to, both as SQL text. */
export type Example = readonly [expression: string, result: string];

interface Declared {
  /** One signature or several: overloads that share the rest of the entry. */
  readonly signature: string | readonly string[];
  readonly doc: string;
  /** What other dialects of SQL call it, for the hint where somebody writes such a name; with a name perhaps the form
   *  that does the same here. */
  readonly elsewhere?: readonly (string | readonly [name: string, form: string])[];
  /** The type of the result, from those of the arguments, where a signature cannot say it: its result is then ANY. */
  readonly resultOf?: (args: readonly SqlType[]) => SqlType;
}

export type ScalarDeclaration = Declared & {
  readonly nulls: 'propagate' | 'own';
  readonly examples: readonly Example[];
  /** The properties `ksql.functions.NAME.…` that `bind` reads. */
  readonly settings?: readonly string[];
} & ({ readonly body: Body } | { readonly bind: (call: Call) => Body });

export type ScalarDefinition = ScalarDeclaration & {
  readonly kind: 'scalar';
  readonly signatures: readonly Signature[];
};

/** The body of a table function: the values that become rows, in order. They are taken one by one while the rows go on,
 *  so that a generator needs no room for all of them. */
export type TableBody = (...args: never[]) => Iterable<Value>;

export type TableDeclaration = Declared & {
  /** With 'propagate' an argument that is NULL makes no rows. */
  readonly nulls: 'propagate' | 'own';
  /** A call and the literals of its rows, as SQL text. */
  readonly examples: readonly (readonly [call: string, rows: readonly string[]])[];
} & ({ readonly body: TableBody } | { readonly bind: (call: Call) => TableBody });

export type TableDefinition = TableDeclaration & {
  readonly kind: 'table';
  readonly signatures: readonly Signature[];
};

/** The state and the steps of an aggregate at one place. */
export interface Accumulator {
  /** Types of its slots. */
  readonly slots: readonly SqlType[];
  /** All slots are NULL before. */
  initialize(slots: Slots, at: number): void;
  /** `args` is lent for the call. Literal arguments are left out of it. */
  add(slots: Slots, at: number, args: readonly Value[]): void;
  undo?(slots: Slots, at: number, args: readonly Value[]): void;
  /** Adds what the slots of `other` from `otherAt` on have. `slots` is new, or has the sessions that ended earlier.
   *  An accumulator without it cannot be used over sessions. */
  merge?(slots: Slots, at: number, other: Slots, otherAt: number): void;
  /** `add` gets one more argument behind the others: the offset of the row, by which rows of two sessions have an order
   *  of arrival. */
  readonly takesOffset?: true;
  result(slots: Slots, at: number): Value;
}

/** The value after the given rows, each a list of arguments as SQL text. */
export interface AggregateExample {
  /** With columns A, B … for the arguments. */
  readonly call: string;
  readonly rows: readonly (readonly string[])[];
  readonly result: string;
}

export type AggregateDeclaration = Declared & {
  readonly examples: readonly AggregateExample[];
  readonly bind: (call: Call) => Accumulator;
  /** The properties `ksql.functions.NAME.…` that it reads. */
  readonly settings?: readonly string[];
  /** Whether the accumulators have `undo`. */
  readonly undo: boolean;
  /** What a pull query answers that reads no rows at all; NULL when left out. */
  readonly overNothing?: Value;
};

export type AggregateDefinition = AggregateDeclaration & {
  readonly kind: 'aggregate';
  readonly signatures: readonly Signature[];
};

export type FunctionDefinition = ScalarDefinition | AggregateDefinition | TableDefinition;

const signaturesOf = ({ signature, resultOf }: Declared): readonly Signature[] =>
  (typeof signature === 'string' ? [signature] : signature).map((text) => {
    const parsed = parseSignature(text);
    assert(
      resultOf !== undefined || givesResult(parsed),
      `the result of the signature "${text}" is ANY, or a generic that no parameter has`,
    );
    return parsed;
  });

export const define = (declaration: ScalarDeclaration): ScalarDefinition => ({
  ...declaration,
  kind: 'scalar',
  signatures: signaturesOf(declaration),
});

export const defineTable = (declaration: TableDeclaration): TableDefinition => ({
  ...declaration,
  kind: 'table',
  signatures: signaturesOf(declaration),
});

export const defineAggregate = (declaration: AggregateDeclaration): AggregateDefinition => ({
  ...declaration,
  kind: 'aggregate',
  signatures: signaturesOf(declaration),
});
