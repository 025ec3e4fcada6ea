/**
 * Completion: what can stand where somebody is typing.
 *
 * The words come from the grammar (`parser/next-words.ts`), which also names the place of a name: its rules are given a
 * meaning here (a source, a column, a type …), and the names are then those of the catalog, of the functions, formats
 * and properties that are registered. The statement may go on behind the cursor, and be unfinished or wrong elsewhere.
 */

import type { IToken, TokenType } from 'chevrotain';
import { propertyNames, propertyValues, type WithTarget } from './analyze/properties.ts';
import type { Source } from './analyze/sources.ts';
import type { Catalog } from './catalog.ts';
import type { Completion, CompletionItem } from './facade.ts';
import type { FunctionRegistry } from './functions/registry.ts';
import { isKind } from './parser/grammar/base.ts';
import type { NextWord } from './parser/next-words.ts';
import { wordsFrom } from './parser/parse.ts';
import { printName, printString } from './parser/print.ts';
import {
  Arrow,
  Comma,
  Dot,
  keyword,
  LambdaArrow,
  LeftParen,
  LogicalOperator,
  Name,
  nameOf,
  PlainName,
  QuotedName,
  RightParen,
  Semicolon,
  StringText,
  tokenize,
  Unit,
} from './parser/tokens.ts';
import { typeWords, units } from './parser/words.ts';
import { knownProperties } from './settings.ts';
import { type Column, pseudoColumns } from './types/schema.ts';
import { printType, type SqlType } from './types/type.ts';

export interface CompletionContext {
  readonly catalog: Catalog;
  readonly functions: FunctionRegistry;
  readonly topics: readonly string[];
}

/** The statement around the cursor. */
interface Place extends CompletionContext {
  /** The words before the cursor, without the one that is being typed. */
  readonly before: readonly IToken[];
  /** All words of the statement but the one that is being typed. */
  readonly all: readonly IToken[];
}

export const complete = (text: string, cursor: number, context: CompletionContext): Completion => {
  const tokens = tokenize(text.slice(0, cursor), []);
  const typed = tokens.at(-1);
  const isTyped =
    typed !== undefined && typed.startOffset + typed.image.length === cursor && /^[\w@`"]+$/.test(typed.image);
  const openString = typed === undefined || !isTyped ? openQuote(text.slice(0, cursor), tokens) : -1;
  const from = openString >= 0 ? openString : isTyped ? typed.startOffset : cursor;
  const known = isTyped ? tokens.slice(0, -1) : tokens;
  const before = known.slice(known.findLastIndex(({ tokenType }) => tokenType === Semicolon) + 1);
  const behind = tokenize(text.slice(cursor).replace(/^[\w@]*['`"]?/, ''), []);
  const end = behind.findIndex(({ tokenType }) => tokenType === Semicolon);
  const place: Place = { ...context, before, all: [...before, ...behind.slice(0, end < 0 ? behind.length : end)] };
  const prefix = text.slice(from, cursor);
  const items = new Map<string, CompletionItem>();
  for (const one of candidates(place)) {
    const item =
      /^[a-z_][a-z0-9_@]*$/.test(prefix) && /^[A-Z]/.test(one.text) ? { ...one, text: one.text.toLowerCase() } : one;
    if (item.text.toUpperCase().startsWith(prefix.toUpperCase()) && !items.has(item.text)) items.set(item.text, item);
  }
  return { from, to: cursor, items: [...items.values()].sort(inOrder) };
};

/** Where a string begins that the cursor stands in, or -1. */
const openQuote = (text: string, tokens: readonly IToken[]): number => {
  const last = tokens.at(-1);
  const rest = last === undefined ? 0 : last.startOffset + last.image.length;
  const quote = text.indexOf("'", rest);
  return quote;
};

const order: readonly CompletionItem['kind'][] = [
  'column',
  'source',
  'property',
  'value',
  'type',
  'query',
  'topic',
  'keyword',
  'unit',
  'function',
];

const inOrder = (a: CompletionItem, b: CompletionItem): number =>
  order.indexOf(a.kind) - order.indexOf(b.kind) || (a.text < b.text ? -1 : 1);

/** The types of names, and of strings that name something. */
export const nameTypes: ReadonlySet<TokenType> = new Set([Name, PlainName, StringText]);

function* candidates(place: Place): Generator<CompletionItem> {
  const last = place.before.at(-1);
  for (const word of wordsFrom(place.before)) {
    const { type } = word;
    if (nameTypes.has(type)) {
      const meaning = meanings[placeName(word)];
      if (meaning !== undefined && meaning !== 'free') yield* names[meaning](place);
    } else if (type === Unit) {
      for (const unit of new Set(units.values())) yield { text: unit, kind: 'unit' };
    } else if (type === LogicalOperator) {
      yield { text: 'AND', kind: 'keyword' };
      yield { text: 'OR', kind: 'keyword' };
    } else if (/^[A-Z]+$/.test(type.name) && last?.tokenType !== Dot) yield { text: type.name, kind: 'keyword' };
  }
}

// ------------------------------------------------------------------------------------------------ meanings of names

/** What a name or a string means, by its place in the grammar (`placeName`); `free`: what stands there is made up, and
 *  there is nothing to offer. Every such place of the grammar has a line; a test compares them. */
export const meanings: Readonly<Record<string, Meaning | 'free'>> = {
  'identifier < source': 'source',
  'identifier/1 < source': 'free',
  'identifier < columnOrCall': 'value',
  'identifier/1 < columnOrCall': 'member',
  'identifier < postfixed': 'field',
  'identifier < insertStatement': 'source',
  'identifier < columnNames': 'target column',
  'identifier < dropSource': 'source',
  'identifier < dropNamed': 'own type',
  'identifier < alterSource': 'source',
  'identifier/1 < describe': 'source',
  'identifier/2 < describe': 'function',
  'identifier < describe': 'free',
  'identifier < queryOrAll': 'query',
  'identifier < explain': 'query',
  'identifier < structType': 'free',
  'identifier < struct': 'free',
  'identifier < expressionItem': 'free',
  'identifier < createType': 'free',
  'identifier < createConnector': 'free',
  'identifier < createSource': 'free',
  'identifier < element': 'free',
  'identifier/1 < addedColumn': 'free',
  'resource < printTopic': 'topic',
  'resource < assertStatement': 'topic',
  'resource/1 < assertStatement': 'free',
  'wordLiteral < literal < property': 'property value',
  'wordLiteral < literal < assertStatement': 'free',
  'wordLiteral < primary': 'free',
  'wordLiteral#1 < literal < property': 'free',
  'wordLiteral#1 < literal < assertStatement': 'free',
  'wordLiteral#1 < primary': 'free',
  namedType: 'type',
  property: 'property',
  set: 'setting',
  'set#1': 'free',
  unset: 'setting',
  alterSystem: 'setting',
  'alterSystem#1': 'free',
  // Of `source.*`; as the beginning of an expression it is offered already.
  selectItem: 'free',
  lambda: 'free',
  'lambda#1': 'free',
  wordPredicate: 'free',
  postfixed: 'free',
  window: 'free',
  element: 'free',
  define: 'free',
  undefine: 'free',
};

/** Rules that read a name or a literal for others. */
const shared = /^(?:identifier|resource|literal|wordLiteral)\b/;

/** The place of a name: the rule that reads it, behind those that read names for several. */
export const placeName = ({ rules, nth }: Pick<NextWord, 'rules' | 'nth'>): string => {
  const own = rules.findIndex((rule) => !shared.test(rule));
  const around = (rules[own] ?? '').replace(/\/.*/, '');
  const inner = rules.slice(0, own).map((rule, i) => (i === 0 ? rule : rule.replace(/\/.*/, '')));
  const [first, ...rest] = [...inner, around];
  return [nth === 0 ? first : `${first}#${nth}`, ...rest].join(' < ');
};

type Meaning =
  | 'source'
  | 'value'
  | 'member'
  | 'field'
  | 'target column'
  | 'own type'
  | 'type'
  | 'function'
  | 'query'
  | 'topic'
  | 'property'
  | 'property value'
  | 'setting';

/** Names by their meaning. */
const names: { readonly [M in Meaning]: (place: Place) => Iterable<CompletionItem> } = {
  source: ({ catalog }) => catalog.sources().map(sourceItem),
  *value(place) {
    if (place.before.some(({ tokenType }) => tokenType === keyword.VALUES)) return yield* names.function(place);
    for (const text of lambdaParameters(place.before)) yield { text, kind: 'column', detail: 'of the lambda' };
    const read = sourcesRead(place);
    for (const { alias, source } of read) yield { ...sourceItem(source), text: printName(alias) };
    const sources = read.length > 0 ? read.map(({ source }) => source) : place.catalog.sources();
    yield* sources.flatMap(columnsOf);
    const windowed = sources.some(({ schema }) => schema.windowed !== undefined);
    for (const name of pseudoColumns) {
      if (windowed || !name.startsWith('WINDOW')) yield { text: name, kind: 'column', detail: 'of every row' };
    }
    yield* names.function(place);
  },
  member(place) {
    const qualifier = place.before.at(-2);
    const name = qualifier === undefined ? '' : nameOf(qualifier);
    return sourcesRead(place).flatMap(({ alias, source }) => (alias === name ? columnsOf(source) : []));
  },
  field(place) {
    const path: string[] = [];
    for (let at = place.before.length - 2; at >= 0; at -= 2) {
      const token = place.before[at];
      if (token === undefined || !isKind(token, Name)) return [];
      path.unshift(nameOf(token));
      if (place.before[at - 1]?.tokenType !== Arrow) break;
    }
    const [column = '', ...rest] = path;
    return sourcesRead(place).flatMap(({ source }) => {
      let type: SqlType | undefined = allColumns(source).find(({ name }) => name === column)?.type;
      for (const name of rest) type = fieldsOf(type).find((field) => field.name === name)?.type;
      return fieldsOf(type).map(
        (field): CompletionItem => ({ text: printName(field.name), kind: 'column', detail: printType(field.type) }),
      );
    });
  },
  'target column': ({ before, catalog }) => {
    const into = before.findIndex(({ tokenType }) => tokenType === keyword.INTO);
    const target = before[into + 1];
    const source = target === undefined ? undefined : catalog.source(nameOf(target));
    return source === undefined ? [] : columnsOf(source);
  },
  'own type': ({ catalog }) =>
    [...catalog.types()].map(([name, type]) => ({ text: printName(name), kind: 'type', detail: printType(type) })),
  *type(place) {
    for (const word of typeWords) yield { text: word, kind: 'type' };
    yield* names['own type'](place);
  },
  function: ({ functions }) =>
    functions.list().map(({ name, overloads }) => ({
      text: name,
      kind: 'function',
      detail: overloads.map(({ signature }) => signature.described).join('; '),
    })),
  query: ({ catalog }) =>
    catalog.queries().map(({ id, statement }) => ({ text: printName(id), kind: 'query', detail: statement })),
  topic: ({ topics }) => topics.map((topic) => ({ text: printString(topic), kind: 'topic' })),
  property: ({ before }) => {
    const ofInsert = before[0]?.tokenType === keyword.INSERT;
    const targets: readonly WithTarget[] = ofInsert ? ['insert'] : ['create', 'create-as'];
    return [...new Set(targets.flatMap(propertyNames))].map((text) => ({ text, kind: 'property' }));
  },
  'property value': (place) => {
    const name = place.before.at(-2);
    const property = name === undefined ? '' : nameOf(name);
    if (property === 'KAFKA_TOPIC') return names.topic(place);
    return propertyValues(property).map((value) => ({ text: printString(value), kind: 'value' }));
  },
  setting: () =>
    Object.entries(knownProperties).map(([name, { doc }]) => ({
      text: printString(name),
      kind: 'property',
      detail: doc,
    })),
};

/** The parameters of the lambdas in whose bodies the cursor stands. */
const lambdaParameters = (before: readonly IToken[]): readonly string[] => {
  const found: string[] = [];
  let closed = 0;
  /** A comma stands between here and the cursor: another argument has begun. */
  let past = false;
  for (let at = before.length - 1; at >= 0; at--) {
    const type = before[at]?.tokenType;
    if (type === RightParen) closed++;
    else if (type === LeftParen && closed > 0) closed--;
    else if (type === LeftParen) past = false;
    else if (type === Comma && closed === 0) past = true;
    else if (type === LambdaArrow && closed === 0 && !past) {
      const from =
        before[at - 1]?.tokenType === RightParen
          ? before.findLastIndex((token, i) => i < at && token.tokenType === LeftParen)
          : at - 1;
      found.push(...before.slice(from, at).flatMap((token) => (isKind(token, Name) ? [printName(nameOf(token))] : [])));
    }
  }
  return found;
};

const sourceItem = ({ name, kind }: Source): CompletionItem => ({
  text: printName(name),
  kind: 'source',
  detail: kind.toUpperCase(),
});

const allColumns = ({ schema }: Source): readonly Column[] => [...schema.key, ...schema.value];

const columnsOf = (source: Source): CompletionItem[] =>
  allColumns(source).map(({ name, type }) => ({
    text: printName(name),
    kind: 'column',
    detail: `${printType(type)} of ${source.name}`,
  }));

const fieldsOf = (type: SqlType | undefined): readonly { readonly name: string; readonly type: SqlType }[] =>
  type?.kind === 'STRUCT' ? type.fields : [];

/** What stands behind FROM and JOIN, before or behind the cursor, with the names that columns are qualified by. */
const sourcesRead = ({ all, catalog }: Place): { readonly alias: string; readonly source: Source }[] =>
  all.flatMap((token, at) => {
    const name = all[at + 1];
    if (
      (token.tokenType !== keyword.FROM && token.tokenType !== keyword.JOIN) ||
      name === undefined ||
      !isKind(name, Name)
    )
      return [];
    const source = catalog.source(nameOf(name));
    if (source === undefined) return [];
    const alias = all[at + 2]?.tokenType === keyword.AS ? all[at + 3] : all[at + 2];
    const isAlias = alias?.tokenType === PlainName || alias?.tokenType === QuotedName;
    return [{ alias: isAlias ? nameOf(alias) : source.name, source }];
  });
