/**
 * base/node: what base leaves to the platform, as Node has it. `installNative` refuses a Node that is too old, replaces
 * the plain text functions and checksum by Node's and installs the loader of the engine for regular expressions, for
 * the thread that calls it, and applies `MILLRACE_CODEGEN=off`; whatever starts a thread (`open`, the server, a worker)
 * calls it first.
 */

import process from 'node:process';
import { markAsUntransferable } from 'node:worker_threads';
import { useChunks } from '../copies.ts';
import { useNativeCrc32c } from '../crc32c.ts';
import { useGeneratedCode } from '../generated-code.ts';
import { useRegexEngine } from '../regex.ts';
import { useNativeText } from '../text.ts';
import { nodeCrc32c } from './crc32c.ts';
import { nodeRegexEngine } from './regex.ts';
import { nodeText } from './text.ts';
import { checkNodeVersion } from './version.ts';

export { systemClock } from './clock.ts';
export { nodeCrc32c } from './crc32c.ts';
export { nodeFiles } from './files.ts';
export { GuardedThread } from './guarded-thread.ts';
export { nodeHttp } from './http.ts';
export { openFileLimit } from './limits.ts';
export { systemRandom } from './random.ts';
export { nodeText } from './text.ts';

const untransferable = (bytes: number): ArrayBuffer => {
  const chunk = new ArrayBuffer(bytes);
  markAsUntransferable(chunk);
  return chunk;
};

export const installNative = (): void => {
  checkNodeVersion();
  useNativeText(nodeText);
  useNativeCrc32c(nodeCrc32c);
  useRegexEngine(nodeRegexEngine);
  useChunks(untransferable);
  if (process.env['MILLRACE_CODEGEN'] === 'off') useGeneratedCode(false);
};
