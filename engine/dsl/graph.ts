/**
 * What all parts of one DSL topology share: the counter that names nodes, the steps that add them, and what makes the
 * objects that the methods answer.
 *
 * Nodes are added when the topology is built, not when a method is called: only then is it known whether a table needs
 * a store. Names are Kafka's: a prefix and a ten-digit number from one counter, so
 * that inserting an operator renames those after it; whatever has state should be named by hand.
 */

import { UserError } from '../../base/index.ts';
import type { Serde } from '../serde.ts';
import { Topology } from '../topology.ts';
import type { BranchedKStream } from './branched-kstream.ts';
import type { CogroupInputs } from './cogroup.ts';
import type { CogroupedKStream } from './cogrouped-kstream.ts';
import type { KGroupedStream } from './kgrouped-stream.ts';
import type { GroupedTableParts, KGroupedTable } from './kgrouped-table.ts';
import type { KStream } from './kstream.ts';
import type { KTable } from './ktable.ts';
import type { WithValue } from './options.ts';
import type { StreamParts, TableParts } from './parts.ts';
import type { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts';
import type { SessionWindowedKStream } from './session-windowed-kstream.ts';
import type { SessionWindows } from './session-windows.ts';
import type { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts';
import type { TimeWindowedKStream } from './time-windowed-kstream.ts';
import type { FixedWindows } from './windowed-aggregate.ts';

/** Makes the DSL's objects. Their methods make each other: through this list no file imports another that imports it
 *  (`makers.ts` fills it). */
export interface Makers {
  stream<K, V>(parts: StreamParts<K, V>): KStream<K, V>;
  branched<K, V>(parts: StreamParts<K, V>, name: string | undefined): BranchedKStream<K, V>;
  table<K, V>(parts: TableParts<K, V>): KTable<K, V>;
  grouped<K, V>(parts: StreamParts<K, V>, options: WithValue<V>): KGroupedStream<K, V>;
  groupedTable<K, V>(parts: GroupedTableParts<K, V>): KGroupedTable<K, V>;
  timeWindowed<K, V>(parts: StreamParts<K, V>, options: WithValue<V>, windows: FixedWindows): TimeWindowedKStream<K, V>;
  sessionWindowed<K, V>(
    parts: StreamParts<K, V>,
    options: WithValue<V>,
    windows: SessionWindows,
  ): SessionWindowedKStream<K, V>;
  cogrouped<K, A>(inputs: CogroupInputs<K>): CogroupedKStream<K, A>;
  timeWindowedCogrouped<K, A>(inputs: CogroupInputs<K>, windows: FixedWindows): TimeWindowedCogroupedKStream<K, A>;
  sessionWindowedCogrouped<K, A>(
    inputs: CogroupInputs<K>,
    windows: SessionWindows,
  ): SessionWindowedCogroupedKStream<K, A>;
}

export class Graph {
  readonly make: Makers;
  #counter = 0;
  readonly #steps: ((topology: Topology) => void)[] = [];
  /** By name: the node that each repartition reads from, the one that it comes out of, and whether something behind it
   *  reads its values. */
  readonly repartitions = new Map<string, { readonly from: string; readonly source: string; readsValues: boolean }>();

  constructor(make: Makers) {
    this.make = make;
  }

  /** `given`, or `<prefix>-0000000007`. */
  name(prefix: string, given?: string): string {
    return given ?? `${prefix}-${String(this.#counter++).padStart(10, '0')}`;
  }

  /** The same, but a name that is given takes a number as well: those behind it are the ones that they were before it
   *  could be given. */
  numbered(prefix: string, given?: string): string {
    const generated = this.name(prefix);
    return given ?? generated;
  }

  add(step: (topology: Topology) => void): void {
    this.#steps.push(step);
  }

  build(): Topology {
    const steps = [...this.#steps];
    const make = (topics?: readonly string[]): Topology => {
      const topology = new Topology(make, topics);
      for (const step of steps) step(topology);
      return topics === undefined && topology.patterns.length > 0 ? topology : topology.validate();
    };
    return make();
  }
}

/** Streams and tables that are combined come from one builder. */
export const assertSameBuilder = (one: Graph, other: Graph, method: string): void => {
  if (one === other) return;
  throw new UserError('DSL_BUILDERS_DIFFER', `${method} combines streams or tables of two builders`, {
    hint: 'Make both with the same StreamsBuilder.',
  });
};

interface Keyed {
  readonly graph: Graph;
  readonly key: { readonly serde: Pick<Serde<unknown>, 'name'> };
}

/** Streams and tables that are combined by their keys come from one builder, and write keys in one form: keys are
 *  compared as bytes. */
export const assertCombinable = (one: Keyed, other: Keyed, method: string): void => {
  assertSameBuilder(one.graph, other.graph, method);
  const { name } = one.key.serde;
  const theirs = other.key.serde.name;
  if (name === theirs) return;
  throw new UserError(
    'DSL_KEY_SERDES_DIFFER',
    `${method} combines keys that are written as ${name} and as ${theirs}: equal keys would not meet`,
    { hint: 'Write the keys of one side in the form of the other: repartition({ key: … }) or selectKey.' },
  );
};

/** The first serde that is given, or an error that names where one is missing. `what` is the option that takes it. */
export const serdeFor = <T>(
  what: keyof typeof whatIs,
  where: string,
  ...given: readonly (Serde<T> | undefined)[]
): Serde<T> => {
  for (const serde of given) if (serde !== undefined) return serde;
  throw new UserError('DSL_SERDE_MISSING', `${where} has no serde to write ${whatIs[what]} with`, {
    hint: `Give one as { ${what}: … } here, or as { value: … } to the method that made the value.`,
  });
};

const whatIs = {
  value: 'the value',
  left: 'the value of the left side',
  right: 'the value of the right side',
};
