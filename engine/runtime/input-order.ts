/**
 * Which input of a task is next.
 *
 * The head record with the lowest time, tables before streams where times are equal, then in the order of the sources.
 * An input that has nothing buffered but is behind its partition's readable end (or does not know it) makes the task
 * wait, so that what is there is merged in order of time. How long it waits for an input that is at its end is Kafka's
 * `max.task.idle.ms`:
 *
 *    0   not at all: the others continue without it (the default)
 *   >0   until it has been there for so many milliseconds, by the clock of the driver: records that are on their way may
 *        be older than those of the others
 *   −1   it does not wait for an input in any case, also where that is behind: nothing is promised about the order
 *
 * Tables that are read first (`SourceNode.bootstrap`) come before all that: until each of them is where its partition
 * ended when the task first looked, no other input is next.
 */

import type { BufferedInput } from './task-input.ts';

export class InputOrder {
  readonly #inputs: readonly BufferedInput[];
  readonly #maxIdleMs: number;
  /** By input: how long it is waited for; NaN: it has something buffered. */
  readonly #deadlines: Float64Array;
  #bootstrapping = false;
  /** The `elapsed` from which a task that waits for an input continues without it; Infinity: it does not wait so. */
  idleUntil = Number.POSITIVE_INFINITY;

  constructor(inputs: readonly BufferedInput[], maxIdleMs: number) {
    this.#inputs = inputs;
    this.#maxIdleMs = maxIdleMs;
    this.#deadlines = new Float64Array(inputs.length).fill(Number.NaN);
  }

  /** The task begins, or begins again behind a rollback. */
  start(): void {
    this.#bootstrapping = this.#inputs.some(({ bootstrap }) => bootstrap);
    this.#deadlines.fill(Number.NaN);
  }

  /** The input whose record is next; undefined when there is none, or the task has to wait. `elapsed`: milliseconds of
   *  a clock that never jumps. */
  next(elapsed: number): BufferedInput | undefined {
    const inputs = this.#inputs;
    this.idleUntil = Number.POSITIVE_INFINITY;
    if (inputs.length === 1) {
      const only = inputs[0] as BufferedInput;
      return !only.empty && only.prepared ? only : undefined;
    }
    if (this.#bootstrapping) {
      this.#bootstrapping = inputs.some(({ bootstrapped }) => !bootstrapped);
      if (this.#bootstrapping) return this.#nextOfTables();
    }
    let lowest: BufferedInput | undefined;
    let time = 0;
    for (const input of inputs) {
      if (input.empty) {
        if (this.#maxIdleMs < 0) continue;
        if (!input.atEnd) return undefined;
        if (this.#maxIdleMs > 0) this.#waitFor(input, elapsed);
        continue;
      }
      if (!input.prepared) return undefined;
      this.#deadlines[input.index] = Number.NaN;
      const head = input.headTime();
      if (lowest !== undefined && head >= time) continue;
      lowest = input;
      time = head;
    }
    if (this.idleUntil < Number.POSITIVE_INFINITY) {
      // Without anything buffered there is nothing to continue with.
      if (lowest === undefined) this.idleUntil = Number.POSITIVE_INFINITY;
      return undefined;
    }
    return lowest;
  }

  #waitFor({ index }: BufferedInput, elapsed: number): void {
    let deadline = this.#deadlines[index] as number;
    if (Number.isNaN(deadline)) this.#deadlines[index] = deadline = elapsed + this.#maxIdleMs;
    // Of several the last one counts; each is looked at again when the task next asks.
    if (elapsed < deadline) {
      this.idleUntil = this.idleUntil === Number.POSITIVE_INFINITY ? deadline : Math.max(this.idleUntil, deadline);
    }
  }

  #nextOfTables(): BufferedInput | undefined {
    let lowest: BufferedInput | undefined;
    for (const input of this.#inputs) {
      if (input.bootstrapped) continue;
      if (input.empty || !input.prepared) return undefined;
      if (lowest === undefined || input.headTime() < lowest.headTime()) lowest = input;
    }
    return lowest;
  }

  /** The row of the input's first block up to which its records go before those of the others, at most `to`. */
  endOfRun(input: BufferedInput, to: number): number {
    const { row } = input;
    const block = input.head();
    if (this.#bootstrapping) {
      const { offset } = block.columns;
      while (to > row + 1 && (offset[to - 1] as number) >= input.bootstrapEnd) to--;
    }
    let bound = Number.POSITIVE_INFINITY;
    for (const other of this.#inputs) {
      if (other === input || other.empty || (this.#bootstrapping && other.bootstrapped)) continue;
      // Times are whole numbers: before an earlier input means at least one millisecond before.
      const head = other.index < input.index ? other.headTime() - 1 : other.headTime();
      if (head < bound) bound = head;
    }
    return bound === Number.POSITIVE_INFINITY ? to : input.firstAfter(block, row + 1, to, bound);
  }
}
