/** What the DSL's streams and tables are made of. */

import { copyBytes, UserError } from '../../base/index.ts';
import type { CacheOption } from '../operators/cached-results.ts';
import type { ViewedTable } from '../operators/table-view.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import type { Graph } from './graph.ts';
import { windowBytesOf } from './windowed.ts';

/** When the window of a key closes: `closesAfterMs` after its end, it takes no record any more. */
export interface WindowClosing {
  /** The end of the window in a key whose bytes end at `keyEnd`. */
  readonly endOf: (keyBytes: Uint8Array, keyEnd: number) => number;
  readonly closesAfterMs: number;
}

/** A key's form: its serde, and how many bytes of a window lie behind the key's own. */
export interface KeyForm<K> {
  readonly serde: Serde<K>;
  readonly windowBytes: number;
  /** Of keys with a window that closes. */
  readonly closing?: WindowClosing;
}

/** The form of a key that is written by this serde. */
export const keyForm = <K>(serde: Serde<K>): KeyForm<K> => ({ serde, windowBytes: windowBytesOf(serde) });

export const keyOf = <K>({ serde }: KeyForm<K>, record: StreamRecord<unknown>): K | null =>
  record.keyStart < 0 ? null : serde.read(record.keyBytes, record.keyStart, record.keyEnd);

/** The key of a record that is known to have one. */
export const presentKeyOf = <K>({ serde }: KeyForm<K>, record: StreamRecord<unknown>): K =>
  serde.read(record.keyBytes, record.keyStart, record.keyEnd);

/** Reads keys that mostly come several times in a row, such as once for each window of a record: text or bytes that are
 *  the same as those before are not read again. */
export const repeatedKeyOf = <K>(form: KeyForm<K>): ((record: StreamRecord<unknown>) => K) => {
  if (form.serde.readsAll !== true) return (record) => presentKeyOf(form, record);
  let bytes = new Uint8Array(64);
  let length = -1;
  let key: K;
  return (record) => {
    const { keyBytes, keyStart, keyEnd } = record;
    if (length === keyEnd - keyStart) {
      let same = 0;
      while (same < length && bytes[same] === keyBytes[keyStart + same]) same++;
      if (same === length) return key;
    }
    key = presentKeyOf(form, record);
    length = keyEnd - keyStart;
    if (length > bytes.length) bytes = new Uint8Array(length * 2);
    copyBytes(keyBytes, keyStart, keyEnd, bytes, 0);
    return key;
  };
};

export interface StreamParts<K, V> {
  readonly graph: Graph;
  /** The node that this stream comes out of. */
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V> | undefined;
  /** The key may have changed since records were last brought together by it. */
  readonly flagged: boolean;
}

/** What others have asked of a table that is not built yet. */
export interface Wanted {
  store: boolean;
  /** Its rows are looked up. */
  lookedUp?: boolean;
  /** They are held back until their windows close, and read from their store then. */
  heldBack?: boolean;
  /** Each update is sent on in any case. */
  eachUpdate?: boolean;
  /** Of the table that this one is made of, row by row. */
  readonly of?: Wanted;
}

/** Asks a table, and those that it is made of, for each update: its rows are looked up, when all that was processed
 *  before has to be in them, or the updates are held back by their times. */
export const wantEachUpdate = (wanted: Wanted): void => {
  wanted.eachUpdate = true;
  if (wanted.of !== undefined) wantEachUpdate(wanted.of);
};

/** Whether the updates of a table are merged between commits: asked once the topology is built. */
export const cacheOf =
  (wanted: Wanted, { cache }: { readonly cache?: boolean }): CacheOption =>
  () =>
    wanted.eachUpdate === true ? false : cache;

export interface TableParts<K, V> {
  readonly graph: Graph;
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V> | undefined;
  readonly wanted: Wanted;
  /** The store that holds just these rows, for reading them from outside. */
  readonly store: string | undefined;
  /** The store is one of windows or sessions, not of rows by key. Default false. */
  readonly keepsWindows?: boolean;
  /** The window store that holds just these rows, where its aggregate sends each change. */
  readonly windowStore?: string;
  /** The store of its former rows, of a versioned table. */
  readonly history?: string;
  /** Its changes may be older than those that came before: of a versioned table, and of those that are made of one and
   *  kept nowhere. Default false. */
  readonly versioned?: boolean;
  /** Where rows are looked up; called when the topology is built. Undefined: nowhere, the store has rows that were not
   *  sent yet. */
  readonly rows: (() => ViewedTable<V>) | undefined;
}

/** For joins: asks the table to be kept, and answers where its rows are looked up once the topology is built. */
export const rowsOf = <K, V>({ wanted, rows }: TableParts<K, V>): (() => ViewedTable<V>) => {
  if (rows === undefined)
    throw new UserError(
      'DSL_JOIN_INVALID',
      'a table of results that are sent when their windows close cannot be joined',
      {
        hint: 'Make a table of what is sent: toStream().toTable().',
      },
    );
  wanted.store = true;
  wanted.lookedUp = true;
  wantEachUpdate(wanted);
  return rows;
};
