/**
 * Aggregates while a query runs: the state of a group is one row, the accumulators of all calls side by side, each in
 * slots of its own. The step hands on another row: the result of each call.
 *
 * The store keeps the accumulator row in the row encoding. Where all slots have a fixed width the functions change the
 * stored bytes; where one of them is a text or a collection the whole row is read, changed and written. This is decided
 * for the row and not for each call: a mixed row would save little, since its variable part is written anyway.
 */

import { assert } from '../../base/index.ts';
import type { MergingAccumulation, OperatorContext, StreamRecord } from '../../engine/index.ts';
import { accumulatorOf } from '../analyze/accumulator.ts';
import { type AggregateCall, functionOf, printAggregate } from '../analyze/logical.ts';
import { printTyped } from '../analyze/typed.ts';
import type { ColumnScope, Evaluate } from '../evaluate/closure.ts';
import type { Accumulator } from '../functions/define.ts';
import { spread } from '../functions/signature.ts';
import { FixedSlots, RowSlots, type Slots } from '../types/slots.ts';
import type { SqlType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import type { CompileEnvironment } from './environment.ts';
import { lentRows } from './lent-rows.ts';
import { causeOf, compileAll, noteParts } from './select.ts';

interface Member {
  readonly call: AggregateCall;
  readonly accumulator: Accumulator;
  readonly at: number;
}

/** The calls' accumulators and where each has its slots. */
const membersOf = (calls: readonly AggregateCall[], environment: CompileEnvironment): readonly Member[] => {
  let at = 0;
  return calls.map((call) => {
    const { definition } = environment.functions.aggregate(functionOf(call));
    const accumulator = accumulatorOf(definition, call, environment.context);
    const member = { call, accumulator, at };
    at += accumulator.slots.length;
    return member;
  });
};

/** The types of an accumulator row: what the store's rows are encoded by. */
export const accumulatorTypes = (
  calls: readonly AggregateCall[],
  environment: CompileEnvironment,
): readonly SqlType[] => membersOf(calls, environment).flatMap(({ accumulator }) => accumulator.slots);

/** Fills a row with the results of the calls: of all, or of those that are picked, in that order. */
export type ResultFiller = (slots: Slots, record: StreamRecord<unknown>, context: OperatorContext, into: Row) => void;

export const resultFiller = (
  calls: readonly AggregateCall[],
  environment: CompileEnvironment,
  picked: readonly number[] = calls.map((_, i) => i),
): ResultFiller => {
  const all = membersOf(calls, environment);
  const members = picked.map((i) => all[i] as Member);
  return (slots, record, context, into) => {
    for (let i = 0; i < members.length; i++) {
      const { accumulator, at, call } = members[i] as Member;
      try {
        into[i] = accumulator.result(slots, at);
      } catch (error) {
        into[i] = null;
        context.drop('processing', record, `the result is NULL: ${printAggregate(call)} failed: ${causeOf(error)}`);
      }
    }
  };
};

export interface Aggregator {
  /** All slots are NULL before. */
  initialize(slots: Slots): void;
  add(slots: Slots, record: StreamRecord<Row>, context: OperatorContext): void;
  /** Takes back what the record added; only where every aggregate can. */
  undo(slots: Slots, record: StreamRecord<Row>, context: OperatorContext): void;
  /** Adds what another row of slots has. False: that failed, and the record was dropped. */
  merge(slots: Slots, other: Slots, record: StreamRecord<Row>, context: OperatorContext): boolean;
}

export const aggregator = (
  calls: readonly AggregateCall[],
  scope: ColumnScope,
  environment: CompileEnvironment,
): Aggregator => {
  const members = membersOf(calls, environment).map((member) => {
    const { signature } = environment.functions.aggregate(functionOf(member.call));
    const parameters = spread(signature, member.call.args.length) ?? [];
    const read = member.call.args.filter((_, i) => parameters[i]?.literal !== true);
    return {
      ...member,
      read,
      evaluators: compileAll(read, scope, environment),
      args: new Array<Value>(read.length + (member.accumulator.takesOffset === true ? 1 : 0)).fill(null),
    };
  });
  const apply = (slots: Slots, record: StreamRecord<Row>, context: OperatorContext, takesBack: boolean): void => {
    for (const { accumulator, at, args, evaluators, read, call } of members) {
      for (let i = 0; i < evaluators.length; i++) {
        try {
          args[i] = (evaluators[i] as Evaluate)(record);
        } catch (error) {
          args[i] = null;
          context.drop(
            'processing',
            record,
            `an argument of ${call.function} is NULL: ${printTyped(read[i] as (typeof read)[number])} failed: ${causeOf(error)}`,
          );
        }
      }
      if (accumulator.takesOffset === true) args[evaluators.length] = record.offset;
      try {
        if (takesBack) {
          assert(accumulator.undo !== undefined, `${call.function} cannot take back what it was given`);
          accumulator.undo(slots, at, args);
        } else accumulator.add(slots, at, args);
      } catch (error) {
        context.drop('processing', record, `the record is left out of ${printAggregate(call)}: ${causeOf(error)}`);
      }
    }
    noteParts(record, context);
  };
  return {
    initialize(slots) {
      for (const { accumulator, at } of members) accumulator.initialize(slots, at);
    },
    add: (slots, record, context) => apply(slots, record, context, false),
    undo: (slots, record, context) => apply(slots, record, context, true),
    merge(slots, other, record, context) {
      for (const { accumulator, at, call } of members) {
        assert(accumulator.merge !== undefined, `${call.function} cannot be merged`);
        try {
          accumulator.merge(slots, at, other, at);
        } catch (error) {
          const sentence = `the record is dropped: sessions that it joins are not joined by ${printAggregate(call)}`;
          context.drop('processing', record, `${sentence}: ${causeOf(error)}`);
          return false;
        }
      }
      return true;
    },
  };
};

/** What the engine's aggregation keeps for these calls; for one task. The rows of results have the given width. */
export const accumulationOf = (
  types: readonly SqlType[],
  { initialize, add, merge }: Omit<Aggregator, 'undo'>,
  results: ResultFiller,
  width: number,
): MergingAccumulation<Row, Row, Row> => {
  const resultOf = lentResults(results, width);
  const fixed = FixedSlots.over(types);
  const fixedOther = FixedSlots.over(types);
  if (fixed !== undefined && fixedOther !== undefined) {
    return {
      form: 'in place',
      width: fixed.width,
      initialize(view, at) {
        fixed.begin(view, at);
        initialize(fixed);
      },
      add(view, at, record, context) {
        fixed.moveTo(view, at);
        add(fixed, record, context);
      },
      result(view, at, record, context) {
        fixed.moveTo(view, at);
        return resultOf(fixed, record, context);
      },
      merge(view, at, other, otherAt, record, context) {
        fixed.moveTo(view, at);
        fixedOther.moveTo(other, otherAt);
        return merge(fixed, fixedOther, record, context);
      },
    };
  }
  const slots = new RowSlots();
  const otherSlots = new RowSlots();
  return {
    form: 'by value',
    accumulator: lentRows(types),
    initialize() {
      slots.row = new Array<Value>(types.length).fill(null);
      initialize(slots);
      return slots.row;
    },
    add(row, record, context) {
      slots.row = row;
      add(slots, record, context);
      return row;
    },
    result(row, record, context) {
      slots.row = row;
      return resultOf(slots, record, context);
    },
    merge(row, other, record, context) {
      slots.row = row;
      otherSlots.row = other;
      return merge(slots, otherSlots, record, context) ? row : undefined;
    },
  };
};

/** Rows of results, two in turn: those before and after a record are alive together. */
const lentResults = (
  fill: ResultFiller,
  width: number,
): ((slots: Slots, record: StreamRecord<unknown>, context: OperatorContext) => Row) => {
  let next: Row = new Array<Value>(width).fill(null);
  let last: Row = new Array<Value>(width).fill(null);
  return (slots, record, context) => {
    const row = next;
    next = last;
    last = row;
    fill(slots, record, context, row);
    return row;
  };
};
