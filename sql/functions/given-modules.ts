/**
 * The modules of functions that a program gives, as files or as objects, and what bounds their code.
 *
 * With limits a module's code runs in a guarded thread, and what is loaded here are stand-ins that ask there.
 */

import { messageOf, NoAnswer, UserError } from '../../base/index.ts';
import { readCallNumber } from './call-number.ts';
import { type LoadedModule, loadModule, printModule, readModule } from './module.ts';
import { type AskModule, remoteModule } from './remote-module.ts';

export interface FunctionLimits {
  /** How long one call may take, in milliseconds. Default: 5000; on the calling thread at most 1000. */
  readonly callMs?: number;
  /** JavaScript heap of each thread that runs the code, in MiB. Default: 512. */
  readonly heapMb?: number;
}

/** Runs code that may not end; throws `NoAnswer` when it takes longer than the limit. */
export interface ModuleThread {
  /** Of the thread that answers the next call: another number where it has to be started first. */
  readonly number: number;
  call(request: unknown, limitMs: number): unknown;
}

export interface GivenModules {
  /** What a program gave: paths, file URLs or objects. It may be anything. */
  readonly given: unknown;
  /** Threads that need the modules too, beside the calling one. */
  readonly workers: number;
  readonly limits: FunctionLimits | undefined;
  /** Runs the code where there are limits. */
  readonly thread: ModuleThread | undefined;
  /** The file URL of a path. */
  readonly urlOfPath: (path: string) => string;
}

const defaultCallMs = 5000;
/** The calling thread waits for a call, so not for as long. */
const mostWaitMs = 1000;
const defaultHeapMb = 512;
/** Loading a module, and starting the thread for it. */
const loadMs = 10_000;

export const heapMbOf = ({ heapMb = defaultHeapMb }: FunctionLimits): number => heapMb;

export const callMsOf = ({ callMs = defaultCallMs }: FunctionLimits): number => callMs;

/** Throws a `UserError` for what is no module, and for limits that make no sense. */
export const loadGivenModules = async ({
  given,
  workers,
  limits,
  thread,
  urlOfPath,
}: GivenModules): Promise<readonly LoadedModule[]> => {
  if (!Array.isArray(given)) {
    throw new UserError('FUNCTION_MODULE_INVALID', '"functions" is not an array of files', { hint: functionsHint });
  }
  for (const [name, value] of Object.entries(limits ?? {})) {
    if (!(Number.isFinite(value) && value > 0))
      throw new UserError('FUNCTION_LIMITS_INVALID', `functionLimits.${name} is ${value}`, {
        hint: 'Give a number above 0: milliseconds for callMs, MiB for heapMb.',
      });
  }
  const modules: LoadedModule[] = [];
  for (const file of given as readonly unknown[]) {
    if (isModuleObject(file)) {
      if (workers > 0 || limits !== undefined) {
        throw new UserError(
          'FUNCTION_MODULE_INVALID',
          'a module of functions is an object, which no other thread can have',
          {
            hint: 'Give the path of its file; or leave workers and functionLimits out.',
          },
        );
      }
      modules.push(readModule('(an object)', file));
    } else if (thread === undefined) modules.push(await loadModule(urlOf(file, urlOfPath)));
    else modules.push(guardedModule(urlOf(file, urlOfPath), limits ?? {}, thread));
  }
  return modules;
};

const isModuleObject = (given: unknown): given is object =>
  typeof given === 'object' && given !== null && !(given instanceof URL);

const guardedModule = (url: string, limits: FunctionLimits, thread: ModuleThread): LoadedModule => {
  const waitMs = Math.min(callMsOf(limits), mostWaitMs);
  let names: readonly string[] = [];
  let loadedIn: number | undefined;
  const ask: AskModule = (request) => {
    const loads = request.kind === 'describe';
    // A thread that was started after another one was ended loads the module first, in time of its own.
    if (!loads && thread.number !== loadedIn) ask({ url, kind: 'describe' });
    try {
      const answer = thread.call(request, loads ? loadMs : waitMs);
      loadedIn = thread.number;
      return answer;
    } catch (error) {
      if (!loads && !(error instanceof NoAnswer)) throw error;
      if (loads) {
        const begin = `the function module ${url}`;
        const why = messageOf(error);
        const sentence = why.startsWith(begin) ? why : `${begin} cannot be loaded: ${why}`;
        throw new UserError('FUNCTION_MODULE_INVALID', sentence, { cause: error });
      }
      const sentence = `a call of the function ${names[request.index] ?? ''} did not end within ${waitMs} ms, or took more memory than it may`;
      throw new UserError('QUERY_FUNCTION_LIMIT', sentence, { cause: error });
    }
  };
  const module = remoteModule(url, ask);
  names = module.names;
  return { ...module, limited: true };
};

/** A call that a worker has marked, in a sentence. */
export const describeCall = (modules: readonly LoadedModule[], call: number): string => {
  const { module, index } = readCallNumber(call);
  const found = modules[module];
  if (found === undefined) return 'a function of a user';
  return `the function ${found.names[index] ?? ''} of the module ${printModule(found)}`;
};

const functionsHint = "Write open({ data, functions: ['./tools.ts'] }).";

/** The URL of a file of functions. */
const urlOf = (file: unknown, urlOfPath: (path: string) => string): string => {
  if (file instanceof URL) return file.href;
  if (typeof file !== 'string' || file === '') {
    throw new UserError('FUNCTION_MODULE_INVALID', 'a file of functions is neither a path nor a URL', {
      hint: functionsHint,
    });
  }
  return file.startsWith('file:') ? file : urlOfPath(file);
};
