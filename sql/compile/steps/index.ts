/** How each kind of step is built. A kind without a builder does not compile. */

import type { Step, StepOf } from '../../plan/plan.ts';
import type { Built, TopologyBuilder } from '../builder.ts';
import { buildAggregate } from './aggregate.ts';
import { buildFilter } from './filter.ts';
import { buildFlatMap } from './flat-map.ts';
import { buildForeignKeyJoin } from './foreign-key-join.ts';
import { buildStreamGroupBy, buildTableGroupBy } from './group-by.ts';
import { buildResult } from './result.ts';
import { buildSelect } from './select.ts';
import { buildSink } from './sink.ts';
import { buildSource } from './source.ts';
import { buildStreamSelectKey } from './stream-select-key.ts';
import { buildStreamStreamJoin } from './stream-stream-join.ts';
import { buildStreamTableJoin } from './stream-table-join.ts';
import { buildTableSelectKey } from './table-select-key.ts';
import { buildTableStore } from './table-store.ts';
import { buildTableTableJoin } from './table-table-join.ts';

/** What a plan ends in; these steps stand at its top, and nowhere else. */
type EndKind = 'streamSink' | 'tableSink' | 'tableStore' | 'result';

export const endBuilders: { readonly [K in EndKind]: (step: StepOf<K>, builder: TopologyBuilder) => void } = {
  streamSink: buildSink,
  tableSink: buildSink,
  tableStore: buildTableStore,
  result: buildResult,
};

export const stepBuilders: {
  readonly [K in Exclude<Step['kind'], EndKind>]: (step: StepOf<K>, builder: TopologyBuilder) => Built;
} = {
  streamSource: buildSource,
  tableSource: buildSource,
  streamFilter: buildFilter,
  tableFilter: buildFilter,
  streamSelect: buildSelect,
  tableSelect: buildSelect,
  streamFlatMap: buildFlatMap,
  streamSelectKey: buildStreamSelectKey,
  tableSelectKey: buildTableSelectKey,
  streamGroupBy: buildStreamGroupBy,
  tableGroupBy: buildTableGroupBy,
  streamAggregate: buildAggregate,
  tableAggregate: buildAggregate,
  streamWindowedAggregate: buildAggregate,
  streamTableJoin: buildStreamTableJoin,
  streamStreamJoin: buildStreamStreamJoin,
  tableTableJoin: buildTableTableJoin,
  foreignKeyJoin: buildForeignKeyJoin,
};
