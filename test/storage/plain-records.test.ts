/** Records one by one, through the log in memory. */

import { expect, test } from 'vitest';
import { utf8Bytes, utf8Text } from '../../base/index.ts';
import {
  BatchBuilder,
  batchHeaderBytes,
  type ConsumeOptions,
  consumeRecords,
  latestTimestamp,
  openMemoryLog,
  produceRecords,
  sealBatch,
} from '../../storage/index.ts';

const noBytes = new Uint8Array(0);

test('many small records go to a topic with small segments, in batches that fit', async () => {
  const log = await openMemoryLog();
  await log.createTopic({ name: 't', partitions: 1, configs: { 'segment.bytes': '2048' } });
  const records = Array.from({ length: 500 }, (_, i) => ({ value: `value ${i}` }));
  await produceRecords(log, await log.producer(), 't', records, { acks: 'durable', now: 1 });
  const found: string[] = [];
  for await (const { value } of consumeRecords(log, 't', { untilEnd: true }))
    found.push(Buffer.from(value ?? []).toString());
  expect(found).toEqual(records.map(({ value }) => value));
  await log.close();
});

test('a batch that cannot be read ends the reading behind what lies before it', async () => {
  const log = await openMemoryLog();
  await log.createTopic({ name: 't', partitions: 1 });
  const producer = await log.producer();
  for (const value of ['a', 'b', 'c']) {
    const batch = new BatchBuilder();
    batch.append(noBytes, -1, 0, utf8Bytes(value), 0, 1, 1, noBytes, 0);
    const bytes = batch.finish();
    if (value === 'b') {
      // The length of the record: the checksum is right, the contents are not.
      bytes[batchHeaderBytes] = 0x7e;
      sealBatch(bytes);
    }
    await producer.append({ topic: 't', partition: 0 }, bytes, 'durable');
  }
  const found: string[] = [];
  const consumed = async (options: ConsumeOptions): Promise<void> => {
    for await (const { value } of consumeRecords(log, 't', options)) found.push(Buffer.from(value ?? []).toString());
  };
  for (let round = 0; round < 2; round++)
    await expect(consumed({ untilEnd: true, group: 'g' })).rejects.toMatchObject({
      code: 'LOG_BATCH_UNREADABLE',
      message: 'the batch at offset 1 of t-0 cannot be read',
    });
  expect(found).toEqual(['a']);
  expect(await log.committed('g')).toEqual([{ topic: 't', partition: 0, offset: 1 }]);
  await log.close();
});

test('timestamps are exact to the ends of their range, side by side in a batch, and refused beyond', async () => {
  const log = await openMemoryLog();
  await log.createTopic({ name: 't', partitions: 1 });
  const producer = await log.producer();
  const send = (...timestamps: readonly number[]): Promise<unknown> =>
    produceRecords(
      log,
      producer,
      't',
      timestamps.map((timestamp) => ({ value: 'x', timestamp })),
      { acks: 'durable', now: 1 },
    );
  const sent = [0, latestTimestamp, -latestTimestamp, latestTimestamp - 1, 1 - latestTimestamp];
  await send(...sent);
  for (const timestamp of [latestTimestamp + 1, -latestTimestamp - 1, 0.5, Number.NaN])
    await expect(send(timestamp)).rejects.toMatchObject({ code: 'RECORD_INVALID' });
  const found: number[] = [];
  for await (const { timestamp } of consumeRecords(log, 't', { untilEnd: true })) found.push(timestamp);
  expect(found).toEqual(sent);
  await log.close();
});

test('a topic that is created again while it is consumed is not read on, and its group starts at its beginning', async () => {
  const log = await openMemoryLog();
  const producer = await log.producer();
  const write = async (...values: readonly string[]): Promise<void> => {
    for (const value of values) await produceRecords(log, producer, 't', [{ value }], { acks: 'append', now: 0 });
  };
  await log.createTopic({ name: 't', partitions: 1 });
  await write('former 0', 'former 1');
  const seen: string[] = [];
  const consume = async (): Promise<void> => {
    for await (const { value } of consumeRecords(log, 't', { group: 'g', untilEnd: seen.length > 0 })) {
      seen.push(utf8Text(value ?? new Uint8Array()));
      if (seen.length !== 2) continue;
      await log.deleteTopic('t');
      await log.createTopic({ name: 't', partitions: 1 });
      await write('new 0', 'new 1', 'new 2');
    }
  };
  await expect(consume()).rejects.toMatchObject({ code: 'LOG_TOPIC_REPLACED' });
  expect(await log.committed('g')).toEqual([]);
  await consume();
  expect(seen).toEqual(['former 0', 'former 1', 'new 0', 'new 1', 'new 2']);
  await log.close();
});
