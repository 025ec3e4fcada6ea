/** DEFINE, UNDEFINE and SHOW VARIABLES. Variables are put in their places by the parser, which also follows DEFINE and
 *  UNDEFINE; here only the answers are made. */

import type { Define, Undefine } from '../parser/statements/settings.ts';
import type { ShowPlain } from '../parser/statements/show.ts';
import type { Handler, PlannedBy, StatementContext } from './statement.ts';

const inForce = ({ variables }: StatementContext): PlannedBy<never> => ({
  kind: 'nothing',
  answer: { kind: 'defined', variables: Object.fromEntries(variables) },
});

export const define: Handler<Define> = (_, context) => inForce(context);

export const undefine: Handler<Undefine> = (_, context) => inForce(context);

export const showVariables: Handler<ShowPlain> = (_, { variables }) => ({
  kind: 'nothing',
  answer: { kind: 'variables', variables: Array.from(variables, ([name, value]) => ({ name, value })) },
});
