/**
 * LIKE: whether a whole text fits a pattern, in which `%` stands for any run of characters and `_` for one?
 *
 * Neither stands for a line break, as in ksqlDB, and a character is a code point. A character behind the escape
 * character stands for itself. The matcher goes back to the last `%` only, never further: at most text times pattern
 * steps, whatever the pattern.
 */

import { EvaluationError } from '../types/evaluation-error.ts';

const anyOne = -1;
const anyRun = -2;

/** A pattern cut into UTF-16 units, `anyOne` and `anyRun`. */
export type LikePattern = readonly number[];

export const likePattern = (pattern: string, escape: string | undefined): LikePattern => {
  const tokens: number[] = [];
  for (let i = 0; i < pattern.length; i++) {
    if (escape !== undefined && pattern.startsWith(escape, i)) {
      i += escape.length;
      if (i >= pattern.length) throw new EvaluationError('the pattern of LIKE ends with its escape character');
      tokens.push(pattern.charCodeAt(i));
    } else if (pattern[i] === '%') {
      if (tokens.at(-1) !== anyRun) tokens.push(anyRun);
    } else tokens.push(pattern[i] === '_' ? anyOne : pattern.charCodeAt(i));
  }
  return tokens;
};

const isLineBreak = (unit: number): boolean =>
  unit === 10 || unit === 13 || unit === 0x85 || unit === 0x2028 || unit === 0x2029;

/** How many units the character at `at` has. */
const width = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

export const matchesLike = (text: string, pattern: LikePattern): boolean => {
  const { length } = text;
  const last = pattern.length;
  let at = 0;
  let token = 0;
  /** Behind the last `%`, and how far it reaches by now; -1 when there was none. */
  let runToken = -1;
  let runEnd = 0;
  while (at < length || token < last) {
    const wanted = token < last ? (pattern[token] as number) : undefined;
    if (wanted === anyRun) {
      token++;
      runToken = token;
      runEnd = at;
      continue;
    }
    if (wanted !== undefined && at < length) {
      const unit = text.charCodeAt(at);
      if (wanted === anyOne ? !isLineBreak(unit) : wanted === unit) {
        at += wanted === anyOne ? width(text, at) : 1;
        token++;
        continue;
      }
    }
    if (runToken < 0 || runEnd >= length || isLineBreak(text.charCodeAt(runEnd))) return false;
    runEnd += width(text, runEnd);
    at = runEnd;
    token = runToken;
  }
  return true;
};
