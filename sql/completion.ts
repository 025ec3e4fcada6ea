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
  Star,
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
    yield* read.flatMap((each) => (each.alias === '' ? [] : sourceItem({ ...each, name: each.alias })));
    const sources = read.length > 0 ? read : place.catalog.sources().map((source) => readOf(source));
    yield* sources.flatMap(columnItems);
    const windowed = sources.some((source) => source.windowed);
    // Rows of subqueries have none.
    for (const name of sources.every(({ kind }) => kind === 'subquery') ? [] : pseudoColumns) {
      if (windowed || !name.startsWith('WINDOW')) yield { text: name, kind: 'column', detail: 'of every row' };
    }
    yield* names.function(place);
  },
  member(place) {
    const qualifier = place.before.at(-2);
    const name = qualifier === undefined ? '' : nameOf(qualifier);
    return sourcesRead(place).flatMap((read) => (read.alias === name ? columnItems(read) : []));
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
    return sourcesRead(place).flatMap(({ columns }) => {
      let type = columns.find(({ name }) => name === column)?.type;
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
    return source === undefined ? [] : columnItems(readOf(source));
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

const sourceItem = ({ name, kind }: Pick<SourceRead, 'name' | 'kind'>): CompletionItem => ({
  text: printName(name),
  kind: 'source',
  detail: kind.toUpperCase(),
});

const allColumns = ({ schema }: Source): readonly Column[] => [...schema.key, ...schema.value];

const columnItems = ({ name: source, columns }: SourceRead): CompletionItem[] =>
  columns.map(({ name, type }) => ({
    text: printName(name),
    kind: 'column',
    detail: type === undefined ? `of ${source}` : `${printType(type)} of ${source}`,
  }));

const fieldsOf = (type: SqlType | undefined): readonly { readonly name: string; readonly type: SqlType }[] =>
  type?.kind === 'STRUCT' ? type.fields : [];

// ------------------------------------------------------------------------------------------------ what a query reads

interface ColumnRead {
  readonly name: string;
  /** Undefined for a computed column of a subquery. */
  readonly type?: SqlType | undefined;
}

/** What stands behind FROM or JOIN. */
interface SourceRead {
  /** What its columns are qualified by. */
  readonly alias: string;
  readonly name: string;
  readonly kind: Source['kind'] | 'subquery';
  readonly columns: readonly ColumnRead[];
  readonly windowed: boolean;
}

const readOf = (source: Source, alias = source.name): SourceRead => ({
  alias,
  name: source.name,
  kind: source.kind,
  columns: allColumns(source),
  windowed: source.schema.windowed !== undefined,
});

/** What the query around the cursor reads, named before or behind the cursor. */
const sourcesRead = ({ all, before, catalog }: Place): readonly SourceRead[] => {
  let from = 0;
  let closed = 0;
  for (let at = before.length - 1; at >= 0 && from === 0; at--) {
    const type = before[at]?.tokenType;
    if (type === RightParen) closed++;
    else if (type === LeftParen && closed > 0) closed--;
    else if (type === LeftParen && all[at + 1]?.tokenType === keyword.SELECT) from = at + 1;
  }
  return readIn(all.slice(from), catalog);
};

/** What a query reads, from its own words up to where it ends. Subqueries that are deeper than `levels` have no columns
 *  here. */
const readIn = (words: readonly IToken[], catalog: Catalog, levels = 16): readonly SourceRead[] => {
  const found: SourceRead[] = [];
  let depth = 0;
  for (let at = 0; at < words.length && depth >= 0; at++) {
    const type = words[at]?.tokenType;
    const next = words[at + 1];
    if (type === LeftParen) depth++;
    else if (type === RightParen) depth--;
    else if ((type !== keyword.FROM && type !== keyword.JOIN) || next === undefined) continue;
    else if (isSubquery(words, at + 1)) {
      const end = endOf(words, at + 1);
      const columns = levels === 0 ? [] : columnsSelected(words.slice(at + 2, end), catalog, levels - 1);
      const alias = aliasAt(words, end + 1) ?? '';
      found.push({ alias, name: alias, kind: 'subquery', columns, windowed: false });
      at = end;
    } else if (isKind(next, Name)) {
      const source = catalog.source(nameOf(next));
      if (source !== undefined) found.push(readOf(source, aliasAt(words, at + 2)));
    }
  }
  return found;
};

const isSubquery = (words: readonly IToken[], at: number): boolean =>
  words[at]?.tokenType === LeftParen && words[at + 1]?.tokenType === keyword.SELECT;

/** Where the parenthesis ends that begins here. */
const endOf = (words: readonly IToken[], from: number): number => {
  let depth = 0;
  for (let at = from; at < words.length; at++) {
    if (words[at]?.tokenType === LeftParen) depth++;
    else if (words[at]?.tokenType === RightParen && --depth === 0) return at;
  }
  return words.length;
};

const aliasAt = (words: readonly IToken[], at: number): string | undefined => {
  const alias = words[at]?.tokenType === keyword.AS ? words[at + 1] : words[at];
  const isAlias = alias?.tokenType === PlainName || alias?.tokenType === QuotedName;
  return isAlias ? nameOf(alias) : undefined;
};

/** The columns that a SELECT list names; those without a name are left out. */
const columnsSelected = (words: readonly IToken[], catalog: Catalog, levels: number): readonly ColumnRead[] => {
  const read = readIn(words, catalog, levels);
  const found: ColumnRead[] = [];
  let item: IToken[] = [];
  let depth = 0;
  for (const word of words.slice(1)) {
    const { tokenType } = word;
    const ends = depth === 0 && (tokenType === Comma || tokenType === keyword.FROM);
    if (ends) found.push(...columnsOfItem(item, read));
    if (ends && tokenType === keyword.FROM) break;
    if (tokenType === LeftParen) depth++;
    else if (tokenType === RightParen) depth--;
    if (ends) item = [];
    else item.push(word);
  }
  return found;
};

const columnsOfItem = (item: readonly IToken[], read: readonly SourceRead[]): readonly ColumnRead[] => {
  const last = item.at(-1);
  const qualifier = item.at(-2)?.tokenType === Dot ? item.at(-3) : undefined;
  const within = read.filter(({ alias }) => qualifier === undefined || alias === nameOf(qualifier));
  if (last?.tokenType === Star) {
    const joined = read.length > 1;
    return within.flatMap(({ alias, columns }) =>
      columns.map(({ name, type }) => ({ name: joined ? `${alias}_${name}` : name, type })),
    );
  }
  if (last === undefined || !isKind(last, Name)) return [];
  const isColumn = item.length === (qualifier === undefined ? 1 : 3);
  const named = item.at(-2)?.tokenType === keyword.AS ? columnsOfItem(item.slice(0, -2), read) : [];
  const same = isColumn ? within.flatMap(({ columns }) => columns).find(({ name }) => name === nameOf(last)) : named[0];
  return [{ name: nameOf(last), type: same?.type }];
};
