/**
 * Aggregates that keep values and not only a number: COLLECT_LIST, COLLECT_SET, TOPK, TOPKDISTINCT, HISTOGRAM, ATTR,
 * and COUNT_DISTINCT.
 *
 * What they keep lies in slots as arrays and maps and is copied with every change, since values are never changed once
 * made: they are for groups of moderate size.
 */

import { assert, UserError } from '../../../base/index.ts';
import { addLongs } from '../../types/arithmetic.ts';
import { equalityOf, type Order, orderOf } from '../../types/equality.ts';
import type { Slots } from '../../types/slots.ts';
import { arrayOf, bigintType, type SqlType, structOf } from '../../types/type.ts';
import { isMap, type Value } from '../../types/value.ts';
import { type Accumulator, type AggregateDefinition, type Call, defineAggregate } from '../define.ts';
import { orderedKinds } from '../signature.ts';
import { countDistinct } from './hyper-log-log.ts';

type Values = readonly Value[];

/** The type of the first argument. */
const firstOf = ({ args: [first] }: Call): SqlType => {
  assert(first !== undefined, 'the aggregate has an argument');
  return first;
};

/** How many values a group collects: the property `limit`, where it is set and not negative. */
const collectLimit = ({ settings }: Call): number => {
  const { limit } = settings ?? {};
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (!/^-?\d+$/.test(limit.trim())) {
    throw new UserError(
      'SQL_INVALID_SETTING',
      `a limit of values that are collected is a whole number, not '${limit}'`,
    );
  }
  return Number(limit) < 0 ? Number.POSITIVE_INFINITY : Number(limit);
};

const collectList: AggregateDefinition = defineAggregate({
  signature: 'COLLECT_LIST(T) -> ARRAY<T>',
  doc:
    'All values in the order of arrival, NULLs included. A row of a table that changes takes back the last equal ' +
    'value. The property ksql.functions.collect_list.limit sets how many are kept.',
  elsewhere: [
    'ARRAY_AGG',
    ['STRING_AGG', 'ARRAY_JOIN(COLLECT_LIST(text), delimiter)'],
    ['GROUP_CONCAT', 'ARRAY_JOIN(COLLECT_LIST(text), delimiter)'],
    ['LISTAGG', 'ARRAY_JOIN(COLLECT_LIST(text), delimiter)'],
  ],
  examples: [{ call: 'COLLECT_LIST(A)', rows: [['1'], ['NULL'], ['1']], result: 'ARRAY[1, NULL, 1]' }],
  settings: ['limit'],
  undo: true,
  bind: (call) => {
    const equal = equalityOf(firstOf(call));
    const limit = collectLimit(call);
    return {
      slots: [call.result],
      initialize(slots, at) {
        slots.set(at, []);
      },
      add(slots, at, args) {
        const kept = slots.get(at) as Values;
        if (kept.length < limit) slots.set(at, [...kept, args[0] as Value]);
      },
      undo(slots, at, args) {
        const kept = slots.get(at) as Values;
        const place = kept.findLastIndex((value) => equal(value, args[0] as Value));
        if (place >= 0) slots.set(at, kept.toSpliced(place, 1));
      },
      merge(slots, at, other, otherAt) {
        slots.set(at, [...(slots.get(at) as Values), ...(other.get(otherAt) as Values)].slice(0, limit));
      },
      result: (slots, at) => slots.get(at),
    };
  },
});

const collectSet: AggregateDefinition = defineAggregate({
  signature: 'COLLECT_SET(T) -> ARRAY<T>',
  doc:
    'The different values in the order in which they first arrived, NULL included. The property ' +
    'ksql.functions.collect_set.limit sets how many are kept.',
  examples: [{ call: 'COLLECT_SET(A)', rows: [['1'], ['NULL'], ['1']], result: 'ARRAY[1, NULL]' }],
  settings: ['limit'],
  undo: false,
  bind: (call) => {
    const equal = equalityOf(firstOf(call));
    const limit = collectLimit(call);
    const take = (slots: Slots, at: number, value: Value): void => {
      const kept = slots.get(at) as Values;
      if (kept.length < limit && !kept.some((one) => equal(one, value))) slots.set(at, [...kept, value]);
    };
    return {
      slots: [call.result],
      initialize(slots, at) {
        slots.set(at, []);
      },
      add: (slots, at, args) => take(slots, at, args[0] as Value),
      merge(slots, at, other, otherAt) {
        for (const value of other.get(otherAt) as Values) take(slots, at, value);
      },
      result: (slots, at) => slots.get(at),
    };
  },
});

/** How many are kept: the last argument. */
const limitOf = ({ constants }: Call): number => constants.at(-1) as number;

/** Puts a value before the first that is less, and lets the last go when there are too many. */
const inserted = (kept: Values, value: Value, order: Order, limit: number): Values => {
  const place = kept.findIndex((one) => order(one, value) < 0);
  if (place < 0) return kept.length < limit ? [...kept, value] : kept;
  return kept.toSpliced(place, 0, value).slice(0, limit);
};

const greatest = (call: Call, valueOf: (args: Values) => Value, order: Order): Accumulator => {
  const limit = limitOf(call);
  return {
    slots: [call.result],
    initialize(slots, at) {
      slots.set(at, []);
    },
    add(slots, at, args) {
      if (args[0] !== null) slots.set(at, inserted(slots.get(at) as Values, valueOf(args), order, limit));
    },
    merge(slots, at, other, otherAt) {
      for (const value of other.get(otherAt) as Values) {
        slots.set(at, inserted(slots.get(at) as Values, value, order, limit));
      }
    },
    result: (slots, at) => slots.get(at),
  };
};

const sortable = ['INT', 'BIGINT', 'DOUBLE', 'STRING'];

const topK: AggregateDefinition = defineAggregate({
  signature: sortable.map((type) => `TOPK(${type}, literal INT) -> ARRAY<${type}>`),
  doc: 'The n greatest values, the greatest first, NULLs left out; n is the last argument.',
  examples: [{ call: 'TOPK(A, 2)', rows: [['1'], ['3'], ['NULL'], ['3'], ['2']], result: 'ARRAY[3, 3]' }],
  undo: false,
  bind: (call) => greatest(call, (args) => args[0] as Value, orderOf(firstOf(call))),
});

const topKRows: AggregateDefinition = defineAggregate({
  signature: sortable.map((type) => `TOPK(sort_col ${type}, col0 ANY, cols ANY..., literal k INT) -> ANY`),
  resultOf: ([sorted, ...others]) => {
    assert(sorted !== undefined, 'TOPK has a column to sort by');
    const columns = others.slice(0, -1).map((type, i) => ({ name: `col${i}`, type }));
    return arrayOf(structOf([{ name: 'sort_col', type: sorted }, ...columns]));
  },
  doc: 'The n rows with the greatest values, as structs of the value and the other columns; n is the last argument.',
  examples: [
    {
      call: 'TOPK(A, B, 1)',
      rows: [
        ['1', "'one'"],
        ['3', "'three'"],
        ['2', "'two'"],
      ],
      result: "ARRAY[STRUCT(`sort_col` := 3, `col0` := 'three')]",
    },
  ],
  undo: false,
  bind: (call) => {
    const order = orderOf(firstOf(call));
    return greatest(
      call,
      (args) => [...args],
      (a, b) => order((a as Values)[0] as Value, (b as Values)[0] as Value),
    );
  },
});

const topKDistinct: AggregateDefinition = defineAggregate({
  signature: orderedKinds.map((type) => `TOPKDISTINCT(${type}, literal INT) -> ARRAY<${type}>`),
  doc: 'The n greatest different values, the greatest first, NULLs left out; n is the last argument.',
  examples: [{ call: 'TOPKDISTINCT(A, 2)', rows: [['1'], ['3'], ['3'], ['2']], result: 'ARRAY[3, 2]' }],
  undo: false,
  bind: (call) => {
    const limit = limitOf(call);
    const order = orderOf(firstOf(call));
    const take = (slots: Slots, at: number, value: Value): void => {
      const kept = slots.get(at) as Values;
      if (value !== null && !kept.some((one) => order(one, value) === 0)) {
        slots.set(at, inserted(kept, value, order, limit));
      }
    };
    return {
      slots: [call.result],
      initialize(slots, at) {
        slots.set(at, []);
      },
      add: (slots, at, args) => take(slots, at, args[0] as Value),
      merge(slots, at, other, otherAt) {
        for (const value of other.get(otherAt) as Values) take(slots, at, value);
      },
      result: (slots, at) => slots.get(at),
    };
  },
});

const histogramLimit = 1000;

const histogram: AggregateDefinition = defineAggregate({
  signature: 'HISTOGRAM(STRING) -> MAP<STRING, BIGINT>',
  doc: "How often each text came; at most 1000 different ones are counted. NULL counts as the text 'null'.",
  examples: [
    {
      call: 'HISTOGRAM(A)',
      rows: [["'x'"], ["'y'"], ["'x'"], ['NULL']],
      result: "MAP('x' := 2, 'y' := 1, 'null' := 1)",
    },
  ],
  undo: true,
  bind: (call) => {
    const step = (counts: Value, text: string, by: number | bigint): Value => {
      const next = new Map(isMap(counts) ? counts : []);
      const count = addLongs((next.get(text) ?? 0) as number | bigint, by);
      // What is not counted, beyond the limit, cannot be taken back.
      if (count <= 0) next.delete(text);
      else if (next.has(text) || next.size < histogramLimit) next.set(text, count);
      return next;
    };
    return {
      slots: [call.result],
      initialize(slots, at) {
        slots.set(at, new Map());
      },
      add(slots, at, args) {
        slots.set(at, step(slots.get(at), String(args[0]), 1));
      },
      undo(slots, at, args) {
        slots.set(at, step(slots.get(at), String(args[0]), -1));
      },
      merge(slots, at, other, otherAt) {
        for (const [text, count] of other.get(otherAt) as ReadonlyMap<string, number | bigint>) {
          slots.set(at, step(slots.get(at), text, count));
        }
      },
      result: (slots, at) => slots.get(at),
    };
  },
});

/** The different values in one slot, how often each came in the next. */
const tally = (call: Call): readonly SqlType[] => [arrayOf(call.result), arrayOf(bigintType)];

const attr: AggregateDefinition = defineAggregate({
  signature: 'ATTR(T) -> T',
  doc: 'The value that all rows have; NULL when there are different ones. NULL counts as a value.',
  examples: [
    { call: 'ATTR(A)', rows: [['1'], ['1']], result: '1' },
    { call: 'ATTR(A)', rows: [['1'], ['2']], result: 'NULL' },
  ],
  undo: true,
  bind: (call) => {
    const equal = equalityOf(firstOf(call));
    const step = (slots: Slots, at: number, value: Value, by: number | bigint): void => {
      const values = slots.get(at) as Values;
      const counts = slots.get(at + 1) as readonly (number | bigint)[];
      const place = values.findIndex((one) => equal(one, value));
      if (place < 0) {
        slots.set(at, [...values, value]);
        slots.set(at + 1, [...counts, by]);
        return;
      }
      const count = addLongs(counts[place] ?? 0, by);
      slots.set(at, count === 0 ? values.toSpliced(place, 1) : values);
      slots.set(at + 1, count === 0 ? counts.toSpliced(place, 1) : counts.with(place, count));
    };
    return {
      slots: tally(call),
      initialize(slots, at) {
        slots.set(at, []);
        slots.set(at + 1, []);
      },
      add: (slots, at, args) => step(slots, at, args[0] as Value, 1),
      undo: (slots, at, args) => step(slots, at, args[0] as Value, -1),
      merge(slots, at, other, otherAt) {
        const counts = other.get(otherAt + 1) as readonly (number | bigint)[];
        for (const [i, value] of (other.get(otherAt) as Values).entries()) step(slots, at, value, counts[i] ?? 0);
      },
      result(slots, at) {
        const values = slots.get(at) as Values;
        return values.length === 1 ? (values[0] as Value) : null;
      },
    };
  },
});

export const collectionAggregates: readonly AggregateDefinition[] = [
  countDistinct,
  collectList,
  collectSet,
  topK,
  topKRows,
  topKDistinct,
  histogram,
  attr,
];
