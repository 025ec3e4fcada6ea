/** Calls of table functions, as closures: the rows of one record, over the arguments. */

import type { StreamRecord } from '../../engine/index.ts';
import { functionOf, type TableCall } from '../analyze/logical.ts';
import type { FunctionContext } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { Value } from '../types/value.ts';
import { bodyOf, failed } from './call.ts';
import type { Evaluate } from './closure.ts';

/** The values that the function makes of a record, each when it is asked for. Raises `EvaluationError`, then too. */
export type EvaluateRows = (record: StreamRecord<unknown>) => Iterable<Value>;

type Run = (...args: readonly Value[]) => Iterable<Value>;

export const tableCall = (
  call: TableCall,
  args: readonly Evaluate[],
  functions: FunctionRegistry,
  context: FunctionContext,
): EvaluateRows => {
  const { definition } = functions.table(functionOf(call));
  // The signature has been checked against the arguments: what the body takes is what it gets.
  const run = bodyOf(definition, call, context) as Run;
  const propagates = definition.nulls === 'propagate';
  return (record) => {
    const values = args.map((arg) => arg(record));
    if (propagates && values.includes(null)) return none;
    let rows: Iterable<Value>;
    try {
      rows = run(...values);
    } catch (error) {
      throw failed(call.function, error);
    }
    // What is made already cannot fail.
    return Array.isArray(rows) ? rows : oneByOne(call.function, rows);
  };
};

const none: readonly Value[] = [];

function* oneByOne(name: string, rows: Iterable<Value>): Generator<Value> {
  try {
    yield* rows;
  } catch (error) {
    throw failed(name, error);
  }
}
