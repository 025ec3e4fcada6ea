/** How long texts may be that expressions make. */

import { EvaluationError } from './evaluation-error.ts';

/** Several of the longest must fit into a worker's memory. */
export const longestText = 16 * 1024 * 1024;

/** Throws `EvaluationError` where a longer text would be made. */
export const checkLength = (length: number): void => {
  if (length <= longestText) return;
  throw new EvaluationError(`a text of ${length} characters cannot be made; ${longestText} is the most`);
};
