/** How records are written to a topic. */

import { readHeaders } from '../../storage/index.ts';
import type { DynamicSinkFields } from '../operators/dynamic-sink.ts';
import type { Partitioner, WrittenFields } from '../operators/record-writer.ts';
import type { RecordMetadata } from '../processors/processor.ts';
import { RecordHeaders } from '../processors/record-headers.ts';
import type { Serde } from '../serde.ts';
import type { WithValue } from './options.ts';
import { type KeyForm, keyOf, presentKeyOf } from './parts.ts';
import { windowBytesOf } from './windowed.ts';

export interface Produced<K, V> extends WithValue<V> {
  /** How the key is written; left out: as before. */
  readonly key?: Serde<K>;
  /** Picks the partition of a record, of as many as the topic has; or several, to each of which it is written; or none
   *  of them, and it is not written. `undefined` leaves it to the default: the hash of the key that Kafka's clients
   *  use, in round robin without a key. */
  readonly partition?: (key: K | null, value: V | null, count: number) => number | readonly number[] | undefined;
}

/** How records are written to a repartition topic. */
export interface Repartitioned<K, V> extends Produced<K, V> {
  /** Partitions of the topic. Left out: as many as the topics have that it is read together with. */
  readonly partitions?: number;
}

/** What is known of a record beside key and value. Topic, partition and offset are those of the record that it comes
 *  from; undefined where there is none. */
export interface RecordContext {
  readonly timestamp: number;
  readonly headers: RecordHeaders;
  readonly metadata: RecordMetadata | undefined;
}

/** Names the topic that a record is written to. */
export type TopicChooser<K, V> = (key: K | null, value: V | null, context: RecordContext) => string;

export const chosenTopic =
  <K, V>(form: KeyForm<K>, choose: TopicChooser<K, V>): DynamicSinkFields<V>['topic'] =>
  (record, context) => {
    const { timestamp, headerBytes, headersAt, partition, offset } = record;
    const from = context.inputTopic();
    return choose(keyOf(form, record), record.value, {
      timestamp,
      headers: headersAt === 0 ? RecordHeaders.empty : RecordHeaders.of(readHeaders(headerBytes, headersAt)),
      metadata: offset < 0 || from === undefined ? undefined : { topic: from, partition, offset },
    });
  };

export const writtenFields = <K, V>(
  form: KeyForm<K>,
  value: Serde<V>,
  { key, partition }: Produced<K, V>,
): WrittenFields<V> => {
  const partitioner: Partitioner<V> | undefined =
    partition && ((record, count) => partition(keyOf(form, record), record.value, count));
  return {
    value,
    windowBytes: key === undefined ? form.windowBytes : windowBytesOf(key),
    ...(partitioner === undefined ? {} : { partitioner }),
    ...(key === undefined
      ? {}
      : {
          key: (record, out) => {
            key.write(presentKeyOf(form, record), out);
            return true;
          },
        }),
  };
};
