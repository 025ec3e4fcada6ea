/** All kinds of steps: the union of their data, and the definition of each. A kind without a row does not compile. */

import { type AggregateStep as AggregateOf, streamAggregate, tableAggregate } from './aggregate.ts';
import type { StepDefinition } from './definition.ts';
import { type FilterStep as FilterOf, filter } from './filter.ts';
import { type FlatMapStep as FlatMapOf, flatMap } from './flat-map.ts';
import { type ForeignKeyJoinStep as ForeignKeyJoinOf, foreignKeyJoin } from './foreign-key-join.ts';
import {
  type GroupByStep as GroupByOf,
  streamGroupBy,
  type TableGroupByStep as TableGroupByOf,
  tableGroupBy,
} from './group-by.ts';
import { type ResultStep as ResultOf, result } from './result.ts';
import { type SelectStep as SelectOf, select } from './select.ts';
import { type SinkStep as SinkOf, sink } from './sink.ts';
import { type SourceStep, source } from './source.ts';
import { type SelectKeyStep as SelectKeyOf, streamSelectKey } from './stream-select-key.ts';
import { type StreamStreamJoinStep as StreamStreamJoinOf, streamStreamJoin } from './stream-stream-join.ts';
import { type JoinStep as JoinOf, streamTableJoin } from './stream-table-join.ts';
import { type TableSelectKeyStep as TableSelectKeyOf, tableSelectKey } from './table-select-key.ts';
import { type TableStoreStep as TableStoreOf, tableStore } from './table-store.ts';
import { type TableTableJoinStep as TableTableJoinOf, tableTableJoin } from './table-table-join.ts';
import { type WindowedAggregateStep as WindowedAggregateOf, windowedAggregate } from './windowed-aggregate.ts';

export type Step =
  | SourceStep
  | FilterOf<Step>
  | SelectOf<Step>
  | FlatMapOf<Step>
  | SelectKeyOf<Step>
  | TableSelectKeyOf<Step>
  | GroupByOf<Step>
  | TableGroupByOf<Step>
  | AggregateOf<Step>
  | WindowedAggregateOf<Step>
  | JoinOf<Step>
  | StreamStreamJoinOf<Step>
  | TableTableJoinOf<Step>
  | ForeignKeyJoinOf<Step>
  | SinkOf<Step>
  | TableStoreOf<Step>
  | ResultOf<Step>;

/** The step of a kind: `StepOf<'tableFilter'>`. */
export type StepOf<K extends Step['kind']> = OfKind<Step, K>;
type OfKind<S, K> = S extends { readonly kind: infer Kinds } ? (K extends Kinds ? S : never) : never;

export const stepDefinitions: { readonly [K in Step['kind']]: StepDefinition<StepOf<K>, Step> } = {
  streamSource: source,
  tableSource: source,
  streamFilter: filter<Step>(),
  tableFilter: filter<Step>(),
  streamSelect: select<Step>(),
  tableSelect: select<Step>(),
  streamFlatMap: flatMap<Step>(),
  streamSelectKey: streamSelectKey<Step>(),
  tableSelectKey: tableSelectKey<Step>(),
  streamGroupBy: streamGroupBy<Step>(),
  tableGroupBy: tableGroupBy<Step>(),
  streamAggregate: streamAggregate<Step>(),
  tableAggregate: tableAggregate<Step>(),
  streamWindowedAggregate: windowedAggregate<Step>(),
  streamTableJoin: streamTableJoin<Step>(),
  streamStreamJoin: streamStreamJoin<Step>(),
  tableTableJoin: tableTableJoin<Step>(),
  foreignKeyJoin: foreignKeyJoin<Step>(),
  streamSink: sink<Step>(),
  tableSink: sink<Step>(),
  tableStore: tableStore<Step>(),
  result: result<Step>(),
};
