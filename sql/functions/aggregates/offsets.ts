/**
 * EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: the first or last value by order of arrival, or the first or last n of them.
 * NULLs are left out unless the last argument, a literal, is FALSE.
 *
 * Over sessions the offset of each value is kept beside it: of two sessions that become one, the one that ended later
 * may have come first.
 */

import { UserError } from '../../../base/index.ts';
import type { Slots } from '../../types/slots.ts';
import { arrayOf, bigintType, booleanType, type SqlType } from '../../types/type.ts';
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

type Offsets = readonly (number | bigint)[];

/** The same with the offsets of the values, in order, in a second slot: for sessions. */
const severalByOffset = (call: Call, n: number, ignoreNulls: boolean, keepFirst: boolean): Accumulator => {
  const put = (slots: Slots, at: number, value: Value, offset: number | bigint): void => {
    const values = slots.get(at) as readonly Value[];
    const offsets = slots.get(at + 1) as Offsets;
    const place = offsets.findLastIndex((one) => one <= offset) + 1;
    const kept = keepFirst ? ([0, n] as const) : ([-n] as const);
    slots.set(at, values.toSpliced(place, 0, value).slice(...kept));
    slots.set(at + 1, offsets.toSpliced(place, 0, offset).slice(...kept));
  };
  return {
    slots: [arrayOf(call.args[0] as SqlType), arrayOf(bigintType)],
    takesOffset: true,
    initialize(slots, at) {
      slots.set(at, []);
      slots.set(at + 1, []);
    },
    add(slots, at, args) {
      const [value, offset] = args as readonly [Value, number];
      if (value !== null || !ignoreNulls) put(slots, at, value, offset);
    },
    merge(slots, at, other, otherAt) {
      const offsets = other.get(otherAt + 1) as Offsets;
      for (const [i, value] of (other.get(otherAt) as readonly Value[]).entries()) {
        put(slots, at, value, offsets[i] as number | bigint);
      }
    },
    result: (slots, at) => slots.get(at),
  };
};

/** The value, and its offset: NULL when there was none. For sessions. */
const oneByOffset = (call: Call, ignoreNulls: boolean, keepFirst: boolean): Accumulator => {
  const put = (slots: Slots, at: number, value: Value, offset: Value): void => {
    const kept = slots.get(at + 1) as number | bigint | null;
    if (offset === null) return;
    const comesBefore = kept !== null && (offset as number | bigint) < kept;
    if (kept !== null && comesBefore !== keepFirst) return;
    slots.set(at, value);
    slots.set(at + 1, offset);
  };
  return {
    slots: [call.result, bigintType],
    takesOffset: true,
    initialize() {},
    add(slots, at, args) {
      const [value, offset] = args as readonly [Value, number];
      if (value !== null || !ignoreNulls) put(slots, at, value, offset);
    },
    merge: (slots, at, other, otherAt) => put(slots, at, other.get(otherAt), other.get(otherAt + 1)),
    result: (slots, at) => slots.get(at),
  };
};

/** What is kept of a call over sessions; undefined: it is not over sessions. */
const overSessions = (call: Call, { n, ignoreNulls }: Options, keepFirst: boolean): Accumulator | undefined => {
  if (call.merges !== true) return undefined;
  return n === undefined ? oneByOffset(call, ignoreNulls, keepFirst) : severalByOffset(call, n, ignoreNulls, keepFirst);
};

const latestByOffset: AggregateDefinition = defineAggregate({
  signature: overloads('LATEST_BY_OFFSET'),
  doc: 'The last value to arrive, or the last n; NULLs left out unless the last argument is FALSE.',
  elsewhere: ['LAST', 'LAST_VALUE', 'ANY_VALUE'],
  examples: [
    { call: 'LATEST_BY_OFFSET(A)', rows: [['1'], ['2'], ['NULL']], result: '2' },
    { call: 'LATEST_BY_OFFSET(A, FALSE)', rows: [['1'], ['2'], ['NULL']], result: 'NULL' },
    { call: 'LATEST_BY_OFFSET(A, 2)', rows: [['1'], ['2'], ['3']], result: 'ARRAY[2, 3]' },
  ],
  undo: false,
  bind: (call) => {
    const options = optionsOf(call, 'LATEST_BY_OFFSET');
    const { n, ignoreNulls } = options;
    const merging = overSessions(call, options, false);
    if (merging !== undefined) return merging;
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
  elsewhere: ['FIRST', 'FIRST_VALUE'],
  examples: [
    { call: 'EARLIEST_BY_OFFSET(A)', rows: [['NULL'], ['1'], ['2']], result: '1' },
    { call: 'EARLIEST_BY_OFFSET(A, FALSE)', rows: [['NULL'], ['1'], ['2']], result: 'NULL' },
    { call: 'EARLIEST_BY_OFFSET(A, 2)', rows: [['1'], ['2'], ['3']], result: 'ARRAY[1, 2]' },
  ],
  undo: false,
  bind: (call) => {
    const options = optionsOf(call, 'EARLIEST_BY_OFFSET');
    const { n, ignoreNulls } = options;
    const merging = overSessions(call, options, true);
    if (merging !== undefined) return merging;
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
