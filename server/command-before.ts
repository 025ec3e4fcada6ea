/** `commandSequenceNumber` of a request: it runs when the command of that number has run. */

import type { SqlEngine } from '../sql/index.ts';
import { RequestError } from './errors.ts';
import { errorCodes } from './protocol.ts';
import type { ServerLimits } from './route.ts';

/** Rejects with 503 when the command has not run within the time allowed. */
export const commandBefore = async (
  { commandSequenceNumber: number }: Readonly<Record<string, unknown>>,
  engine: SqlEngine,
  { commandWaitMs }: ServerLimits,
): Promise<void> => {
  if (number === undefined || number === null) return;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw new RequestError(errorCodes.badRequest, 'the field "commandSequenceNumber" must be a whole number');
  }
  // -1 is what ksqlDB answers for a statement that is no command.
  if (await engine.hasRun(number, commandWaitMs)) return;
  throw new RequestError(
    errorCodes.commandLate,
    `the command of the number ${number} has not run within ${commandWaitMs} ms. Send the request again, or without "commandSequenceNumber".`,
  );
};
