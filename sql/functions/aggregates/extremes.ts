/** MIN and MAX. What was the least may be gone when it is taken back, so neither works on tables. */

import { orderOf } from '../../types/equality.ts';
import type { Slots } from '../../types/slots.ts';
import type { Value } from '../../types/value.ts';
import { type AggregateDefinition, defineAggregate } from '../define.ts';
import { orderedKinds } from '../signature.ts';

const extreme = (name: string, sign: number, doc: string, result: string): AggregateDefinition =>
  defineAggregate({
    signature: orderedKinds.map((type) => `${name}(${type}) -> ${type}`),
    doc,
    examples: [
      { call: `${name}(A)`, rows: [['3'], ['NULL'], ['1'], ['2']], result },
      { call: `${name}(A)`, rows: [['CAST(NULL AS INT)']], result: 'NULL' },
    ],
    undo: false,
    bind: ({ result: type }) => {
      const order = orderOf(type);
      const take = (slots: Slots, at: number, value: Value): void => {
        const best = slots.get(at);
        if (value !== null && (best === null || order(value, best) * sign > 0)) slots.set(at, value);
      };
      return {
        slots: [type],
        initialize() {},
        add: (slots, at, args) => take(slots, at, args[0] as Value),
        merge: (slots, at, other, otherAt) => take(slots, at, other.get(otherAt)),
        result: (slots, at) => slots.get(at),
      };
    },
  });

const max: AggregateDefinition = extreme('MAX', 1, 'The greatest of the values, NULLs left out.', '3');
const min: AggregateDefinition = extreme('MIN', -1, 'The least of the values, NULLs left out.', '1');

export const extremeAggregates: readonly AggregateDefinition[] = [min, max];
