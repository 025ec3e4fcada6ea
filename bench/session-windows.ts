/** Claim: a sum of a JSON field over sessions with a gap of five seconds, ten thousand keys; every result out,
 *  and so is the retraction of the session that a record extends. A key has a record each second on average, so nearly
 *  every record extends a session. */

import { serdes } from '../engine/index.ts';
import { SessionWindows } from '../engine/public.ts';
import { dslPathClaim } from './dsl-path.ts';
import { narrow } from './records.ts';

const KEYS = 10_000;

export const sessionWindows = dslPathClaim({
  name: 'session-windows',
  about: 'sum over sessions with a gap of 5 s, 1e4 keys, every result and retraction out, changelog on',
  atLeast: 0.25,
  inputs: (records) => [{ topic: 'source', records, counted: true, record: (i) => narrow.record(i, KEYS) }],
  build(builder, sink) {
    builder
      .stream('source', { key: serdes.bytes, value: serdes.json<{ readonly amount: number }>() })
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5_000, 5_000))
      .aggregate(
        () => 0,
        (_key, value, sum) => sum + (value?.amount ?? 0),
        (_key, sum, other) => sum + other,
        { value: serdes.float64 },
      )
      .toStream()
      .to(sink);
  },
  outputs: (records) => records,
});
