/** How a stream is aggregated by each kind of windows: the store, the operator over it, and the form of the keys that
 *  come out. */

import { UserError } from '../../base/index.ts';
import { notGiven } from '../given.ts';
import type { OperatorSupplier } from '../operator.ts';
import type { Accumulation, MergingAccumulation } from '../operators/accumulation.ts';
import { sessionAggregate } from '../operators/session-aggregate.ts';
import { slidingAggregate } from '../operators/sliding-aggregate.ts';
import { sessionRows, slidingWindowRows, type ViewedTable, windowRows } from '../operators/table-view.ts';
import { type NullValues, windowAggregate } from '../operators/window-aggregate.ts';
import type { Serde } from '../serde.ts';
import type { StoreSpec } from '../stores/store.ts';
import { storeSpec } from '../stores/store-spec.ts';
import { cacheOf, type KeyForm, type Wanted } from './parts.ts';
import type { SessionWindows } from './session-windows.ts';
import { SlidingWindows } from './sliding-windows.ts';
import type { TimeWindows } from './time-windows.ts';
import type { UnlimitedWindows } from './unlimited-windows.ts';
import { retentionOf } from './window-times.ts';
import {
  endOfSession,
  endOfTimeWindow,
  sessionBytes,
  sessionWindowed,
  timeWindowBytes,
  timeWindowed,
  type Windowed,
} from './windowed.ts';

/** Windows that a stream is grouped by, but for sessions. */
export type FixedWindows = TimeWindows | UnlimitedWindows | SlidingWindows;

/** When the results of windows are sent: each update, or one for each window, when it closes. */
export type EmitStrategy = 'on window update' | 'on window close';

const emitStrategies: readonly unknown[] = ['on window update', 'on window close'] satisfies EmitStrategy[];

/** Refuses a strategy that does not exist: a misspelt one would send each update. */
export const requireEmitStrategy = (emit: EmitStrategy): void => {
  if (!emitStrategies.includes(emit))
    throw notGiven(`emitStrategy needs one of "${emitStrategies.join('", "')}"`, emit);
};

export interface WindowedAggregate {
  readonly stores: readonly StoreSpec[];
  keyForm<K>(key: Serde<K>): KeyForm<Windowed<K>>;
  /** Where its rows are looked up; undefined: they are not those that were sent, as long as windows are open. */
  readonly rows: (<R>(row: Serde<R>) => ViewedTable<R>) | undefined;
}

/** The store of an aggregate: its keys, without their windows, and its rows. */
export interface WindowRows {
  readonly store: string;
  readonly key: { readonly name: string };
  readonly row: { readonly name: string };
}

/** What an aggregate gets besides that sends results when windows close: the store of the open ones. */
const openWindowsOf = (
  { store, key }: WindowRows,
  emit: EmitStrategy,
): { readonly stores: readonly StoreSpec[]; readonly option: { readonly openWindows?: string } } => {
  if (emit === 'on window update') return { stores: [], option: {} };
  const openWindows = `${store}-open`;
  return { stores: [storeSpec(openWindows, 'ordered', [key, 'open windows'])], option: { openWindows } };
};

/** What an operator is told of the table of its results. */
export interface ResultTable {
  readonly wanted: Wanted;
  readonly options: { readonly cache?: boolean };
  /** Default: given. */
  readonly nullValues?: NullValues | undefined;
}

/** By windows of fixed size. */
export interface FixedWindowAggregate extends WindowedAggregate {
  operator<V, A, R>(accumulation: Accumulation<V, A, R>, table: ResultTable): OperatorSupplier<V, R>;
}

export const fixedWindowAggregate = (
  windows: FixedWindows,
  rows: WindowRows,
  givenRetentionMs: number | undefined,
  emit: EmitStrategy = 'on window update',
): FixedWindowAggregate => {
  if (windows instanceof SlidingWindows) return slidingWindowAggregate(windows, rows, givenRetentionMs, emit);
  const { starts, sizeMs, graceMs } = windows;
  const { store, key, row } = rows;
  if (emit === 'on window close' && !Number.isFinite(sizeMs)) {
    throw new UserError('DSL_WINDOW_INVALID', 'an unlimited window never closes', {
      hint: 'Send each update of it (emitStrategy of on window update, the default).',
    });
  }
  const retentionMs = retentionOf(givenRetentionMs, sizeMs + graceMs, 'the window and its grace');
  const open = openWindowsOf(rows, emit);
  return {
    stores: [storeSpec(store, 'window', [key, row], retentionMs), ...open.stores],
    rows: emit === 'on window close' ? undefined : (given) => windowRows(store, given),
    keyForm: (own) => ({
      serde: timeWindowed(own, sizeMs),
      windowBytes: timeWindowBytes,
      ...(Number.isFinite(sizeMs) && { closing: { endOf: endOfTimeWindow(sizeMs), closesAfterMs: graceMs } }),
    }),
    operator: (accumulation, { wanted, options, nullValues = 'given' }) =>
      windowAggregate({
        ...{ store, windows: starts, graceMs, retentionMs, accumulation, nullValues, ...open.option },
        cache: cacheOf(wanted, options),
        heldBack: () => wanted.heldBack === true,
      }),
  };
};

const slidingWindowAggregate = (
  { windows, graceMs }: SlidingWindows,
  rows: WindowRows,
  givenRetentionMs: number | undefined,
  emit: EmitStrategy,
): FixedWindowAggregate => {
  const { differenceMs } = windows;
  const { store, key, row } = rows;
  const open = openWindowsOf(rows, emit);
  const needs = 'twice the time difference and the grace';
  const retentionMs = retentionOf(givenRetentionMs, Math.max(1, 2 * differenceMs + graceMs), needs);
  return {
    stores: [storeSpec(store, 'ordered', [key, row, 'windows'], differenceMs + retentionMs), ...open.stores],
    rows: emit === 'on window close' ? undefined : (given) => slidingWindowRows(store, given),
    keyForm: (own) => ({
      serde: timeWindowed(own, differenceMs),
      windowBytes: timeWindowBytes,
      // A record that comes just then is not late yet.
      closing: { endOf: endOfTimeWindow(differenceMs), closesAfterMs: graceMs + 1 },
    }),
    // Records without a value are dropped in any case.
    operator: (accumulation, { wanted, options }) =>
      slidingAggregate({
        ...{ store, windows, graceMs, retentionMs, accumulation, ...open.option },
        cache: cacheOf(wanted, options),
      }),
  };
};

export interface SessionWindowAggregate extends WindowedAggregate {
  operator<V, A, R>(accumulation: MergingAccumulation<V, A, R>, table: ResultTable): OperatorSupplier<V, R>;
}

export const sessionWindowAggregate = (
  { sessions, gapMs, graceMs }: SessionWindows,
  rows: WindowRows,
  givenRetentionMs: number | undefined,
  emit: EmitStrategy = 'on window update',
): SessionWindowAggregate => {
  const { store, key, row } = rows;
  const open = openWindowsOf(rows, emit);
  const retentionMs = retentionOf(givenRetentionMs, gapMs + graceMs, 'the gap of the sessions and their grace');
  return {
    stores: [storeSpec(store, 'ordered', [key, row, 'sessions'], retentionMs), ...open.stores],
    rows: emit === 'on window close' ? undefined : (given) => sessionRows(store, given),
    keyForm: (own) => ({
      serde: sessionWindowed(own),
      windowBytes: sessionBytes,
      // A record that comes just then is not late yet.
      closing: { endOf: endOfSession, closesAfterMs: gapMs + graceMs + 1 },
    }),
    operator: (accumulation, { wanted, options, nullValues = 'given' }) =>
      sessionAggregate({
        ...{ store, windows: sessions, graceMs, retentionMs, accumulation, nullValues, ...open.option },
        cache: cacheOf(wanted, options),
      }),
  };
};
