/**
 * `npm run fuzz:sql -- [--seed N] [--generated N] [--mutated N] [--differential N] [--check NAME …]`
 *
 * First random texts are planned (`statements.ts`, `mutate.ts`), and every text is printed for which what `check.ts`
 * demands does not hold, once for each kind of problem. Then random queries are run over random records, each in the
 * pairs of ways that `differential.ts` names (or only in those of `--check`); what differs is printed as small as it
 * could be made. Exits with 1 when anything was found. The seed is printed, and gives the same run again.
 */

import { parseArgs } from 'node:util';
import { Random } from '../../base/index.ts';
import { installNative } from '../../base/node/index.ts';
import { loadFormats } from '../conformance/runner.ts';
import { checks, differential } from './differential.ts';
import { fuzz } from './fuzz.ts';

installNative();
await loadFormats();
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    generated: { type: 'string', default: '10000' },
    mutated: { type: 'string', default: '1000000' },
    differential: { type: 'string', default: '5000' },
    check: { type: 'string', multiple: true, default: Object.keys(checks) },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : Number(values.seed);
console.log(`seed ${seed}`);
let problems = 0;
const texts = fuzz({
  random: new Random(seed),
  generated: Number(values.generated),
  mutated: Number(values.mutated),
  report: ({ problem, text }) => {
    problems++;
    console.log(`\n${problem}\n${text}`);
  },
});
console.log(`\n${texts.accepted} texts accepted, ${texts.refused} refused`);
const { cases, queries, silent, written } = differential({
  random: new Random(seed),
  cases: Number(values.differential),
  now: () => performance.now(),
  checks: Object.fromEntries(Object.entries(checks).filter(([name]) => values.check.includes(name))),
  report: ({ check, problem, statements, records }) => {
    problems++;
    console.log(`\n${check}: ${problem}\n${statements}\n${records.join('\n')}`);
  },
});
console.log(`\n${cases} cases of ${queries} queries, ${silent} of which wrote nothing; ${written} records written`);
console.log(`${problems} problems; seed ${seed}`);
process.exitCode = problems === 0 ? 0 : 1;
