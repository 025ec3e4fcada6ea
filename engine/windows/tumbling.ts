/**
 * Tumbling windows: [n·size, (n+1)·size), aligned to the epoch; every time lies in exactly one.
 *
 * Windows of fixed size are a pure function from a time to the starts of those that hold it: `first`, then every
 * `advanceMs` up to the time itself. Tumbling ones advance by their size; hopping windows (`hopping.ts`) are the same
 * with a smaller advance. Sliding windows and sessions depend on what has come before and do not have this shape.
 */

export interface TimeWindows {
  readonly sizeMs: number;
  readonly advanceMs: number;
  /** Start of the earliest window that holds the time. */
  first(timestamp: number): number;
}

export const tumbling = (sizeMs: number): TimeWindows => ({
  sizeMs,
  advanceMs: sizeMs,
  // Exact for all safe integers, and several times cheaper than the remainder of two doubles.
  first: (timestamp) => Math.floor(timestamp / sizeMs) * sizeMs,
});
