/**
 * The border between the engine and a client: every value of a row that is sent is checked to be of its column's SQL
 * type, in every build.
 *
 * Anything else is a defect of ours, and ends the query with an error; a client never sees the value. The test
 * costs less than writing the value as JSON does.
 */

import { assert } from '../../base/index.ts';
import type { QueryColumn, QueryHandle } from '../facade.ts';
import { printType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import { type ValueTest, valueTest } from '../types/value-test.ts';

export async function* checkedRows(
  { columns, deletions }: Pick<QueryHandle, 'columns' | 'deletions'>,
  rows: AsyncIterable<readonly (readonly Value[])[]>,
): AsyncGenerator<readonly (readonly Value[])[], void, undefined> {
  const tests = columns.map(({ type }) => valueTest(type));
  const width = columns.length + (deletions === true ? 1 : 0);
  for await (const batch of rows) {
    for (const row of batch) {
      assert(row.length === width, () => `a row of ${row.length} values for ${columns.length} columns`);
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

const describe = (value: unknown): string =>
  Array.isArray(value) ? `an array of ${value.length}` : `${typeof value} ${String(value).slice(0, 100)}`;
