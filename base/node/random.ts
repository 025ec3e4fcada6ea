/** A generator seeded by the machine's entropy. */

import { randomFillSync } from 'node:crypto';
import { Random } from '../random.ts';

export const systemRandom = (): Random => {
  const [first, second, third] = randomFillSync(new Int32Array(3));
  return new Random(first as number, second, third);
};
