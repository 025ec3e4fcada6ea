import { expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { crashModes, FaultyFiles } from '../support/faulty-files.ts';
import { checkAfterCrash, runTrace } from './support/trace.ts';

/** A trace that crashes at the given I/O call; -1 for one that runs to its end. */
const crashing = async (seed: number, at: number, steps: number) => {
  const files = new FaultyFiles();
  files.mkdir('/data');
  files.syncDirectory('/');
  if (at >= 0) files.onCall = ({ count, kind }) => (count === at && kind !== 'read' ? 'crash' : undefined);
  const trace = await runTrace(files, seed, steps);
  files.onCall = undefined;
  return { files, trace };
};

test('a trace without a crash is shown as it was acknowledged', async () => {
  const { files, trace } = await crashing(1, -1, 200);
  expect(trace.transactions.length).toBeGreaterThan(10);
  expect(files.calls).toBeGreaterThan(300);
  for (const mode of crashModes) await checkAfterCrash(files.crashed(mode, new Random(1)), trace, mode);
});

test('a crash at each I/O call of 200 operations loses nothing acknowledged and shows nothing uncommitted', async () => {
  const seed = 1;
  const { files: whole } = await crashing(seed, -1, 200);
  for (let at = 0; at < whole.calls; at++) {
    const { files, trace } = await crashing(seed, at, 200);
    if (files.crashedAt < 0) continue;
    for (const mode of crashModes) {
      try {
        await checkAfterCrash(files.crashed(mode, new Random(at)), trace, mode);
      } catch (cause) {
        throw new Error(`crash at call ${at}, ${mode}`, { cause });
      }
    }
  }
}, 120_000);
