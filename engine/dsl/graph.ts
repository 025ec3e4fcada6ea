/**
 * What all parts of one DSL topology share: the counter that names nodes, and the steps that add them.
 *
 * Nodes are added when the topology is built, not when a method is called: only then is it known whether a table needs
 * a store. Names are Kafka's: a prefix and a ten-digit number from one counter, so
 * that inserting an operator renames those after it; whatever has state should be named by hand.
 */

import { UserError } from '../../base/index.ts';
import type { Serde } from '../serde.ts';
import { Topology } from '../topology.ts';

export class Graph {
  #counter = 0;
  readonly #steps: ((topology: Topology) => void)[] = [];

  /** `given`, or `<prefix>-0000000007`. */
  name(prefix: string, given?: string): string {
    return given ?? `${prefix}-${String(this.#counter++).padStart(10, '0')}`;
  }

  add(step: (topology: Topology) => void): void {
    this.#steps.push(step);
  }

  build(): Topology {
    const topology = new Topology();
    for (const step of this.#steps) step(topology);
    return topology.validate();
  }
}

/** The serde given last, or an error that says where one is missing. */
export const serdeFor = <T>(what: string, where: string, ...given: readonly (Serde<T> | undefined)[]): Serde<T> => {
  for (const serde of given) if (serde !== undefined) return serde;
  throw new UserError('DSL_SERDE_MISSING', `${where} has no serde to write the ${what} with`, {
    hint: `Give one as { ${what}: … }, here or to the method that made the ${what}.`,
  });
};
