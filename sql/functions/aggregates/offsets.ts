/**
 * EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: the first or last value by order of arrival, or the first or last n of them.
 * NULLs are left out unless the last argument, a literal, is FALSE.
 */

import { UserError } from '../../../base/index.ts';
import { booleanType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { type Accumulator, type AggregateDefinition, type Call, defineAggregate } from '../define.ts';

const overloads = (name: string): string[] => [
  `${name}(T) -> T`,
  `${name}(T, literal BOOLEAN) -> T`,
  `${name}(T, literal INT) -> ARRAY<T>`,
  `${name}(T, literal INT, literal BOOLEAN) -> ARRAY<T>`,
];

interface Options {
  readonly n: number | undefined;
  readonly ignoreNulls: boolean;
}

const optionsOf = (call: Call, name: string): Options => {
  const [, ...literals] = call.constants;
  const n = literals.find((literal) => typeof literal === 'number');
  if (n !== undefined && n < 1) {
    throw new UserError('SQL_FUNCTION_ARGUMENTS', `the number of values for ${name} has to be 1 or more, not ${n}`);
  }
  return { n, ignoreNulls: !literals.includes(false) };
};

/** The values kept so far, in a slot of their own. */
const several = (call: Call, n: number, ignoreNulls: boolean, keepFirst: boolean): Accumulator => ({
  slots: [call.result],
  initialize(slots, at) {
    slots.set(at, []);
  },
  add(slots, at, args) {
    const value = args[0] as Value;
    const kept = slots.get(at) as readonly Value[];
    if ((value === null && ignoreNulls) || (keepFirst && kept.length >= n)) return;
    slots.set(at, kept.length < n ? [...kept, value] : [...kept.slice(1), value]);
  },
  result: (slots, at) => slots.get(at),
});

const latestByOffset: AggregateDefinition = defineAggregate({
  signature: overloads('LATEST_BY_OFFSET'),
  doc: 'The last value to arrive, or the last n; NULLs left out unless the last argument is FALSE.',
  examples: [
    { call: 'LATEST_BY_OFFSET(A)', rows: [['1'], ['2'], ['NULL']], result: '2' },
    { call: 'LATEST_BY_OFFSET(A, FALSE)', rows: [['1'], ['2'], ['NULL']], result: 'NULL' },
    { call: 'LATEST_BY_OFFSET(A, 2)', rows: [['1'], ['2'], ['3']], result: 'ARRAY[2, 3]' },
  ],
  undo: false,
  bind: (call) => {
    const { n, ignoreNulls } = optionsOf(call, 'LATEST_BY_OFFSET');
    if (n !== undefined) return several(call, n, ignoreNulls, false);
    return {
      slots: [call.result],
      initialize() {},
      add(slots, at, args) {
        const value = args[0] as Value;
        if (value !== null || !ignoreNulls) slots.set(at, value);
      },
      result: (slots, at) => slots.get(at),
    };
  },
});

const earliestByOffset: AggregateDefinition = defineAggregate({
  signature: overloads('EARLIEST_BY_OFFSET'),
  doc: 'The first value to arrive, or the first n; NULLs left out unless the last argument is FALSE.',
  examples: [
    { call: 'EARLIEST_BY_OFFSET(A)', rows: [['NULL'], ['1'], ['2']], result: '1' },
    { call: 'EARLIEST_BY_OFFSET(A, FALSE)', rows: [['NULL'], ['1'], ['2']], result: 'NULL' },
    { call: 'EARLIEST_BY_OFFSET(A, 2)', rows: [['1'], ['2'], ['3']], result: 'ARRAY[1, 2]' },
  ],
  undo: false,
  bind: (call) => {
    const { n, ignoreNulls } = optionsOf(call, 'EARLIEST_BY_OFFSET');
    if (n !== undefined) return several(call, n, ignoreNulls, true);
    // A NULL may be the earliest value: whether there was one is a slot of its own.
    return {
      slots: [call.result, booleanType],
      initialize(slots, at) {
        slots.set(at + 1, false);
      },
      add(slots, at, args) {
        const value = args[0] as Value;
        if (slots.get(at + 1) === true || (value === null && ignoreNulls)) return;
        slots.set(at, value);
        slots.set(at + 1, true);
      },
      result: (slots, at) => slots.get(at),
    };
  },
});

export const offsetAggregates: readonly AggregateDefinition[] = [earliestByOffset, latestByOffset];
