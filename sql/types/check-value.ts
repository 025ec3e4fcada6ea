/** Values that come from outside (from a user's function), as values of a type in their one form (`value.ts`). */

import { unreachable } from '../../base/index.ts';
import { carriers } from './carriers.ts';
import { EvaluationError } from './evaluation-error.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, printType, type SqlType } from './type.ts';
import type { Value } from './value.ts';

/**
 * Checks what is given, at any depth, and returns it in its one form: a bigint within the safe integers as a number, a
 * whole number without the sign of −0. Collections are copied, so that a function may return the same array for each
 * row. NULL is `null`. Raises `EvaluationError` with what was given instead: "the text 'a', not a value of BIGINT".
 * `within`: the type of the collection that it is a part of.
 */
export const valueCheck = (type: SqlType, within?: SqlType): ((given: unknown) => Value) => {
  const present = presentCheck(type, within ?? type);
  const place = within === undefined ? '' : `, in ${printType(within)}`;
  return (given) => {
    if (given === null) return null;
    const value = present(given);
    if (value !== undefined) return value;
    throw new EvaluationError(`${describe(given)}, not a value of ${printType(type)}${form(type)}${place}`);
  };
};

/** The value; undefined when it is not one of the type. */
const presentCheck = (type: SqlType, within: SqlType): ((given: unknown) => Value | undefined) => {
  if (isScalar(type)) {
    const { carrier, accepts, object } = definitionOf(type);
    const { take } = carriers[carrier];
    return (given) => {
      const value = take(given) ?? object?.read(given, type);
      return value === undefined || accepts?.(value, type) === false ? undefined : value;
    };
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = valueCheck(type.element, within);
      // Holes are elements too: undefined ones.
      return (given) => (Array.isArray(given) ? Array.from(given, element) : undefined);
    }
    case 'MAP': {
      const member = valueCheck(type.value, within);
      return (given) => {
        if (!(given instanceof Map)) return undefined;
        const entries = new Map<string, Value>();
        for (const [key, value] of given as ReadonlyMap<unknown, unknown>) {
          if (typeof key !== 'string')
            throw new EvaluationError(`the key ${describe(key)}, not a text, in ${printType(within)}`);
          entries.set(key, member(value));
        }
        return entries;
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => valueCheck(field.type, within));
      return (given) =>
        Array.isArray(given) && given.length === fields.length ? fields.map((field, i) => field(given[i])) : undefined;
    }
    default:
      return unreachable(type);
  }
};

const describe = (given: unknown): string => {
  if (given instanceof Promise) return 'a Promise (functions cannot be asynchronous)';
  if (Array.isArray(given)) return `an array of ${given.length}`;
  if (given instanceof Map) return 'a Map';
  if (typeof given === 'string') return `the text '${given.slice(0, 40)}'`;
  if (typeof given === 'bigint') return `${given}n`;
  if (typeof given === 'function') return 'a function';
  return typeof given === 'object' ? 'an object' : String(given);
};

/** Which form a collection has, where that is easily mistaken. */
const form = (type: SqlType): string => {
  if (isScalar(type)) return '';
  switch (type.kind) {
    case 'ARRAY':
      return '';
    case 'MAP':
      return ' (a Map)';
    case 'STRUCT':
      return ` (an array of its ${type.fields.length} fields)`;
    default:
      return unreachable(type);
  }
};
