/**
 * A table's rows, looked up by key: how a join sees the table that it joins with.
 *
 * A table that is kept has its rows in a store. One that is derived from it (filtered, mapped, joined) needs no store
 * of its own: its view reads the rows of the tables that it is made of, and derives the row when it is asked for.
 */

import { fingerprint } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { timestampBytes, timestampOf } from './timestamped.ts';
import { type VersionedStores, versionsIn } from './versions.ts';

/** The rows of a table, for one processor. */
export interface TableView<R> {
  /** The row of the record's key, which must have one; null: there is none. */
  find(record: StreamRecord<unknown>): R | null;
  /** Event time of the row that `find` came to last. */
  readonly timestamp: number;
}

export interface ViewedTable<R> {
  /** What a node declares that looks up rows. */
  readonly stores: readonly string[];
  /** Called when the processor is made. */
  open(context: OperatorContext): TableView<R>;
  /** The same: a hash, in up to 53 bits, of what is kept for the record's key, times included. It tells one row of a
   *  key from another one. */
  fingerprints(context: OperatorContext): (record: StreamRecord<unknown>) => number;
  /** For a versioned table: how far back its rows are known, and a view that finds the row as of the record's time. */
  readonly history?: { readonly historyMs: number; open(context: OperatorContext): TableView<R> };
}

/** The rows of a key-value store. */
export const storedRows = <R>(name: string, row: Pick<Serde<R>, 'read'>): ViewedTable<R> => ({
  stores: [name],
  open(context) {
    const store = context.store(name, 'key-value');
    const view = {
      timestamp: 0,
      find({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): R | null {
        if (!store.get(keyBytes, keyStart, keyEnd)) return null;
        view.timestamp = timestampOf(store.valueBytes, store.valueStart);
        return row.read(store.valueBytes, store.valueStart + timestampBytes, store.valueEnd);
      },
    };
    return view;
  },
  fingerprints(context) {
    const store = context.store(name, 'key-value');
    return ({ keyBytes, keyStart, keyEnd }) =>
      store.get(keyBytes, keyStart, keyEnd) ? fingerprint(store.valueBytes, store.valueStart, store.valueEnd) : 0;
  },
});

/** The rows of a versioned table. */
export const versionedRows = <R>(stores: VersionedStores, row: Pick<Serde<R>, 'read'>): ViewedTable<R> => ({
  ...storedRows(stores.rows, row),
  stores: [stores.rows, stores.history],
  history: {
    historyMs: stores.historyMs,
    open(context) {
      const versions = versionsIn(context, stores);
      return {
        get timestamp() {
          return versions.timestamp;
        },
        find(record) {
          if (!versions.find(record, record.timestamp)) return null;
          return row.read(versions.valueBytes, versions.valueStart, versions.valueEnd);
        },
      };
    },
  },
});

/** Something else, or nothing (null), for each row. */
export const mappedRows = <In, Out>(
  table: ViewedTable<In>,
  to: (row: In, record: StreamRecord<unknown>, context: OperatorContext) => Out | null,
): ViewedTable<Out> => {
  const { stores, history } = table;
  const mapped = (context: OperatorContext, inner: TableView<In>): TableView<Out> => ({
    get timestamp() {
      return inner.timestamp;
    },
    find(record) {
      const row = inner.find(record);
      return row === null ? null : to(row, record, context);
    },
  });
  return {
    stores,
    open: (context) => mapped(context, table.open(context)),
    fingerprints: (context) => table.fingerprints(context),
    ...(history === undefined
      ? {}
      : { history: { historyMs: history.historyMs, open: (context) => mapped(context, history.open(context)) } }),
  };
};
