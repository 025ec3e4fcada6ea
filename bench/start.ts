/** Claim: from the spawn of a built server on an empty data directory to its first answered request. */

import type { Claim } from './claim.ts';
import { BenchServer } from './server-process.ts';
import { withDataDirectory } from './sql-path.ts';

export const start: Claim = {
  name: 'start',
  about: 'spawn of `millrace server` (built, warm file cache, empty data directory) to its first answered request',
  unit: 'ms',
  asked: { atMost: 600 },
  cores: 1,
  variants: false,
  async run({ rounds }) {
    const measured = [];
    for (let round = 0; round <= rounds; round++) {
      const value = await withDataDirectory(async (data) => {
        const server = new BenchServer(data);
        const startMs = await server.start();
        await server.stop('SIGTERM');
        return startMs;
      });
      if (round > 0) measured.push({ value });
    }
    return measured;
  },
};
