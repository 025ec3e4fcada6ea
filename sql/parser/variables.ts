/**
 * Variables: what `${name}` stands for, and putting it there.
 *
 * A variable stands for one name or one literal, or for a part of a text between quotes; never for a clause, so that no
 * value can change what a statement does. Names are compared without regard to case. Between quotes a `${…}` that is no
 * variable is text; outside of them it is an error.
 */

import type { IToken } from 'chevrotain';
import { closestName, shortened, UserError } from '../../base/index.ts';
import {
  DecimalText,
  DoubleText,
  IntegerText,
  keyword,
  Minus,
  Name,
  placeOf,
  QuotedName,
  StringText,
  tokenize,
  tooLong,
  Variable,
} from './tokens.ts';
import { limits } from './words.ts';

/** Values by name, in the order in which they were defined. */
export type Variables = ReadonlyMap<string, string>;

export const noVariables: Variables = new Map();

const namePattern = /^[A-Za-z_][A-Za-z0-9_@]*$/;

/** The variables of a request. Throws `SQL_INVALID_VARIABLE` for one that could not be written as `${name}`. */
export const variablesOf = (given: Readonly<Record<string, unknown>>): Variables => {
  let variables = noVariables;
  for (const [name, value] of Object.entries(given)) {
    if (!namePattern.test(name)) {
      throw new UserError('SQL_INVALID_VARIABLE', `"${name}" cannot name a variable`, {
        hint: 'Names of variables have letters, digits, "_" and "@", and begin with a letter or "_".',
      });
    }
    variables = withVariable(variables, name, String(value));
  }
  return variables;
};

/** Each statement has the variables that are in force there, so that their number has to have an end. */
const maxVariables = 1000;

/** Throws `SQL_INVALID_VARIABLE` where there would be too many. */
export const withVariable = (variables: Variables, name: string, value: string): Variables => {
  if (variables.get(name) === value) return variables;
  const others = withoutVariable(variables, name);
  if (others.size >= maxVariables)
    throw new UserError('SQL_INVALID_VARIABLE', `"${name}" would be more than ${maxVariables} variables`, {
      hint: 'UNDEFINE those that are not needed any more.',
    });
  return new Map([...others, [name, value]]);
};

export const withoutVariable = (variables: Variables, name: string): Variables =>
  new Map([...variables].filter(([one]) => one.toLowerCase() !== name.toLowerCase()));

/** Values by names in lower case. */
const inLowerCase = new WeakMap<Variables, Variables>();

const valueOf = (variables: Variables, name: string): string | undefined => {
  let values = inLowerCase.get(variables);
  if (values === undefined) {
    values = new Map(Array.from(variables, ([one, value]) => [one.toLowerCase(), value]));
    inLowerCase.set(variables, values);
  }
  return values.get(name.toLowerCase());
};

/** A statement's tokens with the values in place of the variables. A value's token has the place of the variable. The
 *  values may be as long as a statement together: a value can hold others, many times, which hold others again. */
export const substituted = (tokens: readonly IToken[], variables: Variables): IToken[] => {
  let length = 0;
  const add = (value: string, token: IToken): string => {
    length += value.length;
    if (length <= limits.maxStatementLength) return value;
    throw tooLong(`${limits.maxStatementLength} characters, those of its variables included`, placeOf(token));
  };
  return tokens.flatMap((token) => {
    if (token.tokenType === Variable) {
      const found = valueTokens(token, variables);
      for (const { image } of found) add(image, token);
      return found;
    }
    if (token.tokenType !== StringText && token.tokenType !== QuotedName) return [token];
    const quote = token.image.charAt(0);
    const image = token.image.replace(/\$\{([A-Za-z_][A-Za-z0-9_@]*)\}/g, (written, name: string) => {
      const value = valueOf(variables, name);
      return value === undefined ? written : add(value.replaceAll(quote, quote + quote), token);
    });
    return [image === token.image ? token : { ...token, image }];
  });
};

/** The text of a statement as its tokens have it: what stands between them is taken from the text. */
export const substitutedText = (text: string, written: readonly IToken[], tokens: readonly IToken[]): string => {
  let result = '';
  let from = written[0]?.startOffset ?? 0;
  let next = 0;
  for (const token of written) {
    result += text.slice(from, token.startOffset);
    // The tokens of a value all stand where the variable stood.
    for (; tokens[next]?.startOffset === token.startOffset; next++) result += tokens[next]?.image ?? '';
    from = token.startOffset + token.image.length;
  }
  return result;
};

const numbers = [IntegerText, DecimalText, DoubleText];

/** A name or a literal: one token, or the sign of a number and the number. */
const valueTokens = (variable: IToken, variables: Variables): IToken[] => {
  const at = placeOf(variable);
  const name = /^\$\{(.*)\}$/s.exec(variable.image)?.[1]?.trim() ?? '';
  const value = valueOf(variables, name);
  if (value === undefined) {
    const near = closestName(name, [...variables.keys()]);
    throw new UserError('SQL_UNDEFINED_VARIABLE', `the variable ${variable.image} is not defined`, {
      at,
      hint: near === undefined ? `Define it: DEFINE ${name || 'name'} = 'value';` : `Did you mean \${${near}}?`,
    });
  }
  const tokens = tokensOf(value);
  const [first, second, third] = tokens;
  const isNumber = first !== undefined && numbers.includes(first.tokenType) && second === undefined;
  const isSigned =
    first?.tokenType === Minus && second !== undefined && numbers.includes(second.tokenType) && third === undefined;
  const isWord =
    first !== undefined &&
    second === undefined &&
    (first.tokenType === Name ||
      first.tokenType.CATEGORIES?.includes(Name) === true ||
      first.tokenType === StringText ||
      first.tokenType === keyword.TRUE ||
      first.tokenType === keyword.FALSE);
  if (!isNumber && !isSigned && !isWord) {
    throw new UserError(
      'SQL_INVALID_VARIABLE',
      `the variable ${variable.image} stands for ${value === '' ? 'an empty text' : shortened(value)}, which is neither a name nor a literal`,
      { at, hint: `For a text write '\${${name}}', with the quotes; for a name with other characters, backticks.` },
    );
  }
  return tokens.map((token) => ({
    ...token,
    startOffset: variable.startOffset,
    endOffset: variable.startOffset + token.image.length - 1,
    startLine: at.line,
    startColumn: at.column,
  }));
};

const tokensOf = (value: string): readonly IToken[] => {
  try {
    return tokenize(value);
  } catch {
    return [];
  }
};
