/** Which scans of a thread have which steps, and at which place the values of a step lie: counted when tasks are made
 *  and closed. */

import { assert } from '../../base/index.ts';

interface Wanted {
  readonly place: number;
  /** How many scans have the step, by partition. */
  readonly scans: Map<number, number>;
}

export class StepRegistry {
  /** By what the steps are over (a view), then by id. */
  readonly #wanted = new Map<string, Map<string, Wanted>>();

  /** A scan of the partition has these steps from now on; the returned function ends that. */
  want(view: string, partition: number, ids: readonly string[]): () => void {
    const wanted = this.#wanted.get(view) ?? new Map<string, Wanted>();
    this.#wanted.set(view, wanted);
    for (const id of ids) {
      const { scans } = this.#step(wanted, id);
      scans.set(partition, (scans.get(partition) ?? 0) + 1);
    }
    return () => {
      for (const id of ids) {
        const { scans } = wanted.get(id) as Wanted;
        const others = (scans.get(partition) as number) - 1;
        if (others > 0) scans.set(partition, others);
        else scans.delete(partition);
        if (scans.size === 0) wanted.delete(id);
      }
      if (wanted.size === 0 && this.#wanted.get(view) === wanted) this.#wanted.delete(view);
    };
  }

  #step(wanted: Map<string, Wanted>, id: string): Wanted {
    const known = wanted.get(id);
    if (known !== undefined) return known;
    const taken = new Set(Array.from(wanted.values(), ({ place }) => place));
    let place = 0;
    while (taken.has(place)) place++;
    const made = { place, scans: new Map<number, number>() };
    wanted.set(id, made);
    return made;
  }

  /** The place of a step that some scan has. */
  placeOf(view: string, id: string): number {
    const wanted = this.#wanted.get(view)?.get(id);
    assert(wanted !== undefined, 'only steps that some scan has are at a place');
    return wanted.place;
  }

  /** Whether several scans of the partition have the step. */
  isShared(view: string, partition: number, id: string): boolean {
    return (this.#wanted.get(view)?.get(id)?.scans.get(partition) ?? 0) > 1;
  }

  /** Views over which some scan has a step. */
  get size(): number {
    return this.#wanted.size;
  }
}
