/**
 * The two kinds of failure, never mixed.
 *
 * Ours is a broken promise inside the program: `assert` throws an `AssertionError` and the task that met it stops. A
 * user's is something the user can correct: a `UserError` carries a stable code, a plain sentence and, where there are
 * any, a hint and the position in the text; only the call that it answers fails. Bad data in a record is neither: it
 * becomes a row of the processing log.
 */

/** A position in a text that a user wrote. Lines and columns count from 1, the offset from 0; columns and offsets count
 *  UTF-16 units. `length` is how much of the text is meant, where that is more than a point. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  readonly length?: number | undefined;
}

export interface UserErrorDetails {
  /** What the user could do about it, as a sentence. */
  readonly hint?: string | undefined;
  /** Where in the user's text the fault lies. */
  readonly at?: Position | undefined;
  readonly cause?: unknown;
  /** Further faults of the same request, in the order of the text. */
  readonly others?: readonly UserError[] | undefined;
}

/** A fault of the user's: `code` is stable and documented, `message` is one plain sentence. */
export class UserError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly at: Position | undefined;
  /** Further faults of the same request, in the order of the text. They have none of their own. */
  readonly others: readonly UserError[];

  constructor(code: string, message: string, details: UserErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'UserError';
    this.code = code;
    this.hint = details.hint;
    this.at = details.at;
    this.others = details.others ?? [];
  }

  /** The same fault with other details. */
  with(details: UserErrorDetails): UserError {
    const { hint, at, cause, others } = this;
    return new UserError(this.code, this.message, { hint, at, cause, others, ...details });
  }
}

/** A fault of ours: an invariant of the program does not hold. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionError';
  }
}

/** Stops here, loudly, when a promise of our own is broken. Never used for what a user wrote or sent. The message may
 *  be a function, so that a hot path does not pay for the text. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'string' ? message : message());
}

/** What was thrown, in words: an error's message, or the thing itself as text. */
export const messageOf = (thrown: unknown): string => {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return 'an object that has no text';
  }
};

/** For the `default` of a switch over a union: forgetting a case does not compile. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable case: ${String(value)}`);
}

/** Code in another thread has not answered in time, or the thread has ended. */
export class NoAnswer extends Error {}
