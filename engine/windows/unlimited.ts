/** The unlimited window: [start, ∞). It never closes; a time before its start lies in no window. */

import type { TimeWindows } from './tumbling.ts';

export const unlimited = (startMs: number): TimeWindows => ({
  sizeMs: Number.POSITIVE_INFINITY,
  advanceMs: Number.POSITIVE_INFINITY,
  first: () => startMs,
});
