/** The node of a join of a stream with a global table. */

import { joinStreamGlobalTable } from '../operators/join-stream-global-table.ts';
import { type GlobalKTable, partsOfGlobalTable } from './global-ktable.ts';
import { assertSameBuilder } from './graph.ts';
import type { WithValue } from './options.ts';
import { keyOf, type StreamParts } from './parts.ts';
import type { StreamJoiner } from './stream-join.ts';

/** The key of the row that a record is joined with. */
export type SelectKey<K, V, GK> = (key: K | null, value: V) => GK | null;

export const joinWithGlobalTable = <K, V, GK, R, V2>(
  parts: StreamParts<K, V>,
  table: GlobalKTable<GK, R>,
  select: SelectKey<K, V, GK>,
  joiner: StreamJoiner<K, V, R, V2>,
  left: boolean,
  { name, value }: WithValue<V2>,
): StreamParts<K, V2> => {
  const { graph, node: parent, key } = parts;
  const { graph: tables, key: keySerde, rows } = partsOfGlobalTable(table);
  assertSameBuilder(graph, tables, 'a join of a stream with a global table');
  const node = graph.name(left ? 'KSTREAM-LEFTJOIN' : 'KSTREAM-JOIN', name);
  graph.add((topology) => {
    const supplier = joinStreamGlobalTable<V, R, V2>({
      table: rows,
      key(record, out) {
        // The operator drops records without a value.
        const selected = select(keyOf(key, record), record.value as V);
        if (selected === null) return false;
        keySerde.write(selected, out);
        return true;
      },
      join: (record, row) => joiner(record.value, row, keyOf(key, record)),
      left,
    });
    topology.addProcessor(node, supplier, [parent], { stores: rows.stores });
  });
  return { ...parts, node, value };
};
