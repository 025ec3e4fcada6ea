/**
 * SQL values as JavaScript values.
 *
 * | type      | value                                                                                   |
 * | --------- | --------------------------------------------------------------------------------------- |
 * | BOOLEAN   | boolean                                                                                 |
 * | INTEGER   | number, a whole one within 32 bits                                                      |
 * | BIGINT    | number while it is a safe integer, bigint beyond: one number has one form               |
 * | DOUBLE    | number                                                                                  |
 * | STRING    | string, UTF-16                                                                          |
 * | TIMESTAMP | number: epoch milliseconds, a safe integer                                              |
 * | ARRAY     | array of values                                                                         |
 * | MAP       | Map from string to value, in order of insertion                                         |
 * | STRUCT    | array of values, one for each field in the order of the type                            |
 *
 * NULL is `null` in every type. Values are never changed once made: operators may share them. A row is an array of
 * values by column slot. Because every number has one form, equality and order need no type beside the value; only -0
 * and NaN of DOUBLE are special: as in Java, NaN equals NaN and is greater than all others when values are sorted or
 * grouped.
 */

import { assert } from '../../base/index.ts';

export type Value = null | boolean | number | bigint | string | readonly Value[] | ReadonlyMap<string, Value>;

/** Values by column slot. */
export type Row = Value[];

/** The one form of a 64-bit integer: wraps what is beyond 64 bits, as Java's long does. */
export const normalizeBigint = (value: bigint): number | bigint => {
  const wrapped = BigInt.asIntN(64, value);
  return wrapped >= -9007199254740991n && wrapped <= 9007199254740991n ? Number(wrapped) : wrapped;
};

/** The same for a whole number that may be beyond the safe integers: exact only if the number itself is. */
export const normalizeNumber = (value: number): number | bigint =>
  Number.isSafeInteger(value) ? (value === 0 ? 0 : value) : normalizeBigint(BigInt(value));

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

/** Deep equality of two values of the same type; NULL equals NULL here (comparison in SQL handles NULL before). */
export const valuesEqual = (a: Value, b: Value): boolean => {
  if (a === b) return true;
  if (typeof a === 'number') return typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isMap(a)) {
    if (!isMap(b) || a.size !== b.size) return false;
    for (const [key, value] of a) {
      const other = b.get(key);
      if (other === undefined || !valuesEqual(value, other)) return false;
    }
    return true;
  }
  if (isMap(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!valuesEqual(a[i] as Value, b[i] as Value)) return false;
  return true;
};

/** The natural order of two non-null scalars of the same type: negative, 0 or positive. Strings go by UTF-16 units, as
 *  in Java; false comes before true; NaN comes last. */
export const compareScalars = (a: Value, b: Value): number => {
  assert(a !== null && b !== null, 'compareScalars is for values that are not null');
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  const aNan = Number.isNaN(a);
  const bNan = Number.isNaN(b);
  return aNan ? (bNan ? 0 : 1) : bNan ? -1 : 0;
};

/** A value that no other value of its type shares: equal values give equal keys. For sets and maps keyed by values. */
export const identityKey = (value: Value): Value => {
  if (value === null || typeof value !== 'object') return value;
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint'
      ? { big: part.toString() }
      : isMap(part)
        ? { map: [...part].sort(([a], [b]) => (a < b ? -1 : 1)) }
        : typeof part === 'number' && !Number.isFinite(part)
          ? { number: String(part) }
          : part,
  );
};

export const isMap = (value: unknown): value is ReadonlyMap<string, Value> => value instanceof Map;
