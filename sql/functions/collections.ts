/** Functions on arrays and maps. */

import { type Value, valuesEqual } from '../types/value.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

export const collections: Family = {
  category: 'COLLECTION',
  functions: [
    define({
      signature: 'ARRAY_LENGTH(ARRAY<T>) -> INT',
      doc: 'The number of elements.',
      nulls: 'propagate',
      examples: [['ARRAY_LENGTH(ARRAY[1, NULL, 3])', '3']],
      body: (array: readonly Value[]) => array.length,
    }),
    define({
      signature: 'ARRAY_CONTAINS(ARRAY<T>, T) -> BOOLEAN',
      doc: 'Whether an element equals the value; a NULL element equals NULL. FALSE for a NULL array.',
      nulls: 'own',
      examples: [
        ["ARRAY_CONTAINS(ARRAY['a', 'b'], 'b')", 'TRUE'],
        ['ARRAY_CONTAINS(ARRAY[1, NULL], NULL)', 'TRUE'],
        ['ARRAY_CONTAINS(CAST(NULL AS ARRAY<INT>), 1)', 'FALSE'],
      ],
      body: (array: readonly Value[] | null, value: Value) =>
        array?.some((element) => valuesEqual(element, value)) ?? false,
    }),
    define({
      signature: 'MAP_KEYS(MAP<STRING, V>) -> ARRAY<STRING>',
      doc: 'The keys of the map, in no order that counts.',
      nulls: 'propagate',
      examples: [["MAP_KEYS(MAP('a' := 1, 'b' := 2))", "ARRAY['a', 'b']"]],
      body: (map: ReadonlyMap<string, Value>) => [...map.keys()],
    }),
    define({
      signature: 'MAP_VALUES(MAP<STRING, V>) -> ARRAY<V>',
      doc: 'The values of the map, in no order that counts.',
      nulls: 'propagate',
      examples: [["MAP_VALUES(MAP('a' := 1, 'b' := 2))", 'ARRAY[1, 2]']],
      body: (map: ReadonlyMap<string, Value>) => [...map.values()],
    }),
    define({
      signature: 'AS_MAP(ARRAY<STRING>, ARRAY<V>) -> MAP<STRING, V>',
      doc: 'The map from each key to the value at the same place. A missing value is NULL, values without key are left out.',
      nulls: 'propagate',
      examples: [["AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2, 3])", "MAP('a' := 1, 'b' := 2)"]],
      body: (keys: readonly (string | null)[], values: readonly Value[]) =>
        new Map(keys.map((key, i) => [String(key), values[i] ?? null])),
    }),
  ],
};
