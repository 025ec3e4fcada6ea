import { expect } from 'vitest';

/** Waits for an event of which a test shows no value; how long a test waits at most is in `vitest.config.ts`. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  await expect.poll(holds).toBe(true);
};
