/** Claim: resident memory of a server that nobody has asked anything for a minute. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Claim } from './claim.ts';
import { BenchServer } from './server-process.ts';
import { withDataDirectory } from './sql-path.ts';

const IDLE_MS = 60_000;

export const idleRss: Claim = {
  name: 'idle-rss',
  about: 'resident memory after a minute of idling, workers not yet started',
  unit: 'MB',
  asked: { atMost: 120 },
  cores: 1,
  variants: false,
  run: () =>
    withDataDirectory(async (data) => {
      const server = new BenchServer(data);
      await server.start();
      await sleep(IDLE_MS);
      const value = server.residentMegabytes();
      await server.stop('SIGTERM');
      return [{ value }];
    }),
};
