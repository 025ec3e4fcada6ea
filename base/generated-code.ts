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
import { Kept } from './kept.ts';

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

type Maker = (...constants: readonly unknown[]) => unknown;

const makers = new Kept<Maker>(256);

/**
 * Runs the code, the body of a function with the constants as parameters, and returns its result.
 *
 * A text is compiled once for a thread and kept: the same text with other constants (another task of a query, the query
 * after a restart, another one over the same topic) runs what V8 has compiled and optimized before.
 */
export const runCode = (body: Code, constants: Constants): unknown =>
  makers.get(`${constants.values.length} ${body}`, () => makerOf(body, constants))(...constants.values);

/** As `runCode`, for code that is made for one place: it shares nothing that V8 learns with other code of its text. */
export const runCodeOnce = (body: Code, constants: Constants): unknown =>
  // V8 itself shares functions of one text.
  makerOf(code`// ${ownTexts++}\n${body}`, constants)(...constants.values);

let ownTexts = 0;

const makerOf = (body: Code, { values }: Constants): Maker => {
  const names = values.map((_, i) => `k${i}`);
  // The one place where text becomes code; `Code` restricts what that text may be.
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(...names, `'use strict';\n${body}`) as Maker;
};
