/** Claim: a sum of a JSON field over five windows of one minute that hop by twelve seconds, ten thousand keys, each of
 *  the five results of a record out. */

import { serdes } from '../engine/index.ts';
import { TimeWindows } from '../engine/public.ts';
import { dslPathClaim } from './dsl-path.ts';
import { narrow } from './records.ts';

const KEYS = 10_000;

export const hoppingSum = dslPathClaim({
  name: 'hopping-sum',
  about: 'sum over 5 hopping windows of one minute, 1e4 keys, every result out, changelog on',
  atLeast: 0.15,
  inputs: (records) => [{ topic: 'source', records, counted: true, record: (i) => narrow.record(i, KEYS) }],
  build(builder, sink) {
    builder
      .stream('source', { key: serdes.bytes, value: serdes.json<{ readonly amount: number }>() })
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(60_000, 60_000).advanceBy(12_000))
      .aggregate(
        () => 0,
        (_key, value, sum) => sum + (value?.amount ?? 0),
        { value: serdes.float64 },
      )
      .toStream()
      .to(sink);
  },
  outputs: (records) => records * 5,
});
