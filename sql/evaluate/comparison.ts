/**
 * Comparisons, as closures.
 *
 * Two values of one type; NULL on either side gives FALSE, on the left without evaluating the right, but for IS
 * DISTINCT FROM, where NULL equals NULL. Values of types that have nothing in common (only IS DISTINCT FROM takes
 * those) are distinct unless both are NULL. A text beside a TIMESTAMP is read only when the other side is not NULL, and
 * fails the comparison when it cannot be read. NaN is neither equal nor unequal to anything, but never distinct from
 * itself.
 */

import { unreachable } from '../../base/index.ts';
import type { TypedExpression, TypedOf } from '../analyze/typed.ts';
import type { Carrier, CarrierValues } from '../types/carriers.ts';
import { converter } from '../types/cast.ts';
import { equalityOf, isIdentical, mixedOrder, type Order, orderOf } from '../types/equality.ts';
import { definitionOf } from '../types/scalars/index.ts';
import { isScalar } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import { type Compile, constantOf, type Evaluate } from './closure.ts';

type Primitive<V extends boolean | number | bigint | string> = V;

/** Most scalars are compared here by `<` and `===`, which mean what those of SQL do for primitives only: a carrier that
 *  holds objects does not compile before it is compared by its order. */
export type ComparedNatively = Primitive<CarrierValues[Exclude<Carrier, 'bytes'>]>;

export const comparison = (part: TypedOf<'comparison'>, compile: Compile): Evaluate =>
  compared(part, compile, (left, right) => comparisonOf(part, left, right));

export const distinctFrom = (part: TypedOf<'distinct-from'>, compile: Compile): Evaluate => {
  const { negated } = part;
  const { type: a } = part.left;
  const { type: b } = part.right;
  const equal = equalityOf(a, b);
  return compared(part, compile, (left, right) => (record) => equal(left(record), right(record)) === negated);
};

interface Sides {
  readonly left: TypedExpression;
  readonly right: TypedExpression;
}

/** Compiles the sides and decides on their values. A text beside a TIMESTAMP is left unread while the other side is
 *  NULL. */
const compared = (
  { left, right }: Sides,
  compile: Compile,
  decide: (left: Evaluate, right: Evaluate) => Evaluate,
): Evaluate => {
  if (isTextBesideTime(right)) {
    return compared({ left: right, right: left }, compile, (text, time) => decide(time, text));
  }
  if (!isTextBesideTime(left)) return decide(compile(left), compile(right));
  const unread = compile(left.operand);
  const read = converter(left.operand.type, left.type);
  const other = compile(right);
  let text: Value = null;
  let time: Value = null;
  const decided = decide(
    () => text,
    () => time,
  );
  return (record) => {
    time = other(record);
    const own = unread(record);
    text = time === null ? own : read(own);
    return decided(record);
  };
};

const isTextBesideTime = (part: TypedExpression): part is TypedOf<'cast'> =>
  part.kind === 'cast' && part.failure === 'comparison';

const comparisonOf = (part: TypedOf<'comparison'>, left: Evaluate, right: Evaluate): Evaluate => {
  const { operator } = part;
  if (!isScalar(part.left.type)) {
    const wanted = operator === '=';
    const equal = equalityOf(part.left.type);
    return (record) => {
      const a = left(record);
      if (a === null) return false;
      const b = right(record);
      return b !== null && equal(a, b) === wanted;
    };
  }
  const mixed = mixedOrder(part.left.type, part.right.type);
  if (mixed !== undefined) return byOrder(operator, mixed, left, right);
  if (definitionOf(part.left.type).carrier === 'bytes') return byOrder(operator, orderOf(part.left.type), left, right);
  if (operator === '<>' && !isIdentical(part.left.type)) {
    return (record) => {
      const a = left(record);
      if (a === null) return false;
      const b = right(record);
      return b !== null && a !== b && !Number.isNaN(a) && !Number.isNaN(b);
    };
  }
  // A constant on the right is the usual case in filters.
  return part.right.kind === 'literal'
    ? withConstant(operator, left, constantOf(part.right))
    : ofTwo(operator, left, right);
};

type Operator = TypedOf<'comparison'>['operator'];

/** A closure for each operator, so that a comparison costs no choice per record. The constant is NULL only where that
 *  is written as a CAST. */
const withConstant = (operator: Operator, left: Evaluate, b: Value): Evaluate => {
  if (b === null) return () => false;
  switch (operator) {
    case '=':
      return (record) => left(record) === b;
    case '<>':
      return (record) => {
        const a = left(record);
        return a !== null && a !== b;
      };
    case '<':
      return (record) => {
        const a = left(record);
        return a !== null && a < b;
      };
    case '<=':
      return (record) => {
        const a = left(record);
        return a !== null && a <= b;
      };
    case '>':
      return (record) => {
        const a = left(record);
        return a !== null && a > b;
      };
    case '>=':
      return (record) => {
        const a = left(record);
        return a !== null && a >= b;
      };
    default:
      return unreachable(operator);
  }
};

/** Of values that are objects, or of two types. */
const byOrder = (operator: Operator, order: Order, left: Evaluate, right: Evaluate): Evaluate => {
  const decides = signTests[operator];
  return (record) => {
    const a = left(record);
    if (a === null) return false;
    const b = right(record);
    return b !== null && decides(order(a, b));
  };
};

const signTests: Readonly<Record<Operator, (sign: number) => boolean>> = {
  '=': (sign) => sign === 0,
  '<>': (sign) => sign !== 0,
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
};

const ofTwo = (operator: Operator, left: Evaluate, right: Evaluate): Evaluate => {
  switch (operator) {
    case '=':
      return (record) => {
        const a = left(record);
        return a !== null && a === right(record);
      };
    case '<>':
      return (record) => {
        const a = left(record);
        if (a === null) return false;
        const b = right(record);
        return b !== null && a !== b;
      };
    case '<':
      return (record) => {
        const a = left(record);
        if (a === null) return false;
        const b = right(record);
        return b !== null && a < b;
      };
    case '<=':
      return (record) => {
        const a = left(record);
        if (a === null) return false;
        const b = right(record);
        return b !== null && a <= b;
      };
    case '>':
      return (record) => {
        const a = left(record);
        if (a === null) return false;
        const b = right(record);
        return b !== null && a > b;
      };
    case '>=':
      return (record) => {
        const a = left(record);
        if (a === null) return false;
        const b = right(record);
        return b !== null && a >= b;
      };
    default:
      return unreachable(operator);
  }
};
