/**
 * Modules of user functions in a thread of their own: it answers what a module has, and calls its functions.
 *
 * The thread that plans statements must not run code that may never end. It has the functions of such modules as
 * stand-ins (`remote-module.ts`) whose calls come here, with a time limit.
 */

import { assert } from '../../base/index.ts';
import type { SqlType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import type { Body, FunctionContext } from './define.ts';
import { checkModule, type FunctionModule, importModule, isIterable, type UserFunction } from './module.ts';

/** Where a scalar function is used, as far as it can be sent to another thread. */
export interface Place {
  readonly args: readonly SqlType[];
  readonly result: SqlType;
  readonly constants: readonly (Value | undefined)[];
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

export type Member = 'body' | 'bind' | 'rows' | 'initialize' | 'add' | 'undo' | 'merge' | 'result';

export type ModuleRequest = { readonly url: string } & (
  | { readonly kind: 'describe' }
  | { readonly kind: 'bind'; readonly index: number; readonly place: Place }
  | {
      readonly kind: 'call';
      readonly index: number;
      readonly member: Member;
      /** Of a function that is bound. */
      readonly place?: Place | undefined;
      readonly args: readonly unknown[];
    }
);

/** A module without its code. */
export interface ModuleDescription {
  readonly name: string;
  readonly version: string;
  readonly functions: readonly FunctionDescription[];
}

export interface FunctionDescription {
  readonly signature: string | readonly string[];
  readonly doc: string | undefined;
  readonly nulls: 'propagate' | 'own' | undefined;
  readonly settings: readonly string[] | undefined;
  readonly state: string | undefined;
  /** The properties that are functions. */
  readonly members: readonly Member[];
}

const members: readonly Member[] = ['body', 'bind', 'rows', 'initialize', 'add', 'undo', 'merge', 'result'];

const loaded = new Map<string, Promise<FunctionModule>>();

const load = (url: string): Promise<FunctionModule> => {
  let module = loaded.get(url);
  if (module === undefined) {
    module = importModule(url).then((exported) => checkModule(url, exported));
    loaded.set(url, module);
    // The file may be there, or be another one, the next time.
    module.catch(() => loaded.delete(url));
  }
  return module;
};

const describe = ({ name, version, functions }: FunctionModule): ModuleDescription => ({
  name,
  version,
  functions: functions.map((each) => ({
    signature: each.signature,
    doc: each.doc,
    nulls: 'nulls' in each ? each.nulls : undefined,
    settings: 'settings' in each ? each.settings : undefined,
    state: 'state' in each ? each.state : undefined,
    members: members.filter((member) => memberOf(each, member) !== undefined),
  })),
});

type Run = (...args: readonly unknown[]) => unknown;

const memberOf = (given: UserFunction, member: Member): Run | undefined => {
  const found: unknown = Object.entries(given).find(([name]) => name === member)?.[1];
  return typeof found === 'function' ? (found as Run) : undefined;
};

/** By module, function and place. */
const bodies = new Map<string, Body>();

const bodyAt = (url: string, index: number, given: UserFunction, place: Place, context: FunctionContext): Run => {
  const key = JSON.stringify([url, index, place], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value] : value,
  );
  let body = bodies.get(key);
  if (body === undefined) {
    assert('bind' in given, 'the function is bound');
    body = given.bind({ ...place, context });
    if (typeof body !== 'function') throw new TypeError('the function gave no body for the call');
    bodies.set(key, body);
  }
  return body as Run;
};

/** Answers a request; rejects with what the code of a user throws. */
const answer = async (request: ModuleRequest, context: FunctionContext): Promise<unknown> => {
  const { url } = request;
  const module = await load(url);
  if (request.kind === 'describe') return describe(module);
  const { index } = request;
  const given = module.functions[index];
  assert(given !== undefined, `the module ${url} has ${module.functions.length} functions`);
  if (request.kind === 'bind') {
    bodyAt(url, index, given, request.place, context);
    return undefined;
  }
  const { member, place, args } = request;
  const run = place === undefined ? memberOf(given, member) : bodyAt(url, index, given, place, context);
  assert(run !== undefined, `the function ${index} of the module ${url} has no ${member}`);
  const value = run(...args);
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new TypeError('a promise: functions cannot be asynchronous');
  }
  if (member !== 'rows') return value;
  // Rows are made here: an endless number of them is a call that does not end.
  return isIterable(value) ? Array.from(value) : value;
};

export default answer;
