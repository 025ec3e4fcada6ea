/**
 * Table functions of a SELECT list: the rows of a query, each as many times as the functions make of it.
 *
 * Several of them are evaluated side by side, so all calls of a query are one node of the plan. They stand in the
 * SELECT list of a query over a stream, also as parts of expressions, but not where it depends on the row whether and
 * how often a part is evaluated: in CASE, in a lambda, in another table function. A query with groups has none, and
 * neither has a pull query, whose rows are those of the table or topic.
 */

import { UserError } from '../../base/index.ts';
import type { Expression, ExpressionOf } from '../parser/ast.ts';
import type { LogicalFlatMap, NamedExpression, TableCall } from './logical.ts';
import type { QueryContext } from './query-context.ts';
import type { Item } from './select-list.ts';
import { type Stage, unused } from './stage.ts';
import { fingerprint, partsOfExpression, replaceExpressions } from './walk.ts';

type Call = ExpressionOf<'call'>;

/** The stage behind the table functions of the list; the same one where there are none. */
export const flatMapped = (context: QueryContext, stage: Stage, items: readonly Item[]): Stage => {
  const { typer } = context;
  const found = callsIn(context, items);
  const [first] = found.values();
  if (first === undefined) return stage;
  const { node } = stage;
  checkUse(context, stage, first);
  const taken = new Set([...node.schema.key, ...node.schema.value].map((column) => column.name));
  const names = new Map<string, string>();
  const calls: TableCall[] = [];
  for (const [print, call] of found) {
    const typed = typer.tableCall(stage.localize(call, 'SELECT') as Call, node.schema);
    const name = unused(`KSQL_TABLE_FUNCTION_${calls.length}`, taken);
    taken.add(name);
    names.set(print, name);
    const { name: called, ...rest } = typed;
    calls.push({ name, function: called, ...rest });
  }
  const kept = node.schema.value.map(
    ({ name, type }, index): NamedExpression => ({
      name,
      expression: { kind: 'column', name, from: 'value', index, type },
    }),
  );
  const rows: LogicalFlatMap = {
    kind: 'flat-map',
    input: node,
    items: kept,
    calls,
    flow: 'stream',
    schema: { ...node.schema, value: [...node.schema.value, ...calls.map(({ name, type }) => ({ name, type }))] },
  };
  return {
    node: rows,
    keys: stage.keys,
    localize: (expression, clause) =>
      stage.localize(
        replaceExpressions(expression, (part) => {
          const name = part.kind === 'call' ? names.get(fingerprint(part)) : undefined;
          return name === undefined ? undefined : { kind: 'column', name, at: part.at };
        }),
        clause,
      ),
  };
};

/** Each different call once, by its fingerprint. */
const callsIn = ({ typer }: QueryContext, items: readonly Item[]): ReadonlyMap<string, Call> => {
  const found = new Map<string, Call>();
  const visit = (expression: Expression, within: string | undefined): void => {
    let inside = within;
    if (expression.kind === 'call' && typer.isTableFunction(expression.name)) {
      if (within !== undefined) {
        throw new UserError('SQL_TABLE_FUNCTION', `the table function ${expression.name} stands inside ${within}`, {
          at: expression.at,
          hint: 'Table functions stand outside of CASE, lambdas and other table functions.',
        });
      }
      found.set(fingerprint(expression), expression);
      inside = `the table function ${expression.name}`;
    }
    if (expression.kind === 'case' || expression.kind === 'simple-case') inside = 'CASE';
    if (expression.kind === 'lambda') inside = 'a lambda';
    for (const part of partsOfExpression(expression)) visit(part, inside);
  };
  for (const item of items) visit(item.expression, undefined);
  return found;
};

const checkUse = ({ options }: QueryContext, { node }: Stage, { name, at }: Call): void => {
  if (options.purpose === 'pull') {
    throw new UserError('SQL_TABLE_FUNCTION', `the table function ${name} cannot be used in a pull query`, {
      at,
      hint: 'Add EMIT CHANGES, or make a stream with the function first.',
    });
  }
  if (node.flow === 'table') {
    throw new UserError('SQL_TABLE_FUNCTION', `the table function ${name} cannot be used on a table`, {
      at,
      hint: 'A row of a table is one row by its key. Table functions are for streams.',
    });
  }
};
