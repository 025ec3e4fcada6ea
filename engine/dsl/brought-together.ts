/**
 * Repartition: records with equal keys are brought together in one partition.
 *
 * An operator that may change the key sets a flag; what follows by key (grouping, joining, `toTable`) then goes through
 * a repartition topic first, and clears it.
 */

import { type RepartitionFields, repartitionSink, repartitionSource } from '../operators/repartition.ts';
import type { Serde } from '../serde.ts';
import { serdeFor } from './graph.ts';
import { keyForm, type StreamParts } from './parts.ts';
import { type Repartitioned, writtenFields } from './produced.ts';

export interface BroughtTogether<V> {
  readonly value?: Serde<V> | undefined;
  /** Default: dropped. */
  readonly nullKeys?: 'drop' | 'keep';
  /** False: what follows only asks whether a record has a value, which is then not read. Default true. */
  readonly readsValues?: boolean;
}

/** The stream behind a repartition, if its key may have changed; else as it is. `as` names the repartition: a stream
 *  that is brought together twice under one name goes through one topic. */
export const broughtTogether = <K, V>(
  parts: StreamParts<K, V>,
  as: string,
  { value: given, nullKeys = 'drop', readsValues = true }: BroughtTogether<V>,
): StreamParts<K, V> => {
  if (!parts.flagged) return parts;
  const { graph, key } = parts;
  const value = serdeFor('value', `the repartition "${as}"`, given, parts.value);
  const known = graph.repartitions.get(as);
  if (known?.from === parts.node) {
    known.readsValues ||= readsValues;
    return { ...parts, node: known.source, value, flagged: false };
  }
  const fields = { name: as, value, windowBytes: key.windowBytes, nullKeys };
  const source = addRepartition(parts, fields, () => (graph.repartitions.get(as)?.readsValues ? value : presence));
  graph.repartitions.set(as, { from: parts.node, source, readsValues });
  return { ...parts, node: source, value, flagged: false };
};

/** The stream behind a repartition that was asked for by `KStream.repartition`, with a topic of its own. */
export const repartitioned = <K, V>(
  parts: StreamParts<K, V>,
  name: string,
  options: Repartitioned<K, V>,
): StreamParts<K, V> => {
  const { key } = parts;
  const value = serdeFor('value', `the repartition "${name}"`, options.value, parts.value);
  const fields = { ...writtenFields(key, value, options), name, nullKeys: 'keep' as const };
  const node = addRepartition(parts, fields, () => value, options.partitions);
  return {
    ...parts,
    node,
    key: options.key === undefined ? key : { ...key, ...keyForm(options.key) },
    value,
    flagged: false,
  };
};

/** Adds the sink and the source; answers the name of the source. `read` is called when the topology is built. */
const addRepartition = <K, V>(
  { graph, node }: StreamParts<K, V>,
  fields: RepartitionFields<V>,
  read: () => Pick<Serde<unknown>, 'read'>,
  partitions?: number,
): string => {
  const sinkName = graph.name('KSTREAM-SINK');
  const sourceName = graph.name('KSTREAM-SOURCE');
  graph.add((topology) =>
    topology.addRepartition(fields.name, {
      parents: [node],
      sink: repartitionSink<V>(fields),
      // Keys are not read: they were, or they were written here.
      source: repartitionSource<unknown>({ value: read() }),
      ...(partitions === undefined ? {} : { partitions }),
      sinkName,
      sourceName,
    }),
  );
  return sourceName;
};

/** In the place of a value that nothing reads. */
const presence: Pick<Serde<unknown>, 'read'> = { read: () => true };
