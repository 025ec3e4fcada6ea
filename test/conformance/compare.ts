/**
 * Whether records are what a case expects.
 *
 * Numbers compare by type: DOUBLE within 1e-6, others exactly. A field may be spelled in upper case in the output.
 * Objects must have the same number of fields; one that is expected to be null may be missing. Headers that a case does
 * not mention must not be there.
 */

import { formatOf } from '../../sql/formats/index.ts';
import { type Column, NumberText, type SqlType } from '../../sql/index.ts';
import { parseDecimal, rescaleExact } from '../../sql/types/decimal.ts';
import { type CaseRecord, type Json, writeJson } from './cases.ts';
import type { Forms, ReadRecord } from './records.ts';

/** The records of one topic: as many, in the same order. */
export const topicDifference = (
  topic: string,
  expected: readonly CaseRecord[],
  actual: readonly ReadRecord[],
  forms: Forms,
): string | undefined => {
  for (const [i, want] of expected.entries()) {
    const at = `${topic}[${i}]`;
    const got = actual[i];
    if (got === undefined) {
      return `${at}: expected ${show(want.value)}, got nothing (${actual.length} of ${expected.length} records)`;
    }
    const found = recordDifference(want, got, forms, at);
    if (found !== undefined) return found;
  }
  const more = actual[expected.length];
  if (more === undefined) return undefined;
  return `${topic}[${expected.length}]: expected no more than ${expected.length} records, got ${actual.length}: ${show(more.value)}`;
};

const recordDifference = (want: CaseRecord, got: ReadRecord, forms: Forms, at: string): string | undefined => {
  const { schema, keyFormat, valueFormat } = forms;
  if (want.window !== undefined) {
    const { start, end } = want.window;
    if (start !== got.window?.start) return `${at}.window: expected to start at ${start}, got ${got.window?.start}`;
    if (end !== got.window.end) return `${at}.window: expected to end at ${end}, got ${got.window.end}`;
  }
  const bareKey = schema.key.length > 0 && !formatOf(keyFormat, schema.key, 'key').options.wrapped;
  const keyType = bareKey ? schema.key[0]?.type : structType(schema.key);
  const keyFound = difference(lineOf(want.key ?? null, got.key), got.key, keyType, `${at}.key`);
  if (keyFound !== undefined) return keyFound;
  const bare = schema.value.length > 0 && !formatOf(valueFormat, schema.value, 'value').options.wrapped;
  const value = bare ? bareValue(want.value ?? null, schema.value[0]) : (want.value ?? null);
  const valueType = bare ? schema.value[0]?.type : structType(schema.value);
  const valueFound = difference(lineOf(value, got.value), got.value, valueType, `${at}.value`);
  if (valueFound !== undefined) return valueFound;
  if (want.timestamp !== undefined && want.timestamp !== got.timestamp) {
    return `${at}.timestamp: expected ${want.timestamp}, got ${got.timestamp}`;
  }
  const headers = (list: ReadRecord['headers']): string => list.map(({ KEY, VALUE }) => `${KEY}=${VALUE}`).join();
  const [wantedHeaders, gotHeaders] = [headers(want.headers ?? []), headers(got.headers)];
  return wantedHeaders === gotHeaders ? undefined : `${at}.headers: expected ${wantedHeaders}, got ${gotHeaders}`;
};

/** Where a text was read (a line of fields) a number stands for its own text. */
const lineOf = (want: Json, got: Json): Json =>
  typeof got === 'string' && (typeof want === 'number' || typeof want === 'boolean') ? String(want) : want;

const structType = (columns: readonly Column[]): SqlType => ({ kind: 'STRUCT', fields: columns });

/** A value without an envelope may be given in one. */
const bareValue = (value: Json, column: Column | undefined): Json => {
  if (column === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  const wrapped = names.length === 1 && names[0]?.toUpperCase() === column.name.toUpperCase();
  return wrapped ? ((Object.values(value)[0] ?? null) as Json) : value;
};

/** Two decimals, each a number or a text of one, by their value. */
const sameDecimal = (a: Json, b: Json): boolean => {
  const [one, other] = [a, b].map((each) =>
    parseDecimal(typeof each === 'object' && !(each instanceof NumberText) ? '' : String(each)),
  );
  if (one === undefined || other === undefined) return false;
  const scale = Math.max(one.scale, other.scale);
  return rescaleExact(one.unscaled, one.scale, scale) === rescaleExact(other.unscaled, other.scale, scale);
};

const approximate = (value: Json): Json => (value instanceof NumberText ? Number(value.text) : value);

/** The first difference as a sentence, or undefined. `type` is that of the column, where it is known. */
export const difference = (
  expected: Json,
  actual: Json | undefined,
  type: SqlType | undefined,
  at: string,
): string | undefined => {
  const differs = (): string => `${at}: expected ${show(expected)}, got ${show(actual)}`;
  if (expected === null || actual === null || actual === undefined)
    return expected === (actual ?? null) ? undefined : differs();
  if (type?.kind === 'DECIMAL') return sameDecimal(expected, actual) ? undefined : differs();
  if (expected instanceof NumberText || actual instanceof NumberText) {
    return difference(approximate(expected), approximate(actual), type, at);
  }
  if (
    type?.kind === 'DOUBLE' ||
    (typeof expected === 'number' && typeof actual === 'number' && !Number.isInteger(expected))
  ) {
    const [a, b] = [Number(expected), Number(actual)];
    if (Number.isNaN(a) && Number.isNaN(b)) return undefined;
    if (a === b || Math.abs(a - b) <= 1e-6) return undefined;
    return differs();
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return differs();
    const element = type?.kind === 'ARRAY' ? type.element : undefined;
    for (let i = 0; i < expected.length; i++) {
      const found = difference(expected[i] as Json, actual[i] as Json, element, `${at}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof expected === 'object') {
    if (typeof actual !== 'object' || Array.isArray(actual)) return differs();
    const fields = actual as { readonly [name: string]: Json };
    const names = Object.keys(expected);
    if (names.length !== Object.keys(fields).length) return differs();
    for (const name of names) {
      const own = Object.hasOwn(fields, name) ? name : name.toUpperCase();
      const found = difference(
        (expected as typeof fields)[name] as Json,
        Object.hasOwn(fields, own) ? fields[own] : undefined,
        memberType(type, own),
        `${at}.${name}`,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof expected === 'bigint' || typeof actual === 'bigint') {
    return typeof expected !== 'string' && typeof actual !== 'string' && String(expected) === String(actual)
      ? undefined
      : differs();
  }
  return expected === actual ? undefined : differs();
};

const memberType = (type: SqlType | undefined, name: string): SqlType | undefined =>
  type?.kind === 'STRUCT'
    ? type.fields.find((field) => field.name === name)?.type
    : type?.kind === 'MAP'
      ? type.value
      : undefined;

export const show = (value: Json | undefined): string => (value === undefined ? 'nothing' : writeJson(value));
