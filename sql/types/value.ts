/**
 * SQL values as JavaScript values.
 *
 * | type     | value                                                                     |
 * | -------- | ------------------------------------------------------------------------- |
 * | a scalar | a value of its carrier (`carriers.ts`), such as a number for a TIMESTAMP  |
 * | ARRAY    | array of values                                                           |
 * | MAP      | Map from string to value, in order of insertion                           |
 * | STRUCT   | array of values, one for each field in the order of the type              |
 *
 * NULL is `null` in every type. Values are never changed once made: operators may share them. A row is an array of
 * values by column slot. Equality and order go by the type (`equality.ts`), and for comparison in SQL by the operator
 * (`sql/evaluate/comparison.ts`).
 */

import { assert } from '../../base/index.ts';

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | ReadonlyMap<string, Value>;

/** Values by column slot. */
export type Row = Value[];

/** The one form of a 64-bit integer: wraps what is beyond 64 bits, as Java's long does. */
export const normalizeBigint = (value: bigint): number | bigint => {
  const wrapped = BigInt.asIntN(64, value);
  return wrapped >= -9007199254740991n && wrapped <= 9007199254740991n ? Number(wrapped) : wrapped;
};

/** A double as Java narrows it to long: toward zero, NaN to 0, beyond the range to its ends. */
export const doubleToBigint = (value: number): number | bigint => {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return whole === 0 ? 0 : whole;
  if (Number.isNaN(value)) return 0;
  if (value >= 2 ** 63) return 9223372036854775807n;
  if (value <= -(2 ** 63)) return -9223372036854775808n;
  return BigInt(whole);
};

/** A double as Java narrows it to int. */
export const doubleToInteger = (value: number): number =>
  Number.isNaN(value)
    ? 0
    : value >= 2147483647
      ? 2147483647
      : value <= -2147483648
        ? -2147483648
        : Math.trunc(value) | 0;

/** A long as Java narrows it to int: the low 32 bits. */
export const bigintToInteger = (value: number | bigint): number =>
  typeof value === 'number'
    ? value >= -2147483648 && value <= 2147483647
      ? value
      : Number(BigInt.asIntN(32, BigInt(value)))
    : Number(BigInt.asIntN(32, value));

export const isMap = (value: unknown): value is ReadonlyMap<string, Value> => value instanceof Map;

/** The elements of an ARRAY, or the fields of a STRUCT in the order of the type. */
export const arrayValue = (value: Value): readonly Value[] => {
  assert(Array.isArray(value), 'the value of an ARRAY or STRUCT is an array');
  return value;
};

/** The entries of a MAP. */
export const mapValue = (value: Value): ReadonlyMap<string, Value> => {
  assert(isMap(value), 'the value of a MAP is a Map');
  return value;
};
