/** The engine for regular expressions: re2js, loaded when it is first needed. Lookbehinds without groups are linear in
 *  it too. */

import { createRequire } from 'node:module';
import type * as re2 from 're2js';
import type { RegexEngine } from '../regex.ts';

const require = createRequire(import.meta.url);

export const nodeRegexEngine = (): RegexEngine => {
  const { RE2JS } = require('re2js') as typeof re2;
  return { compile: (pattern) => RE2JS.compile(pattern, RE2JS.LOOKBEHINDS) };
};
