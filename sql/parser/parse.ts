/**
 * From text to trees: the way into the parser.
 *
 * A text is cut into tokens, the tokens into statements at the semicolons, and each statement is parsed by itself; the
 * last semicolon may be left out, and empty statements are passed over. Every fault is a `UserError` that has a place;
 * reading goes on behind it (`recovery.ts`), at the latest with the next statement.
 *
 * Building the parser takes a few tens of milliseconds (the grammar is learned by running it), so it is built when the
 * first statement comes and then kept. Parsing never leaves the thread, so one is enough.
 */

import { type IProduction, type IToken, NonTerminal, type ParserMethod, type Rule, Terminal } from 'chevrotain';
import { assert, type Position, UserError } from '../../base/index.ts';
import type { Expression, TypeNode } from './ast.ts';
import { spanning, tooDeep } from './build.ts';
import { FaultList } from './faults.ts';
import { mentionsOf } from './mentions.ts';
import { type NextWord, nextWords } from './next-words.ts';
import { bound, type Parameters } from './parameters.ts';
import { faultsFrom, Repairs } from './recovery.ts';
import {
  type ParsedStatement,
  printStatement,
  type RefusedStatement,
  type Statement,
  StatementGrammar,
  unsupportedForms,
} from './statements/index.ts';
import { unsupportedStatement } from './statements/unsupported.ts';
import { Expectations, syntaxError } from './syntax-error.ts';
import { keyword, placeOf, Semicolon, tokenize, Variable } from './tokens.ts';
import {
  noVariables,
  substituted,
  substitutedText,
  type Variables,
  withoutVariable,
  withVariable,
} from './variables.ts';
import { limits } from './words.ts';

/** The whole grammar, ready to be given input. */
class Parser extends StatementGrammar {
  readonly #expectations: Expectations;

  constructor(expectations: Expectations) {
    super(expectations);
    this.#expectations = expectations;
    this.performSelfAnalysis();
  }

  /** Reads all the tokens by one rule; `end` is the place behind them. */
  run<T>(rule: (parser: Parser) => ParserMethod<[], T>, tokens: readonly IToken[], end: Position): T {
    this.input = [...tokens];
    this.restart();
    const result = rule(this).call(this);
    const error = this.errors[0];
    this.input = [];
    if (error !== undefined) throw syntaxError(error, this.#expectations, tokens, end);
    return result;
  }
}

let kept: Parser | undefined;

const parser = (): Parser => {
  kept ??= new Parser(new Expectations(false));
  return kept;
};

/** Builds a parser that checks its own grammar for ambiguities; it throws when there are any. For tests. */
export const checkGrammar = (): void => {
  new Parser(new Expectations(true));
};

/** The keywords of the rules of statements, and not of those of expressions and types. For tests. */
export const grammarWords = (): readonly string[] => {
  const rules = parser().getGAstProductions();
  const within = new Set(['expression', 'value', 'type', 'literal', 'duration', 'identifier']);
  const words = new Set<string>();
  const walk = (production: IProduction): void => {
    if (production instanceof Terminal && production.terminalType.name in keyword)
      words.add(production.terminalType.name);
    if (production instanceof NonTerminal) {
      if (within.has(production.nonTerminalName)) return;
      within.add(production.nonTerminalName);
      rules[production.nonTerminalName]?.definition.forEach(walk);
    } else if ('definition' in production) (production.definition as IProduction[]).forEach(walk);
  };
  rules['statement']?.definition.forEach(walk);
  return [...words].sort();
};

export interface ParseOptions {
  /** What `${name}` stands for at the start of the text; DEFINE and UNDEFINE within it change that. */
  readonly variables?: Variables;
  /** False: a `${name}` stays as it is. A SET of the property within the text changes that. */
  readonly substitute?: boolean;
  /** What `?` and `:name` stand for; left out: the text has none. */
  readonly parameters?: Parameters | undefined;
}

/** The property that switches variables on and off. */
export const substitutionProperty = 'ksql.variable.substitution.enable';

/** Parses a text of any number of statements. Throws all of its faults: the first, with the others beside it. */
export function parseStatements(text: string, options: ParseOptions = {}): ParsedStatement[] {
  const faults = new FaultList();
  const statements: ParsedStatement[] = [];
  for (const one of readStatements(text, options)) {
    if ('faults' in one) faults.add(one, one.faults);
    else statements.push(one);
  }
  faults.throwAny();
  return statements;
}

/** Parses a text of any number of statements; those that cannot be read are among them, with their faults. */
export function readStatements(
  text: string,
  options: ParseOptions = {},
): readonly (ParsedStatement | RefusedStatement)[] {
  if (text.length > limits.maxTextLength) throw tooMuch(`${limits.maxTextLength} characters`);
  let { variables = noVariables, substitute = true } = options;
  const lexical: UserError[] = [];
  const repairs = new Repairs((some) => faultOf(() => parseTokens((grammar) => grammar.statement, some)));
  const tokens = tokenize(text, lexical);
  const found: (ParsedStatement | RefusedStatement)[] = [];
  let from = 0;
  let nextLexical = 0;
  for (let index = 0; index <= tokens.length; index++) {
    const token = tokens[index];
    if (token !== undefined && token.tokenType !== Semicolon) continue;
    const written = tokens.slice(from, index);
    from = index + 1;
    const faults: UserError[] = [];
    for (const end = token?.startOffset ?? text.length + 1; nextLexical < lexical.length; nextLexical++) {
      const fault = lexical[nextLexical] as UserError;
      if ((fault.at?.offset ?? 0) >= end) break;
      faults.push(fault);
    }
    const first = written[0];
    const last = written.at(-1);
    if (first === undefined || last === undefined) {
      if (faults.length > 0) found.push({ text: '', faults, ...mentionsOf([]) });
      continue;
    }
    if (found.length >= limits.maxStatements) throw tooMuch(`${limits.maxStatements} statements`, placeOf(first));
    const refuse = (why: readonly UserError[]): void => {
      const whole = text.slice(first.startOffset, last.startOffset + last.image.length);
      found.push({ text: whole, faults: why, ...mentionsOf(written) });
    };
    if (faults.length > 0) {
      refuse(faults);
      continue;
    }
    try {
      const own = substitute ? substituted(written, variables) : written;
      const refusal = unsupportedStatement(own, unsupportedForms);
      if (refusal !== undefined) throw refusal;
      const statement = parseTokens((grammar) => grammar.statement, bound(own, options.parameters));
      if (statement.kind === 'define') variables = withVariable(variables, statement.name, statement.value);
      if (statement.kind === 'undefine') variables = withoutVariable(variables, statement.name);
      if (statement.kind === 'set' && statement.name === substitutionProperty) {
        substitute = statement.value.toLowerCase() !== 'false';
      }
      found.push({
        statement,
        text: substitutedText(text, written, own),
        at: spanning(placeOf(first), placeOf(last)),
        variables,
        canonical: () => canonicalForm(statement),
        ...mentionsOf(written),
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const more =
        error.code === 'SQL_SYNTAX'
          ? faultsFrom(
              error,
              bound(substitute ? substituted(written, variables) : written, options.parameters),
              repairs,
            )
          : [error];
      refuse(more);
    }
  }
  return found;
}

/** The user's fault that a call ends with. */
const faultOf = (call: () => unknown): UserError | undefined => {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
};

const tooMuch = (bound: string, at: Position = { line: 1, column: 1, offset: 0 }): UserError =>
  new UserError('SQL_TEXT_TOO_LONG', `a request may have at most ${bound}, and this one has more`, {
    at,
    hint: 'Send it in several requests.',
  });

const canonicalForm = (statement: Statement): string =>
  printStatement(
    statement.kind === 'explain' && statement.target.kind === 'statement' ? statement.target.statement : statement,
  );

/** What the grammar has behind the beginning of a statement. */
export const wordsFrom = (tokens: readonly IToken[]): readonly NextWord[] =>
  nextWords(grammarRules(), 'statement', tokens);

/** The rules of the grammar, as they were recorded. */
export const grammarRules = (): Readonly<Record<string, Rule>> => parser().getGAstProductions();

/** Parses a text that is one expression. */
export const parseExpression = (text: string): Expression =>
  parseTokens((grammar) => grammar.expression, tokenize(text));

/** Parses a text that is one type. */
export const parseType = (text: string): TypeNode => parseTokens((grammar) => grammar.type, tokenize(text));

function parseTokens<T>(rule: (grammar: Parser) => ParserMethod<[], T>, tokens: readonly IToken[]): T {
  const variable = tokens.find((token) => token.tokenType === Variable);
  if (variable !== undefined) {
    throw new UserError('SQL_UNDEFINED_VARIABLE', `the variable ${variable.image} is not defined`, {
      at: placeOf(variable),
      hint: `Variables are switched off, or cannot stand here; '${substitutionProperty}' switches them on.`,
    });
  }
  try {
    const result = parser().run(rule, tokens, endOf(tokens));
    checkDepth(result);
    return result;
  } catch (error) {
    // The count of depth comes first; this is for callers who are deep in their own stack already.
    if (error instanceof RangeError && error.message.includes('call stack'))
      throw tooDeep(placeOf(tokens[0] as IToken), limits.maxNesting);
    throw error;
  }
}

/** The place right behind the last token. */
function endOf(tokens: readonly IToken[]): Position {
  const last = tokens.at(-1);
  if (last === undefined) return { line: 1, column: 1, offset: 0 };
  const { line, column, offset } = placeOf(last);
  const lines = last.image.split(/\r\n?|\n/);
  const end = (lines.at(-1) ?? '').length;
  return {
    line: line + lines.length - 1,
    column: lines.length === 1 ? column + end : end + 1,
    offset: offset + last.image.length,
  };
}

/** Chains of operators grow a tree to the left without any nesting in the text. This walks the finished tree, without
 *  recursion, and refuses it when a recursion over it would go too deep. */
function checkDepth(root: unknown): void {
  const waiting: { readonly node: object; readonly depth: number }[] = [{ node: root as object, depth: 1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, depth } = next;
    if (depth > limits.maxDepth && 'at' in node) throw tooDeep(node.at as Position, limits.maxDepth);
    for (const child of Object.values(node)) {
      if (typeof child !== 'object' || child === null) continue;
      waiting.push({ node: child, depth: 'kind' in child ? depth + 1 : depth });
    }
  }
  assert(root !== undefined, 'the grammar gives a tree for every text that it accepts');
}
