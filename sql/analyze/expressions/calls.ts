/**
 * Calls of functions: the overload that the arguments choose, and the arguments converted to its parameters.
 *
 * A constant that a function does not accept is found here, before the query runs: the function is bound once to try.
 */

import { assert, type Position, UserError } from '../../../base/index.ts';
import type { Call, ScalarDefinition, TableDefinition } from '../../functions/define.ts';
import type { ModuleId } from '../../functions/module.ts';
import type { ArgumentType, CallShape, Overload, Resolution } from '../../functions/overloads.ts';
import type { Expression, ExpressionOf } from '../../parser/ast.ts';
import { EvaluationError } from '../../types/evaluation-error.ts';
import { valueOfLiteral } from '../../types/literal.ts';
import { type SqlType, stringType } from '../../types/type.ts';
import type { TypedAggregate, TypedExpression, TypedLambda, TypedTableCall } from '../typed.ts';
import { convertTo } from './convert.ts';
import { asTyped, type Draft, type Typing, typeOf } from './draft.ts';
import { typeLambda } from './lambda.ts';

export const typeCall = (typing: Typing, node: ExpressionOf<'call'>): TypedExpression => {
  if (node.star) {
    throw new UserError('SQL_FUNCTION_ARGUMENTS', `${node.name.toUpperCase()}(*) is not possible here`, {
      at: node.at,
      hint: typing.scope.functions.isAggregate(node.name)
        ? 'Aggregates stand in SELECT and HAVING of a query with GROUP BY.'
        : undefined,
    });
  }
  return typeCallOf(typing, node.name, node.args, node.at);
};

/** The call of a scalar function, written as a call or as an operator that stands for one. */
export const typeCallOf = (
  typing: Typing,
  name: string,
  args: readonly Expression[],
  at: Position,
): TypedExpression => {
  const { functions } = typing.scope;
  const { call, module, settings } = resolvedCall(typing, (shape) => functions.resolve(shape), name, args, at);
  return { kind: 'call', ...call, ...(module !== undefined && { module }), ...(settings && { settings }) };
};

/** The call of a table function. */
export const typeTableFunctionCall = (typing: Typing, { name, args, at }: ExpressionOf<'call'>): TypedTableCall => {
  const { functions } = typing.scope;
  const { call, module } = resolvedCall(typing, (shape) => functions.resolveTableFunction(shape), name, args, at);
  return { ...call, ...(module !== undefined && { module }) };
};

type Resolve = (call: CallShape) => Resolution<ScalarDefinition | TableDefinition>;

/** The overload that the arguments choose, and the arguments as it takes them. */
const resolvedCall = (
  typing: Typing,
  resolve: Resolve,
  name: string,
  args: readonly Expression[],
  at: Position,
): {
  readonly call: TypedTableCall;
  readonly module: ModuleId | undefined;
  readonly settings: Call['settings'];
} => {
  const drafts = args.map((arg) => (arg.kind === 'lambda' ? arg : draftArgument(typing, arg)));
  const shapes = drafts.map(
    (draft): ArgumentType =>
      draft.kind === 'lambda' ? { kind: 'LAMBDA', parameters: draft.parameters.length } : typeOf(draft),
  );
  const lambdas = new Map<number, TypedLambda>();
  const lambdaOf: CallShape['typeLambda'] = (index, parameters, expected) => {
    const node = drafts[index];
    assert(node?.kind === 'lambda', `argument ${index} of ${name} is a lambda`);
    const lambda = typeLambda(typing, node, parameters, expected);
    lambdas.set(index, lambda);
    return lambda.type;
  };
  const resolution = resolve({ name, args: shapes, at, typeLambda: lambdaOf });
  const { signature, module } = resolution.overload;
  const converted = drafts.map((draft, i): TypedExpression => {
    if (draft.kind !== 'lambda') return convertTo(draft, resolution.args[i] as SqlType, 'strict');
    const lambda = lambdas.get(i);
    assert(lambda !== undefined, `the lambda ${i} of ${name} was typed`);
    return lambda;
  });
  checkLiterals(resolution, (i) => converted[i]?.kind === 'literal', args);
  const settings = settingsFor(typing, resolution.overload);
  checkConstants(resolution, converted, settings, at);
  const call = { name: signature.name, signature: signature.text, args: converted, type: resolution.result };
  return { call, module, settings };
};

/** Those properties of the statement that the function reads; undefined when there are none. */
const settingsFor = (
  { scope }: Typing,
  { definition, signature }: Overload<ScalarDefinition | TableDefinition>,
): Call['settings'] => {
  if (definition.kind !== 'scalar' || definition.settings === undefined) return undefined;
  const { settings } = definition;
  const read = Object.entries(scope.settingsOf?.(signature.name) ?? {}).filter(([name]) => settings.includes(name));
  return read.length === 0 ? undefined : Object.fromEntries(read);
};

/** The unit of a duration may stand as an argument: functions get its name as a text. */
const draftArgument = (typing: Typing, arg: Expression): Draft =>
  arg.kind === 'unit'
    ? { kind: 'typed', typed: { kind: 'literal', value: arg.unit, type: stringType }, at: arg.at }
    : typing.draft(arg);

/** Some parameters take literals only. */
const checkLiterals = (
  { overload, parameters }: Resolution,
  isLiteral: (index: number) => boolean,
  args: readonly Expression[],
): void => {
  parameters.forEach((parameter, i) => {
    if (!parameter.literal || isLiteral(i)) return;
    throw new UserError('SQL_LITERAL_EXPECTED', `argument ${i + 1} of ${overload.signature.name} has to be a literal`, {
      at: args[i]?.at,
    });
  });
};

/** A constant that the function refuses is known to be wrong before the query runs. */
const checkConstants = (
  { overload, args, result }: Resolution<ScalarDefinition | TableDefinition>,
  given: readonly TypedExpression[],
  settings: Call['settings'],
  at: Position,
): void => {
  const { definition, signature } = overload;
  if (!('bind' in definition)) return;
  const constants = given.map((arg) => (arg.kind === 'literal' ? valueOfLiteral(arg.value, arg.type) : undefined));
  try {
    const context = { now: () => 0, random: () => 0 };
    definition.bind({ args, result, constants, context, ...(settings && { settings }) });
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new UserError('SQL_BAD_CONSTANT', `${signature.name} cannot work with its constants: ${error.message}`, {
      at,
    });
  }
};

/** The call of an aggregate. `COUNT(*)` is COUNT without arguments. */
export const typeAggregateCall = (typing: Typing, node: ExpressionOf<'call'>): TypedAggregate => {
  const args = node.star ? [] : node.args;
  const drafts = args.map((arg) => typing.draft(arg));
  const resolution = typing.scope.functions.resolveAggregate(node.name, drafts.map(typeOf), node.at);
  const { signature, module } = resolution.overload;
  const isLiteral = (draft: Draft | undefined): boolean => draft?.kind === 'typed' && draft.typed.kind === 'literal';
  checkLiterals(resolution, (i) => isLiteral(drafts[i]), args);
  const typed = drafts.map((draft, i) => asTyped(draft, resolution.args[i]));
  const call = { name: signature.name, signature: signature.text, args: typed, type: resolution.result };
  return { ...call, ...(module !== undefined && { module }) };
};
