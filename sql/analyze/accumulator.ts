/** The accumulator of an aggregate at one place: bound when the query is analyzed, which asks for its slots, and again
 *  where it is compiled. */

import type { Accumulator, AggregateDefinition, FunctionContext } from '../functions/define.ts';
import { valueOfLiteral } from '../types/literal.ts';
import type { AggregateCall } from './logical.ts';

export const accumulatorOf = (
  definition: AggregateDefinition,
  { args, type, merges, settings }: Pick<AggregateCall, 'args' | 'type' | 'merges' | 'settings'>,
  context: FunctionContext,
): Accumulator =>
  definition.bind({
    args: args.map((argument) => argument.type),
    result: type,
    ...(merges && { merges }),
    ...(settings && { settings }),
    constants: args.map((argument) =>
      argument.kind === 'literal' ? valueOfLiteral(argument.value, argument.type) : undefined,
    ),
    context,
  });
