/**
 * Lambdas: arguments of functions that are expressions over parameters of their own.
 *
 * The function's signature tells the types of the parameters; the body is typed with them, and its type binds the
 * generics of the signature that are still open. Names of parameters are looked up from the inside out, before columns;
 * no name may mean two things at one place, so a parameter is not called like a column or like a parameter around it.
 */

import { assert, UserError } from '../../../base/index.ts';
import type { ExpressionOf } from '../../parser/ast.ts';
import type { SqlType } from '../../types/type.ts';
import type { TypedExpression, TypedLambda } from '../typed.ts';
import { convertTo } from './convert.ts';
import { asTyped, type Typing } from './draft.ts';

/** `expected`: what the body's type has to be, where that is known; it is then converted. */
export const typeLambda = (
  typing: Typing,
  node: ExpressionOf<'lambda'>,
  types: readonly SqlType[],
  expected: SqlType | undefined,
): TypedLambda => {
  assert(types.length === node.parameters.length, 'the overload takes a lambda with this number of parameters');
  const bound = new Map(typing.scope.parameters);
  const parameters = node.parameters.map((name, i) => {
    if (bound.has(name)) {
      throw new UserError('SQL_LAMBDA_PARAMETER', `the lambda parameter "${name}" is declared twice`, {
        at: node.at,
        hint: 'Parameters of a lambda, and of those inside of it, have different names.',
      });
    }
    const type = types[i] as SqlType;
    bound.set(name, type);
    return { name, type };
  });
  const draft = typing.inLambda(bound).draft(node.body, expected);
  const body = expected === undefined ? asTyped(draft) : convertTo(draft, expected, 'strict');
  return { kind: 'lambda', parameters, body, type: body.type };
};

/** The parameter that a name means; undefined: it is not one. */
export const typeParameter = (
  { scope }: Typing,
  { source, name }: ExpressionOf<'column'>,
): TypedExpression | undefined => {
  const type = source === undefined ? scope.parameters?.get(name) : undefined;
  return type === undefined ? undefined : { kind: 'parameter', name, type };
};
