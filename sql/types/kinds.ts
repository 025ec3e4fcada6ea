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
  DECIMAL: { readonly precision: number; readonly scale: number };
  DOUBLE: NoParameters;
  STRING: NoParameters;
  BYTES: NoParameters;
  DATE: NoParameters;
  TIME: NoParameters;
  TIMESTAMP: NoParameters;
}

export type ScalarKind = keyof ScalarParameters;

/** One scalar type: `ScalarTypeOf<'BIGINT'>`. */
export type ScalarTypeOf<K extends ScalarKind> = { readonly kind: K } & ScalarParameters[K];

export type ScalarType = { [K in ScalarKind]: ScalarTypeOf<K> }[ScalarKind];
