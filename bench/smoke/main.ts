/**
 * `npm run smoke -- [--keys N] [--records N] [--kills N] [--seed N] [--threads N] [--data DIRECTORY]`
 *
 * Runs an application with every kind of operator over keys x records numbers, kills its process again and again, and
 * compares each result and each store with plain code (`run.ts`). Exits with 1 where something is lost, is there twice
 * or is wrong. A directory that was given is kept.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { smoke } from './run.ts';

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '20' },
    records: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    threads: { type: 'string', default: '0' },
    data: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`npm run smoke -- [options]
  --keys N           keys (20)
  --records N        records of each key (100,000)
  --kills N          how often the process is killed (30)
  --seed N           of the history and of the kills (another one each time)
  --threads N        threads of the application; 0: the main one (0)
  --data DIRECTORY   is kept afterwards (a temporary one, which is not)
`);
  process.exit();
}

const shownFaults = 20;
const own = values.data === undefined;
const data = values.data ?? mkdtempSync(join(tmpdir(), 'millrace-smoke-'));
const started = performance.now();
const print = (line: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
};
try {
  const { underLoad, faults } = await smoke({
    keys: Number(values.keys),
    records: Number(values.records),
    kills: Number(values.kills),
    seed: Number(values.seed),
    threads: Number(values.threads),
    data,
    print,
  });
  for (const fault of faults.slice(0, shownFaults)) print(`FAULT: ${fault}`);
  if (faults.length > shownFaults) print(`… and ${faults.length - shownFaults} more`);
  print(
    `${values.kills} kills, ${underLoad} of them under load; ${faults.length === 0 ? 'nothing lost, nothing twice' : `${faults.length} faults`}`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  if (own) rmSync(data, { recursive: true, force: true });
}
