/** Each class of the DSL, for those that make it. */

import { BranchedKStream } from './branched-kstream.ts';
import { CogroupedKStream } from './cogrouped-kstream.ts';
import type { Makers } from './graph.ts';
import { KGroupedStream } from './kgrouped-stream.ts';
import { KGroupedTable } from './kgrouped-table.ts';
import { KStream } from './kstream.ts';
import { KTable } from './ktable.ts';
import { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts';
import { SessionWindowedKStream } from './session-windowed-kstream.ts';
import { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts';
import { TimeWindowedKStream } from './time-windowed-kstream.ts';

export const makers: Makers = {
  stream: (parts) => new KStream(parts),
  branched: (parts, name) => new BranchedKStream(parts, name),
  table: (parts) => new KTable(parts),
  grouped: (parts, options) => new KGroupedStream(parts, options),
  groupedTable: (parts) => new KGroupedTable(parts),
  timeWindowed: (parts, options, windows) => new TimeWindowedKStream(parts, options, windows),
  sessionWindowed: (parts, options, windows) => new SessionWindowedKStream(parts, options, windows),
  cogrouped: (inputs) => new CogroupedKStream(inputs),
  timeWindowedCogrouped: (inputs, windows) => new TimeWindowedCogroupedKStream(inputs, windows),
  sessionWindowedCogrouped: (inputs, windows) => new SessionWindowedCogroupedKStream(inputs, windows),
};
