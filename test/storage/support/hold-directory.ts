/** Opens the log in the directory given, leaves a transaction open, says so, and stays until it is killed. */

import { utf8Bytes } from '../../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../../base/node/index.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { encodeBatch } from '../../../storage/index.ts';

const directory = process.argv[2] ?? '';
const log = await openFileLog({
  directory,
  files: nodeFiles,
  clock: systemClock,
  timers: systemClock,
  random: systemRandom(),
});
await log.createTopic({ name: 'kept', partitions: 1 });
const plain = await log.producer();
const target = { topic: 'kept', partition: 0 };
await plain.append(target, encodeBatch([{ value: utf8Bytes('before') }]), 'append');
const writer = await log.producer({ transactionalId: 'held' });
writer.begin();
await writer.append(target, encodeBatch([{ value: utf8Bytes('open') }]), 'append');
console.log('held');
setInterval(() => {}, 1000);
