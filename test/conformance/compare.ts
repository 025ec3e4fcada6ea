/** Whether a record is what a case expects: by type, with the leniences that the format of the cases has. */

import type { SqlType } from '../../sql/index.ts';
import { type Json, writeJson } from './cases.ts';

/** The first difference as a sentence, or undefined. `type` is that of the column, where it is known. */
export const difference = (expected: Json, actual: Json | undefined, type: SqlType | undefined, at: string): string | undefined => {
  const differs = (): string => `${at}: expected ${show(expected)}, got ${show(actual)}`;
  if (expected === null || actual === null || actual === undefined) return expected === (actual ?? null) ? undefined : differs();
  if (type?.kind === 'DOUBLE' || (typeof expected === 'number' && typeof actual === 'number' && !Number.isInteger(expected))) {
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
      if (!Object.hasOwn(fields, own)) return differs();
      const found = difference((expected as typeof fields)[name] as Json, fields[own], memberType(type, own), `${at}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof expected === 'bigint' || typeof actual === 'bigint') {
    return typeof expected !== 'string' && typeof actual !== 'string' && String(expected) === String(actual) ? undefined : differs();
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
