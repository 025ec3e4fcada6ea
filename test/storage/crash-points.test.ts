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

const crashAtEach = async (seed: number, steps: number, every: number): Promise<void> => {
  const { files: whole } = await crashing(seed, -1, steps);
  expect(whole.calls).toBeGreaterThan(300);
  for (let at = 0; at < whole.calls; at += every) {
    const { files, trace } = await crashing(seed, at, steps);
    if (files.crashedAt < 0) continue;
    for (const mode of crashModes) {
      try {
        await checkAfterCrash(files.crashed(mode, new Random(at)), trace, mode);
      } catch (cause) {
        throw new Error(`seed ${seed}, crash at call ${at}, ${mode}`, { cause });
      }
    }
  }
};

test('a crash at each I/O call of 200 operations loses nothing acknowledged and shows nothing uncommitted', async () => {
  await crashAtEach(1, 200, 1);
}, 300_000);

// Seed 8 once lost offsets that were committed while the offsets partition was written anew.
test.each([2, 8])('a longer trace holds as well (seed %i)', async (seed) => {
  await crashAtEach(seed, 300, 9);
});
