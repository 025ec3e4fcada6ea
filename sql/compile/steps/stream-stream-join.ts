/** The join of two streams, each kept for as long as rows of the other may come for it. */

import { joinRetention, joinStreamStream, sideOfJoin } from '../../../engine/index.ts';
import type { StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import { type Built, type TopologyBuilder, typesOf } from '../builder.ts';
import { rowJoiner } from '../joined-rows.ts';
import { lentRows } from '../lent-rows.ts';

const outer = { inner: 'none', left: 'left', right: 'right', full: 'both' } as const;

export const buildStreamStreamJoin = (step: StepOf<'streamStreamJoin'>, builder: TopologyBuilder): Built => {
  const { id, type, left, right, within, leftStore, rightStore, aloneStore, schema } = step;
  const { topology } = builder;
  const retention = joinRetention(within);
  builder.addStore({ name: leftStore, kind: 'ordered', retentionMs: retention.left });
  builder.addStore({ name: rightStore, kind: 'ordered', retentionMs: retention.right });
  if (aloneStore !== undefined) builder.addStore({ name: aloneStore, kind: 'ordered' });
  const sides = [
    { side: 'left', from: left },
    { side: 'right', from: right },
  ] as const;
  const nodes = sides.map(({ side, from }) => {
    const { node } = builder.rows(builder.build(from));
    const name = `${id}-${side === 'left' ? 'Left' : 'Right'}`;
    topology.addProcessor(name, sideOfJoin<Row>(side), [node]);
    return name;
  });
  const [leftTypes, rightTypes] = [typesOf(left.schema.value), typesOf(right.schema.value)];
  topology.addProcessor(
    id,
    (context, forward) => {
      const join = rowJoiner(leftTypes.length, rightTypes.length);
      return joinStreamStream<Row, Row, Row>({
        left: { store: leftStore, row: lentRows(leftTypes) },
        right: { store: rightStore, row: lentRows(rightTypes) },
        times: within,
        outer: outer[type],
        ...(aloneStore === undefined ? {} : { alone: aloneStore }),
        join,
      })(context, forward);
    },
    nodes,
    { stores: [leftStore, rightStore, ...(aloneStore === undefined ? [] : [aloneStore])] },
  );
  return { kind: 'rows', node: id, schema };
};
