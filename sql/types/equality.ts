/**
 * Equality, order and grouping keys of values, by their types: each is made once, when a query is built.
 *
 * They are those of sorting and grouping, where NULL equals NULL and NaN equals NaN. Comparison in SQL, where neither
 * is equal to anything, is in `sql/evaluate/comparison.ts`.
 */

import { assert, unreachable } from '../../base/index.ts';
import { type CarrierDefinition, carriers } from './carriers.ts';
import { compareWithDouble, decimalForm } from './decimal.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { ScalarType } from './kinds.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, type SqlType, type StructType } from './type.ts';
import { arrayValue, mapValue, type Value } from './value.ts';

export type Equality = (a: Value, b: Value) => boolean;

/** Negative when the first value comes first, 0 when they are equal. Not for NULL. */
export type Order = (a: Value, b: Value) => number;

const carrierOf = (type: ScalarType): CarrierDefinition<Value> => carriers[definitionOf(type).carrier];

/** Whether `===` decides equality of values of this type. */
export const isIdentical = (type: SqlType): boolean => isScalar(type) && carrierOf(type).identical;

/** Equality of values of a type, or of two types: values of types that have nothing in common are equal only when both
 *  are NULL. */
export const equalityOf = (a: SqlType, b: SqlType = a): Equality => {
  if (isScalar(a)) {
    const carrier = carrierOf(a);
    const mixed = mixedOrder(a, b);
    if (mixed !== undefined) return orNull((x, y) => mixed(x, y) === 0);
    if (a.kind !== b.kind) return bothNull;
    return carrier.identical ? identical : orNull((x, y) => carrier.compare(x, y) === 0);
  }
  switch (a.kind) {
    case 'ARRAY': {
      if (b.kind !== 'ARRAY') return bothNull;
      const element = equalityOf(a.element, b.element);
      return orNull((x, y) => allEqual(arrayValue(x), arrayValue(y), () => element));
    }
    case 'MAP': {
      if (b.kind !== 'MAP') return bothNull;
      const member = equalityOf(a.value, b.value);
      return orNull((x, y) => {
        const others = mapValue(y);
        if (mapValue(x).size !== others.size) return false;
        for (const [key, each] of mapValue(x)) {
          const other = others.get(key);
          if (other === undefined || !member(each, other)) return false;
        }
        return true;
      });
    }
    case 'STRUCT': {
      if (b.kind !== 'STRUCT' || !sameNames(a, b)) return bothNull;
      const fields = a.fields.map((field, i) => equalityOf(field.type, b.fields[i]?.type));
      return orNull((x, y) => allEqual(arrayValue(x), arrayValue(y), (i) => fields[i] as Equality));
    }
    default:
      return unreachable(a);
  }
};

const sameNames = (a: StructType, b: StructType): boolean =>
  a.fields.length === b.fields.length && a.fields.every(({ name }, i) => name === b.fields[i]?.name);

const identical: Equality = (a, b) => a === b;
const bothNull: Equality = (a, b) => a === null && b === null;
const orNull =
  (equal: Equality): Equality =>
  (a, b) =>
    a === null || b === null ? a === b : equal(a, b);

const allEqual = (a: readonly Value[], b: readonly Value[], equalAt: (index: number) => Equality): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!equalAt(i)(a[i] as Value, b[i] as Value)) return false;
  return true;
};

/** The order of values of two types that are compared as they are, since neither type holds the values of the other: a
 *  decimal and a double, of which NaN and infinities raise `EvaluationError`. None for other pairs. */
export const mixedOrder = (a: SqlType, b: SqlType): Order | undefined => {
  if (!isScalar(a) || !isScalar(b)) return undefined;
  const [one, other] = [definitionOf(a).carrier, definitionOf(b).carrier];
  if (one === 'double' && other === 'decimal') {
    const order = mixedOrder(b, a);
    return order === undefined ? undefined : (x, y) => -order(y, x);
  }
  if (one !== 'decimal' || other !== 'double') return undefined;
  const { scale } = decimalForm(a);
  return (x, y) => {
    const order = compareWithDouble(x as bigint, scale, y as number);
    if (order === undefined) throw new EvaluationError(`${String(y)} cannot be compared with a DECIMAL`);
    return order;
  };
};

/** The natural order of scalars: texts by UTF-16 units, as in Java; false before true; NaN behind all other numbers. */
export const orderOf = (type: SqlType): Order => {
  assert(isScalar(type), 'collections have no order');
  const carrier = carrierOf(type);
  return (a, b) => carrier.compare(a, b);
};

/** What stands for a value in a Map or Set: the same for equal values of the type, and for those only. */
export type KeyOf = (value: Value) => Value;

export const keyOf = (type: SqlType): KeyOf => (isScalar(type) ? scalarKey(type) : keyText(type));

const scalarKey = (type: ScalarType): KeyOf => {
  const carrier = carrierOf(type);
  return (value) => (value === null ? null : carrier.key(value));
};

/** The key as text, in which keys of scalars stay apart. */
const keyText = (type: SqlType): ((value: Value) => string) => {
  if (isScalar(type)) {
    const key = scalarKey(type);
    return (value) => {
      const own = key(value);
      return typeof own === 'string' ? JSON.stringify(own) : String(own);
    };
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = keyText(type.element);
      return (value) => (value === null ? 'null' : `[${arrayValue(value).map(element).join()}]`);
    }
    case 'MAP': {
      const member = keyText(type.value);
      return (value) => {
        if (value === null) return 'null';
        const entries = Array.from(mapValue(value), ([key, each]) => `${JSON.stringify(key)}:${member(each)}`);
        return `{${entries.sort().join()}}`;
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => keyText(field.type));
      return (value) =>
        value === null ? 'null' : `(${fields.map((field, i) => field(arrayValue(value)[i] ?? null)).join()})`;
    }
    default:
      return unreachable(type);
  }
};
