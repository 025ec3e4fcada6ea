/**
 * Functions with regular expressions: patterns of Java, matched in linear time (`regexp/pattern.ts`).
 *
 * A pattern that is a constant is compiled where the query is planned, and refused there when it cannot be; others are
 * compiled when they come, the last ones being kept.
 */

import { compileRegex, messageOf, type Regex, type RegexMatcher, shortened } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { checkLength } from '../types/text-length.ts';
import type { Value } from '../types/value.ts';
import { type Call, define } from './define.ts';
import { rewritePattern } from './regexp/pattern.ts';
import { type Replacement, readReplacement } from './regexp/replacement.ts';
import type { Family } from './registry.ts';

interface Compiled {
  readonly regex: Regex;
  readonly names: ReadonlyMap<string, number>;
  readonly groups: number;
  /** Whether it matches the empty text. */
  readonly matchesNothing: boolean;
}

const compile = (pattern: string): Compiled => {
  try {
    const { text, names } = rewritePattern(pattern);
    const regex = compileRegex(text);
    const empty = regex.matcher('');
    return { regex, names, groups: regex.groupCount(), matchesNothing: empty.find() };
  } catch (error) {
    if (error instanceof EvaluationError) throw error;
    const why = error instanceof RangeError ? 'its groups are nested too deeply' : messageOf(error);
    throw new EvaluationError(`the regular expression '${shortened(pattern, 200)}' cannot be used: ${why}`, {
      cause: error,
    });
  }
};

/** Steps of a pattern times units of a text: some seconds. */
const mostSteps = 2 ** 28;

/** A search. Throws `EvaluationError` where it would hold the thread up: its time grows with the length of the text and
 *  with the size of the pattern. */
const search = (regex: Regex, text: string): RegexMatcher => {
  if (regex.programSize() * text.length > mostSteps) {
    throw new EvaluationError(
      `the regular expression is too large for a text of ${text.length} characters: it has ${regex.programSize()} steps`,
    );
  }
  return regex.matcher(text);
};

const kept = new Map<string, Compiled>();
const mostKept = 100;

/** The pattern, compiled: of those that are no constants the last hundred are kept. */
const compiled = (pattern: string): Compiled => {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  const made = compile(pattern);
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
  kept.set(pattern, made);
  return made;
};

/** For a call: its pattern at this place of the arguments, compiled once when it is a constant. */
const patternAt = ({ constants }: Call, place: number): ((pattern: string) => Compiled) => {
  const constant = constants[place];
  if (typeof constant !== 'string') return compiled;
  const known = compile(constant);
  return () => known;
};

const groupOf = (text: string, matcher: RegexMatcher, group: number): string | null => {
  const start = matcher.start(group);
  return start < 0 ? null : text.slice(start, matcher.end(group));
};

const checkGroup = (group: number): void => {
  if (group < 0) throw new EvaluationError(`a group has a number from 0 on, not ${group}`);
};

/** The body of a function that takes parts out of a text: `take` gives the parts, NULL where there is no such group. */
const extracting =
  (take: (matcher: RegexMatcher, partOf: (matcher: RegexMatcher) => string | null) => Value) => (call: Call) => {
    const patternOf = patternAt(call, 0);
    return (pattern: string, text: string, group = 0): Value => {
      checkGroup(group);
      const { regex, groups } = patternOf(pattern);
      return group > groups ? null : take(search(regex, text), (matcher) => groupOf(text, matcher, group));
    };
  };

const replaced = ({ regex }: Compiled, text: string, replacement: () => Replacement): string => {
  const matcher = search(regex, text);
  let made = '';
  let from = 0;
  while (matcher.find()) {
    made += text.slice(from, matcher.start(0));
    for (const part of replacement()) made += typeof part === 'string' ? part : (groupOf(text, matcher, part) ?? '');
    checkLength(made.length);
    from = matcher.end(0);
  }
  return made + text.slice(from);
};

/** The pieces between the matches. Where the pattern matches the empty text too, empty pieces at the end are left out,
 *  and so is an empty match at the beginning. */
const pieces = ({ regex, matchesNothing }: Compiled, text: string): string[] => {
  const matcher = search(regex, text);
  const found: string[] = [];
  let from = 0;
  let matched = false;
  while (matcher.find()) {
    const [start, end] = [matcher.start(0), matcher.end(0)];
    if (start === end && (start === 0 || start === text.length)) continue;
    matched = true;
    found.push(text.slice(from, start));
    from = end;
  }
  found.push(text.slice(from));
  if (!matchesNothing || !matched) return found;
  return found.slice(0, found.findLastIndex((piece) => piece !== '') + 1);
};

export const regularExpressions: Family = {
  category: 'REGULAR EXPRESSION',
  functions: [
    define({
      signature: [
        'REGEXP_EXTRACT(pattern STRING, text STRING) -> STRING',
        'REGEXP_EXTRACT(pattern STRING, text STRING, group INT) -> STRING',
      ],
      doc:
        'The first part of the text that the pattern matches, or a group of it by its number. NULL when nothing ' +
        "matches, or there is no such group. Patterns are Java's, the pattern comes first.",
      elsewhere: ['REGEXP_MATCH', ['REGEXP_LIKE', 'REGEXP_EXTRACT(pattern, text) IS NOT NULL'], 'REGEXP_SUBSTR'],
      nulls: 'propagate',
      examples: [
        ["REGEXP_EXTRACT('(.*) (.*)', 'hello there', 2)", "'there'"],
        ["REGEXP_EXTRACT('[0-9]+', 'order 42 of 50')", "'42'"],
        ["REGEXP_EXTRACT('x', 'abc')", 'NULL'],
        ["REGEXP_EXTRACT('(b)', 'abc', 2)", 'NULL'],
      ],
      bind: extracting((matcher, partOf) => (matcher.find() ? partOf(matcher) : null)),
    }),
    define({
      signature: [
        'REGEXP_EXTRACT_ALL(pattern STRING, text STRING) -> ARRAY<STRING>',
        'REGEXP_EXTRACT_ALL(pattern STRING, text STRING, group INT) -> ARRAY<STRING>',
      ],
      doc:
        'All parts of the text that the pattern matches, or a group of each by its number. NULL when there is no ' +
        'such group.',
      elsewhere: ['REGEXP_MATCHES'],
      nulls: 'propagate',
      examples: [
        ["REGEXP_EXTRACT_ALL('[0-9]+', 'order 42 of 50')", "ARRAY['42', '50']"],
        ["REGEXP_EXTRACT_ALL('(\\w)=(\\w)', 'a=1 b=2', 2)", "ARRAY['1', '2']"],
        ["ARRAY_LENGTH(REGEXP_EXTRACT_ALL('x', 'abc'))", '0'],
      ],
      bind: extracting((matcher, partOf) => {
        const found: Value[] = [];
        while (matcher.find()) found.push(partOf(matcher));
        return found;
      }),
    }),
    define({
      signature: 'REGEXP_REPLACE(text STRING, pattern STRING, replacement STRING) -> STRING',
      doc:
        'The text with every match of the pattern replaced. In the replacement $1 is the first group, ${name} the ' +
        'group of that name, $0 the match; \\\\$ is a dollar.',
      nulls: 'propagate',
      examples: [
        ["REGEXP_REPLACE('2024-01-31', '(\\d+)-(\\d+)-(\\d+)', '$3.$2.$1')", "'31.01.2024'"],
        ["REGEXP_REPLACE('a  b   c', ' +', ' ')", "'a b c'"],
      ],
      bind: (call) => {
        const patternOf = patternAt(call, 1);
        const [, pattern, constant] = call.constants;
        const read = ({ groups, names }: Compiled, text: string): Replacement => readReplacement(text, groups, names);
        const known =
          typeof pattern === 'string' && typeof constant === 'string' ? read(patternOf(pattern), constant) : undefined;
        return (text: string, given: string, replacement: string) => {
          const found = patternOf(given);
          let parts = known;
          // A replacement with a fault does no harm where nothing matches.
          return replaced(found, text, () => (parts ??= read(found, replacement)));
        };
      },
    }),
    define({
      signature: 'REGEXP_SPLIT_TO_ARRAY(text STRING, pattern STRING) -> ARRAY<STRING>',
      doc:
        'The parts of the text between the matches of the pattern, empty ones kept. A pattern that matches the empty ' +
        'text splits into characters, empty parts at the end left out.',
      nulls: 'propagate',
      examples: [
        ["REGEXP_SPLIT_TO_ARRAY('a1b22c', '[0-9]+')", "ARRAY['a', 'b', 'c']"],
        ["REGEXP_SPLIT_TO_ARRAY('-a-', '-')", "ARRAY['', 'a', '']"],
        ["REGEXP_SPLIT_TO_ARRAY('abc', '')", "ARRAY['a', 'b', 'c']"],
      ],
      bind: (call) => {
        const patternOf = patternAt(call, 1);
        return (text: string, pattern: string) => pieces(patternOf(pattern), text);
      },
    }),
  ],
};
