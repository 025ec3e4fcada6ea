/**
 * Carriers: the few forms in which values of scalar types are held in memory, stored and sent.
 *
 * | carrier | value in JavaScript                                                       | in a stored row       |
 * | ------- | ------------------------------------------------------------------------- | --------------------- |
 * | boolean | boolean                                                                   | 8 bytes               |
 * | int32   | number, a whole one within 32 bits                                        | 8 bytes               |
 * | int64   | number while it is a safe integer, bigint beyond: one number has one form | 8 bytes               |
 * | double  | number                                                                    | 8 bytes               |
 * | decimal | bigint, whose point the type's scale places (`decimal.ts`)                | 8 bytes, or any number |
 * | text    | string, UTF-16                                                            | its bytes, any number |
 * | bytes   | Uint8Array, never changed once it was made, no part of memory in use      | they, any number      |
 *
 * Each scalar type names its carrier, and its values are the carrier's values, or some of them (`accepts`). Formats,
 * the row encoding and generated code switch on carriers, of which there are few, and never on types: so a new type
 * needs no line in a format, and a new format none in a type. The rule for what a type means beyond its carrier is
 * `logical` in `definition.ts`.
 */

import { base64, parseBase64 } from '../../base/index.ts';
import { decimalForm, parseDecimal, plainDecimal, rescaleHalfUp } from './decimal.ts';
import type { ScalarType } from './kinds.ts';
import { normalizeBigint, type Value } from './value.ts';

export interface CarrierValues {
  boolean: boolean;
  int32: number;
  int64: number | bigint;
  double: number;
  decimal: bigint;
  text: string;
  bytes: Uint8Array;
}

export type Carrier = keyof CarrierValues;

export interface CarrierDefinition<V> {
  /** Whether something is a value in its one form. */
  holds(value: unknown): value is V;
  /** What a program gives as a value in its one form; none when it is not one. Nothing is converted from text. */
  take(given: unknown): V | undefined;
  /** Whether `===` decides equality. Not so for doubles, of which NaN equals itself where values are grouped and
   *  nothing where they are compared. */
  readonly identical: boolean;
  /** The total order: negative when `a` comes first, 0 for equal values. */
  compare(a: V, b: V): number;
  /** What stands for the value in a Map or Set: the same for equal values, and for those only. */
  key(value: V): Value;
  /** A literal in a plan, which is JSON, and the value that it stands for. */
  toJson(value: V, type: ScalarType): boolean | number | string;
  fromJson(literal: boolean | number | string, type: ScalarType): Value;
  /** The value as a literal of SQL. */
  printLiteral(value: V, type: ScalarType): string;
}

const same = <V>(value: V): V => value;

const natural = <V extends boolean | number | bigint | string>(a: V, b: V): number => (a < b ? -1 : a > b ? 1 : 0);

/** Byte by byte, each with its sign; a prefix before what it begins. */
const compareSigned = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return (((a[i] as number) << 24) >> 24) - (((b[i] as number) << 24) >> 24);
  }
  return a.length - b.length;
};

export const carriers: { readonly [C in Carrier]: CarrierDefinition<CarrierValues[C]> } = {
  boolean: {
    holds: (value) => typeof value === 'boolean',
    take: (given) => (typeof given === 'boolean' ? given : undefined),
    identical: true,
    compare: natural,
    key: same,
    toJson: same,
    fromJson: same,
    printLiteral: (value) => (value ? 'TRUE' : 'FALSE'),
  },
  int32: {
    holds: (value): value is number => typeof value === 'number' && value === (value | 0),
    take: (given) => (typeof given === 'number' && given === (given | 0) ? given | 0 : undefined),
    identical: true,
    compare: natural,
    key: same,
    toJson: same,
    fromJson: same,
    printLiteral: String,
  },
  int64: {
    holds: (value): value is number | bigint =>
      Number.isSafeInteger(value) ||
      (typeof value === 'bigint' && !isSafe(value) && BigInt.asIntN(64, value) === value),
    take(given) {
      if (typeof given === 'number' && Number.isSafeInteger(given)) return given === 0 ? 0 : given;
      return typeof given === 'bigint' && BigInt.asIntN(64, given) === given ? normalizeBigint(given) : undefined;
    },
    identical: true,
    compare: natural,
    key: same,
    toJson: (value) => (typeof value === 'bigint' ? String(value) : value),
    fromJson: (literal) => (typeof literal === 'string' ? normalizeBigint(BigInt(literal)) : literal),
    printLiteral: String,
  },
  double: {
    holds: (value) => typeof value === 'number',
    take: (given) => (typeof given === 'number' ? given : undefined),
    identical: false,
    compare: (a, b) =>
      Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : natural(a, b),
    key: same,
    toJson: same,
    fromJson: same,
    printLiteral(value) {
      const text = String(value);
      return text.includes('e') ? text.replace('e+', 'E').replace('e', 'E') : `${text}E0`;
    },
  },
  decimal: {
    holds: (value) => typeof value === 'bigint',
    // An unscaled number means nothing to others: programs give decimals by `object` of the type.
    take: () => undefined,
    identical: true,
    compare: natural,
    key: same,
    toJson: (value, type) => plainDecimal(value, decimalForm(type).scale),
    fromJson(literal, type) {
      const { unscaled, scale } = parseDecimal(String(literal)) ?? { unscaled: 0n, scale: 0 };
      return rescaleHalfUp(unscaled, scale, decimalForm(type).scale);
    },
    printLiteral(value, type) {
      const text = plainDecimal(value, decimalForm(type).scale);
      return text.includes('.') ? text : `DECIMAL '${text}'`;
    },
  },
  text: {
    holds: (value) => typeof value === 'string',
    take: (given) => (typeof given === 'string' ? given : undefined),
    identical: true,
    compare: natural,
    key: same,
    toJson: same,
    fromJson: same,
    printLiteral: (value) => `'${value.replaceAll("'", "''")}'`,
  },
  bytes: {
    holds: (value): value is Uint8Array => value instanceof Uint8Array,
    // A copy: what is given may be changed later, or be a part of memory that is used again.
    take: (given) => (given instanceof Uint8Array ? new Uint8Array(given) : undefined),
    identical: false,
    compare: compareSigned,
    key: base64,
    toJson: base64,
    fromJson: (literal) => parseBase64(String(literal)) ?? null,
    printLiteral: (value) => `CAST('${base64(value)}' AS BYTES)`,
  },
};

const isSafe = (value: bigint): boolean => value >= -9007199254740991n && value <= 9007199254740991n;
