/**
 * Sliding windows: [start, start + difference], both inclusive. Of each record at t there is the window that ends with
 * it, [t − difference, t], and, as soon as it holds a later record, the one that begins right behind it,
 * [t + 1, t + 1 + difference]. So all records that lie within the difference of each other are together in a window.
 *
 * As in Kafka Streams no window begins before 1970: records at t < difference share the window [0, difference].
 */

export interface SlidingWindows {
  readonly differenceMs: number;
  endOf(start: number): number;
  /** The start of the window that ends with a record. */
  endingAt(timestamp: number): number;
  /** The start of the window that begins right behind it. */
  behind(timestamp: number): number;
  /** Windows that a record is in, or that new ones are made of, begin here at the earliest. */
  earliest(timestamp: number): number;
  /** The window that would end with it would begin before 1970. */
  isEarly(timestamp: number): boolean;
}

export const sliding = (differenceMs: number): SlidingWindows => ({
  differenceMs,
  endOf: (start) => start + differenceMs,
  endingAt: (timestamp) => timestamp - differenceMs,
  behind: (timestamp) => timestamp + 1,
  earliest: (timestamp) => Math.max(0, timestamp - 2 * differenceMs),
  isEarly: (timestamp) => timestamp < differenceMs,
});
