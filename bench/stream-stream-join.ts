/** Claim: two streams of ten thousand keys, joined by key within 10 s, a record of each a millisecond: each meets two
 *  of the other, so as many results come out as records come in. Rows are text: what is measured is the join, and not
 *  how fast a value is parsed. */

import { serdes } from '../engine/index.ts';
import { JoinWindows } from '../engine/public.ts';
import { dslPathClaim } from './dsl-path.ts';
import { type BenchRecord, narrow } from './records.ts';

const KEYS = 10_000;
export const WITHIN_MS = 10_000;
const START_MS = 1_700_000_000_000;

/** A record of one side, one a millisecond; no two records of both sides are alike. */
export const sideRecord =
  (side: number) =>
  (i: number): BenchRecord => ({ ...narrow.record(2 * i + side, KEYS), timestamp: START_MS + i });

export const streamStreamJoin = dslPathClaim({
  name: 'stream-stream-join',
  about: 'inner join of two streams of 1e4 keys within 10 s, every result out, changelogs on',
  atLeast: 0.25,
  inputs: (records) =>
    ['left', 'right'].map((topic, side) => ({
      topic,
      records: records / 2,
      counted: true,
      record: sideRecord(side),
    })),
  build(builder, sink) {
    const rows = { key: serdes.bytes, value: serdes.string };
    builder
      .stream('left', rows)
      .join(
        builder.stream('right', rows),
        (a, b) => `[${a},${b}]`,
        JoinWindows.ofTimeDifferenceWithNoGrace(WITHIN_MS),
        {
          value: serdes.string,
        },
      )
      .to(sink);
  },
  // But for the beginning and the end, each of a side meets two of the other.
  outputs: (records) => Math.max(0, records - 2 * WITHIN_MS) * 0.95,
});
