/**
 * Modules of user functions: a file whose default export is a `FunctionModule`.
 *
 *     export default {
 *       name: 'geo-tools',
 *       version: '1.0.0',
 *       functions: [{ signature: 'NEARBY(DOUBLE, DOUBLE) -> BOOLEAN', body: (a, b) => Math.abs(a - b) < 1 }],
 *     };
 *
 * Bodies follow the rules of built-in ones (`define.ts`), and get values in the forms of `types/value.ts`: a STRUCT is
 * an array of its fields, a MAP is a Map; collections are copies, which a body may change. What a body returns is
 * checked: a value that is not of the declared type is a fault of its record, as an exception is.
 *
 * A closure cannot go to another thread, so a module is loaded by its URL in each thread that needs it. Plans name
 * the module and its version: a query runs only with the version that it was made with, so that a new version never
 * changes what a running query computes. Several versions of one module may be loaded: new queries get the one that was
 * loaded last.
 */

import { messageOf, UserError } from '../../base/index.ts';
import { valueCheck } from '../types/check-value.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { isScalar } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import { type Body, type Call, define, type ScalarDefinition } from './define.ts';

/** A scalar function of a module. */
export type UserFunction = {
  /** One signature or several: overloads that share the body. `LPAD(STRING, INT, STRING...) -> STRING`. */
  readonly signature: string | readonly string[];
  readonly doc?: string;
  /** `propagate`, the default: a NULL argument makes the result NULL. `own`: the body gets `null`. */
  readonly nulls?: 'propagate' | 'own';
} & ({ readonly body: Body } | { readonly bind: (call: Call) => Body });

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
  readonly functions: readonly ScalarDefinition[];
}

export const printModule = ({ name, version }: ModuleId): string => `${name} ${version}`;

/** Loads a module. Rejects with FUNCTION_MODULE_INVALID when it cannot be, or is not a module of functions. */
export const loadModule = async (url: string): Promise<LoadedModule> => {
  let exported: { readonly default?: unknown };
  try {
    exported = (await import(/* @vite-ignore */ url)) as { readonly default?: unknown };
  } catch (error) {
    const sentence = `the function module ${url} cannot be loaded: ${messageOf(error)}`;
    throw new UserError('FUNCTION_MODULE_INVALID', sentence, { cause: error });
  }
  return readModule(url, exported.default);
};

/** The module that a file exports, checked. */
export const readModule = (url: string, exported: unknown): LoadedModule => {
  if (!isObject(exported)) throw invalid(url, 'its default export is not an object');
  const { name, version, functions } = exported;
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) throw invalid(url, 'its name is not a word');
  if (typeof version !== 'string' || !/^\S+$/.test(version))
    throw invalid(url, 'its version is not a text without blanks');
  if (!Array.isArray(functions)) throw invalid(url, '"functions" is not an array');
  const id = { name, version };
  return { ...id, url, functions: functions.map((each: unknown, i) => definitionOf(url, id, each, i)) };
};

const definitionOf = (url: string, id: ModuleId, given: unknown, index: number): ScalarDefinition => {
  const place = `function ${index + 1}`;
  if (!isUserFunction(given)) throw invalid(url, `${place} ${functionFault(given)}`);
  const shared = { signature: given.signature, doc: given.doc ?? '', nulls: given.nulls ?? 'propagate', examples: [] };
  const bodyFor = 'body' in given ? () => given.body : given.bind;
  try {
    return define({ ...shared, bind: (call) => checkedBody(id, call, () => bodyFor(call)) });
  } catch (error) {
    throw invalid(url, `${place}: ${messageOf(error)}`, error);
  }
};

/** A body whose results are values of the call's type, or a fault of the record. */
const checkedBody = (id: ModuleId, { args: types, result }: Call, make: () => Body): Body => {
  const checked = valueCheck(result);
  const copies = !types.every(isScalar);
  let body: Body;
  try {
    body = make();
  } catch (error) {
    throw error instanceof EvaluationError ? error : new EvaluationError(messageOf(error), { cause: error });
  }
  if (typeof body !== 'function') {
    ignoreRejections(body);
    throw new EvaluationError(`the module ${printModule(id)} gave no body for the call`);
  }
  // The arguments were checked against the signature.
  const run = body as (...args: readonly unknown[]) => unknown;
  return (...args: readonly unknown[]): Value => {
    // Operators share values: an array that a body sorts in place may be another query's too.
    const given = copies ? run(...args.map(copyOf)) : run(...args);
    try {
      return checked(given);
    } catch (error) {
      ignoreRejections(given);
      throw new EvaluationError(`the module ${printModule(id)} gave ${messageOf(error)}`);
    }
  };
};

const copyOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(copyOf);
  return value instanceof Map ? new Map(Array.from(value, ([key, member]) => [key, copyOf(member)])) : value;
};

/** What was given is refused already: if it is a Promise, or an array of them, their rejections must not end the
 *  process. */
const ignoreRejections = (given: unknown): void => {
  if (given instanceof Promise) given.catch(() => {});
  else if (Array.isArray(given)) for (const each of given) ignoreRejections(each);
};

const isObject = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === 'object' && given !== null;

const isUserFunction = (given: unknown): given is UserFunction => functionFault(given) === undefined;

const known: readonly string[] = ['signature', 'doc', 'nulls', 'body', 'bind'];

/** What is wrong with a function of a module, behind its place; undefined when it has the right form. */
const functionFault = (given: unknown): string | undefined => {
  if (!isObject(given)) return 'is not an object';
  const { signature, doc, nulls, body, bind } = given;
  const texts: readonly unknown[] = Array.isArray(signature) ? signature : [signature];
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    return 'needs a "signature": a text, or an array of texts';
  }
  if ((typeof body === 'function') === (typeof bind === 'function')) {
    return 'needs either a "body" or a "bind" that is a function; only scalar functions are possible yet';
  }
  if (doc !== undefined && typeof doc !== 'string') return 'has a "doc" that is not a text';
  if (nulls !== undefined && nulls !== 'propagate' && nulls !== 'own') {
    return 'has a "nulls" that is neither "propagate" nor "own"';
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `has the unknown property "${unknown}"; there are ${known.join(', ')}`;
};

const invalid = (url: string, why: string, cause?: unknown): UserError =>
  new UserError('FUNCTION_MODULE_INVALID', `the function module ${url}: ${why}`, {
    hint: 'Its default export is { name, version, functions: [{ signature, body }, …] }.',
    cause,
  });
