/** Opens the log in the directory given, leaves a transaction open, says so, and stays until it is killed. On SIGUSR2
 *  it prints what a durable append, a commit and the making of a topic answer, closes the log, and ends. */

import { utf8Bytes } from '../../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../../base/node/index.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { encodeBatch, LogError } from '../../../storage/index.ts';

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
const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'fine',
    (error: unknown) => (error instanceof LogError ? `${error.kind}/${error.code}` : String(error)),
  );
process.once('SIGUSR2', () => {
  void (async () => {
    const appended = await outcome(plain.append(target, encodeBatch([{ value: utf8Bytes('late') }]), 'durable'));
    const committed = await outcome(writer.commit());
    const created = await outcome(log.createTopic({ name: 'late', partitions: 1 }));
    await log.close();
    console.log(appended, committed, created);
    process.exit();
  })();
});
console.log('held');
setInterval(() => {}, 1000);
