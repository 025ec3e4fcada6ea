import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { openFileLog } from '../../storage/file-log/index.ts';
import { logSuite } from './conformance/log-suite.ts';

logSuite('file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-log-'));
  const open = () =>
    openFileLog({ directory, files: nodeFiles, clock: systemClock, timers: systemClock, random: systemRandom() });
  let log = await open();
  return {
    log,
    async reopen() {
      await log.close();
      log = await open();
      return log;
    },
    async dispose() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
});
