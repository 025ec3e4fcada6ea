/** The functions of a module whose code runs in another thread: each is a stand-in that asks there
 *  (`module-service.ts`), and waits for the answer. */

import { EvaluationError } from '../types/evaluation-error.ts';
import type { Body, Call } from './define.ts';
import { type FunctionModule, type LoadedModule, readModule, type UserFunction } from './module.ts';
import type { FunctionDescription, Member, ModuleDescription, ModuleRequest, Place } from './module-service.ts';

/** Asks the other thread. Throws what the code throws, and when it takes too long. */
export type AskModule = (request: ModuleRequest) => unknown;

export const remoteModule = (url: string, ask: AskModule): LoadedModule => {
  const description = ask({ url, kind: 'describe' }) as ModuleDescription;
  const { name, version } = description;
  const functions = description.functions.map((each, index) => standIn(url, each, index, ask));
  return readModule(url, { name, version, functions } satisfies FunctionModule);
};

type Run = (...args: readonly unknown[]) => never;

const standIn = (
  url: string,
  { signature, doc, nulls, settings, state, members }: FunctionDescription,
  index: number,
  ask: AskModule,
): UserFunction => {
  const call =
    (member: Member, place?: Place): Run =>
    (...args) => {
      if (args.some((arg) => typeof arg === 'function')) {
        throw new EvaluationError('a function of a user that takes a lambda runs in persistent and push queries only');
      }
      return ask({ url, kind: 'call', index, member, place, args }) as never;
    };
  const has = (member: Member): boolean => members.includes(member);
  const shared = { signature, ...(doc !== undefined && { doc }) };
  const scalar = { ...shared, ...(nulls !== undefined && { nulls }) };
  if (has('add')) {
    return {
      ...shared,
      state: state ?? '',
      initialize: call('initialize'),
      add: call('add'),
      ...(has('undo') && { undo: call('undo') }),
      ...(has('merge') && { merge: call('merge') }),
      ...(has('result') && { result: call('result') }),
    };
  }
  if (has('rows')) return { ...scalar, rows: call('rows') };
  if (has('body')) return { ...scalar, body: call('body') };
  return {
    ...scalar,
    ...(settings !== undefined && { settings }),
    bind: ({ args, result, constants, settings: set }: Call): Body => {
      const place: Place = { args, result, constants, ...(set && { settings: set }) };
      ask({ url, kind: 'bind', index, place });
      return call('bind', place);
    },
  };
};
