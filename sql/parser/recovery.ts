/**
 * Reading on behind a fault: what else of a statement does not fit the grammar.
 *
 * The part of the statement in which the fault lies (an item of a list, a clause, what stands in brackets) is taken
 * out, or a name is put in its place, and the statement is parsed once more. A repair counts only if the parser comes
 * past the end of that part with it; what it meets there is the next fault. Where no repair does, nothing more is
 * reported: a fault that comes from a wrong guess is worse than one that is found later.
 */

import type { IToken, TokenType } from 'chevrotain';
import type { UserError } from '../../base/index.ts';
import { Comma, keyword, LeftBracket, LeftParen, PlainName, RightBracket, RightParen } from './tokens.ts';
import { limits } from './words.ts';

/** Tries repairs, as many as one text may have. */
export class Repairs {
  readonly #parse: (tokens: readonly IToken[]) => UserError | undefined;
  #left: number = limits.maxRepairTokens;

  /** `parse` gives the first fault of some tokens. */
  constructor(parse: (tokens: readonly IToken[]) => UserError | undefined) {
    this.#parse = parse;
  }

  /** The first fault of these tokens; undefined also where no more may be tried. */
  fault(tokens: readonly IToken[]): UserError | undefined {
    this.#left -= tokens.length;
    return this.#left < 0 ? undefined : this.#parse(tokens);
  }
}

/** Words that end one part of a statement and begin the next. */
const partWords: ReadonlySet<TokenType> = new Set([
  ...[keyword.SELECT, keyword.FROM, keyword.WHERE, keyword.GROUP, keyword.PARTITION, keyword.BY, keyword.HAVING],
  ...[keyword.WINDOW, keyword.EMIT, keyword.LIMIT, keyword.INNER, keyword.LEFT, keyword.RIGHT, keyword.FULL],
  ...[keyword.JOIN, keyword.WITHIN, keyword.ON, keyword.WITH, keyword.VALUES, keyword.STREAM, keyword.TABLE],
]);

const opens: ReadonlySet<TokenType> = new Set([LeftParen, LeftBracket]);
const closes: ReadonlySet<TokenType> = new Set([RightParen, RightBracket]);

/** All faults of a statement whose first one is known. */
export function faultsFrom(first: UserError, statement: readonly IToken[], repairs: Repairs): UserError[] {
  const faults = [first];
  let tokens = statement;
  for (let fault = first; faults.length < limits.maxFaults; ) {
    const next = behind(fault, tokens, repairs);
    if (next === undefined) break;
    faults.push(next.fault);
    ({ fault, tokens } = next);
  }
  return faults;
}

/** The fault that comes next, and the tokens without the one before. */
function behind(
  fault: UserError,
  tokens: readonly IToken[],
  repairs: Repairs,
): { readonly fault: UserError; readonly tokens: readonly IToken[] } | undefined {
  const offset = fault.at?.offset ?? 0;
  const index = tokens.findIndex(({ startOffset }) => startOffset >= offset);
  if (index < 1) return undefined;
  // From the innermost brackets outwards.
  for (let outwards = 0; outwards < 3; outwards++) {
    const from = partStart(tokens, index, outwards);
    const to = partEnd(tokens, index, outwards);
    const end = tokens[to];
    if (from === undefined || end === undefined) return undefined;
    for (const other of repaired(tokens, from, to)) {
      const next = repairs.fault(other);
      if (next === undefined) return undefined;
      if ((next.at?.offset ?? 0) > end.startOffset) return { fault: next, tokens: other };
    }
  }
  return undefined;
}

function* repaired(tokens: readonly IToken[], from: number, to: number): Generator<readonly IToken[]> {
  const without = (start: number, end: number): readonly IToken[] => [...tokens.slice(0, start), ...tokens.slice(end)];
  const place = tokens[from] as IToken;
  const name: IToken = { ...place, image: 'x', tokenType: PlainName, tokenTypeIdx: PlainName.tokenTypeIdx ?? 0 };
  yield [...tokens.slice(0, from), name, ...tokens.slice(to)];
  if (tokens[from - 1]?.tokenType === Comma) yield without(from - 1, to);
  else if (tokens[to]?.tokenType === Comma) yield without(from, to + 1);
  let clause = from;
  while (partWords.has(tokens[clause - 1]?.tokenType as TokenType)) clause--;
  if (clause < from) yield without(clause, to);
}

/** Where the part with a token begins: behind a comma, a bracket or a word that begins a clause, `outwards` brackets
 *  further out. */
function partStart(tokens: readonly IToken[], index: number, outwards: number): number | undefined {
  let depth = outwards;
  for (let at = index - 1; at >= 0; at--) {
    const { tokenType } = tokens[at] as IToken;
    if (closes.has(tokenType)) depth++;
    else if (opens.has(tokenType) && depth-- === 0) return at + 1;
    else if (depth === 0 && (tokenType === Comma || partWords.has(tokenType))) return at + 1;
  }
  return undefined;
}

/** Where it ends. A word that begins a clause ends it also where brackets are still open: one may be missing. */
function partEnd(tokens: readonly IToken[], index: number, outwards: number): number {
  let depth = outwards;
  for (let at = index; at < tokens.length; at++) {
    const { tokenType } = tokens[at] as IToken;
    if (opens.has(tokenType)) depth++;
    else if (closes.has(tokenType) && depth-- === 0) return at;
    else if (depth === 0 && tokenType === Comma) return at;
    else if (depth <= outwards && at > index && partWords.has(tokenType)) return at;
    else if (depth === 0 && partWords.has(tokenType)) return at;
  }
  return tokens.length;
}
