/**
 * Repartition: records with equal keys are brought together in one partition.
 *
 * An operator that may change the key sets a flag; what follows by key (grouping, joining, `toTable`) then goes through
 * a repartition topic first, and clears it.
 */

import { repartitionSink, repartitionSource } from '../operators/repartition.ts';
import type { Serde } from '../serde.ts';
import { serdeFor } from './graph.ts';
import type { StreamParts } from './parts.ts';

export interface BroughtTogether<V> {
  readonly value?: Serde<V> | undefined;
  /** Default: dropped. */
  readonly nullKeys?: 'drop' | 'keep';
  readonly partitions?: number;
  /** False: what follows only asks whether a record has a value, which is then not read. Default true. */
  readonly readsValues?: boolean;
}

/** The stream behind a repartition, if its key may have changed; else as it is. `as` names the repartition: a stream that
 *  is brought together twice under one name goes through one topic. */
export const broughtTogether = <K, V>(
  parts: StreamParts<K, V>,
  as: string,
  { value: given, nullKeys = 'drop', partitions, readsValues = true }: BroughtTogether<V>,
): StreamParts<K, V> => {
  if (!parts.flagged) return parts;
  const { graph, key } = parts;
  const value = serdeFor('value', `the repartition "${as}"`, given, parts.value);
  const known = graph.repartitions.get(as);
  if (known?.from === parts.node) {
    known.readsValues ||= readsValues;
    return { ...parts, node: known.source, value, flagged: false };
  }
  const sinkName = graph.name('KSTREAM-SINK');
  const sourceName = graph.name('KSTREAM-SOURCE');
  const repartition = { from: parts.node, source: sourceName, readsValues };
  graph.repartitions.set(as, repartition);
  graph.add((topology) =>
    topology.addRepartition(as, {
      parents: [parts.node],
      sink: repartitionSink<V>({ name: as, value, windowBytes: key.windowBytes, nullKeys }),
      // Keys are not read: they were, or they were written here.
      source: repartitionSource<unknown>({ value: repartition.readsValues ? value : presence }),
      ...(partitions === undefined ? {} : { partitions }),
      sinkName,
      sourceName,
    }),
  );
  return { ...parts, node: sourceName, value, flagged: false };
};

/** In the place of a value that nothing reads. */
const presence: Pick<Serde<unknown>, 'read'> = { read: () => true };
