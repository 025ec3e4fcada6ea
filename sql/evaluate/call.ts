/** Calls of scalar functions, as closures: the body, bound to its place once, behind its arguments. */

import { AssertionError, messageOf, UserError } from '../../base/index.ts';
import type { StreamRecord } from '../../engine/index.ts';
import type { TypedExpression, TypedOf } from '../analyze/typed.ts';
import type { Call, FunctionContext, Lambda } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { SqlType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import { constantOf, type Evaluate } from './closure.ts';

/** Evaluates an argument: its value, or for a lambda the function that the body may call. */
export type EvaluateArgument = (record: StreamRecord<unknown>) => Value | Lambda;

type Run = (...args: readonly (Value | Lambda)[]) => Value;

/** What a body is bound for: a call of a plan. */
interface BoundCall {
  readonly args: readonly TypedExpression[];
  readonly type: SqlType;
  readonly settings?: Call['settings'];
}

/** How a function is declared that has a body, or makes one for each place. */
type Bindable<B> = { readonly body: B } | { readonly bind: (call: Call) => B };

/** The place that a function is bound for, without what it may use of its surroundings. */
export const bindingOf = ({ args, type, settings }: BoundCall): Omit<Call, 'context'> => ({
  args: args.map((arg) => arg.type),
  result: type,
  constants: args.map((arg) => (arg.kind === 'literal' ? constantOf(arg) : undefined)),
  ...(settings && { settings }),
});

/** The body for this place. Where it refuses a constant, a body that fails for each row: the analysis refuses such
 *  constants, but not those that only become one by folding, nor those that an older build accepted. */
export const bodyOf = <B>(definition: Bindable<B>, call: BoundCall, context: FunctionContext): B | (() => never) => {
  if ('body' in definition) return definition.body;
  try {
    return definition.bind({ ...bindingOf(call), context });
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return () => {
      throw error;
    };
  }
};

/** The closure of a call, from those of its arguments. */
export const call = (
  part: TypedOf<'call'>,
  args: readonly EvaluateArgument[],
  functions: FunctionRegistry,
  context: FunctionContext,
): Evaluate => {
  const { definition } = functions.scalar(part);
  const body = bodyOf(definition, part, context);
  // The signature has been checked against the arguments: what the body takes is what it gets.
  const run = body as Run;
  const propagates = definition.nulls === 'propagate';
  const { name } = part;
  const [first, second, third] = args;
  if (args.length === 0) {
    return () => {
      try {
        return run();
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  if (args.length === 1 && first !== undefined) {
    return (record) => {
      const a = first(record);
      if (propagates && a === null) return null;
      try {
        return run(a);
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  if (args.length === 2 && first !== undefined && second !== undefined) {
    return (record) => {
      const a = first(record);
      const b = second(record);
      if (propagates && (a === null || b === null)) return null;
      try {
        return run(a, b);
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  if (args.length === 3 && first !== undefined && second !== undefined && third !== undefined) {
    return (record) => {
      const a = first(record);
      const b = second(record);
      const c = third(record);
      if (propagates && (a === null || b === null || c === null)) return null;
      try {
        return run(a, b, c);
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  return (record) => {
    const values = args.map((arg) => arg(record));
    if (propagates && values.includes(null)) return null;
    try {
      return run(...values);
    } catch (error) {
      throw failed(name, error);
    }
  };
};

/** An exception of a function's body is bad data: the body may be a user's. Our own asserts stay what they are, and so
 *  does a body that was ended because it took too long: that is a fault of its query. */
export const failed = (name: string, error: unknown): Error => {
  if (error instanceof EvaluationError || error instanceof AssertionError || error instanceof UserError) return error;
  const message = messageOf(error);
  return new EvaluationError(`${name} failed: ${message}`, { cause: error });
};
