/**
 * Whether a case that expects an error got the right one.
 *
 * Only a user's error counts: a failed assertion of ours, a JavaScript error, and "not supported" never do. The wording
 * is ours, so what is compared is the essence: the kind of fault (`fault-kinds.ts` maps the published wordings to our
 * codes) and the names in it. An expected message of a kind that the table does not know fails the case, so that no
 * wording passes unread.
 */

import { UserError } from '../../base/index.ts';
import { faultKind } from './fault-kinds.ts';

/** What is wrong with the answer, or undefined. `error` is what was thrown, if anything was. */
export const rejectionFault = (message: string | undefined, error: unknown): string | undefined => {
  const found = fault(message, error);
  return found === undefined || message === undefined ? found : `${found}${expectation}"${message}"`;
};

/** Stands between what Millrace did and the published message. */
export const expectation = '; the case expects ';

const fault = (message: string | undefined, error: unknown): string | undefined => {
  if (error === undefined) return 'nothing was rejected';
  if (!(error instanceof UserError)) return describeError(error);
  if (error.code.startsWith('SQL_UNSUPPORTED') || /\bnot supported\b/.test(error.message)) {
    return `not rejected for the fault, but because it is unsupported: ${error.message}`;
  }
  if (message === undefined) return undefined;
  const kind = faultKind(message);
  if (kind === undefined) return `fault-kinds.ts has no row for this message; the error was ${describeError(error)}`;
  if (!kind.codes.includes(error.code)) {
    return `rejected for something else than ${kind.codes.join(' or ')}: ${describeError(error)}`;
  }
  const ours = `${error.message} ${error.hint ?? ''}`.toUpperCase();
  const unnamed = kind.names.find((alternatives) => !alternatives.some((name) => ours.includes(name)));
  return unnamed === undefined ? undefined : `the error does not name ${unnamed.join(' or ')}: ${describeError(error)}`;
};

export const describeError = (error: unknown): string => {
  if (error instanceof UserError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};
