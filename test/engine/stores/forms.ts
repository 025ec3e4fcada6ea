/**
 * The kinds of stores as the conformance suite drives them: an entry is named by a window (or a time) and a text,
 * whatever the kind makes of them. Every kind has a row, or several: a kind without one does not compile.
 */

import { compareBytes, readLatin1, readOrderedI64, writeOrderedI64 } from '../../../base/index.ts';
import type { OrderedStateStore, ScanChunk, StateStore } from '../../../engine/stores/state-store.ts';
import type { Hops, StoreKind, StoreSpec, WindowsOfKey } from '../../../engine/stores/store.ts';
import { isOfKind } from '../../../engine/stores/store-kinds.ts';

export const textOf = (bytes: Uint8Array, start = 0, end = bytes.length): string => readLatin1(bytes, start, end);
export const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};

/** Kinds without windows leave `window` at 0. */
export type Key = { readonly window: number; readonly key: string };
export const nameOf = ({ window, key }: Key): string => `${window}/${key}`;

/** How a kind is called with the entry `window`, `bytes[start, end)`. */
interface Form {
  readonly spec: StoreSpec;
  /** Entries have a window or a time, and expire by it. */
  readonly timed: boolean;
  get(store: StateStore, window: number, bytes: Uint8Array, start: number, end: number): boolean;
  getForUpdate?(store: StateStore, window: number, bytes: Uint8Array, start: number, end: number): boolean;
  put(store: StateStore, window: number, bytes: Uint8Array, start: number, end: number, value: Span): boolean;
  delete(store: StateStore, window: number, bytes: Uint8Array, start: number, end: number): void;
  readCommitted(
    store: StateStore,
    window: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Uint8Array | undefined;
  keyOf(chunk: ScanChunk, index: number): Key;
  visitChanges(store: StateStore, visit: VisitChange): void;
}

/** Undefined: it is, or was, absent. */
type VisitChange = (key: Key, before: string | undefined, after: string | undefined) => void;

const valueOf = (bytes: Uint8Array, start: number, end: number): string | undefined =>
  start < 0 ? undefined : textOf(bytes, start, end);

export type Span = readonly [bytes: Uint8Array, start: number, end: number];

const of = <K extends StoreKind>(store: StateStore, kind: K) => {
  if (!isOfKind(store, kind)) throw new Error(`not a store of the kind ${kind}`);
  return store;
};

/** Ordered stores have few keys with many orders each: the key is the last character of the text. */
export const groupOf = (text: string): string => (text === '' ? '' : (Number(text.slice(-1)) % 3).toString());
const group = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  bytesOf(groupOf(textOf(bytes, start, end)));

/** A time, then a text, within other bytes. */
const timed = (window: number, bytes: Uint8Array, start: number, end: number): Span => {
  const order = new Uint8Array(3 + 8 + end - start + 2);
  writeOrderedI64(order, 3, window);
  order.set(bytes.subarray(start, end), 11);
  return [order, 3, order.length - 2];
};

const ordered = (
  spec: StoreSpec,
  orderOf: (window: number, bytes: Uint8Array, start: number, end: number) => Span,
  keyOf: (order: Uint8Array) => Key,
): Form => ({
  spec,
  timed: spec.retentionMs !== undefined,
  get: (store, window, bytes, start, end) => {
    const key = group(bytes, start, end);
    return of(store, 'ordered').get(key, 0, key.length, ...orderOf(window, bytes, start, end));
  },
  put: (store, window, bytes, start, end, value) => {
    const key = group(bytes, start, end);
    return of(store, 'ordered').put(key, 0, key.length, ...orderOf(window, bytes, start, end), ...value);
  },
  delete: (store, window, bytes, start, end) => {
    const key = group(bytes, start, end);
    of(store, 'ordered').delete(key, 0, key.length, ...orderOf(window, bytes, start, end));
  },
  readCommitted: (store, window, bytes, start, end) => {
    const key = group(bytes, start, end);
    return of(store, 'ordered').readCommitted(key, 0, key.length, ...orderOf(window, bytes, start, end));
  },
  keyOf: ({ bytes, orderStarts, orderEnds }, index) => keyOf(bytes.slice(orderStarts[index], orderEnds[index])),
  visitChanges: (store, visit) =>
    of(store, 'ordered').visitChanges((bytes, keyStart, orderStart, orderEnd, before, from, to, after, start, end) => {
      const key = keyOf(bytes.slice(orderStart, orderEnd));
      if (textOf(bytes, keyStart, orderStart) !== groupOf(key.key)) throw new Error(`${nameOf(key)} has another key`);
      visit(key, valueOf(before, from, to), valueOf(after, start, end));
    }),
});

const windowed = (): Form => {
  const cursorOf = cursors();
  return {
    spec: { name: 'store', kind: 'window', retentionMs: 1 },
    timed: true,
    get: (store, window, bytes, start, end) => of(store, 'window').get(window, bytes, start, end),
    getForUpdate: (store, window, bytes, start, end) => cursorOf(store, window, bytes, start, end).getForUpdate(window),
    put: (store, window, bytes, start, end, value) => of(store, 'window').put(window, bytes, start, end, ...value),
    delete: (store, window, bytes, start, end) => of(store, 'window').delete(window, bytes, start, end),
    readCommitted: (store, window, bytes, start, end) =>
      of(store, 'window').readCommittedWindow(window, bytes, start, end),
    keyOf: ({ bytes, keyStarts, keyEnds, windowStarts }, i) => ({
      window: windowStarts[i] as number,
      key: textOf(bytes, keyStarts[i], keyEnds[i]),
    }),
    visitChanges: (store, visit) =>
      of(store, 'window').visitChanges((window, bytes, keyStart, keyEnd, before, from, to, after, start, end) =>
        visit({ window, key: textOf(bytes, keyStart, keyEnd) }, valueOf(before, from, to), valueOf(after, start, end)),
      ),
  };
};

/** Cursors over the windows of a key, one for each store. One that stands at the key stays there, whatever has happened
 *  to the store since. */
const cursors = (hops?: Hops) => {
  const made = new WeakMap<object, { readonly ofKey: WindowsOfKey; key: string }>();
  return (store: StateStore, window: number, bytes: Uint8Array, start: number, end: number): WindowsOfKey => {
    const cursor = made.get(store) ?? { ofKey: of(store, 'window').windowsOfKey(hops), key: '' };
    made.set(store, cursor);
    const key = `#${textOf(bytes, start, end)}`;
    if (cursor.key !== key) cursor.ofKey.comeTo(bytes, start, end, window);
    cursor.key = key;
    return cursor.ofKey;
  };
};

/** By a cursor over the windows of a key, which overlap. */
const windowedByKey = (hops: Hops): Form => {
  const cursorOf = cursors(hops);
  return {
    ...windowed(),
    get: (store, window, ...key) => cursorOf(store, window, ...key).get(window),
    getForUpdate: (store, window, ...key) => cursorOf(store, window, ...key).getForUpdate(window),
    put: (store, window, bytes, start, end, value) => cursorOf(store, window, bytes, start, end).put(window, ...value),
    delete: (store, window, ...key) => cursorOf(store, window, ...key).delete(window),
  };
};

export const forms = {
  'key-value': {
    spec: { name: 'store', kind: 'key-value' },
    timed: false,
    get: (store, _, bytes, start, end) => of(store, 'key-value').get(bytes, start, end),
    getForUpdate: (store, _, bytes, start, end) => of(store, 'key-value').getForUpdate(bytes, start, end),
    put: (store, _, bytes, start, end, value) => of(store, 'key-value').put(bytes, start, end, ...value),
    delete: (store, _, bytes, start, end) => of(store, 'key-value').delete(bytes, start, end),
    readCommitted: (store, _, bytes, start, end) => of(store, 'key-value').readCommitted(bytes, start, end),
    keyOf: ({ bytes, keyStarts, keyEnds }, i) => ({ window: 0, key: textOf(bytes, keyStarts[i], keyEnds[i]) }),
    visitChanges: (store, visit) =>
      of(store, 'key-value').visitChanges((bytes, keyStart, keyEnd, before, from, to, after, start, end) =>
        visit(
          { window: 0, key: textOf(bytes, keyStart, keyEnd) },
          valueOf(before, from, to),
          valueOf(after, start, end),
        ),
      ),
  },
  window: windowed(),
  // Less than twice as many lie side by side.
  'window, several of a record': windowedByKey({ advanceMs: 20_000, count: 3 }),
  ordered: ordered(
    { name: 'store', kind: 'ordered' },
    (_, bytes, start, end) => [bytes, start, end],
    (order) => ({ window: 0, key: textOf(order) }),
  ),
  // Windows of 50 s, over times that are multiples of 1, 20 and 60 s.
  'ordered by time': ordered({ name: 'store', kind: 'ordered', retentionMs: 50_000 }, timed, (order) => ({
    window: readOrderedI64(order, 0),
    key: textOf(order, 8),
  })),
} as const satisfies Record<StoreKind, Form> & Record<string, Form>;

export type Kind = keyof typeof forms;
export const allKinds = Object.keys(forms) as Kind[];
export const formOf = (kind: Kind): Form => forms[kind];

/** The order that an ordered kind gives an entry. */
export const orderOf = (kind: Kind, { window, key }: Key): Uint8Array => {
  const bytes = bytesOf(key);
  if (kind !== 'ordered by time') return bytes;
  const [order, start, end] = timed(window, bytes, 0, bytes.length);
  return order.slice(start, end);
};

export const compareOrders = (kind: Kind, a: Key, b: Key): number => {
  const [first, second] = [orderOf(kind, a), orderOf(kind, b)];
  return compareBytes(first, 0, first.length, second, 0, second.length);
};

export const orderedStore = (store: StateStore): OrderedStateStore => of(store, 'ordered');
export const windowStore = (store: StateStore) => of(store, 'window');
