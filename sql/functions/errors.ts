/** What a function raises for data that it refuses. It is defined among the types, since conversions raise it too. */

export { EvaluationError } from '../types/evaluation-error.ts';
