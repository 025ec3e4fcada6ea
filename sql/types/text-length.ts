/** How long texts may be that expressions make of others: without a bound, a short statement makes one row take all the
 *  memory of a thread. */

import { EvaluationError } from './evaluation-error.ts';

/** Several of the longest must fit into a worker's memory. */
export const longestText = 16 * 1024 * 1024;

/** Throws `EvaluationError` where a longer text would be made. */
export const checkLength = (length: number): void => {
  if (length <= longestText) return;
  throw new EvaluationError(`a text of ${length} characters cannot be made; ${longestText} is the most`);
};

/** The texts as one. */
export const joinTexts = (texts: readonly string[], separator = ''): string => {
  let length = Math.max(0, texts.length - 1) * separator.length;
  for (const text of texts) length += text.length;
  checkLength(length);
  return texts.join(separator);
};
