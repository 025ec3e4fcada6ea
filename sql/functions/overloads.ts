/**
 * The choice among the overloads of a function.
 *
 * An overload fits the arguments as they are, or after strict conversion. Of those that fit the best is chosen: one
 * that repeats nothing before one that does, then more parameters, then fewer generics, then one that does not repeat
 * ANY, then one that repeats later, then one that takes whole numbers as DOUBLE and not as DECIMAL. Several that are
 * equally good are an error, not a guess. An untyped NULL fits every parameter. Of a lambda only the number of its
 * parameters counts; its body is typed when the overload is chosen, and its type then binds generics that are still
 * open.
 */

import { assert, type Position, UserError } from '../../base/index.ts';
import { printType, type SqlType, stringType } from '../types/type.ts';
import type { FunctionDefinition } from './define.ts';
import type { ModuleId } from './module.ts';
import {
  concrete,
  countGenerics,
  fits,
  leastDecimal,
  type Parameter,
  printParameterType,
  type Signature,
  spread,
} from './signature.ts';

export interface Overload<D extends FunctionDefinition = FunctionDefinition> {
  readonly signature: Signature;
  readonly definition: D;
  /** The module of user functions that it belongs to. */
  readonly module?: ModuleId;
}

/** What an argument is to the choice of an overload: its type, `null` for an untyped NULL, or for a lambda how many
 *  parameters it has. */
export type ArgumentType = SqlType | LambdaShape | null;

export interface LambdaShape {
  readonly kind: 'LAMBDA';
  readonly parameters: number;
}

/** Types the lambda that is an argument of the chosen overload: its parameters have these types. `expected`: the type
 *  that its body has to have, where that is known. Answers the type of the body. */
export type TypeLambda = (index: number, parameters: readonly SqlType[], expected: SqlType | undefined) => SqlType;

/** The chosen overload and the types that the arguments are to be converted to. */
export interface Resolution<D extends FunctionDefinition = FunctionDefinition> {
  readonly overload: Overload<D>;
  readonly parameters: readonly Parameter[];
  /** For a lambda the type of its body. */
  readonly args: readonly SqlType[];
  readonly result: SqlType;
}

/** An overload that fits, before its lambdas are looked into. */
interface Candidate<D extends FunctionDefinition> {
  readonly overload: Overload<D>;
  readonly parameters: readonly Parameter[];
  /** What the generics stand for. */
  readonly bindings: Map<string, SqlType>;
}

/** A call as it is written. */
export interface CallShape {
  readonly name: string;
  readonly args: readonly ArgumentType[];
  readonly at?: Position | undefined;
  /** Types the lambdas of the chosen overload, in their order: what one gives may be a parameter's type of the next.
   *  Left out where no lambda can stand. */
  readonly typeLambda?: TypeLambda | undefined;
}

/** The best of the overloads for the call. With `casts` arguments may be converted, where none fits as they are. */
export const chooseOverload = <D extends FunctionDefinition>(
  overloads: readonly Overload<D>[],
  call: CallShape,
  casts: boolean,
): Resolution<D> => {
  const found = best(overloads, call, false) ?? (casts ? best(overloads, call, true) : undefined);
  if (found === undefined) throw noSuchOverload(overloads, call);
  return complete(found, call);
};

const best = <D extends FunctionDefinition>(
  overloads: readonly Overload<D>[],
  { name, args, at }: CallShape,
  casts: boolean,
): Candidate<D> | undefined => {
  let chosen: Candidate<D> | undefined;
  let equals = 0;
  for (const overload of overloads) {
    const found = match(overload, args, casts);
    if (found === undefined) continue;
    const order =
      chosen === undefined ? 1 : rank(overload.signature, chosen.overload.signature) || wider(found, chosen, args);
    if (order > 0) {
      chosen = found;
      equals = 1;
    } else if (order === 0) equals++;
  }
  if (equals > 1) {
    throw new UserError(
      'SQL_AMBIGUOUS_FUNCTION',
      `the call ${printCall(name, args)} is ambiguous: several forms of the function fit it equally well`,
      { at, hint: 'Use CAST to say which types are meant.' },
    );
  }
  return chosen;
};

const match = <D extends FunctionDefinition>(
  overload: Overload<D>,
  args: readonly ArgumentType[],
  casts: boolean,
): Candidate<D> | undefined => {
  const parameters = spread(overload.signature, args.length);
  if (parameters === undefined) return undefined;
  const bindings = new Map<string, SqlType>();
  for (let i = 0; i < args.length; i++) {
    const { type } = parameters[i] as Parameter;
    const arg = args[i] as ArgumentType;
    if (isLambda(arg) || type.kind === 'LAMBDA') {
      if (!isLambda(arg) || type.kind !== 'LAMBDA' || type.parameters.length !== arg.parameters) return undefined;
    } else if (!fits(type, arg, bindings, casts)) return undefined;
  }
  return { overload, parameters, bindings };
};

const isLambda = (arg: ArgumentType): arg is LambdaShape => arg?.kind === 'LAMBDA';

/** The types of a candidate: generics that are left open are bound by its lambdas, in their order. */
const complete = <D extends FunctionDefinition>(
  { overload, parameters, bindings }: Candidate<D>,
  { args, at, typeLambda }: CallShape,
): Resolution<D> => {
  const bodies = new Map<number, SqlType>();
  parameters.forEach(({ type }, i) => {
    if (type.kind !== 'LAMBDA') return;
    assert(typeLambda !== undefined, `${overload.signature.text} takes a lambda where none can stand`);
    const bound = allBound(bindings);
    const given = type.parameters.map((parameter) => concrete(parameter, bound) ?? stringType);
    const body = typeLambda(i, given, concrete(type.result, bindings));
    bodies.set(i, body);
    if (fits(type.result, body, bindings, true)) return;
    throw new UserError(
      'SQL_TYPE_MISMATCH',
      `the lambda of ${overload.signature.name} gives ${printType(body)}, which does not fit ${printParameterType(type)}`,
      { at },
    );
  });
  const bound = allBound(bindings);
  const types = args.map((arg, i): SqlType => {
    const { type } = parameters[i] as Parameter;
    if (type.kind === 'LAMBDA') return bodies.get(i) as SqlType;
    return concrete(type, bound) ?? (isLambda(arg) ? stringType : (arg ?? stringType));
  });
  const result = overload.definition.resultOf?.(types) ?? concrete(overload.signature.result, bound);
  assert(result !== undefined, `the result of ${overload.signature.text} is not known`);
  return { overload, parameters, args: types, result };
};

/** A generic that only NULLs were given for becomes STRING, and a DECIMAL of any form one of one digit. */
const allBound = (bindings: ReadonlyMap<string, SqlType>): ReadonlyMap<string, SqlType> => {
  const bound = new Map(bindings);
  if (!bound.has('ANY DECIMAL')) bound.set('ANY DECIMAL', leastDecimal);
  for (const generic of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') if (!bound.has(generic)) bound.set(generic, stringType);
  return bound;
};

/** Positive when `a` is the better choice, 0 when neither is. */
const rank = (a: Signature, b: Signature): number => {
  const variadic = Number(b.variadicAt >= 0) - Number(a.variadicAt >= 0);
  if (variadic !== 0) return variadic;
  if (a.parameters.length !== b.parameters.length) return a.parameters.length - b.parameters.length;
  const generics = countGenerics(b) - countGenerics(a);
  if (generics !== 0) return generics;
  const any = Number(repeatsAny(b)) - Number(repeatsAny(a));
  return any !== 0 ? any : a.variadicAt - b.variadicAt;
};

/** Positive where `a` takes whole numbers as DOUBLE that `b` takes as DECIMAL: the wider type, as in arithmetic. Where
 *  a DECIMAL would become a DOUBLE neither is better. */
const wider = <D extends FunctionDefinition>(
  a: Candidate<D>,
  b: Candidate<D>,
  args: readonly ArgumentType[],
): number => {
  let order = 0;
  for (let i = 0; i < args.length; i++) {
    const [own, other] = [a.parameters[i]?.type.kind, b.parameters[i]?.type.kind];
    if (own === other) continue;
    const doubles = own === 'DOUBLE' && other === 'ANY DECIMAL';
    const decimals = own === 'ANY DECIMAL' && other === 'DOUBLE';
    const argument = args[i]?.kind;
    const whole = argument === 'INTEGER' || argument === 'BIGINT';
    const next = !whole || !(doubles || decimals) ? 0 : doubles ? 1 : -1;
    if (next === 0 || next === -order) return 0;
    order = next;
  }
  return order;
};

const repeatsAny = (signature: Signature): boolean => signature.parameters[signature.variadicAt]?.type.kind === 'ANY';

const printCall = (name: string, args: readonly ArgumentType[]): string =>
  `${name.toUpperCase()}(${args.map(printArgument).join(', ')})`;

const printArgument = (arg: ArgumentType): string => {
  if (arg === null) return 'NULL';
  if (!isLambda(arg)) return printType(arg);
  return arg.parameters === 1 ? 'a lambda' : `a lambda of ${arg.parameters} parameters`;
};

const noSuchOverload = (overloads: readonly Overload[], { name, args, at }: CallShape): UserError =>
  new UserError('SQL_FUNCTION_ARGUMENTS', `the function ${name.toUpperCase()} does not accept ${printCall('', args)}`, {
    at,
    hint: `Its forms are ${overloads.map((overload) => overload.signature.text).join('; ')}.`,
  });
