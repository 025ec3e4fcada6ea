/** Whether something is a value of a type in its one form, as `value.ts` and `carriers.ts` have it. */

import { unreachable } from '../../base/index.ts';
import { carriers } from './carriers.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, type SqlType } from './type.ts';
import type { Value } from './value.ts';

export type ValueTest = (value: unknown) => value is Value;

/** The test for a type. NULL is not looked at: it is a value of every type, and the test is for others. */
export const valueTest = (type: SqlType): ValueTest => {
  if (isScalar(type)) {
    const { carrier, accepts } = definitionOf(type);
    const { holds } = carriers[carrier];
    return accepts === undefined ? holds : (value): value is Value => holds(value) && accepts(value, type);
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = orNull(valueTest(type.element));
      return (value): value is Value => Array.isArray(value) && value.every(element);
    }
    case 'MAP': {
      const member = orNull(valueTest(type.value));
      return (value): value is Value => {
        if (!(value instanceof Map)) return false;
        for (const [key, part] of value) if (typeof key !== 'string' || !member(part)) return false;
        return true;
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => orNull(valueTest(field.type)));
      return (value): value is Value =>
        Array.isArray(value) && value.length === fields.length && fields.every((test, i) => test(value[i]));
    }
    default:
      return unreachable(type);
  }
};

const orNull =
  (test: ValueTest): ValueTest =>
  (value): value is Value =>
    value === null || test(value);
