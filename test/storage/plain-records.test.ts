/** Records one by one, through the log in memory. */

import { expect, test } from 'vitest';
import { consumeRecords, openMemoryLog, produceRecords } from '../../storage/index.ts';

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
