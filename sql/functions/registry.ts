/**
 * The functions that a statement can name, and the choice among overloads.
 *
 * Resolution goes in two rounds: overloads that the arguments fit as they are, then, but not for aggregates, those
 * that they fit after strict conversion. Within a round the best is chosen: one that repeats nothing before one that
 * does, then more parameters, then fewer generics, then one that does not repeat ANY, then one that repeats later.
 * Several that are equally good are an error, not a guess. An untyped NULL fits every parameter.
 */

import { assert, closest, type Position, UserError } from '../../base/index.ts';
import { printType, type SqlType, stringType } from '../types/type.ts';
import type { AggregateDefinition, FunctionDefinition, ScalarDefinition, TableDefinition } from './define.ts';
import { type LoadedModule, type ModuleId, printModule } from './module.ts';
import {
  concrete,
  countGenerics,
  fits,
  type Parameter,
  printParameterType,
  type Signature,
  spread,
} from './signature.ts';

export interface Family {
  /** As SHOW FUNCTIONS and the documentation head it. */
  readonly category: string;
  readonly functions: readonly FunctionDefinition[];
}

export interface RegisteredFunction {
  readonly name: string;
  readonly kind: FunctionDefinition['kind'];
  readonly category: string;
  readonly overloads: readonly Overload[];
}

export interface Overload<D extends FunctionDefinition = FunctionDefinition> {
  readonly signature: Signature;
  readonly definition: D;
  /** The module of user functions that it belongs to. */
  readonly module?: ModuleId;
}

/** The function that a plan means: of a module of users, or built in. */
export interface FunctionRef {
  readonly name: string;
  readonly signature: string;
  readonly module?: ModuleId | undefined;
}

/** What an argument is to the choice of an overload: its type, `null` for an untyped NULL, or for a lambda how many parameters
 *  it has. */
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
interface Candidate {
  readonly overload: Overload;
  readonly parameters: readonly Parameter[];
  /** What the generics stand for. */
  readonly bindings: Map<string, SqlType>;
}

interface Entry {
  readonly category: string;
  readonly kind: FunctionDefinition['kind'];
  readonly overloads: Overload[];
  /** The name of the module of user functions that it belongs to. */
  readonly module?: string;
}

export class FunctionRegistry {
  /** What statements can name. */
  readonly #entries = new Map<string, Entry>();
  /** What plans can name, by module and version, and then by signature. */
  readonly #modules = new Map<string, ReadonlyMap<string, Overload<ScalarDefinition>>>();

  constructor(families: readonly Family[] = []) {
    for (const family of families) for (const each of family.functions) this.add(each, family.category);
  }

  /** Adds a function, or overloads to a function of the same name and kind. */
  add(definition: FunctionDefinition, category = 'OTHER'): void {
    for (const signature of definition.signatures) {
      let entry = this.#entries.get(signature.name);
      if (entry === undefined) {
        entry = { category, kind: definition.kind, overloads: [] };
        this.#entries.set(signature.name, entry);
      }
      assert(entry.kind === definition.kind, `${signature.name} is already a function of another kind`);
      assert(
        entry.overloads.every((other) => other.signature.text !== signature.text),
        `${signature.text} is declared twice`,
      );
      entry.overloads.push({ signature, definition });
    }
  }

  /** Adds the functions of a module. New statements get them in the place of those of other versions of the module;
   *  plans get the version that they name. Raises FUNCTION_MODULE_CONFLICT, and adds nothing, when a name is taken. */
  addModule({ name, version, url, functions }: LoadedModule): void {
    const id: ModuleId = { name, version };
    const overloads = functions.flatMap((definition) =>
      definition.signatures.map((signature) => ({ signature, definition, module: id })),
    );
    const texts = overloads.map(({ signature }) => signature.text);
    const conflict = (why: string): UserError =>
      new UserError('FUNCTION_MODULE_CONFLICT', `the function module ${printModule(id)} (${url}): ${why}`);
    if (this.#modules.has(printModule(id))) throw conflict('a module of this name and version is already loaded');
    for (const [i, text] of texts.entries()) if (texts.indexOf(text) !== i) throw conflict(`${text} is declared twice`);
    for (const { signature } of overloads) {
      const taken = this.#entries.get(signature.name);
      if (taken === undefined || taken.module === name) continue;
      throw conflict(
        `${signature.name} is already a function ${taken.module === undefined ? 'of SQL' : `of the module ${taken.module}`}`,
      );
    }
    for (const [former, entry] of this.#entries) if (entry.module === name) this.#entries.delete(former);
    for (const overload of overloads) {
      const { name: called } = overload.signature;
      const entry = this.#entries.get(called) ?? { category: name, kind: 'scalar', overloads: [], module: name };
      this.#entries.set(called, entry);
      entry.overloads.push(overload);
    }
    this.#modules.set(printModule(id), new Map(overloads.map((overload) => [overload.signature.text, overload])));
  }

  /** Raises FUNCTION_MODULE_MISSING unless this version of the module is loaded. */
  checkModule(id: ModuleId): void {
    if (this.#modules.has(printModule(id))) return;
    const others = [...this.#modules.keys()].filter((other) => other.startsWith(`${id.name} `));
    throw missing(
      `the module ${printModule(id)} is not loaded${others.length > 0 ? `, but ${others.join(', ')}` : ''}`,
    );
  }

  /** All functions, by name. */
  list(): readonly RegisteredFunction[] {
    return [...this.#entries].map(([name, entry]) => ({ name, ...entry })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): RegisteredFunction | undefined {
    const upper = name.toUpperCase();
    const entry = this.#entries.get(upper);
    return entry === undefined ? undefined : { name: upper, ...entry };
  }

  isAggregate(name: string): boolean {
    return this.#entries.get(name.toUpperCase())?.kind === 'aggregate';
  }

  isTableFunction(name: string): boolean {
    return this.#entries.get(name.toUpperCase())?.kind === 'table';
  }

  /** Chooses the overload of a scalar function. Lambdas count by the number of their parameters; `typeLambda` types those
   *  of the chosen overload, in their order: what one gives may be a parameter's type of the next. */
  resolve(
    name: string,
    args: readonly ArgumentType[],
    at?: Position,
    typeLambda?: TypeLambda,
  ): Resolution<ScalarDefinition> {
    const entry = this.#known(name, at);
    if (entry.kind === 'table') {
      throw new UserError('SQL_TABLE_FUNCTION', `the table function ${name.toUpperCase()} cannot be used here`, {
        at,
        hint: 'Table functions stand in the SELECT list of a query over a stream.',
      });
    }
    if (entry.kind === 'aggregate') {
      throw new UserError('SQL_AGGREGATE_MISPLACED', `${name.toUpperCase()} is an aggregate and cannot be used here`, {
        at,
        hint: 'Aggregates stand in SELECT and HAVING of a query with GROUP BY, and not inside one another.',
      });
    }
    return resolved(name, entry, args, at, typeLambda) as Resolution<ScalarDefinition>;
  }

  /** Chooses the overload of a table function, as of a scalar one. */
  resolveTableFunction(
    name: string,
    args: readonly ArgumentType[],
    at?: Position,
    typeLambda?: TypeLambda,
  ): Resolution<TableDefinition> {
    const entry = this.#known(name, at);
    assert(entry.kind === 'table', `${name} is not a table function`);
    return resolved(name, entry, args, at, typeLambda) as Resolution<TableDefinition>;
  }

  /** Chooses the overload of an aggregate; arguments are not converted. */
  resolveAggregate(name: string, args: readonly (SqlType | null)[], at?: Position): Resolution<AggregateDefinition> {
    const entry = this.#known(name, at);
    assert(entry.kind === 'aggregate', `${name} is not an aggregate`);
    const found = choose(entry.overloads, args, false, name, at);
    if (found === undefined) throw noSuchOverload(name, entry, args, at);
    return complete(found, args, at) as Resolution<AggregateDefinition>;
  }

  /** The overload that a plan names. */
  scalar({ name, signature, module }: FunctionRef): Overload<ScalarDefinition> {
    if (module !== undefined) return this.#ofModule(module, signature);
    const found = this.#overload(name, signature);
    assert(found.definition.kind === 'scalar', `${signature} is not a scalar function`);
    return found as Overload<ScalarDefinition>;
  }

  table(name: string, signature: string): Overload<TableDefinition> {
    const found = this.#overload(name, signature);
    assert(found.definition.kind === 'table', `${signature} is not a table function`);
    return found as Overload<TableDefinition>;
  }

  aggregate(name: string, signature: string): Overload<AggregateDefinition> {
    const found = this.#overload(name, signature);
    assert(found.definition.kind === 'aggregate', `${signature} is not an aggregate`);
    return found as Overload<AggregateDefinition>;
  }

  #overload(name: string, signature: string): Overload {
    const found = this.#entries.get(name)?.overloads.find((overload) => overload.signature.text === signature);
    if (found === undefined) {
      throw new UserError('SQL_UNKNOWN_FUNCTION', `this build has no function ${signature}`, {
        hint: 'The plan was made with other functions: register them before it is applied.',
      });
    }
    return found;
  }

  #ofModule(module: ModuleId, signature: string): Overload<ScalarDefinition> {
    this.checkModule(module);
    const found = this.#modules.get(printModule(module))?.get(signature);
    if (found === undefined) throw missing(`the module ${printModule(module)} has no function ${signature}`);
    return found;
  }

  #known(name: string, at: Position | undefined): Entry {
    const entry = this.#entries.get(name.toUpperCase());
    if (entry !== undefined) return entry;
    const near = closest(name.toUpperCase(), this.#entries.keys());
    throw new UserError('SQL_UNKNOWN_FUNCTION', `there is no function called "${name}"`, {
      at,
      hint: near === undefined ? 'SHOW FUNCTIONS lists them all.' : `Did you mean "${near}"?`,
    });
  }
}

const missing = (sentence: string): UserError =>
  new UserError('FUNCTION_MODULE_MISSING', sentence, {
    hint: 'The query was made with its functions: load that version too, or make the query again.',
  });

/** The choice in two rounds: as the arguments are, then with conversions. */
const resolved = (
  name: string,
  entry: Entry,
  args: readonly ArgumentType[],
  at: Position | undefined,
  typeLambda: TypeLambda | undefined,
): Resolution => {
  const found = choose(entry.overloads, args, false, name, at) ?? choose(entry.overloads, args, true, name, at);
  if (found === undefined) throw noSuchOverload(name, entry, args, at);
  return complete(found, args, at, typeLambda);
};

const choose = (
  overloads: readonly Overload[],
  args: readonly ArgumentType[],
  casts: boolean,
  name: string,
  at: Position | undefined,
): Candidate | undefined => {
  let best: Candidate | undefined;
  let equals = 0;
  for (const overload of overloads) {
    const found = match(overload, args, casts);
    if (found === undefined) continue;
    const order = best === undefined ? 1 : rank(overload.signature, best.overload.signature);
    if (order > 0) {
      best = found;
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
  return best;
};

const match = (overload: Overload, args: readonly ArgumentType[], casts: boolean): Candidate | undefined => {
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

/** The types of a candidate: what is left open is told by its lambdas, in their order. */
const complete = (
  { overload, parameters, bindings }: Candidate,
  args: readonly ArgumentType[],
  at: Position | undefined,
  typeLambda?: TypeLambda,
): Resolution => {
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
  const result = concrete(overload.signature.result, bound);
  assert(result !== undefined, `the result of ${overload.signature.text} is not known`);
  return { overload, parameters, args: types, result };
};

/** A generic that only NULLs were given for is as good as any type. */
const allBound = (bindings: ReadonlyMap<string, SqlType>): ReadonlyMap<string, SqlType> => {
  const bound = new Map(bindings);
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

const repeatsAny = (signature: Signature): boolean => signature.parameters[signature.variadicAt]?.type.kind === 'ANY';

const printCall = (name: string, args: readonly ArgumentType[]): string =>
  `${name.toUpperCase()}(${args.map(printArgument).join(', ')})`;

const printArgument = (arg: ArgumentType): string => {
  if (arg === null) return 'NULL';
  if (!isLambda(arg)) return printType(arg);
  return arg.parameters === 1 ? 'a lambda' : `a lambda of ${arg.parameters}`;
};

const noSuchOverload = (
  name: string,
  entry: Entry,
  args: readonly ArgumentType[],
  at: Position | undefined,
): UserError =>
  new UserError('SQL_FUNCTION_ARGUMENTS', `the function ${name.toUpperCase()} does not accept ${printCall('', args)}`, {
    at,
    hint: `Its forms are ${entry.overloads.map((overload) => overload.signature.text).join('; ')}.`,
  });
