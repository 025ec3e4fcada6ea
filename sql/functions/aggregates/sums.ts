/** COUNT, SUM and AVG: each can take back what it was given, and so works on tables too. */

import { assert } from '../../../base/index.ts';
import type { Long } from '../../types/arithmetic.ts';
import { EvaluationError } from '../../types/evaluation-error.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Slots } from '../../types/slots.ts';
import { bigintType, isScalar, numericOf, printType, type SqlType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { type AggregateDefinition, type Call, defineAggregate } from '../define.ts';

type Operator = (a: Value, b: Value) => Value;
/** Changes the number in a slot by another one. */
type Step = (slots: Slots, at: number, value: Value) => void;

/** Numbers that slots add where they lie. */
const inPlace = (type: ScalarType): Step | undefined => {
  const { carrier } = definitionOf(type);
  if (carrier === 'double') return (slots, at, value) => slots.addDouble(at, value as number);
  if (carrier === 'int64') return (slots, at, value) => slots.addLong(at, value as Long);
  return undefined;
};

/** Adding to the sum in a slot and taking away from it, in the type of the argument. */
const sumOf = ({ args: [type] }: Call): { type: SqlType; zero: Value; add: Step; subtract: Step } => {
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
  const stepBy =
    (operator: Operator): Step =>
    (slots, at, value) =>
      slots.set(at, operator(slots.get(at), value));
  return { type, zero: numeric.zero, add: inPlace(type) ?? stepBy(within(plus)), subtract: stepBy(within(minus)) };
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
        if (everyRow || args[0] !== null) slots.addLong(at, 1);
      },
      undo(slots, at, args) {
        if (everyRow || args[0] !== null) slots.addLong(at, -1);
      },
      merge: (slots, at, other, otherAt) => slots.addLong(at, other.get(otherAt) as Long),
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
        if (value !== null) add(slots, at, value);
      },
      undo(slots, at, args) {
        const value = args[0] ?? null;
        if (value !== null) subtract(slots, at, value);
      },
      merge: (slots, at, other, otherAt) => add(slots, at, other.get(otherAt)),
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
        add(slots, at, value);
        slots.addLong(at + 1, 1);
      },
      undo(slots, at, args) {
        const value = args[0] ?? null;
        if (value === null) return;
        subtract(slots, at, value);
        slots.addLong(at + 1, -1);
      },
      merge(slots, at, other, otherAt) {
        add(slots, at, other.get(otherAt));
        slots.addLong(at + 1, other.get(otherAt + 1) as Long);
      },
      result: (slots, at) => (slots.get(at + 1) === 0 ? 0 : Number(slots.get(at)) / Number(slots.get(at + 1))),
    };
  },
});

export const sumAggregates: readonly AggregateDefinition[] = [count, sum, avg];
