/**
 * Shows that the fault histories find what they are there for: plants a fault that the log once had into a copy of the
 * sources, runs the histories on it, and expects them to fail. `npm run test:planted` prints a line for each fault, and
 * exits 1 when one was not found.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

interface Fault {
  readonly what: string;
  /** Name of the history that has to find it. */
  readonly history: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

const beside = 'transactions beside each other';
const between = 'whatever is damaged between two runs';
const recovery = 'storage/file-log/partition-recovery.ts';

const faults: readonly Fault[] = [
  {
    what: 'offsets are copied while a transaction has written some and not ended, and deleted with the old segment',
    history: beside,
    edits: [
      {
        file: 'storage/file-log/group-offsets.ts',
        from: '    if (partition.state.stable() < this.#rotatedAt) return;\n',
        to: '',
      },
      {
        file: 'storage/file-log/group-offsets.ts',
        from: '    partition.deleteRecords(this.#rotatedAt);\n',
        to: '    if (partition.state.stable() < this.#rotatedAt) return;\n    partition.deleteRecords(this.#rotatedAt);\n',
      },
    ],
  },
  {
    what: 'an abort is answered while its markers wait for space',
    history: beside,
    edits: [
      { file: 'storage/file-log/file-producer.ts', from: '    this.#log.finishMarkers(this.producerId);\n', to: '' },
    ],
  },
  {
    what: 'after a truncation newer snapshots and indexes stay, and offsets are given out again',
    history: between,
    edits: [
      { file: recovery, from: '    if (end >= this.#expected) return;\n', to: '    if (end >= 0) return;\n' },
      { file: recovery, from: '    for (const path of this.#unfit) files.unlink(path);\n', to: '' },
      { file: recovery, from: '    for (const path of paths) files.unlink(path);\n', to: '' },
    ],
  },
  {
    what: 'recovery cuts a partition at the first damaged byte',
    history: between,
    edits: [
      {
        file: recovery,
        from: '    const found = nextWholeBatch(segment, damaged, limit);\n',
        to: '    const found = undefined as BatchPosition | undefined;\n',
      },
    ],
  },
];

const root = new URL('../..', import.meta.url).pathname;
const copied = ['base', 'storage', 'test/storage', 'test/support', 'vitest.config.ts', 'tsconfig.json', 'package.json'];

const isFound = ({ history, edits }: Fault): boolean => {
  const copy = mkdtempSync(join(tmpdir(), 'millrace-planted-'));
  try {
    for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const { file, from, to } of edits) {
      const text = readFileSync(join(copy, file), 'utf8');
      if (text.split(from).length !== 2)
        throw new Error(`${file} has changed: the fault cannot be planted at "${from.trim()}"`);
      writeFileSync(join(copy, file), text.replace(from, to));
    }
    const run = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--maxWorkers=1',
        '--testTimeout=120000',
        'test/storage/fault-histories.test.ts',
        '-t',
        history,
      ],
      { cwd: copy, encoding: 'utf8', timeout: 300_000 },
    );
    // A run that never began finds nothing either.
    return /Tests.* failed/.test(run.stdout);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
};

let missed = 0;
for (const fault of faults) {
  const found = isFound(fault);
  if (!found) missed++;
  console.log(`${found ? 'found    ' : 'NOT FOUND'}  ${fault.what}`);
}
process.exitCode = missed === 0 ? 0 : 1;
