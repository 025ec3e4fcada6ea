/**
 * `npm run conformance -- DIR [--only ID|NUMBER] [--json FILE] [--update | --accept | --check]`
 *
 * Runs every case under DIR (with `--only`, those whose id begins so, or the one with that number), prints the failing
 * ones with their first difference, and closes with the counts. `--json` writes the outcome of each case. Exits with 1
 * when a case fails that `failing.txt` does not list, and when that list is missing. `--update` takes out of the list
 * what does not fail any more and writes `docs/conformance.md`; `--accept` writes a new list of all that fails, for
 * when the comparison itself became stricter; `--check` exits with 1 also when `docs/conformance.md` is not what this
 * run gives.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installNative } from '../../base/node/index.ts';
import { readCases } from './cases.ts';
import { compareWithList, newList } from './failing-list.ts';
import { conformanceReport } from './report.ts';
import { loadFormats, type Outcome, runCase } from './runner.ts';

const listPath = join(import.meta.dirname, 'failing.txt');
const reportPath = join(import.meta.dirname, '..', '..', 'docs', 'conformance.md');

const main = async (): Promise<number> => {
  installNative();
  await loadFormats();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      update: { type: 'boolean', default: false },
      accept: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const { only = '', json, update, accept, check } = values;
  const [directory] = positionals;
  if (directory === undefined || !existsSync(directory)) {
    console.error('usage: npm run conformance -- DIR [--only ID|NUMBER] [--json FILE] [--update | --accept | --check]');
    return 1;
  }
  if (only !== '' && (update || accept || check)) {
    console.error('--update, --accept and --check need a run of all cases: leave --only out');
    return 1;
  }
  const chosen = readCases(directory)
    .map((one, index) => ({ one, number: index + 1 }))
    .filter(({ one, number }) => (/^\d+$/.test(only) ? String(number) === only : one.id.startsWith(only)));
  if (chosen.length === 0) {
    console.error(`there is no case ${only} in ${directory}`);
    return 1;
  }
  const outcomes = chosen.map(({ one, number }) => runCase(one, number));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(outcomes, null, 1)}\n`);
  if (accept) writeFileSync(listPath, newList(outcomes));
  if (!existsSync(listPath)) {
    console.error(`${listPath} is missing: take it from the repository, or write a new one with --accept`);
    return 1;
  }
  const { unlisted, mended, list } = compareWithList(outcomes, readFileSync(listPath, 'utf8'));
  const unexpected = new Set(unlisted);
  for (const { id, number, result, why } of outcomes) {
    if (result !== 'fail') continue;
    console.log(`FAIL ${number} ${id}${unexpected.has(id) ? '   (not in failing.txt)' : ''}\n     ${why}`);
  }
  if (update || accept) {
    writeFileSync(listPath, list);
    writeFileSync(reportPath, conformanceReport(outcomes));
  }
  if (mended.length > 0) {
    const outlook = update ? 'were taken out of failing.txt' : 'can be taken out of failing.txt by --update';
    console.log(`${mended.length} listed cases do not fail any more and ${outlook}`);
  }
  if (unlisted.length > 0) console.log(`${unlisted.length} cases fail that failing.txt does not list`);
  const count = (result: Outcome['result']): number => outcomes.filter((one) => one.result === result).length;
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`);
  const stale = check && readFileSync(reportPath, 'utf8') !== conformanceReport(outcomes);
  if (stale) console.error('docs/conformance.md is not what this run gives: write it anew with --update');
  return unlisted.length > 0 || stale ? 1 : 0;
};

process.exitCode = await main();
