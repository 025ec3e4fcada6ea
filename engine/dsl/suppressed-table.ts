/** A table whose changes are held back: the operator with its two stores. */

import { UserError } from '../../base/index.ts';
import { type BufferLimit, type Suppression, suppress, suppressedRows } from '../operators/suppress.ts';
import { storeSpec } from '../stores/store-spec.ts';
import { serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { WithValue } from './options.ts';
import { type TableParts, wantEachUpdate } from './parts.ts';
import type { BufferConfig, Suppressed } from './suppressed.ts';

export const suppressedTable = <K, V>(
  parts: TableParts<K, V>,
  suppressed: Suppressed<K>,
  options: WithValue<V>,
): KTable<K, V> => {
  const { graph, node: parent, key, wanted, rows, windowStore, ...rest } = parts;
  const { name } = suppressed;
  const node = graph.name('KTABLE-SUPPRESS', name);
  const store = name === undefined ? graph.name('KTABLE-SUPPRESS-STATE-STORE') : `${name}-store`;
  const byTime = `${store}-by-time`;
  const row = serdeFor('value', 'suppress', options.value, parts.value);
  const limit = limitOf(suppressed.buffer);
  const when = whenOf(parts, suppressed);
  // What is held back until windows close are rows of the aggregate's store, as it has them.
  const held = when.windowEnd === undefined || limit !== undefined || row !== parts.value ? undefined : windowStore;
  if (held !== undefined) wanted.heldBack = true;
  wantEachUpdate(wanted);
  graph.add((topology) => {
    // Rows that are looked up are those before what is held back.
    const before = wanted.lookedUp === true ? 'needed' : 'passed on';
    const source = before === 'needed' ? undefined : held;
    topology.addStore(storeSpec(store, 'key-value', [key.serde, row, 'held back']));
    topology.addStore(storeSpec(byTime, 'ordered', [key.serde, 'by time']));
    const more = { ...(limit && { limit }), ...(source !== undefined && { windowStore: source }) };
    const supplier = suppress<V>({ store, byTime, row, ...when, ...more, before });
    const stores = source === undefined ? [store, byTime] : [store, byTime, source];
    topology.addProcessor(node, supplier, [parent], { stores, before });
  });
  return graph.make.table({
    ...rest,
    ...{ graph, key, wanted },
    node,
    store: undefined,
    value: row,
    rows: rows && (() => suppressedRows(rows(), store, row)),
  });
};

/** When a key goes. */
const whenOf = <K, V>(
  { key: { closing } }: TableParts<K, V>,
  { until, waitMs }: Suppressed<K>,
): Pick<Suppression<V>, 'waitMs' | 'windowEnd'> => {
  if (until === 'time limit') return { waitMs };
  if (closing !== undefined) return { waitMs: closing.closesAfterMs, windowEnd: closing.endOf };
  throw new UserError('DSL_SUPPRESS_INVALID', 'the windows of this table never close', {
    hint: 'Final results are those of an aggregation over windows or sessions that end.',
  });
};

const limitOf = ({ maxRecords, maxBytes, whenFull }: BufferConfig): BufferLimit | undefined =>
  maxRecords === undefined && maxBytes === undefined
    ? undefined
    : {
        whenFull,
        ...(maxRecords !== undefined && { maxRecords }),
        ...(maxBytes !== undefined && { maxBytes }),
      };
