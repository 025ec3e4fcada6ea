/** The accumulator of an aggregate at one place: bound when the query is analyzed, which asks for its slots, and again
 *  where it is compiled. */

import type { Accumulator, AggregateDefinition, FunctionContext } from '../functions/define.ts';
import { valueOfLiteral } from '../types/literal.ts';
import type { SqlType } from '../types/type.ts';
import type { TypedExpression } from './typed.ts';

export const accumulatorOf = (
  definition: AggregateDefinition,
  { args, type }: { readonly args: readonly TypedExpression[]; readonly type: SqlType },
  context: FunctionContext,
): Accumulator =>
  definition.bind({
    args: args.map((argument) => argument.type),
    result: type,
    constants: args.map((argument) =>
      argument.kind === 'literal' ? valueOfLiteral(argument.value, argument.type) : undefined,
    ),
    context,
  });
