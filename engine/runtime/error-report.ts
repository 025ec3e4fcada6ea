/** Errors across threads: what an error was, as data, and whether its cause may pass. */

import { UserError } from '../../base/index.ts';
import { LogError } from '../../storage/index.ts';
import { PreparationError, TopicNotKnown } from '../operator.ts';
import { KvError } from '../stores/ordered-kv.ts';
import type { ErrorReport } from './protocol.ts';

/** An error as it may cross a thread. */
export const reportOf = (error: unknown): ErrorReport => {
  const known = error instanceof Error ? error : new Error(String(error));
  const { code, hint } = known as { code?: unknown; hint?: unknown };
  const passing =
    known instanceof LogError
      ? known.kind === 'unavailable' || known.kind === 'unknown'
      : known instanceof PreparationError ||
        known instanceof TopicNotKnown ||
        (known instanceof KvError && known.kind !== 'failed');
  return {
    name: known.name,
    message: known.message,
    code: typeof code === 'string' ? code : undefined,
    hint: typeof hint === 'string' ? hint : undefined,
    stack: known.stack,
    passing,
  };
};

/** What an error was before it crossed a thread, as far as that matters: code, sentence, hint. */
export const errorOf = ({ name, message, code, hint, stack }: ErrorReport): Error => {
  const error =
    code === undefined ? new Error(message) : new UserError(code, message, hint === undefined ? {} : { hint });
  if (code === undefined) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
};
