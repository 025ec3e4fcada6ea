/** A log whose disk is full: queries go on trying, and whoever asks is told that they wait. */

import { expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { consume, lastOf, newRuntime, produce } from './support.ts';
import { wordCount } from './topologies.ts';

test('a query whose transactions a full disk refuses waits for space until it has committed, or is paused', async () => {
  const files = new FaultyFiles();
  const log = await openFileLog({
    directory: '/data',
    files,
    clock: systemClock,
    timers: systemClock,
    random: new Random(1),
  });
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  const runtime = newRuntime(log);
  await runtime.start({ id: 'count', topology: wordCount({ repartition: false }) });
  await runtime.awaitIdle();
  expect(runtime.waitsFor).toBeUndefined();

  await produce(log, 'words', 0, [{ key: 'a', value: '1' }]);
  files.capacity = files.usedBytes;
  await expect.poll(() => runtime.waitsFor).toMatchObject({ code: 'LOG_DISK_FULL' });
  // Also while it tries again.
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(runtime.waitsFor).toMatchObject({ code: 'LOG_DISK_FULL' });
  }
  runtime.pause('count');
  expect(runtime.waitsFor).toBeUndefined();
  runtime.resume('count');
  expect(runtime.waitsFor).toMatchObject({ code: 'LOG_DISK_FULL' });

  files.capacity = Number.POSITIVE_INFINITY;
  await runtime.awaitIdle();
  expect(runtime.waitsFor).toBeUndefined();
  expect(lastOf(await consume(log, 'counted'))).toEqual({ a: '1' });
  await runtime.close();
  await log.close();
});
