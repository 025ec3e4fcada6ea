/**
 * The faults of a text: those of each statement, without those that only follow from another.
 *
 * A statement that mentions what a faulty statement before it should have made, changed or dropped is not reported: its
 * fault may be gone with the other. Nor is what follows from that statement in turn.
 */

import type { UserError } from '../../base/index.ts';
import { limits } from './words.ts';

/** What the report of faults has to know of a statement. */
export interface Mentions {
  /** The source, type or variable that the statement makes, changes or drops. */
  readonly changes: string | undefined;
  /** Whether one of the names stands in the statement. */
  mentions(names: ReadonlySet<string>): boolean;
}

export class FaultList {
  readonly #faults: UserError[] = [];
  /** What is not as the text would have it. */
  readonly #spoiled = new Set<string>();

  /** Notes the faults of the statement that comes next, if they are its own. */
  add(statement: Mentions, faults: readonly UserError[]): void {
    if (!statement.mentions(this.#spoiled)) this.#faults.push(...faults);
    const { changes } = statement;
    if (changes !== undefined) this.#spoiled.add(changes);
  }

  /** Throws the first fault, with the others beside it; does nothing where there is none. */
  throwAny(): void {
    const [first, ...others] = this.#faults.flatMap((fault) => [fault.with({ others: [] }), ...fault.others]);
    if (first !== undefined) throw first.with({ others: others.slice(0, limits.maxFaults - 1) });
  }
}
