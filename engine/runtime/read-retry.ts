/**
 * Failed reads of one partition: which are tried again, and for how long.
 *
 * A read that the disk or the network refused may succeed later (`unavailable`, `unknown`): it is tried again with
 * growing delays, for `retriedForMs` in all. Every other failure is final, and so is one that has not passed by then.
 */

import { LogError, type TopicPartition } from '../../storage/index.ts';

const firstDelayMs = 50;
const longestDelayMs = 1000;
const retriedForMs = 10_000;

export class ReadRetry {
  #failures = 0;
  #firstFailureMs = 0;
  #dueMs = Number.NEGATIVE_INFINITY;

  /** A failed read waits for its next try. */
  get waiting(): boolean {
    return this.#failures > 0;
  }

  /** Whether the partition may be read now. */
  due(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  /** Takes note of a failure; true when the read is to be tried again. */
  failed(error: unknown, nowMs: number): boolean {
    if (this.#failures === 0) this.#firstFailureMs = nowMs;
    const passing = error instanceof LogError && (error.kind === 'unavailable' || error.kind === 'unknown');
    if (!passing || nowMs - this.#firstFailureMs >= retriedForMs) {
      this.succeeded();
      return false;
    }
    this.#dueMs = nowMs + Math.min(firstDelayMs * 2 ** this.#failures++, longestDelayMs);
    return true;
  }
}

const checkDisk = (topic: string): string =>
  'Check the disk, then restart the server: the query continues where it stopped. Where the disk cannot read it any ' +
  `more, restore it from a backup, or stop the server and run "millrace repair --data DIR --accept-loss ${topic}" ` +
  'to continue without what is lost.';

/** The final error of the queries that read a partition from this offset on: it names all three, and is not tried
 *  again. */
export const unreadable = ({ topic, partition }: TopicPartition, offset: number, cause: unknown): unknown => {
  if (!(cause instanceof LogError)) return cause;
  const where = `${topic}/${partition}`;
  const what = cause.message.includes(where)
    ? cause.message
    : `${where} cannot be read from offset ${offset} on: ${cause.message}`;
  const again = cause.kind === 'refused' ? '' : ` (tried again for ${retriedForMs / 1000} s)`;
  // A topic that was deleted is no fault of the disk.
  const hint = cause.hint ?? (cause.code === 'LOG_UNKNOWN_TOPIC' ? undefined : checkDisk(topic));
  return new LogError('refused', cause.code, `${what}${again}`, { cause, ...(hint !== undefined && { hint }) });
};
