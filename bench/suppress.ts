/** Claim: counts by windows of ten seconds and ten thousand keys, of which only the final ones come out: held back
 *  until their window closes, one for ten records. */

import { serdes } from '../engine/index.ts';
import { BufferConfig, Suppressed, TimeWindows } from '../engine/public.ts';
import { dslPathClaim } from './dsl-path.ts';
import { narrow } from './records.ts';

const KEYS = 10_000;
const WINDOW_MS = 10_000;
/** Ten records a millisecond (`records.ts`): each key has ten in a window. */
const RECORDS_PER_WINDOW = 10 * WINDOW_MS;

export const suppress = dslPathClaim({
  name: 'suppress',
  about: 'counts by ten-second windows, 1e4 keys, suppressed until the window closes, changelogs on',
  atLeast: 0.5,
  inputs: (records) => [{ topic: 'source', records, counted: true, record: (i) => narrow.record(i, KEYS) }],
  build(builder, sink) {
    builder
      .stream('source', { key: serdes.bytes, value: serdes.bytes })
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(WINDOW_MS))
      .count()
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
      .toStream()
      .to(sink);
  },
  // But for the last window each has a result of each key.
  outputs: (records) => Math.max(0, Math.floor(records / RECORDS_PER_WINDOW) - 1) * KEYS * 0.9,
});
