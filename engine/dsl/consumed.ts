/** How a topic's records are read: serdes, and where their event times come from. */

import { readHeaders } from '../../storage/index.ts';
import type { SourceSupplier } from '../operator.ts';
import { source } from '../operators/source.ts';
import type { InvalidTime, SourceTime } from '../operators/source-times.ts';
import { withoutOriginTime } from '../origin-time.ts';
import type { RecordMetadata } from '../processors/processor.ts';
import { RecordHeaders } from '../processors/record-headers.ts';
import type { Serde } from '../serde.ts';
import type { Named } from './options.ts';
import { keyOf } from './parts.ts';

/** A record as it was read, with the timestamp that it carries. */
export interface SourceRecord<K, V> extends RecordMetadata {
  readonly key: K | null;
  readonly value: V | null;
  readonly timestamp: number;
  readonly headers: RecordHeaders;
}

/** Works out the event time of a record, in whole epoch milliseconds; a negative number says that it has none.
 *  `partitionTime`: the largest valid time of the partition's records before, −1 for the first. */
export type TimestampExtractor<K, V> = (record: SourceRecord<K, V>, partitionTime: number) => number;

export interface Consumed<K, V> extends Named {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Where event times come from. `wall clock`: the moment at which the record is read; after a rollback it is another
   *  one. Default: the timestamp that the record carries. */
  readonly timestamp?: 'wall clock' | TimestampExtractor<K, V>;
  /** What becomes of a record whose time is not valid. `skip`, the default: it is dropped (`invalid-timestamp`);
   *  `fail`: it is a failure of processing; `partition time`: it gets the largest time of the records before, and is
   *  dropped where there is none. */
  readonly invalidTimestamp?: InvalidTime;
}

/** How the topic of a table is read. */
export interface TableSource {
  /** True: at each start the topic is read to its end as of then before the first record of the streams that the table
   *  is joined with, whatever their times. Default: rows and records are taken in the order of their times. */
  readonly bootstrap?: boolean;
}

/** The source of a topic, or of any other name that its records are to be known by. */
export const sourceOf = <K, V>(topic: string, consumed: Consumed<K, V>): SourceSupplier<V> => {
  const { key, value, timestamp, invalidTimestamp: invalidTime } = consumed;
  return source<V>({
    ...(key.readsAll === true ? {} : { key }),
    value,
    ...(timestamp === undefined ? {} : { time: timeOf(topic, key, timestamp) }),
    ...(invalidTime === undefined ? {} : { invalidTime }),
  });
};

const timeOf = <K, V>(
  topic: string,
  serde: Serde<K>,
  timestamp: 'wall clock' | TimestampExtractor<K, V>,
): SourceTime<V> => {
  if (timestamp === 'wall clock') return (_record, _partitionTime, context) => context.systemTime();
  const key = { serde, windowBytes: 0 };
  return (record, partitionTime) => {
    const { value, timestamp: own, headerBytes, headersAt, partition, offset } = record;
    const headers =
      headersAt === 0 ? RecordHeaders.empty : RecordHeaders.of(withoutOriginTime(readHeaders(headerBytes, headersAt)));
    return timestamp(
      { key: keyOf(key, record), value, timestamp: own, headers, topic, partition, offset },
      partitionTime,
    );
  };
};
