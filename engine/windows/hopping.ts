/**
 * Hopping windows: [n·advance, n·advance + size), aligned to the epoch; a time lies in size / advance of them, as many
 * windows overlap there.
 *
 * As in Kafka Streams no window of a time since 1970 begins before 1970.
 */

import type { TimeWindows } from './tumbling.ts';

/** How many windows may overlap: each record changes a row in each of them, at one go. */
export const mostOverlapping = 100_000;

/** `advanceMs` is at most `sizeMs`; where they are equal the windows are tumbling. */
export const hopping = (sizeMs: number, advanceMs: number): TimeWindows => ({
  sizeMs,
  advanceMs,
  first(timestamp) {
    const start = (Math.floor((timestamp - sizeMs) / advanceMs) + 1) * advanceMs;
    return start < 0 && timestamp >= 0 ? 0 : start;
  },
});
