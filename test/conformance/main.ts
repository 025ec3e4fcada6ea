/**
 * `npm run conformance -- DIR [--only ID] [--json FILE] [--update]`
 *
 * Runs every case under DIR (with `--only`, those whose id begins so), prints the failing ones with their first difference, and closes with the
 * counts. `--json` writes what became of each case. Exits with 1 when a case fails that `failing.txt` does not know; `--update` takes out of that list
 * what does not fail any more.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installNative } from '../../base/node/index.ts';
import { readCases } from './cases.ts';
import { judge } from './failing-list.ts';
import { type Outcome, runCase } from './runner.ts';

const listPath = join(import.meta.dirname, 'failing.txt');

const main = (): number => {
  installNative();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, json: { type: 'string' }, update: { type: 'boolean', default: false } },
  });
  const { only = '', json, update } = values;
  const [directory] = positionals;
  if (directory === undefined || !existsSync(directory)) {
    console.error('usage: npm run conformance -- DIR [--only ID] [--json FILE] [--update]');
    return 1;
  }
  const cases = readCases(directory).filter(({ id }) => id.startsWith(only));
  if (cases.length === 0) {
    console.error(`there is no case ${only} in ${directory}`);
    return 1;
  }
  const outcomes = cases.map(runCase);
  const { fresh, mended, list } = judge(outcomes, existsSync(listPath) ? readFileSync(listPath, 'utf8') : undefined);
  const unexpected = new Set(fresh);
  for (const { id, result, why } of outcomes) {
    if (result === 'fail') console.log(`FAIL ${id}${unexpected.has(id) ? '   (not in failing.txt)' : ''}\n     ${why}`);
  }
  if (json !== undefined) {
    const report = outcomes.map(({ id, result, why = '' }) => ({ id, result, why }));
    writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  }
  if (update) writeFileSync(listPath, list);
  if (mended.length > 0) {
    const cure = update ? 'taken out of' : 'can be taken out of';
    console.log(
      `${mended.length} listed cases do not fail any more and ${cure} failing.txt${update ? '' : ' by --update'}`,
    );
  }
  if (fresh.length > 0) console.log(`${fresh.length} cases fail that failing.txt does not list`);
  const count = (result: Outcome['result']): number => outcomes.filter((one) => one.result === result).length;
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`);
  return fresh.length > 0 ? 1 : 0;
};

process.exitCode = main();
