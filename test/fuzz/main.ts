/**
 * `npm run fuzz:sql -- [--texts] [--differential] [--seed N] [--workers N] [--generated N] [--mutated N] [--cases N]
 * [--check NAME …]`
 *
 * `--texts`: random texts are planned (`texts.ts`), and every one is printed for which what `check.ts` demands does not
 * hold, once for each kind of problem. `--differential`: random queries are run over random records, each in the pairs
 * of ways that `checks/` names (or only in those of `--check`), and what differs is printed. Neither: both. What is
 * printed was made as small as it could be.
 *
 * On stderr a line shows how far the run has come. It ends with a summary, and with exit code 1 when anything was
 * found. The seed is printed; it gives the same run again, with any number of workers.
 */

import { parseArgs } from 'node:util';
import { type Block, type BlockKind, blocksOf } from './blocks.ts';
import { kindOf } from './check.ts';
import { checks } from './checks/index.ts';
import { durationText, Progress } from './progress.ts';
import { runInThreads } from './threads.ts';

const { values } = parseArgs({
  options: {
    texts: { type: 'boolean', default: false },
    differential: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 0x7fff_ffff)) },
    workers: { type: 'string', default: '1' },
    generated: { type: 'string', default: '10000' },
    mutated: { type: 'string', default: '1000000' },
    cases: { type: 'string', default: '2000' },
    check: { type: 'string', multiple: true, default: Object.keys(checks) },
  },
});

const count = (name: 'seed' | 'workers' | 'generated' | 'mutated' | 'cases', least = 0): number => {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  console.error(`--${name} takes a whole number of ${least} or more, not ${values[name]}`);
  process.exit(2);
};
const unknown = values.check.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`--check takes ${Object.keys(checks).join(', ')}, not ${unknown.join(', ')}`);
  process.exit(2);
}

const both = values.texts === values.differential;
const seed = count('seed');
const workers = count('workers', 1);
const blocks = blocksOf(seed, {
  generated: both || values.texts ? count('generated') : 0,
  mutated: both || values.texts ? count('mutated') : 0,
  differential: both || values.differential ? count('cases') : 0,
});
const ofKinds = (...kinds: readonly BlockKind[]): readonly Block[] => blocks.filter(({ kind }) => kinds.includes(kind));

let problems = 0;
console.log(`seed ${seed}`);
await phase('texts', ofKinds('generated', 'mutated'));
await phase('cases', ofKinds('differential'));
console.log(`${problems === 0 ? 'no problem' : `${problems} problems`} found; seed ${seed}`);
process.exitCode = problems === 0 ? 0 : 1;

/** Runs the blocks, and prints what they find and what they have come to. */
async function phase(what: string, own: readonly Block[]): Promise<void> {
  if (own.length === 0) return;
  const start = performance.now();
  const progress = new Progress({
    what,
    total: own.reduce((sum, block) => sum + block.count, 0),
    now: () => performance.now(),
    write: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
  });
  const seen = new Set<string>();
  const tallies = new Map<string, number>();
  await runInThreads({
    blocks: own,
    checks: values.check,
    workers,
    found: ({ problem, text }) => {
      const kind = kindOf(problem);
      if (what === 'texts' && seen.has(kind)) return;
      seen.add(kind);
      problems++;
      progress.clear();
      console.log(`\n${problem}\n${text}\n`);
    },
    done: (tally) => {
      for (const [name, more] of Object.entries(tally)) tallies.set(name, (tallies.get(name) ?? 0) + more);
    },
    tick: (begun) => progress.show(begun),
  });
  progress.clear();
  const shown = [...tallies].map(([name, total]) => `${total.toLocaleString('en')} ${name}`).join(', ');
  console.log(`${shown || 'nothing was completed'}, in ${durationText((performance.now() - start) / 1000)}`);
}
