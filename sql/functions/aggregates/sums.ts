/** COUNT, SUM and AVG: each can take back what it was given, and so works on tables too. */

import { assert } from '../../../base/index.ts';
import { addLongs } from '../../types/arithmetic.ts';
import { EvaluationError } from '../../types/evaluation-error.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Slots } from '../../types/slots.ts';
import { bigintType, isScalar, numericOf, printType, type SqlType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { type AggregateDefinition, type Call, defineAggregate } from '../define.ts';

type Long = number | bigint;
type Operator = (a: Value, b: Value) => Value;

const step = (slots: Slots, at: number, by: Long): void => {
  slots.set(at, addLongs(slots.get(at) as Long, by));
};

/** Adding and taking away in the type of the argument. */
const sumOf = ({ args: [type] }: Call): { type: SqlType; zero: Value; add: Operator; subtract: Operator } => {
  const numeric = type === undefined ? undefined : numericOf(type);
  assert(type !== undefined && isScalar(type) && numeric !== undefined, 'only numbers are summed');
  const { accepts } = definitionOf(type);
  const within = (operator: Operator): Operator => {
    if (accepts === undefined) return operator;
    return (a, b) => {
      const sum = operator(a, b);
      if (!accepts(sum, type)) throw new EvaluationError(`the sum does not fit ${printType(type)}`);
      return sum;
    };
  };
  const [plus, minus] = [numeric.operator('+', type, type), numeric.operator('-', type, type)];
  return { type, zero: numeric.zero, add: within(plus), subtract: within(minus) };
};

const count: AggregateDefinition = defineAggregate({
  signature: ['COUNT() -> BIGINT', 'COUNT(T) -> BIGINT'],
  doc: 'The number of rows, written COUNT(*), or of rows in which the argument is not NULL.',
  examples: [
    { call: 'COUNT(*)', rows: [['1'], ['NULL'], ['3']], result: '3' },
    { call: 'COUNT(A)', rows: [['1'], ['NULL'], ['3']], result: '2' },
    { call: 'COUNT(A)', rows: [], result: '0' },
  ],
  undo: true,
  overNothing: 0,
  bind: (call) => {
    const everyRow = call.args.length === 0;
    return {
      slots: [bigintType],
      initialize(slots, at) {
        slots.set(at, 0);
      },
      add(slots, at, args) {
        if (everyRow || args[0] !== null) step(slots, at, 1);
      },
      undo(slots, at, args) {
        if (everyRow || args[0] !== null) step(slots, at, -1);
      },
      merge: (slots, at, other, otherAt) => step(slots, at, other.get(otherAt) as Long),
      result: (slots, at) => slots.get(at),
    };
  },
});

const sum: AggregateDefinition = defineAggregate({
  signature: ['SUM(INT) -> INT', 'SUM(BIGINT) -> BIGINT', 'SUM(DECIMAL) -> DECIMAL', 'SUM(DOUBLE) -> DOUBLE'],
  doc:
    'The sum of the values, NULLs left out; 0 when there are none. Whole numbers wrap in their own type; a DECIMAL ' +
    'that would have too many digits is left out, and logged.',
  examples: [
    { call: 'SUM(A)', rows: [['1'], ['NULL'], ['3']], result: '4' },
    { call: 'SUM(A)', rows: [['2147483647'], ['1']], result: '-2147483648' },
    { call: 'SUM(A)', rows: [['1.25'], ['2.50']], result: '3.75' },
  ],
  undo: true,
  bind: (call) => {
    const { type, zero, add, subtract } = sumOf(call);
    return {
      slots: [type],
      initialize(slots, at) {
        slots.set(at, zero);
      },
      add(slots, at, args) {
        const value = args[0] ?? null;
        if (value !== null) slots.set(at, add(slots.get(at), value));
      },
      undo(slots, at, args) {
        const value = args[0] ?? null;
        if (value !== null) slots.set(at, subtract(slots.get(at), value));
      },
      merge: (slots, at, other, otherAt) => slots.set(at, add(slots.get(at), other.get(otherAt))),
      result: (slots, at) => slots.get(at),
    };
  },
});

const avg: AggregateDefinition = defineAggregate({
  signature: ['AVG(INT) -> DOUBLE', 'AVG(BIGINT) -> DOUBLE', 'AVG(DOUBLE) -> DOUBLE'],
  doc:
    'The mean of the values, NULLs left out; 0 when there are none. The sum behind it wraps in the type of the ' +
    'argument.',
  elsewhere: ['MEAN'],
  examples: [
    { call: 'AVG(A)', rows: [['1'], ['NULL'], ['4']], result: '2.5E0' },
    { call: 'AVG(A)', rows: [], result: '0E0' },
  ],
  undo: true,
  bind: (call) => {
    const { type, add, subtract } = sumOf(call);
    return {
      slots: [type, bigintType],
      initialize(slots, at) {
        slots.set(at, 0);
        slots.set(at + 1, 0);
      },
      add(slots, at, args) {
        const value = args[0] ?? null;
        if (value === null) return;
        slots.set(at, add(slots.get(at), value));
        step(slots, at + 1, 1);
      },
      undo(slots, at, args) {
        const value = args[0] ?? null;
        if (value === null) return;
        slots.set(at, subtract(slots.get(at), value));
        step(slots, at + 1, -1);
      },
      merge(slots, at, other, otherAt) {
        slots.set(at, add(slots.get(at), other.get(otherAt)));
        step(slots, at + 1, other.get(otherAt + 1) as Long);
      },
      result: (slots, at) => (slots.get(at + 1) === 0 ? 0 : Number(slots.get(at)) / Number(slots.get(at + 1))),
    };
  },
});

export const sumAggregates: readonly AggregateDefinition[] = [count, sum, avg];
