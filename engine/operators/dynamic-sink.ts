/**
 * Dynamic sink: appends each record to the topic that a function of it names, as `sink.ts` does to its one topic.
 *
 * A topic has to exist. One that is met for the first time is looked up by the driver of the task, which takes a
 * moment: its records wait until the transaction ends, so they stay in their order. A record for a topic that does not
 * exist is dropped (`serialization`); the topic is looked up again in the next transaction. State: what waits, within a
 * transaction.
 */

import { forEachHeader } from '../../storage/index.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import { RecordWriter, type WrittenFields } from './record-writer.ts';

export interface DynamicSinkFields<V> extends WrittenFields<V> {
  readonly topic: (record: StreamRecord<V>, context: OperatorContext) => string;
}

const noBytes = new Uint8Array(0);

interface Waiting<V> {
  readonly topic: string;
  readonly record: StreamRecord<V>;
  /** Topic that the record was read from. */
  readonly from: string | undefined;
  readonly resumeOrigin: () => void;
}

export const dynamicSink =
  <V>(fields: DynamicSinkFields<V>): OperatorSupplier<V, never> =>
  (context) => {
    const writers = new Map<string, RecordWriter<V>>();
    const waiting: Waiting<V>[] = [];
    const waitedFor = new Set<string>();
    const writerOf = (topic: string): RecordWriter<V> | 'asked' | undefined => {
      const known = writers.get(topic);
      if (known !== undefined) return known;
      const found = context.topicWriter(topic);
      if (found === undefined || found === 'asked') return found;
      const writer = new RecordWriter(fields, found, context);
      writers.set(topic, writer);
      return writer;
    };
    const noTopic = (record: StreamRecord<V>, topic: string, from: string | undefined): void => {
      const place = from === undefined ? '' : ` (the record is ${from}/${record.partition} offset ${record.offset})`;
      context.drop('serialization', record, `the topic "${topic}" does not exist${place}`);
    };
    return {
      process(record) {
        const topic = fields.topic(record, context);
        if (typeof topic !== 'string')
          throw new ProcessorMisuse('PROCESSING_TOPIC_INVALID', `${String(topic)} is not the name of a topic`);
        const writer = waitedFor.has(topic) ? 'asked' : writerOf(topic);
        if (writer === undefined) noTopic(record, topic, context.inputTopic());
        else if (writer !== 'asked') writer.write(record);
        else {
          waitedFor.add(topic);
          const from = context.inputTopic();
          waiting.push({ topic, record: copyOf(record), from, resumeOrigin: context.keepOrigin() });
        }
      },
      flush() {
        for (const { topic, record, from, resumeOrigin } of waiting.splice(0)) {
          const writer = writerOf(topic);
          resumeOrigin();
          if (writer === undefined || writer === 'asked') noTopic(record, topic, from);
          else {
            try {
              writer.write(record);
            } catch (error) {
              context.failed(record, error);
            }
          }
        }
        waitedFor.clear();
        for (const writer of writers.values()) writer.flush();
      },
      rollback() {
        waiting.length = 0;
        waitedFor.clear();
        for (const writer of writers.values()) writer.rollback();
      },
    };
  };

/** Of a record that is lent; its value is not. The bytes that it points to are those of a whole batch: only its own are
 *  copied. */
const copyOf = <V>(record: StreamRecord<V>): StreamRecord<V> => {
  const { keyBytes, keyStart, keyEnd, headerBytes, headersAt } = record;
  const copy = new StreamRecord<V>();
  copy.takeEnvelope(record);
  copy.keyBytes = keyStart < 0 ? noBytes : keyBytes.slice(keyStart, keyEnd);
  if (keyStart >= 0) {
    copy.keyStart = 0;
    copy.keyEnd = keyEnd - keyStart;
  }
  copy.headerBytes = noBytes;
  if (headersAt !== 0) {
    const end = forEachHeader(headerBytes, headersAt, headerBytes.length, undefined);
    // Not at 0, which means none.
    copy.headersAt = 1;
    copy.headerBytes = headerBytes.slice(headersAt - 1, end);
  }
  copy.value = record.value;
  return copy;
};
