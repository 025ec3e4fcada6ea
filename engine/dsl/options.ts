/** What methods of the DSL are told besides their functions. */

import type { Serde } from '../serde.ts';

/** A name for the node that a method adds. */
export interface Named {
  readonly name?: string;
}

export interface WithValue<V> extends Named {
  /** How the value is written from here on. */
  readonly value?: Serde<V>;
}

/** A store with a name of its own can be read from outside, and keeps its data when operators are inserted before
 *  it. */
export interface Materialized<V> extends WithValue<V> {
  readonly store?: string;
}

export interface WindowMaterialized<V> extends Materialized<V> {
  /** How long a window is kept after its start; at least size + grace, which is the default. */
  readonly retentionMs?: number;
}
