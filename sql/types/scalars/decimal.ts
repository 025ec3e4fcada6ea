/** DECIMAL(p, s): numbers of p decimal digits, s of them behind the point, with all their digits exact. */

import {
  type Decimal,
  decimalForm,
  decimalOfDouble,
  doubleOfDecimal,
  fits,
  javaDecimal,
  parseDecimal,
  plainDecimal,
  powerOfTen,
  rescaleExact,
  rescaleHalfUp,
} from '../decimal.ts';
import type { Refusal, TypeDefinition } from '../definition.ts';
import type { ScalarTypeOf } from '../kinds.ts';
import { bigintToInteger, normalizeBigint, type Value } from '../value.ts';

type DecimalType = ScalarTypeOf<'DECIMAL'>;

const printForm = ({ precision, scale }: DecimalType): string => `DECIMAL(${precision}, ${scale})`;

/** A number rounded to the type's scale; refused where it then has too many digits before the point. */
const rounded = ({ unscaled, scale }: Decimal, type: DecimalType): bigint | undefined => {
  const value = rescaleHalfUp(unscaled, scale, type.scale);
  return fits(value, type.precision) ? value : undefined;
};

const overflow = (number: string, type: DecimalType, refuse: Refusal): Value =>
  refuse(`the number ${number} does not fit ${printForm(type)}`);

const fromWhole = (value: Value, refuse: Refusal, own: DecimalType): Value =>
  rounded({ unscaled: BigInt(value as number | bigint), scale: 0 }, own) ?? overflow(String(value), own, refuse);

/** Toward zero. */
const wholePart = (value: bigint, { scale }: DecimalType): number | bigint =>
  normalizeBigint(value / powerOfTen(scale));

/** A number of a program: as text, with all its digits; a number by the digits that JavaScript prints; a bigint. */
const readNumber = (given: unknown): Decimal | undefined => {
  if (typeof given === 'string') return parseDecimal(given);
  if (typeof given === 'number') return decimalOfDouble(given);
  return typeof given === 'bigint' ? { unscaled: given, scale: 0 } : undefined;
};

export const decimal: TypeDefinition<'DECIMAL', 'decimal'> = {
  kind: 'DECIMAL',
  words: ['DECIMAL'],
  parameters: ['precision', 'scale'],
  parametersFault: ({ precision, scale }) =>
    precision < 1
      ? `the precision of a DECIMAL is at least 1, not ${precision}`
      : scale > precision
        ? `a DECIMAL of ${precision} digits cannot have ${scale} of them behind the point`
        : undefined,
  carrier: 'decimal',
  logical: false,
  accepts: (value, { precision }) => fits(value, precision),
  ordered: true,
  numeric: undefined,
  text: {
    print: (value, { scale }) => plainDecimal(value, scale),
    printMember: (value, { scale }) => javaDecimal(value, scale),
    printed: 'lax',
    grade: 'lax',
    parse(text, _grade, type) {
      const number = parseDecimal(text);
      return number === undefined ? undefined : rounded(number, type);
    },
  },
  casts: {
    to: {
      INTEGER: { grade: 'explicit', convert: (value, _refuse, own) => bigintToInteger(wholePart(value, own)) },
      BIGINT: { grade: 'explicit', convert: (value, _refuse, own) => wholePart(value, own) },
      DOUBLE: { grade: 'strict', convert: (value, _refuse, own) => doubleOfDecimal(value, own.scale) },
      DECIMAL: {
        // To a type that has a place for every digit.
        grade: (own, other) =>
          own.scale <= decimalForm(other).scale &&
          own.precision - own.scale <= decimalForm(other).precision - decimalForm(other).scale
            ? 'strict'
            : 'explicit',
        convert(value, refuse, own, other) {
          const to = other as DecimalType;
          return (
            rounded({ unscaled: value, scale: own.scale }, to) ?? overflow(plainDecimal(value, own.scale), to, refuse)
          );
        },
      },
    },
    from: {
      INTEGER: { grade: 'strict', convert: fromWhole },
      BIGINT: { grade: 'strict', convert: fromWhole },
      DOUBLE: {
        grade: 'explicit',
        convert(value, refuse, own) {
          const number = decimalOfDouble(value as number);
          const result = number === undefined ? undefined : rounded(number, own);
          return result ?? overflow(String(value), own, refuse);
        },
      },
    },
  },
  object: {
    read(given, { precision, scale }) {
      const number = readNumber(given);
      const value = number === undefined ? undefined : rescaleExact(number.unscaled, number.scale, scale);
      return value !== undefined && fits(value, precision) ? value : undefined;
    },
    make: (value, { scale }) => plainDecimal(value, scale),
  },
};
