/** Whether something that comes from outside (a user's function) is a value of a type in its one form (`value.ts`). */

import { unreachable } from '../../base/index.ts';
import { carriers } from './carriers.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, type SqlType } from './type.ts';
import type { Value } from './value.ts';

/** A test for the values of the type, NULL included. */
export const valueCheck = (type: SqlType): ((given: unknown) => given is Value) => {
  const present = presentCheck(type);
  return (given): given is Value => given === null || present(given);
};

const presentCheck = (type: SqlType): ((given: unknown) => boolean) => {
  if (isScalar(type)) {
    const { carrier, accepts } = definitionOf(type);
    const { holds } = carriers[carrier];
    return (given) => holds(given) && accepts?.(given, type) !== false;
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = valueCheck(type.element);
      return (given) => Array.isArray(given) && given.every(element);
    }
    case 'MAP': {
      const member = valueCheck(type.value);
      return (given) => {
        if (!(given instanceof Map)) return false;
        for (const [key, value] of given) if (typeof key !== 'string' || !member(value)) return false;
        return true;
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => valueCheck(field.type));
      return (given) =>
        Array.isArray(given) && given.length === fields.length && fields.every((field, i) => field(given[i]));
    }
    default:
      return unreachable(type);
  }
};
