/** Ranges of consecutive slots out of a fixed number: allocated, freed, and allocated again. First fit; neighbours that
 *  are free are one range. */

import { assert } from '../../base/index.ts';

interface Range {
  readonly first: number;
  readonly count: number;
}

export class Slots {
  /** In order, never touching each other. */
  #free: Range[];

  constructor(count: number) {
    this.#free = [{ first: 0, count }];
  }

  /** The first slot of a range of so many; undefined when there is none. */
  allocate(count: number): number | undefined {
    const at = this.#free.findIndex((range) => range.count >= count);
    const range = this.#free[at];
    if (range === undefined) return undefined;
    const rest = { first: range.first + count, count: range.count - count };
    this.#free.splice(at, 1, ...(rest.count > 0 ? [rest] : []));
    return range.first;
  }

  /** Frees a range that was allocated. */
  free(first: number, count: number): void {
    assert(first >= 0 && count > 0, () => `[${first}, ${first} + ${count}) is not a range of slots`);
    const next = this.#free.findIndex((range) => range.first > first);
    const at = next < 0 ? this.#free.length : next;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    assert(before === undefined || before.first + before.count <= first, () => `slot ${first} is free already`);
    assert(after === undefined || first + count <= after.first, () => `slot ${after?.first} is free already`);
    const joinsBefore = before !== undefined && before.first + before.count === first;
    const joinsAfter = after !== undefined && first + count === after.first;
    const joined = {
      first: joinsBefore ? before.first : first,
      count: count + (joinsBefore ? before.count : 0) + (joinsAfter ? after.count : 0),
    };
    this.#free.splice(at - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), joined);
  }
}
