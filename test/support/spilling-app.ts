/** An application as a module, with state of each kind: counts by key, counts by window, and a join of two streams. */

import { JoinWindows, StreamsBuilder, serdes, TimeWindows, type Topology } from '../../engine/public.ts';

export const joinMs = 500;
export const windowMs = 2_000;
/** Nothing is late: results do not depend on the order in which partitions are read. */
const graceMs = 30 * 86_400_000;

const { string } = serdes;
const output = { value: string };

export default (): Topology => {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', { key: string, value: string });
  const right = builder.stream('right', { key: string, value: string });
  left.groupByKey().count({ store: 'counts' }).toStream().mapValues(String, output).to('counted');
  left
    .groupBy((key) => `group-${key?.slice(-3)}`, { key: string })
    .windowedBy(TimeWindows.ofSizeAndGrace(windowMs, graceMs))
    .count({ store: 'windows' })
    .toStream()
    .map((window, count) => [`${window?.key}@${window?.start}`, String(count)], { key: string, value: string })
    .to('windowed');
  left
    .join(right, (one, other) => `${one}+${other}`, JoinWindows.ofTimeDifferenceAndGrace(joinMs, graceMs), output)
    .to('joined');
  return builder.build();
};
