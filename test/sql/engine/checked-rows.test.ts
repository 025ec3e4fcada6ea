/** The border to a client: what is no value of a column's type never leaves. */

import { expect, test } from 'vitest';
import type { QueryColumn, SqlType, Value } from '../../../sql/index.ts';
import { checkedRows } from '../../../sql/queries/checked-rows.ts';
import { valueTest } from '../../../sql/types/value-test.ts';

const integer: SqlType = { kind: 'INTEGER' };
const big: SqlType = { kind: 'BIGINT' };
const text: SqlType = { kind: 'STRING' };

test.each<[SqlType, readonly unknown[], readonly unknown[]]>([
  [{ kind: 'BOOLEAN' }, [true, false], [0, 'true', undefined, []]],
  [integer, [0, -1, 2147483647, -2147483648], [2147483648, 1.5, Number.NaN, 1n, '1', undefined, [1]]],
  [big, [0, 2 ** 53 - 1, 2n ** 53n, -(2n ** 63n)], [2 ** 53, 1n, 2n ** 63n, 1.5, '1', undefined, [1]]],
  [{ kind: 'DOUBLE' }, [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY], [1n, '1', undefined, [1.5]]],
  [text, ['', 'a'], [1, undefined, ['a'], new Uint8Array(1)]],
  [{ kind: 'TIMESTAMP' }, [0, -1], [1.5, 1n, new Date(0), undefined]],
  [{ kind: 'ARRAY', element: integer }, [[], [1, null]], [[undefined], ['1'], new Int32Array(2), new Map(), 1]],
  [
    { kind: 'MAP', key: text, value: text },
    [new Map(), new Map([['a', null]])],
    [{}, new Map([['a', 1]]), new Map([[1, 'a']]), []],
  ],
  [
    { kind: 'STRUCT', fields: [{ name: 'A', type: integer }] },
    [[1], [null]],
    [[], [1, 2], ['a'], { A: 1 }, new Map(), undefined],
  ],
] as const)('%o', (type, values, others) => {
  for (const value of values) expect(valueTest(type)(value), String(value)).toBe(true);
  for (const other of others) expect(valueTest(type)(other), String(other)).toBe(false);
});

test('a row with something else in it ends the query with an error that names the column', async () => {
  const columns: QueryColumn[] = [
    { name: 'A', type: big, isKey: false },
    { name: 'B', type: text, isKey: false },
  ];
  async function* rows(): AsyncGenerator<readonly Value[][]> {
    yield [
      [1, 'one'],
      [null, null],
    ];
    yield [
      [2, 'two'],
      [[1, 2, 3] as unknown as Value, 'three'],
    ];
  }
  const seen: unknown[] = [];
  const read = async (): Promise<void> => {
    for await (const batch of checkedRows({ columns }, rows())) seen.push(...batch);
  };
  await expect(read()).rejects.toThrow('the column "A" of type BIGINT holds an array of 3');
  expect(seen).toEqual([
    [1, 'one'],
    [null, null],
  ]);
});
