/**
 * Regular expressions that are matched in time linear in the text, whatever the pattern: none can hold a thread up.
 *
 * The engine is a package that takes tens of milliseconds to load, and most processes never need it: the host installs
 * a loader (`base/node/regex.ts`), which runs when the first pattern is compiled.
 */

import { assert } from './errors.ts';

export interface Regex {
  /** How many groups the pattern has, the whole match not counted. */
  groupCount(): number;
  /** Steps of the compiled pattern: a search takes at most a few times so many for each unit of the text. */
  programSize(): number;
  matcher(text: string): RegexMatcher;
}

/** One search through a text. Places are UTF-16 units; group 0 is the whole match. */
export interface RegexMatcher {
  /** Goes to the next match. */
  find(): boolean;
  /** Of a group of the current match; -1 where the group matched nothing. */
  start(group: number): number;
  end(group: number): number;
}

export interface RegexEngine {
  /** Throws an `Error` for a pattern that is malformed or that the engine does not have. */
  compile(pattern: string): Regex;
}

let load: (() => RegexEngine) | undefined;
let engine: RegexEngine | undefined;

/** Installs the host's engine, for this thread. */
export const useRegexEngine = (loader: () => RegexEngine): void => {
  load = loader;
};

/** `pattern` is in the syntax of RE2. */
export const compileRegex = (pattern: string): Regex => {
  assert(load !== undefined, 'the host has installed an engine for regular expressions');
  engine ??= load();
  return engine.compile(pattern);
};
