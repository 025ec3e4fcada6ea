/** The node of a join of a stream with a table, and the store of the records that wait for late rows. */

import { UserError } from '../../base/index.ts';
import { joinStreamTable } from '../operators/join-stream-table.ts';
import { joinStreamTableGrace } from '../operators/join-stream-table-grace.ts';
import type { ViewedTable } from '../operators/table-view.ts';
import type { StreamRecord } from '../record.ts';
import { storeSpec } from '../stores/store-spec.ts';
import { broughtTogether } from './brought-together.ts';
import { assertCombinable, serdeFor } from './graph.ts';
import type { Joined } from './options.ts';
import { keyOf, rowsOf, type StreamParts, type TableParts } from './parts.ts';
import type { StreamJoiner } from './stream-join.ts';

export const joinWithTable = <K, V, R, V2>(
  parts: StreamParts<K, V>,
  table: TableParts<K, R>,
  joiner: StreamJoiner<K, V, R, V2>,
  left: boolean,
  options: Joined<V, V2>,
): StreamParts<K, V2> => {
  const { graph } = parts;
  const { graceMs } = options;
  assertCombinable(parts, table, 'a join of a stream with a table');
  const rows = rowsOf(table);
  const node = graph.name(left ? 'KSTREAM-LEFTJOIN' : 'KSTREAM-JOIN', options.name);
  const written = parts.flagged || graceMs !== undefined;
  const row = written ? serdeFor('left', `the join "${node}"`, options.left, parts.value) : undefined;
  const stream = broughtTogether(parts, `${node}-left`, { value: row, nullKeys: left ? 'keep' : 'drop' });
  const { key, node: parent } = stream;
  const store = `${node}-Buffer`;
  graph.add((topology) => {
    const view = rows();
    const join = (record: StreamRecord<V>, joined: R | null): V2 | null =>
      joiner(record.value, joined, keyOf(key, record));
    if (graceMs === undefined || row === undefined) {
      topology.addProcessor(node, joinStreamTable<V, R, V2>({ table: view, join, left }), [parent], {
        stores: view.stores,
      });
      return;
    }
    checkGrace(graceMs, view);
    topology.addStore(storeSpec(store, 'ordered', [key.serde, row, 'waiting']));
    const supplier = joinStreamTableGrace<V, R, V2>({ table: view, join, left, graceMs, store, row });
    topology.addProcessor(node, supplier, [parent], { stores: [...view.stores, store] });
  });
  return { ...stream, node, value: options.value };
};

const checkGrace = (graceMs: number, { history }: ViewedTable<unknown>): void => {
  if (!(Number.isInteger(graceMs) && graceMs >= 0))
    throw new UserError('DSL_WINDOW_INVALID', `a join cannot have a grace of ${graceMs} ms`);
  if (history !== undefined && history.historyMs >= graceMs) return;
  const why = history === undefined ? 'the table is not versioned' : `its history is kept for ${history.historyMs} ms`;
  throw new UserError('DSL_JOIN_INVALID', `a grace of ${graceMs} ms has no effect: ${why}`, {
    hint: 'Make the table with versioned: { historyMs }, at least as long as the grace.',
  });
};
