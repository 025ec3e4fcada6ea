/**
 * An expression that fails on a row's data: a text that is not a number, a division by zero, a function that refuses
 * its argument.
 *
 * An ordinary thing, neither a fault of the statement nor ours: a projection makes the column NULL, a filter drops the
 * row, and both write this message to the processing log.
 */
export class EvaluationError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EvaluationError';
  }
}
