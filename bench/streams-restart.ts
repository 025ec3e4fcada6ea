/**
 * Claim: SIGKILL under load with a million keys in the store of an embedded application; from the next spawn of its
 * process to the first right answer of the store.
 *
 * The answer is that of key 0, which the load counts again and again: at least what was acknowledged and counted before
 * the last kill. (`restart.ts` measures the same for a query in SQL, over HTTP.)
 */

import { once } from 'node:events';
import type { Claim, Round } from './claim.ts';
import { withDataDirectory } from './sql-path.ts';
import { StreamsProcess } from './streams-process.ts';

const KEYS = 1_000_000;
const UNDER_LOAD_KEYS = 100_000;

export const streamsRestart: Claim = {
  name: 'streams-restart',
  about: 'SIGKILL under load with 1e6 keys in the store of an embedded application; spawn to its first right answer',
  unit: 'ms',
  asked: { atMost: 1000 },
  cores: 2,
  variants: false,
  run: ({ rounds }) =>
    withDataDirectory(async (data) => {
      const measured: Round[] = [];
      let app = new StreamsProcess([data, 0, KEYS, UNDER_LOAD_KEYS, 'built']);
      await app.line('checkpointed');
      for (let round = 0; round < rounds; round++) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        app.kill();
        await once(app.child, 'exit');
        const started = performance.now();
        app = new StreamsProcess([data, 0, 0, UNDER_LOAD_KEYS, 'built']);
        const answered = await app.line('answered');
        measured.push({ value: performance.now() - started });
        if (!(Number(answered['count']) >= 1)) throw new Error(`key 0 has the count ${String(answered['count'])}`);
      }
      app.kill();
      await once(app.child, 'exit');
      return measured;
    }),
};
