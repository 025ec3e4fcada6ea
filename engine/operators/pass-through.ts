/**
 * Every record as it is: where streams are merged (a node with several parents), and where a branch begins. State:
 * none. Records of one parent stay in their order; between parents there is none but that in which the task takes its
 * inputs.
 */

import type { ProcessorSupplier } from '../processor.ts';

export const passThrough =
  <V>(): ProcessorSupplier<V, V> =>
  (_context, forward) => ({ process: forward });
