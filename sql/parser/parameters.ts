/**
 * Parameters: `?` and `:name` in a query, which stand for values that come beside the text.
 *
 * A value is bound as tokens of the grammar, one literal or constructor, in the place of the parameter, and never as a
 * piece of text: whatever a value holds, it cannot change what the query means. All parameters of a query are `?`,
 * bound in their order, or all are named. A value that the query does not have is refused, since a misspelt name would
 * otherwise go unnoticed.
 *
 * An array alone in `IN (?)`, or in `= ANY (?)`, which means the same, stands for its members.
 */

import type { IToken, TokenType } from 'chevrotain';
import { base64, closestName, UserError } from '../../base/index.ts';
import { tooDeep } from './build.ts';
import {
  Assign,
  Comma,
  DecimalText,
  DoubleText,
  IntegerText,
  keyword,
  LeftBracket,
  LeftParen,
  Minus,
  Parameter,
  PlainName,
  placeOf,
  QuotedName,
  RightBracket,
  RightParen,
  StringText,
  tooLong,
} from './tokens.ts';
import { limits } from './words.ts';

/** Values in the order of the `?`, or by name. */
export type Parameters = readonly unknown[] | Readonly<Record<string, unknown>>;

/** A statement's tokens with the values in place of the parameters. */
export const bound = (tokens: readonly IToken[], parameters: Parameters | undefined): IToken[] => {
  const found = tokens.filter((token) => token.tokenType === Parameter);
  if (parameters === undefined) {
    const [first] = found;
    if (first === undefined) return [...tokens];
    throw unbound(first, 'no values are given', 'Give them as "parameters" of a query; other statements have none.');
  }
  const value = isList(parameters) ? byOrder(found, parameters) : byName(found, parameters);
  let count = 0;
  return inForAny(tokens).flatMap((token, i, all) => {
    const given = token.tokenType === Parameter ? value(token) : undefined;
    const own =
      token.tokenType !== Parameter
        ? [token]
        : isAlone(all, i) && Array.isArray(given)
          ? membersOf(given, token)
          : tokensOf(given, token);
    count += own.length;
    if (count > limits.maxTokens) {
      throw tooLong(`${limits.maxTokens} words and signs, those of its values included`, placeOf(token));
    }
    return own;
  });
};

/** The tokens with `IN (?)` for each `= ANY (?)`. */
const inForAny = (tokens: readonly IToken[]): readonly IToken[] =>
  tokens.flatMap((token, i) => {
    if (isAny(tokens, i)) return [];
    return isAny(tokens, i + 1) ? [{ ...token, image: 'IN', ...typed(keyword.IN) }] : [token];
  });

const isAny = (tokens: readonly IToken[], i: number): boolean =>
  tokens[i]?.tokenType === PlainName &&
  tokens[i]?.image.toUpperCase() === 'ANY' &&
  tokens[i - 1]?.image === '=' &&
  tokens[i + 1]?.tokenType === LeftParen &&
  tokens[i + 2]?.tokenType === Parameter &&
  tokens[i + 3]?.tokenType === RightParen;

/** Whether the parameter is all of a list of IN. */
const isAlone = (tokens: readonly IToken[], i: number): boolean =>
  tokens[i - 2]?.tokenType === keyword.IN &&
  tokens[i - 1]?.tokenType === LeftParen &&
  tokens[i + 1]?.tokenType === RightParen;

/** The members of an array as a list; of an empty one NULL, which nothing equals. */
const membersOf = (values: readonly unknown[], place: IToken): IToken[] =>
  (values.length === 0 ? [null] : values).flatMap((one, i) => [
    ...(i === 0 ? [] : [{ ...place, image: ',', ...typed(Comma) }]),
    ...tokensOf(one, place),
  ]);

/** A text in the place of a parameter. */
const boundText = Symbol('the text of a parameter');

export const isBound = ({ payload }: IToken): boolean => payload === boundText;

const typed = (tokenType: TokenType): Pick<IToken, 'tokenType' | 'tokenTypeIdx'> => ({
  tokenType,
  tokenTypeIdx: tokenType.tokenTypeIdx ?? 0,
});

const isList = (parameters: Parameters): parameters is readonly unknown[] => Array.isArray(parameters);

type ValueOf = (token: IToken) => unknown;

const byOrder = (found: readonly IToken[], values: readonly unknown[]): ValueOf => {
  const named = found.find(({ image }) => image !== '?');
  if (named !== undefined) {
    throw unbound(
      named,
      'the values are given in an array',
      'Give them by name: { name: value }, or write ? for each.',
    );
  }
  const first = found[values.length];
  if (first !== undefined) {
    throw unbound(
      first,
      `there are ${found.length} parameters and ${values.length} values`,
      'Give a value for each ?.',
    );
  }
  if (values.length > found.length) {
    throw new UserError(
      'SQL_PARAMETER',
      `there are ${values.length} values, and ${found.length} parameters in the query`,
      {
        hint: 'Each value is for one ?.',
      },
    );
  }
  return (token) => values[found.indexOf(token)];
};

const byName = (found: readonly IToken[], values: Readonly<Record<string, unknown>>): ValueOf => {
  const wanted = new Set(found.map(nameOf));
  for (const name of Object.keys(values)) {
    if (wanted.has(name)) continue;
    throw new UserError('SQL_PARAMETER', `the query has no parameter :${name}`, {
      hint: wanted.size === 0 ? 'Leave the value out.' : `It has ${[...wanted].map((one) => `:${one}`).join(', ')}.`,
    });
  }
  return (token) => {
    const name = nameOf(token);
    if (token.image !== '?' && Object.hasOwn(values, name)) return values[name];
    if (token.image === '?') {
      throw unbound(token, 'the values are given by name', 'Give them in an array, or write :name for each.');
    }
    const near = closestName(name, Object.keys(values));
    throw unbound(
      token,
      'it has no value',
      near === undefined ? `Give one: { ${name}: … }.` : `Did you mean :${near}?`,
    );
  };
};

const nameOf = (token: IToken): string => token.image.slice(1);

const unbound = (token: IToken, why: string, hint: string): UserError =>
  new UserError('SQL_PARAMETER', `the parameter ${token.image} cannot be bound: ${why}`, { at: placeOf(token), hint });

/** The value as it would be written, at the place of the parameter. */
const tokensOf = (value: unknown, place: IToken): IToken[] => {
  const token = (tokenType: TokenType, image: string): IToken => ({
    ...place,
    image,
    ...typed(tokenType),
  });
  const text = (written: string): IToken => ({
    ...token(StringText, `'${written.replaceAll("'", "''")}'`),
    payload: boundText,
  });
  const number = (written: string): IToken[] => {
    const digits = written.replace('-', '');
    const isNegative = written.startsWith('-');
    const magnitude = isNegative ? written.slice(1) : written;
    const type = /[eE]/.test(digits) ? DoubleText : digits.includes('.') ? DecimalText : IntegerText;
    return [...(isNegative ? [token(Minus, '-')] : []), token(type, magnitude)];
  };
  const cast = (inner: IToken, type: IToken): IToken[] => [
    token(keyword.CAST, 'CAST'),
    token(LeftParen, '('),
    inner,
    token(keyword.AS, 'AS'),
    type,
    token(RightParen, ')'),
  ];
  const listed = (parts: readonly (readonly IToken[])[]): IToken[] =>
    parts.flatMap((part, i) => (i === 0 ? part : [token(Comma, ','), ...part]));
  const of = (one: unknown, depth: number): IToken[] => {
    if (depth > limits.maxNesting) throw tooDeep(placeOf(place), limits.maxNesting);
    const inner = (member: unknown): IToken[] => of(member, depth + 1);
    if (one === null) return [token(keyword.NULL, 'NULL')];
    if (typeof one === 'boolean') return [one ? token(keyword.TRUE, 'TRUE') : token(keyword.FALSE, 'FALSE')];
    if (typeof one === 'string') return [text(one)];
    if (typeof one === 'bigint') return number(String(one));
    if (typeof one === 'number' && Number.isFinite(one)) {
      // Beyond what a double holds exactly it is a DOUBLE, and no whole number.
      return number(Number.isInteger(one) && !Number.isSafeInteger(one) ? one.toExponential() : String(one));
    }
    if (one instanceof Date && !Number.isNaN(one.getTime())) {
      return cast(text(one.toISOString()), token(keyword.TIMESTAMP, 'TIMESTAMP'));
    }
    if (one instanceof Uint8Array) return cast(text(base64(one)), token(PlainName, 'BYTES'));
    if (Array.isArray(one)) {
      return [
        token(keyword.ARRAY, 'ARRAY'),
        token(LeftBracket, '['),
        ...listed(one.map(inner)),
        token(RightBracket, ']'),
      ];
    }
    if (one instanceof Map) {
      const entries = [...one].map(([key, member]) => [...inner(key), token(Assign, ':='), ...inner(member)]);
      return [token(keyword.MAP, 'MAP'), token(LeftParen, '('), ...listed(entries), token(RightParen, ')')];
    }
    if (typeof one === 'object' && Object.getPrototypeOf(one) === Object.prototype) {
      const fields = Object.entries(one).map(([name, member]) => [
        name === '' ? invalid(place, 'a field without a name') : token(QuotedName, `\`${name.replaceAll('`', '``')}\``),
        token(Assign, ':='),
        ...inner(member),
      ]);
      return [token(keyword.STRUCT, 'STRUCT'), token(LeftParen, '('), ...listed(fields), token(RightParen, ')')];
    }
    return invalid(place, typeof one === 'number' ? String(one) : one === undefined ? 'undefined' : typeof one);
  };
  return of(value, 0);
};

const invalid = (place: IToken, what: string): never => {
  throw unbound(
    place,
    `its value is ${what}`,
    'A value is null, a boolean, a number, a bigint, a text, a Date, a Uint8Array, an array, a Map or a plain object.',
  );
};
