/** The join of two tables by a foreign key: subscriptions go to the partition of the right row, answers come back. */

import {
  type Answer,
  answerChanges,
  answerSerde,
  answerSubscriptions,
  type ForeignKey,
  type ForeignKeyJoin,
  type OperatorSupplier,
  partnersSpec,
  repartitionSink,
  repartitionSource,
  resolveAnswers,
  StreamRecord,
  type Subscription,
  storedRows,
  subscribe,
  subscriptionSerde,
  tablePassed,
} from '../../../engine/index.ts';
import { printTyped } from '../../analyze/typed.ts';
import type { Evaluate } from '../../evaluate/closure.ts';
import { takePartFaults } from '../../evaluate/part-faults.ts';
import { keyColumnsOf, keyedSchema, keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row, Value } from '../../types/value.ts';
import { type Built, type TopologyBuilder, typesOf } from '../builder.ts';
import type { CompileEnvironment } from '../environment.ts';
import { rowJoiner } from '../joined-rows.ts';
import { keyWriter } from '../keys.ts';
import { lentRows } from '../lent-rows.ts';
import { columnScope } from '../reading.ts';
import { causeOf, compileAll, noteParts } from '../select.ts';
import { keptTable } from '../table.ts';

export const buildForeignKeyJoin = (step: StepOf<'foreignKeyJoin'>, builder: TopologyBuilder): Built => {
  const { id, type, left, right, leftStore, rightStore, subscriptions, answers, schema } = step;
  const { topology, environment } = builder;
  const partners = `${subscriptions}-Partners`;
  const again = `${subscriptions}-Again`;
  const asked = `${subscriptions}-Asked`;
  const ownStores = [partners, again, asked];
  const [leftTypes, rightTypes] = [typesOf(left.schema.value), typesOf(right.schema.value)];
  /** For each node and task: what they use holds scratch space. */
  const join = (notes = false): ForeignKeyJoin<Row, Row, Row> => ({
    left: storedRows(leftStore, lentRows(leftTypes)),
    right: storedRows(rightStore, lentRows(rightTypes)),
    row: lentRows(rightTypes),
    foreignKey: foreignKeyWriter(step, environment, notes),
    join: rowJoiner(leftTypes.length, rightTypes.length),
    leftJoin: type === 'left',
    store: subscriptions,
    partners,
    again,
    asked,
  });
  const each =
    <In, Out>(
      make: (of: ForeignKeyJoin<Row, Row, Row>) => OperatorSupplier<In, Out>,
      notes = false,
    ): OperatorSupplier<In, Out> =>
    (context, forward) =>
      make(join(notes))(context, forward);
  const leftTable = keptTable(builder, left, leftStore).node;
  const rightTable = keptTable(builder, right, rightStore).node;
  for (const name of ownStores) topology.addStore(partnersSpec(name));
  const children = { subscriptions: `${subscriptions}-Sink`, results: id };
  topology.addProcessor(
    `${id}-Subscribe`,
    each((of) => subscribe<Row, Row, Row>(of, children), true),
    [leftTable],
    {
      stores: [...ownStores, leftStore],
      before: 'needed',
    },
  );
  topology.addRepartition(subscriptions, {
    parents: [`${id}-Subscribe`],
    sink: (context, forward) =>
      repartitionSink<Subscription>({ name: subscriptions, value: subscriptionSerde() })(context, forward),
    source: (context, forward) => repartitionSource<Subscription>({ value: subscriptionSerde() })(context, forward),
    sinkName: `${subscriptions}-Sink`,
    sourceName: `${subscriptions}-Source`,
  });
  builder.addStore({ name: subscriptions, kind: 'ordered' });
  topology.addProcessor(`${id}-Answer`, each(answerSubscriptions<Row>), [`${subscriptions}-Source`], {
    stores: [subscriptions, rightStore],
  });
  topology.addProcessor(`${id}-Change`, each(answerChanges<Row>), [rightTable], {
    stores: [subscriptions, rightStore],
  });
  topology.addRepartition(answers, {
    parents: [`${id}-Answer`, `${id}-Change`],
    sink: (context, forward) =>
      repartitionSink<Answer>({
        name: answers,
        value: answerSerde(),
        partitioner: (record) => record.value?.partition,
      })(context, forward),
    source: (context, forward) => repartitionSource<Answer>({ value: answerSerde() })(context, forward),
    sinkName: `${answers}-Sink`,
    sourceName: `${answers}-Source`,
  });
  topology.addProcessor(`${id}-Resolve`, each(resolveAnswers<Row, Row, Row>), [`${answers}-Source`], {
    stores: [...ownStores, leftStore],
  });
  topology.addProcessor<Row, Row>(id, tablePassed<Row>(), [`${id}-Resolve`, `${id}-Subscribe`], {
    before: 'passed on',
  });
  return { kind: 'rows', node: id, schema };
};

/** The right side's key bytes that a left row refers to. `notes`: what fails is noted, once for each change. */
const foreignKeyWriter = (
  { foreignKey, left, right }: StepOf<'foreignKeyJoin'>,
  environment: CompileEnvironment,
  notes: boolean,
): ForeignKey<Row> => {
  const scope = columnScope(keyedSchema(left), keyFormatOf(left), 'row');
  const evaluate = compileAll([foreignKey], scope, environment)[0] as Evaluate;
  const writer = keyWriter(keyColumnsOf(right), keyFormatOf(right));
  const probe = new StreamRecord<Row>();
  const key: Value[] = [null];
  return (row, record, out, context) => {
    const noted = notes && row === record.value;
    probe.takeEnvelope(record);
    probe.value = row;
    key[0] = null;
    try {
      key[0] = evaluate(probe);
    } catch (error) {
      const cause = causeOf(error);
      if (noted) context.drop('processing', record, `the foreign key ${printTyped(foreignKey)} is NULL: ${cause}`);
    }
    if (noted) noteParts(record, context);
    else takePartFaults();
    return key[0] !== null && writer.write(key, out);
  };
};
