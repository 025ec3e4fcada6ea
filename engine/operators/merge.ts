/**
 * Merge of streams: every record of each parent, as it is. State: none. Records of one parent stay in their order;
 * between parents there is none but that in which the task takes its inputs.
 */

import type { ProcessorSupplier } from '../processor.ts';

export const merge =
  <V>(): ProcessorSupplier<V, V> =>
  (_context, forward) => ({ process: forward });
