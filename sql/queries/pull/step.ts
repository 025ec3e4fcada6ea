/** A step of a pull query: rows in batches from the rows of other steps, pulled by the one above. */

import type { Row } from '../../types/value.ts';

/** A batch may be empty: between two batches it is noticed that a client has left. A row belongs to the one who takes
 *  it, and is not changed any more. */
export type Rows = AsyncGenerator<readonly Row[], void, undefined>;

export interface PullStep {
  /** One line of EXPLAIN. */
  readonly text: string;
  readonly inputs: readonly PullStep[];
  rows(): Rows;
}

/** The steps as text, each above its inputs. */
export const printSteps = (step: PullStep, indent = ''): string =>
  [`${indent}${step.text}`, ...step.inputs.map((input) => printSteps(input, `${indent}  `))].join('\n');

/** How many rows a step puts into a batch that it makes itself. */
export const batchRows = 1024;
