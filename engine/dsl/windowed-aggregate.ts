/** How a stream is aggregated by each kind of windows: the store, the operator over it, and the form of the keys that
 *  come out. */

import { UserError } from '../../base/index.ts';
import type { OperatorSupplier } from '../operator.ts';
import type { Accumulation, MergingAccumulation } from '../operators/accumulation.ts';
import { sessionAggregate } from '../operators/session-aggregate.ts';
import { slidingAggregate } from '../operators/sliding-aggregate.ts';
import { type NullValues, windowAggregate } from '../operators/window-aggregate.ts';
import type { Serde } from '../serde.ts';
import type { StoreSpec } from '../stores/store.ts';
import type { KeyForm } from './parts.ts';
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

export interface WindowedAggregate {
  readonly stores: readonly StoreSpec[];
  keyForm<K>(key: Serde<K>): KeyForm<Windowed<K>>;
}

/** What an aggregate gets besides that sends results when windows close: the store of the open ones. */
const openWindowsOf = (
  store: string,
  emit: EmitStrategy,
): { readonly stores: readonly StoreSpec[]; readonly option: { readonly openWindows?: string } } => {
  if (emit === 'on window update') return { stores: [], option: {} };
  const openWindows = `${store}-open`;
  return { stores: [{ name: openWindows, kind: 'ordered' }], option: { openWindows } };
};

/** By windows of fixed size. */
export interface FixedWindowAggregate extends WindowedAggregate {
  operator<V, A, R>(accumulation: Accumulation<V, A, R>, nullValues?: NullValues): OperatorSupplier<V, R>;
}

export const fixedWindowAggregate = (
  windows: FixedWindows,
  store: string,
  givenRetentionMs: number | undefined,
  emit: EmitStrategy = 'on window update',
): FixedWindowAggregate => {
  if (windows instanceof SlidingWindows) return slidingWindowAggregate(windows, store, givenRetentionMs, emit);
  const { starts, sizeMs, graceMs } = windows;
  if (emit === 'on window close' && !Number.isFinite(sizeMs)) {
    throw new UserError('DSL_WINDOW_INVALID', 'an unlimited window never closes', {
      hint: 'Send each update of it (emitStrategy of on window update, the default).',
    });
  }
  const retentionMs = retentionOf(givenRetentionMs, sizeMs + graceMs, 'the window and its grace');
  const open = openWindowsOf(store, emit);
  return {
    stores: [{ name: store, kind: 'window', retentionMs }, ...open.stores],
    keyForm: (key) => ({
      serde: timeWindowed(key, sizeMs),
      windowBytes: timeWindowBytes,
      ...(Number.isFinite(sizeMs) && { closing: { endOf: endOfTimeWindow(sizeMs), closesAfterMs: graceMs } }),
    }),
    operator: (accumulation, nullValues = 'given') =>
      windowAggregate({ store, windows: starts, graceMs, retentionMs, accumulation, nullValues, ...open.option }),
  };
};

const slidingWindowAggregate = (
  { windows, graceMs }: SlidingWindows,
  store: string,
  givenRetentionMs: number | undefined,
  emit: EmitStrategy,
): FixedWindowAggregate => {
  const { differenceMs } = windows;
  const open = openWindowsOf(store, emit);
  const needs = 'twice the time difference and the grace';
  const retentionMs = retentionOf(givenRetentionMs, Math.max(1, 2 * differenceMs + graceMs), needs);
  return {
    stores: [{ name: store, kind: 'ordered', retentionMs: differenceMs + retentionMs }, ...open.stores],
    keyForm: (key) => ({
      serde: timeWindowed(key, differenceMs),
      windowBytes: timeWindowBytes,
      // A record that comes just then is not late yet.
      closing: { endOf: endOfTimeWindow(differenceMs), closesAfterMs: graceMs + 1 },
    }),
    // Records without a value are dropped in any case.
    operator: (accumulation) =>
      slidingAggregate({ store, windows, graceMs, retentionMs, accumulation, ...open.option }),
  };
};

export interface SessionWindowAggregate extends WindowedAggregate {
  operator<V, A, R>(accumulation: MergingAccumulation<V, A, R>, nullValues?: NullValues): OperatorSupplier<V, R>;
}

export const sessionWindowAggregate = (
  { sessions, gapMs, graceMs }: SessionWindows,
  store: string,
  givenRetentionMs: number | undefined,
  emit: EmitStrategy = 'on window update',
): SessionWindowAggregate => {
  const open = openWindowsOf(store, emit);
  const retentionMs = retentionOf(givenRetentionMs, gapMs + graceMs, 'the gap of the sessions and their grace');
  return {
    stores: [{ name: store, kind: 'ordered', retentionMs }, ...open.stores],
    keyForm: (key) => ({
      serde: sessionWindowed(key),
      windowBytes: sessionBytes,
      // A record that comes just then is not late yet.
      closing: { endOf: endOfSession, closesAfterMs: gapMs + graceMs + 1 },
    }),
    operator: (accumulation, nullValues = 'given') =>
      sessionAggregate({ store, windows: sessions, graceMs, retentionMs, accumulation, nullValues, ...open.option }),
  };
};
