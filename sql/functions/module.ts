/**
 * Modules of user functions: a file whose default export is a `FunctionModule`.
 *
 *     export default {
 *       name: 'geo-tools',
 *       version: '1.0.0',
 *       functions: [{ signature: 'NEARBY(DOUBLE, DOUBLE) -> BOOLEAN', body: (a, b) => Math.abs(a - b) < 1 }],
 *     };
 *
 * A function is scalar (`body`, or `bind` which makes one for each place), a table function (`rows`), or an aggregate
 * (`state`, `initialize`, `add`, and what else it can do). All get values in the forms of `types/value.ts`: a STRUCT is
 * an array of its fields, a MAP is a Map; collections are copies, which a function may change. What a function returns
 * is checked: a value that is not of the declared type is a fault of its record, as an exception is.
 *
 * A closure cannot go to another thread, so a module is loaded by its URL in each thread that needs it. Plans name
 * the module and its version: a query runs only with the version that it was made with, so that a new version never
 * changes what a running query computes. Several versions of one module may be loaded: new queries get the one that was
 * loaded last.
 */

import { assert, messageOf, UserError } from '../../base/index.ts';
import { valueCheck } from '../types/check-value.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { isScalar, type SqlType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import {
  type Accumulator,
  type Body,
  type Call,
  define,
  defineAggregate,
  defineTable,
  type FunctionDefinition,
} from './define.ts';
import { bindingsOf, concrete, parseSignature, parseType, spread } from './signature.ts';

interface Declared {
  /** One signature or several: overloads that share the rest. `LPAD(STRING, INT, STRING...) -> STRING`. Parameters may
   *  have names: `LPAD(text STRING, length INT, fill STRING...) -> STRING`. */
  readonly signature: string | readonly string[];
  readonly doc?: string;
}

/** A scalar function. */
export type UserScalarFunction = Declared & {
  /** `propagate`, the default: a NULL argument makes the result NULL. `own`: the body gets `null`. */
  readonly nulls?: 'propagate' | 'own';
} & (
    | { readonly body: Body }
    | {
        readonly bind: (call: Call) => Body;
        /** The properties `ksql.functions.NAME.…` that it reads: `bind` gets those that are set as `settings`. */
        readonly settings?: readonly string[];
      }
  );

/** A table function: each value that it gives is a row. */
export type UserTableFunction = Declared & {
  /** `propagate`, the default: a NULL argument makes no rows. `own`: the function gets `null`. */
  readonly nulls?: 'propagate' | 'own';
  readonly rows: (...args: never[]) => Iterable<unknown>;
};

/**
 * An aggregate: a fold over the rows of a group. What it keeps for a group is one value, of the type `state`; it is
 * stored, logged and restored as any value is. Parameters marked `literal` are constants: they go to `initialize` and
 * `result`, and are left out of the arguments of `add`.
 */
export interface UserAggregate extends Declared {
  /** The type of what is kept: `BIGINT`, `STRUCT<SUM BIGINT, COUNT BIGINT>`; generics are those of the signature. */
  readonly state: string;
  readonly initialize: (...literals: never[]) => unknown;
  /** The next state. NULL arguments come as `null`. */
  readonly add: (state: never, ...args: never[]) => unknown;
  /** Takes back a former `add`: without it the aggregate cannot be used on tables. */
  readonly undo?: (state: never, ...args: never[]) => unknown;
  /** The state of two sessions that become one: without it the aggregate cannot be used over sessions. */
  readonly merge?: (earlier: never, later: never) => unknown;
  /** The value for a state; left out: the state itself. */
  readonly result?: (state: never, ...literals: never[]) => unknown;
}

export type UserFunction = UserScalarFunction | UserTableFunction | UserAggregate;

export interface FunctionModule {
  /** Letters, digits, `-`, `_` and `.`; in plans. */
  readonly name: string;
  /** Any text without blanks; another one means other functions. */
  readonly version: string;
  readonly functions: readonly UserFunction[];
}

/** Which functions a plan means. */
export interface ModuleId {
  readonly name: string;
  readonly version: string;
}

/** A module that was loaded: its functions as definitions. */
export interface LoadedModule extends ModuleId {
  /** Where it came from. */
  readonly url: string;
  /** Calls of its functions have a time limit. */
  readonly limited?: boolean;
  readonly functions: readonly FunctionDefinition[];
  /** Of each function in the file, in its order. */
  readonly names: readonly string[];
}

/** Where another thread finds a module. */
export interface ModulePlace extends ModuleId {
  readonly url: string;
  /** Its calls are marked, with its number. */
  readonly limited: boolean;
  readonly number: number;
}

/** Stands around each call of a user's code: `index` is the function's place in its module, from 0. */
export type Guard = <T>(index: number, call: () => T) => T;

const unguarded: Guard = (_, call) => call();

export const printModule = ({ name, version }: ModuleId): string => `${name} ${version}`;

/** Loads a module. Rejects with FUNCTION_MODULE_INVALID when it cannot be, or is not a module of functions. */
export const loadModule = async (url: string, guard?: Guard): Promise<LoadedModule> =>
  readModule(url, await importModule(url), guard);

/** The default export of the file. */
export const importModule = async (url: string): Promise<unknown> => {
  try {
    return ((await import(/* @vite-ignore */ url)) as { readonly default?: unknown }).default;
  } catch (error) {
    const sentence = `the function module ${url} cannot be loaded: ${messageOf(error)}`;
    throw new UserError('FUNCTION_MODULE_INVALID', sentence, { cause: error });
  }
};

/** The module that a file exports, checked. */
export const readModule = (url: string, exported: unknown, guard: Guard = unguarded): LoadedModule => {
  const { name, version, functions } = checkModule(url, exported);
  const id = { name, version };
  const definitions = functions.map((each, i) => definitionsOf(url, id, each, i, guard));
  const names = definitions.map(([first]) => first?.signatures[0]?.name ?? '');
  return { ...id, url, functions: definitions.flat(), names };
};

/** What a file exports, as a module; its signatures are not read yet. */
export const checkModule = (url: string, exported: unknown): FunctionModule => {
  if (!isObject(exported)) throw invalid(url, 'its default export is not an object');
  const { name, version, functions } = exported;
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) throw invalid(url, 'its name is not a word');
  if (typeof version !== 'string' || !/^\S+$/.test(version))
    throw invalid(url, 'its version is not a text without blanks');
  if (!Array.isArray(functions)) throw invalid(url, '"functions" is not an array');
  functions.forEach((each: unknown, i) => {
    const fault = functionFault(each);
    if (fault !== undefined) throw invalid(url, `function ${i + 1} ${fault}`);
  });
  return { name, version, functions };
};

const definitionsOf = (
  url: string,
  id: ModuleId,
  given: UserFunction,
  index: number,
  guard: Guard,
): readonly FunctionDefinition[] => {
  const code = new UserCode(id, (call) => guard(index, call));
  const shared = { signature: given.signature, doc: given.doc ?? '', examples: [] };
  try {
    if ('add' in given) return [given.signature].flat().map((signature) => aggregateOf(signature, given, code));
    const nulls = given.nulls ?? 'propagate';
    if ('rows' in given) return [defineTable({ ...shared, nulls, bind: (call) => checkedRows(given, call, code) })];
    const bodyFor = 'body' in given ? () => given.body : given.bind;
    const settings = 'bind' in given ? given.settings : undefined;
    const bind = (call: Call): Body => checkedBody(call, () => bodyFor(call), code);
    return [define({ ...shared, nulls, bind, ...(settings && { settings }) })];
  } catch (error) {
    throw invalid(url, `function ${index + 1}: ${messageOf(error)}`, error);
  }
};

/** The code of one function: runs it, and checks what it gives. */
class UserCode {
  readonly #id: ModuleId;
  readonly #guard: <T>(call: () => T) => T;

  constructor(id: ModuleId, guard: <T>(call: () => T) => T) {
    this.#id = id;
    this.#guard = guard;
  }

  /** What the code throws is bad data, or where a statement is planned a fault of the statement. */
  run<T>(run: () => T): T {
    try {
      return this.#guard(run);
    } catch (error) {
      if (error instanceof EvaluationError || error instanceof UserError) throw error;
      throw new EvaluationError(messageOf(error), { cause: error });
    }
  }

  /** What the code has given, checked. */
  checked(check: (given: unknown) => Value, given: unknown): Value {
    try {
      return check(given);
    } catch (error) {
      ignoreRejections(given);
      throw this.gave(messageOf(error));
    }
  }

  gave(what: string): EvaluationError {
    return new EvaluationError(`the module ${printModule(this.#id)} gave ${what}`);
  }
}

type Run = (...args: readonly unknown[]) => unknown;

/** A body whose results are values of the call's type, or a fault of the record. */
const checkedBody = ({ args: types, result }: Call, make: () => Body, code: UserCode): Body => {
  const check = valueCheck(result);
  const own = copiesOf(types);
  const body = code.run(make);
  if (typeof body !== 'function') {
    ignoreRejections(body);
    throw code.gave('no body for the call');
  }
  // The arguments were checked against the signature.
  const run = body as Run;
  return (...args: readonly unknown[]): Value =>
    code.checked(
      check,
      code.run(() => run(...own(args))),
    );
};

const checkedRows = ({ rows }: UserTableFunction, { args: types, result }: Call, code: UserCode) => {
  const check = valueCheck(result);
  const own = copiesOf(types);
  const run = rows as Run;
  // All rows of a record are made at once: so a function that never stops making them is one call that never ends.
  return (...args: readonly unknown[]): Iterable<Value> => {
    const made = code.run(() => {
      const given = run(...own(args));
      return isIterable(given) ? Array.from(given) : given;
    });
    if (!Array.isArray(made)) {
      ignoreRejections(made);
      throw code.gave('no rows that can be iterated over');
    }
    return made.map((row) => code.checked(check, row));
  };
};

const aggregateOf = (declared: string, given: UserAggregate, code: UserCode): FunctionDefinition => {
  const state = parseType(given.state);
  const signature = parseSignature(declared);
  const literalsFrom = signature.parameters.findIndex(({ literal }) => literal);
  assert(
    literalsFrom < 0 || signature.parameters.slice(literalsFrom).every(({ literal }) => literal),
    `in the signature "${declared}" a parameter stands behind a literal one`,
  );
  return defineAggregate({
    signature: declared,
    doc: given.doc ?? '',
    examples: [],
    undo: given.undo !== undefined,
    bind: (call) => {
      const stateType = concrete(state, bindingsOf(signature, call.args) ?? new Map());
      if (stateType === undefined) {
        throw new EvaluationError(`the state ${given.state} has a letter that no parameter has`);
      }
      const parameters = spread(signature, call.args.length) ?? [];
      const literals = call.constants.filter((_, i) => parameters[i]?.literal === true);
      return foldOf(given, stateType, literals, call, code);
    },
  });
};

const foldOf = (
  { initialize, add, undo, merge, result }: UserAggregate,
  state: SqlType,
  literals: readonly unknown[],
  { args: types, result: type }: Call,
  code: UserCode,
): Accumulator => {
  const checkState = valueCheck(state);
  const checkResult = valueCheck(type);
  const own = copiesOf(types);
  const ownState = copiesOf([state]);
  const next = (run: Run, kept: Value, args: readonly unknown[]): Value =>
    code.checked(
      checkState,
      code.run(() => run(...ownState([kept]), ...args)),
    );
  const start = initialize as Run;
  const adds = add as Run;
  const undoes = undo as Run | undefined;
  const merges = merge as Run | undefined;
  const results = result as Run | undefined;
  const first = (): Value =>
    code.checked(
      checkState,
      code.run(() => start(...literals)),
    );
  // Literals that it refuses are found here, before there is a group.
  first();
  return {
    slots: [state],
    initialize: (slots, at) => slots.set(at, first()),
    add: (slots, at, args) => slots.set(at, next(adds, slots.get(at), own(args))),
    ...(undoes && { undo: (slots, at, args) => slots.set(at, next(undoes, slots.get(at), own(args))) }),
    ...(merges && {
      merge: (slots, at, other, otherAt) => slots.set(at, next(merges, slots.get(at), ownState([other.get(otherAt)]))),
    }),
    result: (slots, at) =>
      code.checked(
        checkResult,
        results === undefined ? slots.get(at) : code.run(() => results(...ownState([slots.get(at)]), ...literals)),
      ),
  };
};

/** Arguments as a user's code gets them. Operators share values: an array that a body sorts in place may be another
 *  query's too. */
const copiesOf =
  (types: readonly SqlType[]) =>
  (args: readonly unknown[]): readonly unknown[] =>
    types.every(isPlain) ? args : args.map(copyOf);

/** A value of this type cannot be changed. */
const isPlain = (type: SqlType): boolean => isScalar(type) && type.kind !== 'BYTES';

const copyOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return value instanceof Map ? new Map(Array.from(value, ([key, member]) => [key, copyOf(member)])) : value;
};

export const isIterable = (given: unknown): given is Iterable<unknown> =>
  typeof given === 'string' || (typeof given === 'object' && given !== null && Symbol.iterator in given);

/** What was given is refused already: if it is a Promise, or an array of them, their rejections must not end the
 *  process. */
const ignoreRejections = (given: unknown): void => {
  if (given instanceof Promise) given.catch(() => {});
  else if (Array.isArray(given)) for (const each of given) ignoreRejections(each);
};

const isObject = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === 'object' && given !== null;

/** What each kind of function may have, by the property that tells the kind. */
const known: Readonly<Record<string, readonly string[]>> = {
  body: ['signature', 'doc', 'nulls', 'body', 'bind'],
  bind: ['signature', 'doc', 'nulls', 'body', 'bind', 'settings'],
  rows: ['signature', 'doc', 'nulls', 'rows'],
  add: ['signature', 'doc', 'state', 'initialize', 'add', 'undo', 'merge', 'result'],
};

/** What is wrong with a function of a module, behind its place; undefined when it has the right form. */
const functionFault = (given: unknown): string | undefined => {
  if (!isObject(given)) return 'is not an object';
  const { signature, doc, nulls } = given;
  const texts: readonly unknown[] = Array.isArray(signature) ? signature : [signature];
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    return 'needs a "signature": a text, or an array of texts';
  }
  const kinds = Object.keys(known).filter((kind) => typeof given[kind] === 'function');
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    return 'needs one of "body", "bind", "rows" and "add", a function: a scalar function, a table function or an aggregate';
  }
  if (doc !== undefined && typeof doc !== 'string') return 'has a "doc" that is not a text';
  if (nulls !== undefined && nulls !== 'propagate' && nulls !== 'own') {
    return 'has a "nulls" that is neither "propagate" nor "own"';
  }
  const settings = given['settings'] ?? [];
  if (!Array.isArray(settings) || !settings.every((each) => typeof each === 'string')) {
    return 'has "settings" that are not an array of texts';
  }
  if (kind === 'add') {
    if (typeof given['state'] !== 'string') return 'needs a "state": the type of what it keeps, as text';
    if (typeof given['initialize'] !== 'function') return 'needs an "initialize" that is a function';
    const odd = ['undo', 'merge', 'result'].find((each) => !['function', 'undefined'].includes(typeof given[each]));
    if (odd !== undefined) return `has a "${odd}" that is not a function`;
  }
  const names = known[kind] ?? [];
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  return unknown === undefined ? undefined : `has the unknown property "${unknown}"; there are ${names.join(', ')}`;
};

const invalid = (url: string, why: string, cause?: unknown): UserError =>
  new UserError('FUNCTION_MODULE_INVALID', `the function module ${url}: ${why}`, {
    hint: 'Its default export is { name, version, functions: [{ signature, body }, …] }.',
    cause,
  });
