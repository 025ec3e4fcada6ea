/**
 * Which cases are not for this build: decided from the text of their statements and topics, never by name.
 *
 * A case is left out only for a statement, type, format, join or window that does not exist here yet. What exists and gives a wrong
 * answer, a missing function included, is a failure.
 */

import type { Case } from './cases.ts';

interface Rule {
  readonly why: string;
  readonly test: (text: string) => boolean;
}

const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

/** `FROM a … JOIN b` where both are tables. */
const joinsTables = (text: string): boolean => {
  const tables = new Set([...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?[`\\"]*([\w-]+)/g)].map((found) => found[1]));
  for (const statement of text.split(';')) {
    const from = /\bFROM\s+[`\\"]*([\w-]+)/.exec(statement)?.[1];
    const joined = [...statement.matchAll(/\bJOIN\s+[`\\"]*([\w-]+)/g)].map((found) => found[1]);
    if (from !== undefined && tables.has(from) && joined.some((name) => tables.has(name))) return true;
  }
  return false;
};

const rules: readonly Rule[] = [
  { why: 'format: AVRO, PROTOBUF, JSON_SR and DELIMITED are not there yet', test: matches(/\b(AVRO|PROTOBUF|PROTOBUF_NOSR|JSON_SR|DELIMITED)\b/) },
  { why: 'type: DECIMAL, BYTES, DATE and TIME are not there yet', test: matches(/\bDECIMAL\s*\(|\b(BYTES|DATE|TIME)\b(?!')/) },
  { why: 'window: HOPPING and SESSION are not there yet', test: matches(/\bWINDOW\s+(\w+\s+)?(HOPPING|SESSION)\b|WINDOW_TYPE\s*=\s*'(HOPPING|SESSION)'/) },
  { why: 'join: joins of two streams are not there yet', test: matches(/\bJOIN\b[^;]*\bWITHIN\b/) },
  { why: 'join: RIGHT and FULL joins are not there yet', test: matches(/\b(RIGHT|FULL)\s+(OUTER\s+)?JOIN\b/) },
  { why: 'join: joins of two tables are not there yet', test: joinsTables },
  {
    why: 'statement: CREATE OR REPLACE, CREATE SOURCE, CREATE TYPE, ALTER, ASSERT, PAUSE, RESUME, DEFINE and connectors are not there yet',
    test: matches(/\b(CREATE\s+OR\s+REPLACE|CREATE\s+SOURCE|CREATE\s+TYPE|DROP\s+TYPE|ALTER\s+(STREAM|TABLE|SYSTEM)|ASSERT\s+\w+|CONNECTOR|PAUSE\s|RESUME\s|(UN)?DEFINE\s)/),
  },
  { why: 'statement: columns that read headers are not there yet', test: matches(/\bHEADERS?\b(\s*\(|\s*[,)])/) },
];

/** Why the case is left out, or undefined when it is to be run. */
export const skipReason = (one: Case): string | undefined => {
  const { min, max } = one.versions ?? {};
  if (max !== undefined && Number(max.split('.')[0]) < 7) return `version: for versions up to ${max}`;
  if (min !== undefined && Number(min.split('.')[0]) > 8) return `version: for versions from ${min}`;
  const text = one.text.toUpperCase();
  return rules.find((rule) => rule.test(text))?.why;
};
