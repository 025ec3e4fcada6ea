/**
 * Every record as it is: where streams are merged (a node with several parents), and where a branch begins. State:
 * none. Records of one parent stay in their order; between parents there is none but that in which the task takes its
 * inputs.
 */

import type { OperatorSupplier } from '../operator.ts';

export const passThrough =
  <V>(): OperatorSupplier<V, V> =>
  (_context, forward) => ({ process: forward });
