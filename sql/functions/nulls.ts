/** Functions about NULL, and the mark for key columns. */

import { equalityOf } from '../types/equality.ts';
import type { Value } from '../types/value.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

export const nulls: Family = {
  category: 'CONDITIONAL',
  functions: [
    define({
      signature: 'COALESCE(T, T...) -> T',
      doc: 'The first of the values that is not NULL.',
      nulls: 'own',
      examples: [
        ["COALESCE(NULL, 'a', 'b')", "'a'"],
        ['COALESCE(NULL, CAST(NULL AS INT))', 'NULL'],
      ],
      body: (...values: Value[]) => values.find((value) => value !== null) ?? null,
    }),
    define({
      signature: 'IFNULL(T, T) -> T',
      doc: 'The first value, or the second when the first is NULL.',
      elsewhere: ['NVL', 'ISNULL'],
      nulls: 'own',
      examples: [["IFNULL(NULL, 'b')", "'b'"]],
      body: (value: Value, instead: Value) => value ?? instead,
    }),
    define({
      signature: 'NULLIF(T, T) -> T',
      doc: 'NULL when the two values are equal, else the first.',
      nulls: 'own',
      examples: [
        ["NULLIF('a', 'a')", 'NULL'],
        ["NULLIF('a', 'b')", "'a'"],
      ],
      bind: ({ result }) => {
        const equal = equalityOf(result);
        return (value: Value, other: Value) => (equal(value, other) ? null : value);
      },
    }),
  ],
};

export const keys: Family = {
  category: 'OTHER',
  functions: [
    define({
      signature: 'AS_VALUE(T) -> T',
      doc: 'The value as it is: copies a key column into the value.',
      nulls: 'own',
      examples: [["AS_VALUE('a')", "'a'"]],
      body: (value: Value) => value,
    }),
  ],
};
