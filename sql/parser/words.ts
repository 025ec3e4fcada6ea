/**
 * The words of the language and the bounds on a statement, as plain data. Nothing here needs the parser's library,
 * which takes a while to load: code that only prints names does not load it.
 */

import { scalarDefinitions } from '../types/scalars/index.ts';
import type { BaseTypeName, TimeUnit } from './ast.ts';

/** Bounds on what a text and each of its statements may be, so that none can exhaust the memory or the stack of the
 *  process. */
export const limits = {
  /** Of a whole text, in UTF-16 units. */
  maxTextLength: 64 * 1024 * 1024,
  /** Of one text. */
  maxStatements: 10_000,
  /** How many faults of one text are reported. */
  maxFaults: 20,
  /** Words and signs of one text that are parsed once more to find further faults of a statement. */
  maxRepairTokens: 10_000,
  /** In UTF-16 units, from the first word to the semicolon. */
  maxStatementLength: 1024 * 1024,
  /** Words and signs of one statement: what keeps a parse well below a second. */
  maxTokens: 100_000,
  /** How many expressions (or types) may stand inside one another, by parentheses, brackets or CASE: each costs the
   *  parser some 40 frames of the stack. */
  maxNesting: 100,
  /** How deep the finished tree may be, a chain of operators included: what a recursion over it has to bear. */
  maxDepth: 500,
} as const;

export const reservedWords = [
  ...['SELECT', 'FROM', 'AS', 'ALL', 'DISTINCT', 'WHERE', 'WITHIN', 'WINDOW', 'GROUP', 'BY', 'HAVING', 'LIMIT', 'AT'],
  ...['OR', 'AND', 'IN', 'NOT', 'EXISTS', 'BETWEEN', 'LIKE', 'IS', 'NULL', 'TRUE', 'FALSE', 'MILLISECOND', 'YEARS'],
  ...['MONTHS', 'DAYS', 'HOURS', 'MINUTES', 'SECONDS', 'MILLISECONDS', 'TUMBLING', 'HOPPING', 'SIZE', 'ADVANCE'],
  ...['RETENTION', 'CASE', 'WHEN', 'THEN', 'ELSE', 'END', 'JOIN', 'FULL', 'OUTER', 'INNER', 'LEFT', 'RIGHT', 'ON'],
  ...['WITH', 'VALUES', 'CREATE', 'TABLE', 'TOPIC', 'STREAM', 'STREAMS', 'INSERT', 'DELETE', 'INTO', 'DESCRIBE'],
  ...['EXTENDED', 'PRINT', 'CAST', 'LIST', 'TOPICS', 'QUERY', 'QUERIES', 'TERMINATE', 'PAUSE', 'RESUME', 'LOAD'],
  ...['DROP', 'TO', 'RENAME', 'SAMPLE', 'EXPORT', 'CATALOG', 'PROPERTIES', 'BEGINNING', 'UNSET', 'RUN', 'SCRIPT'],
  ...['DECIMAL', 'CONNECTOR', 'CONNECTORS', 'NAMESPACE', 'MATERIALIZED', 'VIEW'],
] as const;

export const nonReservedWords = [
  ...['SHOW', 'TABLES', 'COLUMNS', 'COLUMN', 'PARTITIONS', 'FUNCTIONS', 'FUNCTION', 'SESSION', 'STRUCT', 'MAP'],
  ...['ARRAY', 'PARTITION', 'INTEGER', 'DATE', 'TIME', 'TIMESTAMP', 'INTERVAL', 'ZONE', 'STRING', 'YEAR', 'MONTH'],
  ...['DAY', 'HOUR', 'MINUTE', 'SECOND', 'EXPLAIN', 'ANALYZE', 'TYPE', 'TYPES', 'SET', 'RESET', 'IF', 'SOURCE'],
  ...['SINK', 'PRIMARY', 'KEY', 'EMIT', 'CHANGES', 'FINAL', 'ESCAPE', 'REPLACE', 'ASSERT', 'ALTER', 'ADD', 'HEADER'],
  ...['HEADERS', 'GRACE', 'PERIOD', 'DEFINE', 'UNDEFINE', 'VARIABLES', 'PLUGINS', 'SYSTEM', 'TIMEOUT', 'SCHEMA'],
  ...['SUBJECT', 'ID', 'ORDER', 'ASC', 'DESC', 'NULLS', 'FIRST', 'LAST', 'OFFSET', 'UNION'],
] as const;

export type ReservedWord = (typeof reservedWords)[number];
export type NonReservedWord = (typeof nonReservedWords)[number];

const reserved: ReadonlySet<string> = new Set(reservedWords);

/** All keywords, in upper case. */
export const keywords: readonly string[] = [...reservedWords, ...nonReservedWords];

/** Whether a word, in upper case, can be a name only in quotes. */
export const isReserved = (word: string): boolean => reserved.has(word);

/** The units of time, in both numbers, and what they come out as in the tree. */
export const units: ReadonlyMap<string, TimeUnit> = new Map([
  ['MILLISECOND', 'MILLISECONDS'],
  ['MILLISECONDS', 'MILLISECONDS'],
  ['SECOND', 'SECONDS'],
  ['SECONDS', 'SECONDS'],
  ['MINUTE', 'MINUTES'],
  ['MINUTES', 'MINUTES'],
  ['HOUR', 'HOURS'],
  ['HOURS', 'HOURS'],
  ['DAY', 'DAYS'],
  ['DAYS', 'DAYS'],
] as const);

/** The words of built-in types without type parameters, and the kinds that they mean. */
export const baseTypes: ReadonlyMap<string, BaseTypeName> = new Map<string, BaseTypeName>(
  scalarDefinitions.flatMap(({ kind, words }) => words.map((word) => [word, kind] as const)),
);

/** Names that a type may be written with, besides the custom ones; for suggestions. */
export const typeWords: readonly string[] = [...baseTypes.keys(), 'ARRAY', 'MAP', 'STRUCT'];
