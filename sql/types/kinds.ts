/**
 * The kinds of scalar types, each with its parameters.
 *
 * To add a type: a line here, a file in `scalars/` with everything that is particular to it, and a line in
 * `scalars/index.ts`. The compiler names what is missing of the three, and `definition.ts` says what each member means.
 * A type that is held in a form of which there is no carrier yet (`carriers.ts`) brings that carrier, and the compiler
 * then names the formats that have to know it.
 */

/** The members of a type beside its kind, such as `{ readonly precision: number; readonly scale: number }`. */
type NoParameters = unknown;

export interface ScalarParameters {
  BOOLEAN: NoParameters;
  INTEGER: NoParameters;
  BIGINT: NoParameters;
  DOUBLE: NoParameters;
  STRING: NoParameters;
  TIMESTAMP: NoParameters;
}

const otherTime = 'Use TIMESTAMP, or BIGINT with epoch milliseconds.';

/** Types that the language names and that are refused, with what to write instead. */
export const plannedTypes = [
  { kind: 'DECIMAL', hint: 'Use DOUBLE, or BIGINT in the smallest unit.' },
  { kind: 'BYTES', hint: 'Use VARCHAR with base64 text.' },
  { kind: 'DATE', hint: otherTime },
  { kind: 'TIME', hint: otherTime },
] as const;

export type ScalarKind = keyof ScalarParameters;
export type PlannedKind = (typeof plannedTypes)[number]['kind'];

/** One scalar type: `ScalarTypeOf<'BIGINT'>`. */
export type ScalarTypeOf<K extends ScalarKind> = { readonly kind: K } & ScalarParameters[K];

export type ScalarType = { [K in ScalarKind]: ScalarTypeOf<K> }[ScalarKind];
