/**
 * Aggregates at work: a group's row is the accumulators of all calls side by side, each in its own slots.
 *
 * The accumulator row is what the store keeps, in the row encoding; `add` changes it in place. What the step delivers
 * is another row: the result of each call.
 */

import { assert } from '../../base/index.ts';
import type { ProcessorContext, StreamRecord } from '../../engine/index.ts';
import { type AggregateCall, printAggregate } from '../analyze/logical.ts';
import { printTyped } from '../analyze/typed.ts';
import { type ColumnScope, constantOf, type Evaluate } from '../evaluate/closure.ts';
import type { Accumulator } from '../functions/define.ts';
import { spread } from '../functions/signature.ts';
import type { SqlType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import type { CompileEnvironment } from './environment.ts';
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
    const { definition } = environment.functions.aggregate(call.function, call.signature);
    const accumulator = definition.bind({
      args: call.args.map((argument) => argument.type),
      result: call.type,
      constants: call.args.map((argument) => (argument.kind === 'literal' ? constantOf(argument) : undefined)),
      context: environment.context,
    });
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

/** The results of the calls from an accumulator row: of all, or of those that are picked, in that order. */
export const resultFiller = (
  calls: readonly AggregateCall[],
  environment: CompileEnvironment,
  picked: readonly number[] = calls.map((_, i) => i),
): ((record: StreamRecord<Row>, context: ProcessorContext, into: Row) => void) => {
  const all = membersOf(calls, environment);
  const members = picked.map((i) => all[i] as Member);
  return (record, context, into) => {
    const row = record.value as Row;
    for (let i = 0; i < members.length; i++) {
      const { accumulator, at, call } = members[i] as Member;
      try {
        into[i] = accumulator.result(row, at);
      } catch (error) {
        into[i] = null;
        context.drop('processing', record, `the result is NULL: ${printAggregate(call)} failed: ${causeOf(error)}`);
      }
    }
  };
};

export interface Aggregator {
  initialize(): Row;
  add(row: Row, record: StreamRecord<Row>, context: ProcessorContext): Row;
  /** Takes back what the record added; only where every aggregate can. */
  undo(row: Row, record: StreamRecord<Row>, context: ProcessorContext): Row;
}

export const aggregator = (
  calls: readonly AggregateCall[],
  scope: ColumnScope,
  environment: CompileEnvironment,
): Aggregator => {
  const members = membersOf(calls, environment).map((member) => {
    const { signature } = environment.functions.aggregate(member.call.function, member.call.signature);
    const parameters = spread(signature, member.call.args.length) ?? [];
    const read = member.call.args.filter((_, i) => parameters[i]?.literal !== true);
    return {
      ...member,
      read,
      evaluators: compileAll(read, scope, environment),
      args: new Array<Value>(read.length).fill(null),
    };
  });
  const apply = (row: Row, record: StreamRecord<Row>, context: ProcessorContext, takesBack: boolean): Row => {
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
      try {
        if (takesBack) {
          assert(accumulator.undo !== undefined, `${call.function} cannot take back what it was given`);
          accumulator.undo(row, at, args);
        } else accumulator.add(row, at, args);
      } catch (error) {
        context.drop('processing', record, `the record is left out of ${printAggregate(call)}: ${causeOf(error)}`);
      }
    }
    noteParts(record, context);
    return row;
  };
  const width = members.reduce((sum, { accumulator }) => sum + accumulator.slots.length, 0);
  return {
    initialize() {
      const row: Row = new Array<Value>(width).fill(null);
      for (const { accumulator, at } of members) accumulator.initialize(row, at);
      return row;
    },
    add: (row, record, context) => apply(row, record, context, false),
    undo: (row, record, context) => apply(row, record, context, true),
  };
};
