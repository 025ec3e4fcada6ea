/** What a dynamic sink keeps of records that wait until their topic is known. */

import { expect, test } from 'vitest';
import { ByteWriter } from '../../../base/index.ts';
import { dynamicSink, type OperatorContext, StreamRecord, serdes, type TopicWriter } from '../../../engine/index.ts';

const encoder = new TextEncoder();

test('of a record that waits its own bytes are kept, and not those of the batch that it lies in', () => {
  const appended: Parameters<TopicWriter['append']>[] = [];
  const writer: TopicWriter = {
    topic: 'out',
    partitions: 1,
    append: (...record) => appended.push(record) > 0,
  };
  let isKnown = false;
  const context = {
    scratch: () => new ByteWriter(),
    topicWriter: () => (isKnown ? writer : 'asked'),
    inputTopic: () => 'in',
    keepOrigin: () => () => {},
  } as Partial<OperatorContext> as OperatorContext;
  const sink = dynamicSink<string>({ value: serdes.string, topic: () => 'out' })(context, () => {});

  const batch = new Uint8Array(1_000_000);
  batch.set(encoder.encode('key'), 600_000);
  // One header: h=1.
  batch.set([2, 2, 104, 2, 49], 700_000);
  const record = new StreamRecord<string>();
  record.value = 'value';
  record.keyBytes = record.headerBytes = batch;
  record.keyStart = 600_000;
  record.keyEnd = 600_003;
  record.headersAt = 700_000;
  sink.process(record);
  record.keyStart = record.keyEnd = -1;
  record.headersAt = 0;
  sink.process(record);
  batch.fill(0);
  isKnown = true;
  sink.flush?.();

  const kept = appended.map(([, key, keyStart, keyEnd, , , , , headers = new Uint8Array(0), headersAt = 0]) => ({
    bytes: key.length + headers.length,
    key: keyStart < 0 ? null : new TextDecoder().decode(key.subarray(keyStart, keyEnd)),
    headers: headersAt === 0 ? [] : [...headers.subarray(headersAt)],
  }));
  expect(kept).toEqual([
    { bytes: 9, key: 'key', headers: [2, 2, 104, 2, 49] },
    { bytes: 0, key: null, headers: [] },
  ]);
});
