/**
 * `npm run conformance -- DIR [--only ID] [--json FILE] [--shrink]`
 *
 * Runs every case under DIR, prints the failing ones with their first difference, and closes with the counts. Cases that are known to
 * fail are listed in `failing.txt`, as the first 16 digits of the SHA-256 of their ids. The list only shrinks: a case that fails and is not in it is
 * an error, and so is one in it that passes, until `--shrink` has taken it out.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCases } from './cases.ts';
import { type Outcome, runCase } from './runner.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    json: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    start: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
});

const fingerprint = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 16);
const listPath = join(import.meta.dirname, 'failing.txt');

const main = (): number => {
  const [directory] = positionals;
  if (directory === undefined || !existsSync(directory)) {
    console.error('usage: npm run conformance -- DIR [--only ID] [--json FILE]');
    return 1;
  }
  const all = readCases(directory);
  const cases = values.only === undefined ? all : all.filter((one) => one.id === values.only || one.id.startsWith(`${values.only}`));
  if (cases.length === 0) {
    console.error(`no case ${values.only ?? ''} in ${directory}`);
    return 1;
  }
  const outcomes = cases.map(runCase);
  const of = (result: Outcome['result']): readonly Outcome[] => outcomes.filter((one) => one.result === result);
  const failed = of('fail');
  if (!values.quiet) for (const { id, why } of failed) console.log(`FAIL ${id}\n     ${why}`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(outcomes.map(({ id, result, why }) => ({ id, result, why: why ?? '' })), null, 1)}\n`);
  }

  let status = 0;
  if (values.start) writeFileSync(listPath, lines(failed.map(({ id }) => fingerprint(id))));
  const known = new Set(existsSync(listPath) ? readFileSync(listPath, 'utf8').split('\n').filter(Boolean) : []);
  const fresh = failed.filter(({ id }) => !known.has(fingerprint(id)));
  for (const { id } of fresh) {
    console.log(`NEW FAILURE ${id}: it is not in test/conformance/failing.txt`);
    status = 1;
  }
  const mended = of('pass').filter(({ id }) => known.has(fingerprint(id)));
  if (mended.length > 0 && values.shrink) {
    const gone = new Set(mended.map(({ id }) => fingerprint(id)));
    writeFileSync(listPath, lines([...known].filter((one) => !gone.has(one))));
    console.log(`${mended.length} cases were taken out of test/conformance/failing.txt`);
  } else if (mended.length > 0) {
    for (const { id } of mended) console.log(`MENDED ${id}: it passes, but is still in test/conformance/failing.txt`);
    console.log('Shrink the list: npm run conformance -- DIR --shrink');
    status = 1;
  }
  console.log(`${of('pass').length} passed, ${failed.length} failed, ${of('skip').length} skipped`);
  return status;
};

const lines = (items: readonly string[]): string => [...items].sort().map((item) => `${item}\n`).join('');

process.exitCode = main();
