/** How records are written to a topic. */

import type { Partitioner, WrittenFields } from '../operators/record-writer.ts';
import type { Serde } from '../serde.ts';
import type { WithValue } from './options.ts';
import { type KeyForm, keyOf, presentKeyOf } from './parts.ts';

export interface Produced<K, V> extends WithValue<V> {
  /** How the key is written; left out: as before. */
  readonly key?: Serde<K>;
  /** Picks the partition of a record, of as many as the topic has; or several, to each of which it is written; or none
   *  of them, and it is not written. `undefined` leaves it to the default: the hash of the key that Kafka's clients use,
   *  in round robin without a key. */
  readonly partition?: (key: K | null, value: V | null, count: number) => number | readonly number[] | undefined;
}

export const writtenFields = <K, V>(
  form: KeyForm<K>,
  value: Serde<V>,
  { key, partition }: Produced<K, V>,
): WrittenFields<V> => {
  const partitioner: Partitioner<V> | undefined =
    partition && ((record, count) => partition(keyOf(form, record), record.value, count));
  return {
    value,
    windowBytes: form.windowBytes,
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
