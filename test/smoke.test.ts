/** The smoke run (`npm run smoke`) in miniature: an application with every kind of operator, killed three times. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smoke } from '../bench/smoke/run.ts';

test.each([0, 2])(
  'nothing is lost and nothing is there twice after kills, with %i threads',
  { timeout: 240_000 },
  async (threads) => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-smoke-test-'));
    try {
      const { underLoad, faults } = await smoke({ keys: 20, records: 300, kills: 3, seed: 5 + threads, threads, data });
      expect(faults.slice(0, 10)).toEqual([]);
      expect(underLoad).toBeGreaterThan(0);
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  },
);
