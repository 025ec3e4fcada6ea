/** Functions on arrays and maps. */

import { assert } from '../../base/index.ts';
import { equalityOf, type KeyOf, keyOf, type Order, orderOf } from '../types/equality.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { definitionOf } from '../types/scalars/index.ts';
import { textOf } from '../types/text.ts';
import { joinTexts } from '../types/text-length.ts';
import { isScalar, printType, type SqlType } from '../types/type.ts';
import { normalizeBigint, type Value } from '../types/value.ts';
import { type Call, define } from './define.ts';
import type { Family } from './registry.ts';
import { scalarKinds } from './signature.ts';

type Values = readonly Value[];

/** The type of the elements of the first argument, which is an array. */
const elementOf = ({ args: [array] }: Call): SqlType => {
  assert(array?.kind === 'ARRAY', 'the first argument is an array');
  return array.element;
};

/** Equal elements once, where the first of them stands. */
const distinct = (array: Values, key: KeyOf): Value[] => {
  const seen = new Set<Value>();
  return array.filter((element) => {
    const own = key(element);
    if (seen.has(own)) return false;
    seen.add(own);
    return true;
  });
};

/** From the least, or with a negative sign from the greatest; NULLs last. */
const sorted = (array: Values, order: Order, sign: number): Value[] => [
  ...array.filter((element) => element !== null).sort((a, b) => sign * order(a, b)),
  ...array.filter((element) => element === null),
];

const directions: Readonly<Record<string, number>> = { ASC: 1, ASCENDING: 1, DESC: -1, DESCENDING: -1 };

const longestSeries = 1_000_000;

const series = (start: number | bigint, end: number | bigint, step: number): Value[] => {
  if (step === 0) throw new EvaluationError('the step of a series must not be 0');
  if (end > start ? step < 0 : end < start && step > 0) {
    throw new EvaluationError(`a series from ${start} does not reach ${end} in steps of ${step}`);
  }
  const exact = typeof start === 'bigint' || typeof end === 'bigint';
  const count = exact
    ? Number((BigInt(end) - BigInt(start)) / BigInt(step))
    : Math.floor((Number(end) - Number(start)) / step);
  if (count >= longestSeries) throw new EvaluationError(`a series cannot have more than ${longestSeries} elements`);
  return Array.from({ length: count + 1 }, (_, i) =>
    exact ? normalizeBigint(BigInt(start) + BigInt(i) * BigInt(step)) : Number(start) + i * step,
  );
};

export const arrays: Family = {
  category: 'ARRAY',
  functions: [
    define({
      signature: 'ARRAY_LENGTH(ARRAY<T>) -> INT',
      doc: 'The number of elements.',
      elsewhere: ['CARDINALITY', 'ARRAY_SIZE', 'SIZE'],
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
      bind: (call) => {
        const equal = equalityOf(elementOf(call));
        return (array: Values | null, value: Value) => array?.some((element) => equal(element, value)) ?? false;
      },
    }),
    define({
      signature: 'ARRAY_CONCAT(ARRAY<T>, ARRAY<T>) -> ARRAY<T>',
      doc: 'The elements of the first array, then those of the second; of a NULL array, none.',
      elsewhere: ['ARRAY_APPEND', 'ARRAY_CAT'],
      nulls: 'own',
      examples: [
        ['ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2])', 'ARRAY[1, 2, 2]'],
        ['ARRAY_CONCAT(ARRAY[1], CAST(NULL AS ARRAY<INT>))', 'ARRAY[1]'],
      ],
      body: (a: Values | null, b: Values | null) => (a === null ? b : b === null ? a : [...a, ...b]),
    }),
    define({
      signature: 'ARRAY_DISTINCT(ARRAY<T>) -> ARRAY<T>',
      doc: 'The array with equal elements once, in the order in which they first occur.',
      nulls: 'propagate',
      examples: [["ARRAY_DISTINCT(ARRAY['b', 'a', 'b'])", "ARRAY['b', 'a']"]],
      bind: (call) => {
        const key = keyOf(elementOf(call));
        return (array: Values) => distinct(array, key);
      },
    }),
    define({
      signature: 'ARRAY_UNION(ARRAY<T>, ARRAY<T>) -> ARRAY<T>',
      doc: 'The different elements of both arrays.',
      nulls: 'propagate',
      examples: [['ARRAY_UNION(ARRAY[1, 1, 2], ARRAY[3, 2])', 'ARRAY[1, 2, 3]']],
      bind: (call) => {
        const key = keyOf(elementOf(call));
        return (a: Values, b: Values) => distinct([...a, ...b], key);
      },
    }),
    define({
      signature: 'ARRAY_INTERSECT(ARRAY<T>, ARRAY<T>) -> ARRAY<T>',
      doc: 'The different elements that both arrays have, in the order of the first.',
      nulls: 'propagate',
      examples: [['ARRAY_INTERSECT(ARRAY[3, 1, 3, 2], ARRAY[2, 3])', 'ARRAY[3, 2]']],
      bind: (call) => {
        const key = keyOf(elementOf(call));
        return (a: Values, b: Values) => {
          const others = new Set(b.map(key));
          return distinct(a, key).filter((element) => others.has(key(element)));
        };
      },
    }),
    define({
      signature: 'ARRAY_EXCEPT(ARRAY<T>, ARRAY<T>) -> ARRAY<T>',
      doc: 'The different elements of the first array that the second does not have.',
      nulls: 'propagate',
      examples: [["ARRAY_EXCEPT(ARRAY['foo', 'bar', 'foo'], ARRAY['bar'])", "ARRAY['foo']"]],
      bind: (call) => {
        const key = keyOf(elementOf(call));
        return (a: Values, b: Values) => {
          const others = new Set(b.map(key));
          return distinct(a, key).filter((element) => !others.has(key(element)));
        };
      },
    }),
    define({
      signature: 'ARRAY_REMOVE(ARRAY<T>, T) -> ARRAY<T>',
      doc: 'The array without the elements that equal the value; NULL removes NULLs.',
      nulls: 'own',
      examples: [
        ['ARRAY_REMOVE(ARRAY[1, 2, 1], 1)', 'ARRAY[2]'],
        ['ARRAY_REMOVE(ARRAY[1, NULL], NULL)', 'ARRAY[1]'],
      ],
      bind: (call) => {
        const equal = equalityOf(elementOf(call));
        return (array: Values | null, value: Value) => array?.filter((element) => !equal(element, value)) ?? null;
      },
    }),
    define({
      signature: scalarKinds.map((type) => `ARRAY_MAX(ARRAY<${type}>) -> ${type}`),
      doc: 'The greatest element, NULLs left out; NULL when there is none.',
      nulls: 'propagate',
      examples: [['ARRAY_MAX(ARRAY[1, NULL, 3])', '3']],
      bind: (call) => {
        const order = orderOf(elementOf(call));
        return (array: Values) => sorted(array, order, -1)[0] ?? null;
      },
    }),
    define({
      signature: scalarKinds.map((type) => `ARRAY_MIN(ARRAY<${type}>) -> ${type}`),
      doc: 'The least element, NULLs left out; NULL when there is none.',
      nulls: 'propagate',
      examples: [['ARRAY_MIN(ARRAY[NULL, 1, 3])', '1']],
      bind: (call) => {
        const order = orderOf(elementOf(call));
        return (array: Values) => sorted(array, order, 1)[0] ?? null;
      },
    }),
    define({
      signature: scalarKinds.flatMap((type) => [
        `ARRAY_SORT(ARRAY<${type}>) -> ARRAY<${type}>`,
        `ARRAY_SORT(ARRAY<${type}>, STRING) -> ARRAY<${type}>`,
      ]),
      doc:
        "The elements in order, from the least, or with 'DESC' from the greatest; NULLs come last. NULL for any " +
        'other direction.',
      nulls: 'propagate',
      examples: [
        ['ARRAY_SORT(ARRAY[3, NULL, 1])', 'ARRAY[1, 3, NULL]'],
        ["ARRAY_SORT(ARRAY['a', 'b'], 'DESC')", "ARRAY['b', 'a']"],
      ],
      bind: (call) => {
        const order = orderOf(elementOf(call));
        return (array: Values, direction = 'ASC') => {
          const sign = directions[direction.trim().toUpperCase()];
          return sign === undefined ? null : sorted(array, order, sign);
        };
      },
    }),
    define({
      signature: scalarKinds.flatMap((type) => [
        `ARRAY_JOIN(ARRAY<${type}>) -> STRING`,
        `ARRAY_JOIN(ARRAY<${type}>, STRING) -> STRING`,
      ]),
      doc: 'The elements as one text, with a comma or another delimiter between them; NULL elements as the word null.',
      elsewhere: ['ARRAY_TO_STRING'],
      nulls: 'own',
      examples: [
        ['ARRAY_JOIN(ARRAY[1, NULL, 3])', "'1,null,3'"],
        ["ARRAY_JOIN(ARRAY['a', 'b'], '')", "'ab'"],
      ],
      bind: (call) => {
        const element = elementOf(call);
        const isLogical = isScalar(element) && definitionOf(element).logical;
        const print = textOf(element);
        const text = (value: Value): string => {
          if (value === null) return 'null';
          if (!isLogical) return print(value);
          throw new EvaluationError(`values of type ${printType(element)} are not joined: cast each of them to STRING`);
        };
        return (values: Values | null, delimiter: string | null = ',') =>
          values === null ? null : joinTexts(values.map(text), delimiter ?? '');
      },
    }),
    define({
      signature: 'SLICE(ARRAY<T>, INT, INT) -> ARRAY<T>',
      doc:
        'The elements from one position to another, counted from 1; NULL stands for the first and the last. NULL ' +
        'when a position is outside.',
      nulls: 'own',
      examples: [
        ['SLICE(ARRAY[1, 2, 3, 4], 2, 3)', 'ARRAY[2, 3]'],
        ['SLICE(ARRAY[1, 2, 3], 2, NULL)', 'ARRAY[2, 3]'],
        ['SLICE(ARRAY[1, 2, 3], 2, 7)', 'NULL'],
      ],
      body: (array: Values | null, from: number | null, to: number | null) => {
        if (array === null) return null;
        const start = (from ?? 1) - 1;
        const end = to ?? array.length;
        return start < 0 || end > array.length || start > end ? null : array.slice(start, end);
      },
    }),
    define({
      signature: ['INT', 'BIGINT'].flatMap((type) => [
        `GENERATE_SERIES(${type}, ${type}) -> ARRAY<${type}>`,
        `GENERATE_SERIES(${type}, ${type}, INT) -> ARRAY<${type}>`,
      ]),
      doc: 'The whole numbers from one to another, both included, in steps of 1 or -1, or of the third argument.',
      elsewhere: ['SEQUENCE'],
      nulls: 'propagate',
      examples: [
        ['GENERATE_SERIES(1, 3)', 'ARRAY[1, 2, 3]'],
        ['GENERATE_SERIES(1, -1)', 'ARRAY[1, 0, -1]'],
        ['GENERATE_SERIES(1, 6, 2)', 'ARRAY[1, 3, 5]'],
      ],
      body: (start: number | bigint, end: number | bigint, step?: number) =>
        series(start, end, step ?? (end >= start ? 1 : -1)),
    }),
  ],
};

export const maps: Family = {
  category: 'MAP',
  functions: [
    define({
      signature: 'MAP_UNION(MAP<STRING, V>, MAP<STRING, V>) -> MAP<STRING, V>',
      doc: 'The entries of both maps; where both have a key, the value of the second.',
      elsewhere: ['MAP_CONCAT'],
      nulls: 'own',
      examples: [
        ["MAP_UNION(MAP('a' := 1, 'b' := 2), MAP('a' := 3))", "MAP('a' := 3, 'b' := 2)"],
        ["MAP_UNION(CAST(NULL AS MAP<STRING, INT>), MAP('a' := 3))", "MAP('a' := 3)"],
      ],
      body: (a: ReadonlyMap<string, Value> | null, b: ReadonlyMap<string, Value> | null) =>
        a === null ? b : b === null ? a : new Map([...a, ...b]),
    }),
    define({
      signature: 'MAP_KEYS(MAP<STRING, V>) -> ARRAY<STRING>',
      doc: 'The keys of the map, in the order of its entries.',
      nulls: 'propagate',
      examples: [["MAP_KEYS(MAP('a' := 1, 'b' := 2))", "ARRAY['a', 'b']"]],
      body: (map: ReadonlyMap<string, Value>) => [...map.keys()],
    }),
    define({
      signature: 'MAP_VALUES(MAP<STRING, V>) -> ARRAY<V>',
      doc: 'The values of the map, in the order of its entries.',
      nulls: 'propagate',
      examples: [["MAP_VALUES(MAP('a' := 1, 'b' := 2))", 'ARRAY[1, 2]']],
      body: (map: ReadonlyMap<string, Value>) => [...map.values()],
    }),
    define({
      signature: ['BOOLEAN', 'INT', 'BIGINT', 'DOUBLE', 'STRING'].map(
        (type) => `ENTRIES(MAP<STRING, ${type}>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V ${type}>>`,
      ),
      doc: 'The entries of a map as structs of key and value, by key where the second argument is TRUE.',
      elsewhere: ['MAP_ENTRIES'],
      nulls: 'propagate',
      examples: [
        ["ENTRIES(MAP('b' := 2, 'a' := 1), TRUE)", "ARRAY[STRUCT(K := 'a', V := 1), STRUCT(K := 'b', V := 2)]"],
      ],
      body: (map: ReadonlyMap<string, Value>, byKey: boolean) => {
        const entries = [...map];
        return byKey ? entries.sort(([a], [b]) => (a < b ? -1 : 1)) : entries;
      },
    }),
    define({
      signature: 'AS_MAP(ARRAY<STRING>, ARRAY<V>) -> MAP<STRING, V>',
      doc:
        'The map from each key to the value at the same position. A missing value is NULL, values without key are ' +
        'left out.',
      elsewhere: ['MAP_FROM_ARRAYS'],
      nulls: 'propagate',
      examples: [["AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2, 3])", "MAP('a' := 1, 'b' := 2)"]],
      body: (keys: readonly (string | null)[], values: readonly Value[]) =>
        new Map(keys.map((key, i) => [String(key), values[i] ?? null])),
    }),
  ],
};
