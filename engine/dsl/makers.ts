/** Each class of the DSL, for those that make it. */

import type { Makers } from './graph.ts';
import { KGroupedStream } from './kgrouped-stream.ts';
import { KStream } from './kstream.ts';
import { KTable } from './ktable.ts';
import { TimeWindowedKStream } from './time-windowed-kstream.ts';

export const makers: Makers = {
  stream: (parts) => new KStream(parts),
  table: (parts) => new KTable(parts),
  grouped: (parts, options) => new KGroupedStream(parts, options),
  timeWindowed: (parts, options, windows) => new TimeWindowedKStream(parts, options, windows),
};
