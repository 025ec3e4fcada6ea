/**
 * How far the commands of the statement log have come: by their ids, such as ``stream/`NAME`/create``, and by their
 * numbers, for requests that have to run behind one.
 *
 * Of several commands with one id the last one counts. What there is to tell stands in the entries of the statement
 * log, so a restart has it again; entries of older versions have no id, and only a number. The statement log grows with
 * every command, and what is kept of it in memory does not: the oldest statuses are forgotten.
 */

import type { Timers } from '../base/index.ts';
import type { CommandStatus } from './facade.ts';

/** What is told about a command when it has run, as it stands in the statement log. */
export interface CommandOutcome {
  readonly commandId: string;
  readonly message: string;
  readonly queryId: string | null;
}

/** The most ids of which a status is kept, besides those of commands that are under way. */
export const keptStatuses = 10_000;

export class CommandStatuses {
  readonly #timers: Timers;
  readonly #byId = new Map<string, CommandStatus & { readonly number: number }>();
  /** The number of the next command. */
  #next = 0;
  /** Commands that are logged, and whose effects are not done. */
  readonly #underWay = new Set<number>();
  /** Called when a command has run. */
  readonly #waiting = new Set<() => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get all(): ReadonlyMap<string, CommandStatus> {
    return this.#byId;
  }

  /** The command is in the log, and what it starts and stops is under way. */
  logged(number: number, outcome: CommandOutcome | undefined): void {
    this.#next = Math.max(this.#next, number + 1);
    this.#underWay.add(number);
    if (outcome !== undefined) this.#set(number, 'EXECUTING', outcome);
  }

  /** What the command starts and stops is done; `warnings` name what is not. */
  ran(number: number, outcome: CommandOutcome | undefined, warnings: readonly string[] = []): void {
    if (outcome !== undefined) {
      this.#set(number, 'SUCCESS', { ...outcome, message: [outcome.message, ...warnings].join('; ') });
    }
    this.#end(number);
  }

  /** The command cannot be applied. */
  failed(number: number, outcome: CommandOutcome | undefined, message: string): void {
    if (outcome !== undefined) this.#set(number, 'ERROR', { ...outcome, message, queryId: null });
    this.#end(number);
  }

  /** Whether the command of a number has run, at the latest after so many milliseconds. */
  async hasRun(number: number, withinMs: number): Promise<boolean> {
    const ran = (): boolean => number < this.#next && !this.#underWay.has(number);
    if (ran()) return true;
    let look: (() => void) | undefined;
    let cancel: (() => void) | undefined;
    try {
      return await new Promise<boolean>((resolve) => {
        look = () => {
          if (ran()) resolve(true);
        };
        this.#waiting.add(look);
        cancel = this.#timers.after(withinMs, () => resolve(false));
      });
    } finally {
      if (look !== undefined) this.#waiting.delete(look);
      cancel?.();
    }
  }

  #set(number: number, status: CommandStatus['status'], { commandId, message, queryId }: CommandOutcome): void {
    const known = this.#byId.get(commandId);
    if (known !== undefined && known.number > number) return;
    // Set again behind the others: the oldest stands first.
    this.#byId.delete(commandId);
    this.#byId.set(commandId, { status, message, queryId, number });
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    if (this.#byId.size <= keptStatuses) return;
    for (const [id, { status }] of this.#byId) {
      if (status === 'EXECUTING') continue;
      this.#byId.delete(id);
      if (this.#byId.size <= keptStatuses) return;
    }
  }

  #end(number: number): void {
    this.#next = Math.max(this.#next, number + 1);
    this.#underWay.delete(number);
    for (const look of this.#waiting) look();
  }
}

/** The outcome that an entry of the statement log names; undefined where there is none that can be read. */
export const outcomeOf = (entry: unknown): CommandOutcome | undefined => {
  const { outcome } = (entry ?? {}) as { readonly outcome?: Partial<Record<keyof CommandOutcome, unknown>> };
  if (typeof outcome !== 'object' || outcome === null) return undefined;
  const { commandId, message, queryId } = outcome;
  if (typeof commandId !== 'string' || typeof message !== 'string') return undefined;
  return { commandId, message, queryId: typeof queryId === 'string' ? queryId : null };
};
