/**
 * `npm run fuzz:sql -- [--seed N] [--generated N] [--mutated N]`
 *
 * Plans random statements (`generate.ts`) and prints every text for which what `check.ts` demands does not hold, once
 * for each kind of problem. Exits with 1 when there is one. The seed is printed, and gives the same texts again.
 */

import { parseArgs } from 'node:util';
import { Random } from '../../base/index.ts';
import { installNative } from '../../base/node/index.ts';
import { loadFormats } from '../conformance/runner.ts';
import { type Found, fuzz } from './fuzz.ts';

installNative();
await loadFormats();
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    generated: { type: 'string', default: '10000' },
    mutated: { type: 'string', default: '1000000' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : Number(values.seed);
console.log(`seed ${seed}`);
const found: Found[] = [];
const counts = fuzz({
  random: new Random(seed),
  generated: Number(values.generated),
  mutated: Number(values.mutated),
  report: (one) => {
    found.push(one);
    console.log(`\n${one.problem}\n${one.text}`);
  },
});
console.log(
  `\n${counts.accepted} accepted, ${counts.refused} refused, ${found.length} kinds of problems; seed ${seed}`,
);
process.exitCode = found.length === 0 ? 0 : 1;
