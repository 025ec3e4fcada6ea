/**
 * The definition of a scalar type: one literal of this shape per type, in `scalars/`.
 *
 * All that differs by type is here or follows from the carrier; nothing else switches on a scalar's kind. A definition
 * is looked up when a query is built, and its functions are kept in closures: nothing is looked up for each value.
 */

import type { Carrier, CarrierValues } from './carriers.ts';
import type { ScalarKind, ScalarParameters, ScalarType, ScalarTypeOf } from './kinds.ts';
import type { Value } from './value.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

/** When a conversion happens, each grade a superset of the one before; `cast.ts` says what they are for. */
export type Grade = 'strict' | 'lax' | 'explicit';

/** A conversion between two scalar types: `own` is the type in whose definition it stands, `other` the other one. */
export interface Cast<K extends ScalarKind, V> {
  /** The lowest grade in which it happens; a function where that depends on parameters. */
  readonly grade: Grade | Taking<[own: ScalarTypeOf<K>, other: ScalarType], Grade>;
  /** Never called with NULL. What cannot be converted becomes what `refuse` gives, if it returns. */
  convert(value: V, refuse: Refusal, own: ScalarTypeOf<K>, other: ScalarType): Value;
}

/** What a value becomes that cannot be converted; the sentence gives the reason. */
export type Refusal = (why: string) => Value;

/** The names of a type's parameters. */
type ParameterName<K extends ScalarKind> = K extends ScalarKind ? Extract<keyof ScalarParameters[K], string> : never;

/**
 * A function whose arguments are of the type at hand. It is declared as a method, whose arguments TypeScript compares
 * in both directions, so that the definitions of all types can stand in one list (`AnyTypeDefinition`).
 */
type Taking<Arguments extends readonly unknown[], Result> = { of(...args: Arguments): Result }['of'];

/** What arithmetic needs. Both operands are brought to the kind of greater rank, which is that of the result too. */
export interface NumericDefinition<K extends ScalarKind, V> {
  readonly rank: number;
  readonly zero: V;
  /** The type of this kind that a number of another type of this rank, or a lower one, has as an operand. */
  readonly operand: (type: ScalarType) => ScalarType;
  /** The type of the result. */
  readonly result: Taking<[operator: ArithmeticOperator, a: ScalarTypeOf<K>, b: ScalarTypeOf<K>], ScalarType>;
  /** The type that holds every number of both: that of a list of them. */
  readonly common: Taking<[a: ScalarTypeOf<K>, b: ScalarTypeOf<K>], ScalarType>;
  /** The operator for operands of these types. */
  readonly operator: Taking<
    [operator: ArithmeticOperator, a: ScalarTypeOf<K>, b: ScalarTypeOf<K>],
    Taking<[a: V, b: V], V>
  >;
  readonly negate: Taking<[value: V], V>;
  /** Whether / and % raise `EvaluationError`: for a divisor of zero, or a quotient that does not end. */
  readonly divisionFails: boolean;
}

/** `C` is the carrier, and `V` the carrier's values that are values of the type. */
export interface TypeDefinition<K extends ScalarKind = ScalarKind, C extends Carrier = Carrier, V = CarrierValues[C]> {
  readonly kind: K;
  /** The words that mean the type in SQL, in upper case. Types are printed as their kind. */
  readonly words: readonly string[];
  /** What other systems call it, for the hint where somebody writes such a word. */
  readonly elsewhere?: readonly string[];
  /** The parameters in the order in which they stand in parentheses behind the word. */
  readonly parameters: readonly ParameterName<K>[];
  /** What is wrong with the parameters as they are written, as a sentence; undefined when there are none. */
  readonly parametersFault: Taking<[type: ScalarTypeOf<K>], string | undefined> | undefined;
  readonly carrier: C;
  /**
   * Whether the type gives its carrier another meaning, as TIMESTAMP, DATE and TIME do to whole numbers. Such a type is
   * text for people and clients, and its carrier's value in formats; a format whose serializers know plain carriers
   * only (KAFKA) refuses it. A number that is not a value of it is an error, while a number that is too large for
   * INTEGER loses its high bits.
   */
  readonly logical: boolean;
  /** Which values of the carrier are values of the type; undefined when all are. */
  readonly accepts: Taking<[value: V, type: ScalarTypeOf<K>], boolean> | undefined;
  /** Whether <, <=, >, >= and BETWEEN compare it. */
  readonly ordered: boolean;
  readonly numeric: NumericDefinition<K, V> | undefined;
  /** Kinds whose values become values of this type where the two are compared. Numbers need no mention. */
  readonly comparedWith: readonly ScalarKind[];
  readonly text: {
    /** As CAST to STRING prints it, and within the text of a collection. */
    readonly print: Taking<[value: V, type: ScalarTypeOf<K>], string>;
    readonly printMember: Taking<[value: V, type: ScalarTypeOf<K>], string>;
    /** The lowest grade in which a value becomes a text, as `print` has it; undefined: there is no such conversion. */
    readonly printed: Grade | undefined;
    /** The lowest grade in which a text becomes a value of the type. */
    readonly grade: Grade;
    /** The value that a text without blanks around it stands for, or none. */
    readonly parse: Taking<[text: string, grade: Grade, type: ScalarTypeOf<K>], V | undefined>;
    /** A value as it is written, where people are often unsure. */
    readonly example?: string;
  };
  /** Conversions to and from other types but STRING, which `text` has, and to the same kind with other parameters. A
   *  pair of types is in one of their definitions. */
  readonly casts: {
    readonly to: Readonly<Partial<Record<ScalarKind, Cast<K, V>>>>;
    readonly from: Readonly<Partial<Record<ScalarKind, Cast<K, Value>>>>;
  };
  /** What stands for a value in programs, which may give what the carrier takes as well; undefined: programs give and
   *  get the carrier's value. */
  readonly object:
    | undefined
    | {
        readonly read: Taking<[given: unknown, type: ScalarTypeOf<K>], V | undefined>;
        readonly make: Taking<[value: V, type: ScalarTypeOf<K>], unknown>;
      };
}

/** The definition of any type, for code whose values are known to be of that type. */
export type AnyTypeDefinition = TypeDefinition<ScalarKind, Carrier, Value>;

/** A conversion that leaves the value as it is. */
export const same = (value: Value): Value => value;
