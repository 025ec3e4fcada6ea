/**
 * Joins of two tables: a node for the changes of each side, and one that brings the results together, and keeps them
 * where that is asked for.
 */

import { type JoinRows, joinedRows, joinTableTable, tableTableJoinBefore } from '../operators/join-table-table.ts';
import { tablePassed } from '../operators/table-passed.ts';
import { tableSource } from '../operators/table-source.ts';
import { storedRows } from '../operators/table-view.ts';
import type { Topology } from '../topology.ts';
import { assertCombinable, serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { Materialized } from './options.ts';
import { cacheOf, presentKeyOf, rowsOf, type TableParts, type Wanted } from './parts.ts';
import { rowStore } from './row-store.ts';

interface TableTableJoinOptions<K, L, R, V> {
  readonly kind: 'inner' | 'left' | 'outer';
  readonly joiner: (left: L | null, right: R | null, key: K) => V | null;
  readonly options: Materialized<V>;
}

export const tableTableJoin = <K, L, R, V>(
  left: TableParts<K, L>,
  right: TableParts<K, R>,
  { kind, joiner, options }: TableTableJoinOptions<K, L, R, V>,
): KTable<K, V> => {
  const { graph, key } = left;
  assertCombinable(left, right, 'a join of tables');
  const node = graph.name('KTABLE-MERGE', options.name);
  const leftNode = options.name === undefined ? graph.name('KTABLE-JOINTHIS') : `${node}-join-this`;
  const rightNode = options.name === undefined ? graph.name('KTABLE-JOINOTHER') : `${node}-join-other`;
  const alone = { left: kind !== 'inner', right: kind === 'outer' };
  const join: JoinRows<L, R, V> = (a, b, record) => joiner(a, b, presentKeyOf(key, record));
  const leftRows = rowsOf(left);
  const rightRows = rowsOf(right);
  const wanted: Wanted = { store: options.store !== undefined };
  const store = options.store ?? `${node}-STATE-STORE`;
  let kept = false;
  graph.add((topology) => {
    const lefts = leftRows();
    const rights = rightRows();
    // Only an inner join loses deletions without the store; the row before is wrong without it in all kinds.
    const together = (kind === 'inner' || wanted.store) && haveCommonAncestor(topology, left.node, right.node);
    kept = options.store !== undefined || together;
    topology.addProcessor(
      leftNode,
      joinTableTable<L, R, V>({ other: rights, join, keepsOwn: alone.left, keepsOther: alone.right, together }),
      [left.node],
      { stores: rights.stores, before: tableTableJoinBefore(alone.left) },
    );
    topology.addProcessor(
      rightNode,
      joinTableTable<R, L, V>({
        other: lefts,
        join: (b, a, record, context) => join(a, b, record, context),
        keepsOwn: alone.right,
        keepsOther: alone.left,
        together,
      }),
      [right.node],
      { stores: lefts.stores, before: tableTableJoinBefore(alone.right) },
    );
    const parents = [leftNode, rightNode];
    if (kept) {
      const why = together ? ', which is kept since one record changes both sides,' : '';
      const row = serdeFor('value', `the join "${node}"${why}`, options.value);
      topology.addStore(rowStore(store, key, row));
      const cache = cacheOf(wanted, options);
      const supplier = tableSource<V>({ store, row, knownDeletesOnly: together, cache });
      topology.addProcessor(node, supplier, parents, { stores: [store] });
    } else topology.addProcessor(node, tablePassed<V>(), parents, { before: 'passed on' });
  });
  return graph.make.table<K, V>({
    graph,
    node,
    key,
    value: options.value,
    wanted,
    store: options.store,
    rows: () =>
      kept
        ? storedRows(store, serdeFor('value', `the join "${node}"`, options.value))
        : joinedRows(leftRows(), rightRows(), alone, join),
  });
};

/** Whether one node's records reach both of these within one sub-topology. */
const haveCommonAncestor = (topology: Topology, a: string, b: string): boolean => {
  const parents = new Map(topology.nodes.map((node) => [node.name, node.node === 'source' ? [] : node.parents]));
  const ancestors = (of: string, found = new Set<string>()): ReadonlySet<string> => {
    if (found.has(of)) return found;
    found.add(of);
    for (const parent of parents.get(of) ?? []) ancestors(parent, found);
    return found;
  };
  const others = ancestors(b);
  for (const node of ancestors(a)) if (others.has(node)) return true;
  return false;
};
