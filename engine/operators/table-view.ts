/**
 * A table's rows, looked up by key: how a join sees the table that it joins with.
 *
 * A table that is kept has its rows in a store. One that is derived from it (filtered, mapped, joined) needs no store
 * of its own: its view reads the rows of the tables that it is made of, and derives the row when it is asked for.
 */

import { fingerprint, readI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { SessionStore } from '../stores/session-store.ts';
import type { ValueCursor } from '../stores/store.ts';
import { WindowsByStart } from '../stores/windows-by-start.ts';
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

/** What is kept for the record's key; undefined: nothing. */
type LookUp = (record: StreamRecord<unknown>) => ValueCursor | undefined;

/** How a store keeps the time of a row: before the row, unless said otherwise. */
interface KeptTime {
  /** Bytes before the row. */
  readonly before: number;
  readonly of: (found: ValueCursor, record: StreamRecord<unknown>) => number;
}

const timeBefore: KeptTime = {
  before: timestampBytes,
  of: ({ valueBytes, valueStart }) => timestampOf(valueBytes, valueStart),
};

/** The rows of a store. */
const rowsIn = <R>(
  store: string,
  row: Pick<Serde<R>, 'read'>,
  lookUpIn: (context: OperatorContext) => LookUp,
  time: KeptTime = timeBefore,
): ViewedTable<R> => ({
  stores: [store],
  open(context) {
    const lookUp = lookUpIn(context);
    const view = {
      timestamp: 0,
      find(record: StreamRecord<unknown>): R | null {
        const found = lookUp(record);
        if (found === undefined) return null;
        view.timestamp = time.of(found, record);
        return row.read(found.valueBytes, found.valueStart + time.before, found.valueEnd);
      },
    };
    return view;
  },
  fingerprints(context) {
    const lookUp = lookUpIn(context);
    return (record) => {
      const found = lookUp(record);
      return found === undefined ? 0 : fingerprint(found.valueBytes, found.valueStart, found.valueEnd);
    };
  },
});

/** The rows of a key-value store. */
export const storedRows = <R>(name: string, row: Pick<Serde<R>, 'read'>): ViewedTable<R> =>
  rowsIn(name, row, (context) => {
    const store = context.store(name, 'key-value');
    return ({ keyBytes, keyStart, keyEnd }) => (store.get(keyBytes, keyStart, keyEnd) ? store : undefined);
  });

/** The rows of a window store, by keys that end with the window's start. */
export const windowRows = <R>(name: string, row: Pick<Serde<R>, 'read'>): ViewedTable<R> =>
  rowsIn(name, row, (context) => {
    const store = context.store(name, 'window');
    return ({ keyBytes, keyStart, keyEnd }) => {
      const end = keyEnd - timestampBytes;
      return store.get(readI64(keyBytes, end), keyBytes, keyStart, end) ? store : undefined;
    };
  });

/** The rows of sliding windows, by the same keys. */
export const slidingWindowRows = <R>(name: string, row: Pick<Serde<R>, 'read'>): ViewedTable<R> =>
  rowsIn(name, row, (context) => {
    const windows = new WindowsByStart(context.store(name, 'ordered'));
    return ({ keyBytes, keyStart, keyEnd }) => {
      const end = keyEnd - timestampBytes;
      const start = readI64(keyBytes, end);
      windows.fetch(keyBytes, keyStart, end, start, start);
      return windows.next() ? windows : undefined;
    };
  });

/** The rows of sessions, by keys that end with a session's end and start. The time of a row is its session's end. */
export const sessionRows = <R>(name: string, row: Pick<Serde<R>, 'read'>): ViewedTable<R> =>
  rowsIn(
    name,
    row,
    (context) => {
      const sessions = new SessionStore(context.store(name, 'ordered'));
      return ({ keyBytes, keyStart, keyEnd }) => {
        const endAt = keyEnd - 2 * timestampBytes;
        const start = readI64(keyBytes, endAt + timestampBytes);
        return sessions.get(keyBytes, keyStart, endAt, start, readI64(keyBytes, endAt)) ? sessions : undefined;
      };
    },
    { before: 0, of: (_found, { keyBytes, keyEnd }) => readI64(keyBytes, keyEnd - 2 * timestampBytes) },
  );

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
