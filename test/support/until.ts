/** What a test waits for, where it has no value to show: how long it waits at most is in `vitest.config.ts`, since a
 *  limit of its own would make how busy the machine is a part of the test. */

import { expect } from 'vitest';

/** Waits until it is true. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  await expect.poll(holds).toBe(true);
};
