/** The thread that `threads.ts` starts: runs the blocks that it is sent, one after the other. Before each text it
 *  writes that text into shared memory, where it can be read after the thread has died or hung. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { installNative } from '../../base/node/index.ts';
import { loadFormats } from '../conformance/runner.ts';
import { runBlock } from './blocks.ts';
import { type FromWorker, type Notice, noticeIn, type ToWorker } from './threads.ts';

installNative();
const port = parentPort as MessagePort;
const post = (message: FromWorker): void => port.postMessage(message);
const { shared, checks } = workerData as { readonly shared: SharedArrayBuffer; readonly checks: readonly string[] };
const notice: Notice = noticeIn(shared);
port.on('message', async (block: ToWorker) => {
  const tally = await runBlock(block, checks, {
    next: (text) => notice.write(text, true),
    trying: (text) => notice.write(text, false),
    found: (found) => post({ kind: 'found', found }),
  });
  post({ kind: 'done', tally });
});
await loadFormats();
post({ kind: 'ready' });
