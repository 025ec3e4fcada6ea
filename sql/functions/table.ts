/** Table functions: those that make several rows of one. */

import { EvaluationError } from '../types/evaluation-error.ts';
import type { Value } from '../types/value.ts';
import { defineTable } from './define.ts';
import type { Family } from './registry.ts';

const mostCubed = 20;

/** The array with every choice of its elements replaced by NULL, the last element changing fastest; an element that is
 *  NULL has one form. */
function* cube(array: readonly Value[]): Generator<Value[]> {
  const changing = array.flatMap((element, i) => (element === null ? [] : [i]));
  if (changing.length > mostCubed) {
    throw new EvaluationError(`${changing.length} elements have too many combinations; ${mostCubed} is the most`);
  }
  for (let choice = 0; choice < 2 ** changing.length; choice++) {
    const row = [...array];
    changing.forEach((slot, i) => {
      if (((choice >> (changing.length - 1 - i)) & 1) === 0) row[slot] = null;
    });
    yield row;
  }
}

export const tables: Family = {
  category: 'TABLE',
  functions: [
    defineTable({
      signature: 'EXPLODE(ARRAY<T>) -> T',
      doc: 'A row for each element; none for an array that is empty or NULL.',
      elsewhere: ['UNNEST', 'FLATTEN'],
      nulls: 'propagate',
      examples: [
        ["EXPLODE(ARRAY['a', NULL])", ["'a'", 'NULL']],
        ['EXPLODE(CAST(NULL AS ARRAY<INT>))', []],
      ],
      body: (array: readonly Value[]) => array,
    }),
    defineTable({
      signature: 'CUBE_EXPLODE(ARRAY<T>) -> ARRAY<T>',
      doc:
        'A row for each way to replace elements by NULL, of which there are 2^n for n elements that are not NULL; 20 ' +
        'is the most.',
      nulls: 'propagate',
      examples: [
        [
          'CUBE_EXPLODE(ARRAY[1, 2])',
          ['ARRAY[CAST(NULL AS INT), NULL]', 'ARRAY[NULL, 2]', 'ARRAY[1, NULL]', 'ARRAY[1, 2]'],
        ],
        ['CUBE_EXPLODE(ARRAY[1, NULL])', ['ARRAY[CAST(NULL AS INT), NULL]', 'ARRAY[1, NULL]']],
      ],
      body: cube,
    }),
  ],
};
