/**
 * Generated code, and the rule that keeps it harmless: emitted text holds only words of our templates and integers.
 * Names, literals and everything else that comes from a user or a record are captured constants, reached as `k0`, `k1`
 * …, and never become source text.
 *
 * The rule is kept by construction: `Code` can only be made by the `code` template, whose gaps take integers and other
 * `Code`.
 *
 * Where the host forbids code from text (`--disallow-code-generation-from-strings`), or switched it off for this thread
 * (`useGeneratedCode`; `base/node` does so for `MILLRACE_CODEGEN=off`), `codegenAllowed` is false and callers keep to
 * their plain forms. No result depends on it: all generated code has a plain form beside it that does the same.
 */

import { assert } from './errors.ts';

declare const brand: unique symbol;
export type Code = string & { readonly [brand]: 'code' };

/** Source text from a template; gaps take integers and pieces of code. */
export const code = (words: TemplateStringsArray, ...gaps: readonly (number | Code)[]): Code => {
  let text = words[0] as string;
  gaps.forEach((gap, i) => {
    assert(typeof gap === 'string' || Number.isSafeInteger(gap), 'generated code takes integers only');
    text += String(gap) + (words[i + 1] as string);
  });
  return text as Code;
};

export const noCode = '' as Code;

export const joinCode = (pieces: readonly Code[]): Code => pieces.join('\n') as Code;

/** Constants that the code reaches as `k<index>`. */
export class Constants {
  readonly values: unknown[] = [];

  /** The index of a new constant. */
  add(value: unknown): number {
    return this.values.push(value) - 1;
  }
}

let allowed = true;
let possible: boolean | undefined;

/** Switches generated code off or on, for what is compiled from now on. */
export const useGeneratedCode = (on: boolean): void => {
  allowed = on;
};

export const codegenAllowed = (): boolean => {
  if (!allowed) return false;
  possible ??= canCompile();
  return possible;
};

const canCompile = (): boolean => {
  try {
    // A host that forbids it throws an EvalError.
    // oxlint-disable-next-line typescript/no-implied-eval -- this finds out whether it is possible
    return new Function('return true')() === true;
  } catch {
    return false;
  }
};

const mostTexts = 256;
/** What made functions of a text, the one last used at the end. */
const makers = new Map<string, (...constants: readonly unknown[]) => unknown>();

/**
 * Runs the code, the body of a function with the constants as parameters, and returns its result.
 *
 * The text is compiled once for this thread and kept: the same text with other constants (another task of the query,
 * the query after a restart, a query like it) runs what V8 has compiled and optimized already.
 */
export const runCode = (body: Code, constants: Constants): unknown => {
  const { values } = constants;
  const key = `${values.length} ${body}`;
  let make = makers.get(key);
  if (make === undefined) {
    make = compile(body, values.length);
    const [oldest] = makers.size < mostTexts ? [] : makers.keys();
    if (oldest !== undefined) makers.delete(oldest);
  } else makers.delete(key);
  makers.set(key, make);
  return make(...values);
};

const compile = (body: Code, count: number): ((...constants: readonly unknown[]) => unknown) => {
  const names = Array.from({ length: count }, (_, i) => `k${i}`);
  // The one place where text becomes code; `Code` restricts what that text may be.
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(...names, `'use strict';\n${body}`) as (...constants: readonly unknown[]) => unknown;
};
