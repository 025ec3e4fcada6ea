/** Functions that take lambdas: expressions over the elements of a collection. */

import { EvaluationError } from '../types/evaluation-error.ts';
import type { Value } from '../types/value.ts';
import { define, type Lambda } from './define.ts';
import type { Family } from './registry.ts';

type Entries = ReadonlyMap<string, Value>;

const decided = (keeps: Value): boolean => {
  if (keeps === null) throw new EvaluationError('the condition is NULL for an element');
  return keeps === true;
};

export const lambdas: Family = {
  category: 'LAMBDA',
  functions: [
    define({
      signature: 'FILTER(ARRAY<T>, T -> BOOLEAN) -> ARRAY<T>',
      doc: 'The elements, or the entries of a map, for which the lambda is TRUE. It must not be NULL for any.',
      elsewhere: ['ARRAY_FILTER', 'MAP_FILTER'],
      nulls: 'propagate',
      examples: [
        ['FILTER(ARRAY[1, 5, 9], x => x > 4)', 'ARRAY[5, 9]'],
        ['FILTER(CAST(NULL AS ARRAY<INT>), x => x > 4)', 'NULL'],
      ],
      body: (array: readonly Value[], keeps: Lambda) => array.filter((element) => decided(keeps(element))),
    }),
    define({
      signature: 'FILTER(MAP<K, V>, (K, V) -> BOOLEAN) -> MAP<K, V>',
      doc: 'The elements, or the entries of a map, for which the lambda is TRUE. It must not be NULL for any.',
      nulls: 'propagate',
      examples: [["FILTER(MAP('a' := 1, 'b' := 2), (k, v) => k = 'b')", "MAP('b' := 2)"]],
      body: (map: Entries, keeps: Lambda) => new Map([...map].filter(([key, value]) => decided(keeps(key, value)))),
    }),
    define({
      signature: 'TRANSFORM(ARRAY<T>, T -> U) -> ARRAY<U>',
      doc: 'The result of the lambda for each element; for a map, one lambda gives the keys and another the values.',
      elsewhere: ['ARRAY_MAP'],
      nulls: 'propagate',
      examples: [
        ['TRANSFORM(ARRAY[1, 2], x => x * 10)', 'ARRAY[10, 20]'],
        ["TRANSFORM(ARRAY['a', 'b'], s => LEN(s))", 'ARRAY[1, 1]'],
      ],
      body: (array: readonly Value[], make: Lambda) => array.map((element) => make(element)),
    }),
    define({
      signature: 'TRANSFORM(MAP<STRING, V>, (STRING, V) -> STRING, (STRING, V) -> U) -> MAP<STRING, U>',
      doc: 'The result of the lambda for each element; for a map, one lambda gives the keys and another the values.',
      nulls: 'propagate',
      examples: [
        ["TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => UCASE(k), (k, v) => v + 1)", "MAP('A' := 2, 'B' := 3)"],
      ],
      body(map: Entries, makeKey: Lambda, makeValue: Lambda) {
        const made = new Map<string, Value>();
        for (const [key, value] of map) {
          const newKey = makeKey(key, value);
          if (typeof newKey !== 'string') throw new EvaluationError(`the new key of "${key}" is NULL`);
          if (made.has(newKey)) throw new EvaluationError(`two entries of the map get the key "${newKey}"`);
          made.set(newKey, makeValue(key, value));
        }
        return made;
      },
    }),
    define({
      signature: 'REDUCE(ARRAY<T>, S, (S, T) -> S) -> S',
      doc:
        'Folds the elements: the lambda gets a state and an element, and its result is the next state. The second ' +
        'argument is the first state; the last one is the result.',
      elsewhere: ['ARRAY_REDUCE'],
      nulls: 'own',
      examples: [
        ['REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)', '16'],
        ['REDUCE(CAST(NULL AS ARRAY<INT>), 10, (s, x) => s + x)', '10'],
        ['REDUCE(ARRAY[1, 2], CAST(NULL AS INT), (s, x) => s + x)', 'NULL'],
      ],
      body: (array: readonly Value[] | null, initial: Value, next: Lambda) =>
        initial === null ? null : (array ?? []).reduce<Value>((state, element) => next(state, element), initial),
    }),
    define({
      signature: 'REDUCE(MAP<K, V>, S, (S, K, V) -> S) -> S',
      doc:
        'Folds the elements: the lambda gets a state and an element, and its result is the next state. The second ' +
        'argument is the first state; the last one is the result.',
      nulls: 'own',
      examples: [["REDUCE(MAP('a' := 1, 'b' := 2), 0, (s, k, v) => s + v)", '3']],
      body(map: Entries | null, initial: Value, next: Lambda) {
        if (initial === null) return null;
        let state: Value = initial;
        for (const [key, value] of map ?? []) state = next(state, key, value);
        return state;
      },
    }),
  ],
};
