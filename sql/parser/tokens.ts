/**
 * The words of the language: which there are, and how a text is cut into them.
 *
 * The scanner is written by hand, one pass over the text: its errors are more precise than those of a table of patterns
 * (where the string that never ends began), and it costs nothing to set up. `tokenize` is one function: all of its
 * branches move the same position. The token types are Chevrotain's, since its parser reads the result.
 *
 * Laws of the lexical grammar:
 *
 * - keywords and unquoted names are read without regard to case, and a name means its upper-case form;
 * - a name is a letter or `_`, then letters, digits, `_` and `@`; or a digit followed by such, if that is not a number;
 * - between backticks or double quotes a name is taken as it stands, a doubled quote being one quote;
 * - a string stands between single quotes, a doubled quote being one quote, and a backslash means nothing;
 * - `12` is an integer, `1.5`, `1.` and `.5` are decimals, anything with an exponent is a double;
 * - comments run from `--` to the end of the line, or from slash-star to star-slash, without nesting;
 * - `${name}` is a variable, which has to be replaced before the text comes here;
 * - a keyword is either reserved, or may also be a name wherever a name is expected.
 */

import type { IToken, TokenType } from 'chevrotain';
import { createToken } from 'chevrotain';
import { assert, type Position, UserError } from '../../base/index.ts';
import type { TimeUnit } from './ast.ts';
import { limits, type NonReservedWord, nonReservedWords, type ReservedWord, reservedWords, units } from './words.ts';

/** Category: whatever may stand where a name is expected. */
export const Name = createToken({ name: 'Name', label: 'a name' });
/** Category: DAY, DAYS, HOUR … */
export const Unit = createToken({ name: 'Unit', label: 'a unit of time (such as SECONDS or DAYS)' });

export const PlainName = createToken({ name: 'PlainName', label: 'a name', categories: Name });
export const QuotedName = createToken({ name: 'QuotedName', label: 'a quoted name', categories: Name });
export const Variable = createToken({ name: 'Variable', label: 'a variable' });
export const Parameter = createToken({ name: 'Parameter', label: 'a parameter' });
export const StringText = createToken({ name: 'StringText', label: 'a string in single quotes' });
/** Category: any number without a sign. */
export const NumberText = createToken({ name: 'NumberText', label: 'a number' });
export const IntegerText = createToken({ name: 'IntegerText', label: 'a whole number', categories: NumberText });
export const DecimalText = createToken({ name: 'DecimalText', label: 'a number', categories: NumberText });
export const DoubleText = createToken({ name: 'DoubleText', label: 'a number', categories: NumberText });

const symbol = (name: string, image: string, categories: TokenType[] = []): TokenType =>
  createToken({ name, label: `"${image}"`, categories });

/** Categories of operators: they let one rule read all of the same kind. */
export const ArithmeticOperator = createToken({ name: 'ArithmeticOperator', label: 'an operator' });
export const SignOperator = createToken({ name: 'SignOperator', label: 'a sign' });
export const ComparisonOperator = createToken({ name: 'ComparisonOperator', label: 'a comparison' });
export const LogicalOperator = createToken({ name: 'LogicalOperator', label: 'AND or OR' });

export const LeftParen = symbol('LeftParen', '(');
export const RightParen = symbol('RightParen', ')');
export const LeftBracket = symbol('LeftBracket', '[');
export const RightBracket = symbol('RightBracket', ']');
export const Comma = symbol('Comma', ',');
export const Dot = symbol('Dot', '.');
export const Semicolon = symbol('Semicolon', ';');
export const Arrow = symbol('Arrow', '->');
export const LambdaArrow = symbol('LambdaArrow', '=>');
export const Assign = symbol('Assign', ':=');
export const Plus = symbol('Plus', '+', [ArithmeticOperator, SignOperator]);
export const Minus = symbol('Minus', '-', [ArithmeticOperator, SignOperator]);
export const Star = symbol('Star', '*', [ArithmeticOperator]);
export const Slash = symbol('Slash', '/', [ArithmeticOperator]);
export const Percent = symbol('Percent', '%', [ArithmeticOperator]);
export const Concat = symbol('Concat', '||', [ArithmeticOperator]);
export const Equal = symbol('Equal', '=', [ComparisonOperator]);
export const NotEqual = symbol('NotEqual', '<>', [ComparisonOperator]);
export const Less = symbol('Less', '<', [ComparisonOperator]);
export const LessEqual = symbol('LessEqual', '<=', [ComparisonOperator]);
export const Greater = symbol('Greater', '>', [ComparisonOperator]);
export const GreaterEqual = symbol('GreaterEqual', '>=', [ComparisonOperator]);

/** Longest first, so that the first that fits is the right one. */
const symbols: readonly (readonly [image: string, type: TokenType])[] = [
  ['->', Arrow],
  ['=>', LambdaArrow],
  [':=', Assign],
  ['||', Concat],
  ['<>', NotEqual],
  ['!=', NotEqual],
  ['<=', LessEqual],
  ['>=', GreaterEqual],
  ['=', Equal],
  ['<', Less],
  ['>', Greater],
  ['(', LeftParen],
  [')', RightParen],
  ['[', LeftBracket],
  [']', RightBracket],
  [',', Comma],
  ['.', Dot],
  [';', Semicolon],
  ['+', Plus],
  ['-', Minus],
  ['*', Star],
  ['/', Slash],
  ['%', Percent],
];

/** The unit that a unit token names. */
export const unitOf = (token: IToken): TimeUnit => {
  const unit = units.get(token.image.toUpperCase());
  assert(unit !== undefined, `${token.image} is not a unit of time`);
  return unit;
};

const defineKeywords = (): Readonly<Record<ReservedWord | NonReservedWord, TokenType>> => {
  const types: Partial<Record<ReservedWord | NonReservedWord, TokenType>> = {};
  for (const word of reservedWords) {
    const categories = units.has(word) ? [Unit] : word === 'AND' || word === 'OR' ? [LogicalOperator] : [];
    types[word] = createToken({ name: word, label: word, categories });
  }
  for (const word of nonReservedWords) {
    types[word] = createToken({ name: word, label: word, categories: units.has(word) ? [Name, Unit] : [Name] });
  }
  return types as Record<ReservedWord | NonReservedWord, TokenType>;
};

/** The token type of each keyword: `keyword.SELECT`. */
export const keyword = defineKeywords();

const keywordTypes: ReadonlyMap<string, TokenType> = new Map(Object.entries(keyword));

/** Every token type there is, in the form that the parser's constructor asks for. */
export const vocabulary: TokenType[] = [
  ...[Name, Unit, ArithmeticOperator, SignOperator, ComparisonOperator, LogicalOperator, NumberText],
  ...[PlainName, QuotedName, Variable, Parameter, StringText, IntegerText, DecimalText, DoubleText],
  ...new Set(symbols.map(([, type]) => type)),
  ...Object.values(keyword),
];

/** The name that a name token means: quotes taken off, or put into upper case. */
export const nameOf = (token: IToken): string =>
  token.tokenType === QuotedName ? unquote(token.image) : token.image.toUpperCase();

/** The text between the quotes of a string or of a quoted name. */
export const unquote = (image: string): string => {
  const quote = image.charAt(0);
  return image.slice(1, -1).replaceAll(quote + quote, quote);
};

/** Where a token stands. */
export const placeOf = (token: IToken): Position => ({
  line: token.startLine ?? 1,
  column: token.startColumn ?? 1,
  offset: token.startOffset,
  length: token.image.length,
});

const word = /[A-Za-z0-9_@]*/y;
const parameter = /\?|:[A-Za-z_][A-Za-z0-9_]*/y;
const number = /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const blank = /[ \t\n\r\f\v\u00a0\ufeff]+/y;
const lineEnd = /\r\n?|\n/g;

/** What a sticky pattern finds at a place; the empty text where it finds nothing. */
const take = (pattern: RegExp, text: string, offset: number): string => {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? '';
};

const isDigit = (char: string): boolean => char >= '0' && char <= '9';
const isLetter = (char: string): boolean =>
  (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_';

const closers: Readonly<Record<string, { code: string; what: string; how: string }>> = {
  "'": { code: 'SQL_UNTERMINATED_STRING', what: 'string', how: `Close it with ', and write a ' inside it as ''.` },
  '`': { code: 'SQL_UNTERMINATED_NAME', what: 'quoted name', how: 'Close it with a backtick.' },
  '"': {
    code: 'SQL_UNTERMINATED_NAME',
    what: 'quoted name',
    how: 'Close it with ", or use single quotes for a string.',
  },
};

/** Where the quoted text that begins at `start` ends (behind its closing quote), or -1. */
const endOfQuoted = (text: string, start: number): number => {
  const quote = text.charAt(start);
  for (let from = start + 1; ; ) {
    const close = text.indexOf(quote, from);
    if (close < 0) return -1;
    if (text.charAt(close + 1) !== quote) return close + 1;
    from = close + 2;
  }
};

/** Cuts a text into tokens; blanks and comments are left out. What is not a word of the language is passed over and
 *  goes to `faults`; without that the first is thrown. A quote or comment that is never closed is the end of the text,
 *  a statement that is too long ends there. */
export function tokenize(text: string, faults?: UserError[]): IToken[] {
  const tokens: IToken[] = [];
  let offset = 0;
  let line = 1;
  let lineStart = 0;
  let statementStart = -1;
  let firstToken = 0;

  const here = (length: number): Position => ({ line, column: offset - lineStart + 1, offset, length });

  /** Moves past a piece of text that may hold line ends. */
  const skip = (end: number): void => {
    const piece = text.slice(offset, end);
    lineEnd.lastIndex = 0;
    for (let found = lineEnd.exec(piece); found !== null; found = lineEnd.exec(piece)) {
      line++;
      lineStart = offset + lineEnd.lastIndex;
    }
    offset = end;
  };

  /** Passes over what is no word, up to `end`. */
  const refuse = (fault: UserError, end: number): void => {
    if (faults === undefined) throw fault;
    faults.push(fault);
    skip(end);
  };

  /** Within a statement that is too long: up to its semicolon nothing is kept. */
  let refused = false;

  const push = (type: TokenType, end: number): void => {
    if (statementStart < 0) {
      statementStart = offset;
      firstToken = tokens.length;
    }
    if (type === Semicolon) {
      statementStart = -1;
      refused = false;
    } else if (refused) {
      return skip(end);
    } else if (end - statementStart > limits.maxStatementLength) {
      refused = true;
      return refuse(tooLong(`${limits.maxStatementLength} characters`, here(1)), end);
    } else if (tokens.length - firstToken >= limits.maxTokens) {
      refused = true;
      return refuse(tooLong(`${limits.maxTokens} words and signs`, here(1)), end);
    }
    const token: IToken = {
      image: text.slice(offset, end),
      startOffset: offset,
      startLine: line,
      startColumn: offset - lineStart + 1,
      tokenType: type,
      tokenTypeIdx: type.tokenTypeIdx ?? 0,
      endOffset: end - 1,
    };
    tokens.push(token);
    skip(end);
  };

  while (offset < text.length) {
    const char = text.charAt(offset);

    const blanks = take(blank, text, offset);
    if (blanks !== '') {
      skip(offset + blanks.length);
    } else if (text.startsWith('--', offset)) {
      lineEnd.lastIndex = offset;
      const found = lineEnd.exec(text);
      skip(found === null ? text.length : found.index);
    } else if (text.startsWith('/*', offset)) {
      const close = text.indexOf('*/', offset + 2);
      if (close < 0) {
        const fault = new UserError('SQL_UNTERMINATED_COMMENT', 'a comment that begins here is never closed', {
          at: here(2),
          hint: 'Close it with */.',
        });
        refuse(fault, text.length);
      } else skip(close + 2);
    } else if (char in closers) {
      const end = endOfQuoted(text, offset);
      if (end < 0) {
        const { code, what, how } = closers[char] as { code: string; what: string; how: string };
        const fault = new UserError(code, `a ${what} that begins here is never closed`, { at: here(1), hint: how });
        refuse(fault, text.length);
      } else if (char !== "'" && end - offset === 2) {
        refuse(new UserError('SQL_EMPTY_NAME', 'a name may not be empty', { at: here(2) }), end);
      } else push(char === "'" ? StringText : QuotedName, end);
    } else if (isLetter(char)) {
      const end = offset + take(word, text, offset).length;
      push(keywordTypes.get(text.slice(offset, end).toUpperCase()) ?? PlainName, end);
    } else if (isDigit(char) || (char === '.' && isDigit(text.charAt(offset + 1)))) {
      const digits = take(number, text, offset);
      const name = take(word, text, offset);
      if (name.length > digits.length) push(PlainName, offset + name.length);
      else if (/[eE]/.test(digits)) push(DoubleText, offset + digits.length);
      else push(digits.includes('.') ? DecimalText : IntegerText, offset + digits.length);
    } else if (take(parameter, text, offset) !== '') {
      push(Parameter, offset + take(parameter, text, offset).length);
    } else if (text.startsWith('${', offset)) {
      const close = text.indexOf('}', offset);
      push(Variable, close < 0 ? offset + 2 : close + 1);
    } else {
      const found = symbols.find(([image]) => text.startsWith(image, offset));
      if (found !== undefined) push(found[1], offset + found[0].length);
      else {
        const fault = unknownCharacter(text, here);
        refuse(fault, offset + (fault.at?.length ?? 1));
      }
    }
  }
  return tokens;
}

export const tooLong = (bound: string, at: Position): UserError =>
  new UserError('SQL_STATEMENT_TOO_LONG', `a statement may have at most ${bound}, and this one has more`, {
    at,
    hint: 'Split it, or send large values as records instead of as text.',
  });

const unknownCharacter = (text: string, here: (length: number) => Position): UserError => {
  const code = text.codePointAt(here(0).offset) ?? 0;
  const char = String.fromCodePoint(code);
  const shown = /[\p{C}\p{Z}]/u.test(char) ? `U+${code.toString(16).toUpperCase().padStart(4, '0')}` : `"${char}"`;
  const hint = /[\p{L}\p{N}$#]/u.test(char)
    ? 'Put a name with such characters into backticks.'
    : /[\u2018\u2019\u201c\u201d\u00b4]/.test(char)
      ? "Use the plain quote ' around strings."
      : undefined;
  return new UserError('SQL_UNKNOWN_CHARACTER', `the character ${shown} means nothing here`, {
    at: here(char.length),
    hint,
  });
};
