/**
 * Which expressions are repeatable: evaluated again over equal columns, they give the same value and have no effect.
 *
 * The others call a function that reads the clock or randomness, which it takes from its place when it is bound
 * (`functions/define.ts`), or one of a user's module, whose code may keep what it likes.
 */

import { partsOf, type TypedExpression, type TypedOf } from '../analyze/typed.ts';
import type { FunctionContext } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import { bindingOf } from './call.ts';

export const isRepeatable = (expression: TypedExpression, functions: FunctionRegistry): boolean =>
  (expression.kind !== 'call' || isPureCall(expression, functions)) &&
  partsOf(expression).every((part) => isRepeatable(part, functions));

const isPureCall = (part: TypedOf<'call'>, functions: FunctionRegistry): boolean => {
  if (part.module !== undefined) return false;
  const { definition } = functions.scalar(part);
  if ('body' in definition) return true;
  let taken = false;
  const place = {
    ...bindingOf(part),
    get context(): FunctionContext {
      taken = true;
      return { now: () => 0, random: () => 0 };
    },
  };
  try {
    definition.bind(place);
  } catch {
    return false;
  }
  return !taken;
};
