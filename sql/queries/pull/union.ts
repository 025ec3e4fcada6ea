/** UNION ALL: the rows of one input after those of the other. */

import type { PullStep } from './step.ts';

export const unionAll = (inputs: readonly PullStep[]): PullStep => ({
  text: 'Union all',
  inputs,
  async *rows() {
    for (const input of inputs) yield* input.rows();
  },
});
