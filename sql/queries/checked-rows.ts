/**
 * The border between the engine and a client: every value of a row that leaves is a value of its column's SQL type, in
 * every build.
 *
 * What is none is a defect of ours. It ends the query with an error; a client never sees what was inside. The test
 * costs less than writing the value as JSON does.
 */

import { assert } from '../../base/index.ts';
import type { QueryColumn } from '../facade.ts';
import { printType, type SqlType } from '../types/type.ts';
import type { Value } from '../types/value.ts';

export async function* checkedRows(
  columns: readonly QueryColumn[],
  rows: AsyncIterable<readonly (readonly Value[])[]>,
): AsyncGenerator<readonly (readonly Value[])[], void, undefined> {
  const tests = columns.map(({ type }) => valueTest(type));
  for await (const batch of rows) {
    for (const row of batch) {
      assert(row.length === columns.length, () => `a row of ${row.length} values for ${columns.length} columns`);
      for (let i = 0; i < tests.length; i++) {
        const value: unknown = row[i];
        if (value === null || (tests[i] as ValueTest)(value)) continue;
        const { name, type } = columns[i] as QueryColumn;
        assert(false, `the column "${name}" of type ${printType(type)} holds ${describe(value)}`);
      }
    }
    yield batch;
  }
}

type ValueTest = (value: unknown) => boolean;

/** Whether something other than null is a value of the type, as types/value.ts says. */
export const valueTest = (type: SqlType): ValueTest => {
  switch (type.kind) {
    case 'BOOLEAN':
      return (value) => typeof value === 'boolean';
    case 'INTEGER':
      return (value) => typeof value === 'number' && value === (value | 0);
    case 'BIGINT':
      return (value) =>
        Number.isSafeInteger(value) ||
        (typeof value === 'bigint' && !isSafe(value) && BigInt.asIntN(64, value) === value);
    case 'TIMESTAMP':
      return Number.isSafeInteger;
    case 'DOUBLE':
      return (value) => typeof value === 'number';
    case 'STRING':
      return (value) => typeof value === 'string';
    case 'ARRAY': {
      const element = orNull(valueTest(type.element));
      return (value) => Array.isArray(value) && value.every(element);
    }
    case 'MAP': {
      const member = orNull(valueTest(type.value));
      return (value) => {
        if (!(value instanceof Map)) return false;
        for (const [key, part] of value) if (typeof key !== 'string' || !member(part)) return false;
        return true;
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => orNull(valueTest(field.type)));
      return (value) =>
        Array.isArray(value) && value.length === fields.length && fields.every((test, i) => test(value[i]));
    }
  }
};

const orNull =
  (test: ValueTest): ValueTest =>
  (value) =>
    value === null || test(value);

const isSafe = (value: bigint): boolean => value >= -9007199254740991n && value <= 9007199254740991n;

const describe = (value: unknown): string =>
  Array.isArray(value) ? `an array of ${value.length}` : `${typeof value} ${String(value).slice(0, 100)}`;
