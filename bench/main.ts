/**
 * `npm run bench -- [--only NAME] [--full] [--json FILE] [--records N] [--rounds N]`
 *
 * Runs each claim in a process of its own, pinned to one core where the claim asks for one (`taskset`, on Linux), and
 * prints the median of its rounds beside what is asked. Each begins when the disk is at rest. `--json` writes
 * `[{name, value, unit, base, ratio}]`. Without options it runs about twenty minutes on two free cores. `--full` uses
 * twice the records, and runs the SQL paths also with code generation off (`/plain`), on the wide schema (`/wide`), and
 * both.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Claim, type Figure, figureOf, type Round, type Variant } from './claim.ts';
import { claims } from './claims.ts';
import { diskAtRest } from './disk-at-rest.ts';

const self = fileURLToPath(import.meta.url);

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
    records: { type: 'string' },
    rounds: { type: 'string' },
    /** Internal: run one claim here and print its rounds. */
    child: { type: 'string' },
    baseline: { type: 'boolean', default: false },
    schema: { type: 'string', default: 'narrow' },
  },
});

const records = Number(values.records ?? (values.full ? 2_000_000 : 1_000_000));
const rounds = Number(values.rounds ?? 5);

const runHere = async (name: string): Promise<void> => {
  const claim = claimNamed(name);
  const variant: Variant = {
    schema: values.schema === 'wide' ? 'wide' : 'narrow',
    records,
    rounds,
  };
  const run = values.baseline ? claim.baseline?.run : claim.run;
  if (run === undefined) throw new Error(`${name} has no baseline of its own`);
  process.stdout.write(`${JSON.stringify(await run(variant))}\n`);
};

const claimNamed = (name: string): Claim => {
  const claim = claims.find((candidate) => candidate.name === name);
  if (claim === undefined)
    throw new Error(`there is no claim "${name}"; there are ${claims.map((known) => known.name).join(', ')}`);
  return claim;
};

interface ChildOptions {
  readonly cores: 1 | 2;
  readonly baseline?: boolean;
  readonly schema?: string;
  readonly codegen?: boolean;
  readonly rounds?: number;
}

const runApart = async (claim: Claim, options: ChildOptions): Promise<Round[]> => {
  const { cores, baseline, schema, codegen } = options;
  const node = [
    process.execPath,
    self,
    '--child',
    claim.name,
    '--records',
    String(records),
    '--rounds',
    String(options.rounds ?? rounds),
    ...(baseline === true ? ['--baseline'] : []),
    ...(schema === undefined ? [] : ['--schema', schema]),
  ];
  await diskAtRest();
  const [command, ...args] = cores === 1 && platform() === 'linux' ? ['taskset', '-c', '1', ...node] : node;
  const child = spawn(command as string, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(codegen === false ? { MILLRACE_CODEGEN: 'off' } : {}) },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    output += part;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${claim.name} ended with code ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Round[];
};

/** A claim with a baseline in another process: one round of each alternately, so that both run under the same load. */
const runPaired = async (claim: Claim, baseline: NonNullable<Claim['baseline']>): Promise<Round[]> => {
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const [base] = await runApart(claim, { cores: baseline.cores, baseline: true, rounds: 1 });
    const [value] = await runApart(claim, { cores: claim.cores, rounds: 1 });
    if (base !== undefined && value !== undefined) measured.push({ value: value.value, base: base.value });
  }
  return measured;
};

const figuresOf = async (claim: Claim): Promise<Figure[]> => {
  if (claim.baseline !== undefined) return [figureOf(claim.name, claim.unit, await runPaired(claim, claim.baseline))];
  const figures = [figureOf(claim.name, claim.unit, await runApart(claim, { cores: claim.cores }))];
  if (claim.variants && values.full) {
    figures.push(
      figureOf(`${claim.name}/plain`, claim.unit, await runApart(claim, { cores: claim.cores, codegen: false })),
    );
    figures.push(
      figureOf(`${claim.name}/wide`, claim.unit, await runApart(claim, { cores: claim.cores, schema: 'wide' })),
    );
    figures.push(
      figureOf(
        `${claim.name}/wide/plain`,
        claim.unit,
        await runApart(claim, { cores: claim.cores, schema: 'wide', codegen: false }),
      ),
    );
  }
  return figures;
};

const shown = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2));

const runAll = async (): Promise<void> => {
  const chosen = values.only === undefined ? claims : [claimNamed(values.only)];
  const started = performance.now();
  const report: Figure[] = [];
  const table = new Table({
    head: ['claim', 'value', 'unit', 'base', 'ratio', 'asked'],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right'],
  });
  for (const claim of chosen) {
    process.stderr.write(`${claim.name}: ${claim.about} …\n`);
    for (const figure of await figuresOf(claim)) {
      report.push(figure);
      const asked = 'atLeast' in claim.asked ? `at least ${claim.asked.atLeast}` : `at most ${claim.asked.atMost}`;
      table.push([
        figure.name,
        shown(figure.value),
        figure.unit,
        figure.base === undefined ? '' : shown(figure.base),
        figure.ratio === undefined ? '' : figure.ratio.toFixed(2),
        figure.name === claim.name ? asked : '',
      ]);
    }
  }
  process.stdout.write(`${table.toString()}\n`);
  process.stderr.write(`${Math.round((performance.now() - started) / 1000)} s\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
};

await (values.child === undefined ? runAll() : runHere(values.child));
