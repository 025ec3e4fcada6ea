/**
 * GROUP BY over a table: a row that changes is taken out of its former group and put into its present one.
 *
 * What goes from the grouping to the aggregation is a *change row*: whether there is a former and a present row, the
 * columns of the one, the columns of the other. Where both belong to the same group they travel together, so that the
 * group is emitted once; else the former group comes first. A row whose group has a part that is NULL belongs to no
 * group, and is noted each time it changes, as in a stream.
 *
 * State: the grouping keeps the table's rows (the step's own store), since it needs the row before; the aggregation
 * keeps accumulators.
 */

import { assert } from '../../base/index.ts';
import { type OperatorContext, type OperatorSupplier, StreamRecord, unknown } from '../../engine/index.ts';
import type { NamedExpression } from '../analyze/logical.ts';
import type { ColumnScope, Evaluate } from '../evaluate/closure.ts';
import { takePartFaults } from '../evaluate/part-faults.ts';
import type { StepOf } from '../plan/plan.ts';
import type { Column } from '../types/schema.ts';
import { booleanType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import type { Aggregator } from './aggregates.ts';
import type { CompileEnvironment } from './environment.ts';
import { keyWriter } from './keys.ts';
import { causeOf, compileAll, noteParts, rowFiller } from './select.ts';

const flags = 2;

/** The columns of a change row over rows of these columns. */
export const changeColumns = (columns: readonly Column[]): readonly Column[] => [
  { name: 'HAS_OLD', type: booleanType },
  { name: 'HAS_NEW', type: booleanType },
  ...columns.map(({ name, type }) => ({ name: `OLD_${name}`, type })),
  ...columns.map(({ name, type }) => ({ name: `NEW_${name}`, type })),
];

interface Grouping {
  readonly step: StepOf<'tableGroupBy'>;
  /** The scope of the table's rows. */
  readonly scope: () => ColumnScope;
  readonly environment: CompileEnvironment;
}

/** From changes of the table's rows to change rows under the key of their group. */
export const tableGroupBy =
  ({ step, scope: makeScope, environment }: Grouping): OperatorSupplier<Row, Row> =>
  (context, forward) => {
    context.usesBefore('needed');
    const scope = makeScope();
    const width = step.items.length;
    const groups = [0, 1].map(() => ({ key: context.scratch(), present: false })) as [Group, Group];
    const [old, fresh] = groups;
    const groupOf = grouper(step, scope, environment, context);
    const fill = rowFiller(step.items as readonly NamedExpression[], scope, environment);
    const change: Row = new Array<Value>(flags + 2 * width).fill(null);
    const columns: Row = new Array<Value>(width).fill(null);
    const probe = new StreamRecord<Row>();
    const out = new StreamRecord<Row>();

    const put = (row: Row, at: number): void => {
      probe.value = row;
      fill(probe, context, columns);
      for (let i = 0; i < width; i++) change[at + i] = columns[i] as Value;
    };
    const send = (record: StreamRecord<Row>, group: Group, before: Row | null, after: Row | null): void => {
      change.fill(null);
      change[0] = before !== null;
      change[1] = after !== null;
      if (before !== null) put(before, flags);
      if (after !== null) put(after, flags + width);
      out.takeEnvelope(record);
      out.keyBytes = group.key.buffer;
      out.keyStart = 0;
      out.keyEnd = group.key.length;
      out.value = change;
      forward(out);
    };
    return {
      process(record) {
        const { before, value } = record;
        assert(before !== unknown, 'a table that is grouped has the row before');
        probe.takeEnvelope(record);
        old.present = before !== null && groupOf(probe, before, old, false);
        fresh.present = value !== null && groupOf(probe, value, fresh, true);
        const from = old.present ? before : null;
        const to = fresh.present ? value : null;
        if (from !== null && to !== null && sameBytes(old, fresh)) return send(record, fresh, from, to);
        if (from !== null) send(record, old, from, null);
        if (to !== null) send(record, fresh, null, to);
      },
    };
  };

interface Group {
  readonly key: ReturnType<OperatorContext['scratch']>;
  present: boolean;
}

const sameBytes = (a: Group, b: Group): boolean => {
  if (a.key.length !== b.key.length) return false;
  for (let i = 0; i < a.key.length; i++) if (a.key.buffer[i] !== b.key.buffer[i]) return false;
  return true;
};

/** Writes the key of a row's group; false when it has none. That is noted for the row after the change (`noted`), not
 *  for the row before. */
const grouper = (
  { keys, schema, keyFormat }: StepOf<'tableGroupBy'>,
  scope: ColumnScope,
  environment: CompileEnvironment,
  context: OperatorContext,
): ((probe: StreamRecord<Row>, row: Row, into: Group, noted: boolean) => boolean) => {
  const evaluators = compileAll(
    keys.map((key) => key.expression),
    scope,
    environment,
  );
  const writer = keyWriter(schema.key, keyFormat);
  const values: Row = new Array<Value>(keys.length).fill(null);
  return (probe, row, into, noted) => {
    probe.value = row;
    for (let i = 0; i < evaluators.length; i++) {
      let cause = 'a grouping expression is NULL';
      let value: Value = null;
      try {
        value = (evaluators[i] as Evaluate)(probe);
      } catch (error) {
        cause = `the grouping expression "${(keys[i] as NamedExpression).name}" failed: ${causeOf(error)}`;
      }
      if (value === null) {
        if (noted) {
          noteParts(probe, context);
          context.drop('null-key', probe, cause);
        } else takePartFaults();
        return false;
      }
      values[i] = value;
    }
    if (noted) noteParts(probe, context);
    else takePartFaults();
    into.key.reset();
    return writer.write(values, into.key);
  };
};

/** Applies change rows: the former row is undone, the present one is added. */
export const changeAggregator = (
  { initialize, add, undo, merge }: Aggregator,
  width: number,
): Omit<Aggregator, 'undo'> => {
  const probe = new StreamRecord<Row>();
  return {
    initialize,
    merge,
    add(slots, record, context) {
      const change = record.value as Row;
      probe.takeEnvelope(record);
      if (change[0] === true) {
        probe.value = change.slice(flags, flags + width);
        undo(slots, probe, context);
      }
      if (change[1] === true) {
        probe.value = change.slice(flags + width);
        add(slots, probe, context);
      }
    },
  };
};
