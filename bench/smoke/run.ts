/**
 * The smoke run: an application over a real data directory, in a process that is killed at random moments (SIGKILL)
 * and started again; afterwards everything that it has written and keeps is compared with plain code.
 *
 * Kills fall where the work is: each after a share of the records that are left, drawn from the seed, and up to 30 ms;
 * one in five before the application runs, while it restores. Where the machine takes its time, so does the run; the
 * seed gives the same moments only about.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../../base/index.ts';
import { open } from '../../millrace.ts';
import { appOf } from './app.ts';
import { compare, type Faults } from './compare.ts';
import type { Sizes } from './history.ts';
import type { Told } from './process.ts';

export interface SmokeOptions extends Sizes {
  readonly kills: number;
  readonly data: string;
  /** 0: on the main thread of its process. */
  readonly threads: number;
  readonly print?: (line: string) => void;
}

export interface Smoke {
  /** How many kills came while the application had records to read. */
  readonly underLoad: number;
  readonly faults: Faults;
}

const program = fileURLToPath(new URL('./process.ts', import.meta.url));

const start = (what: 'produce' | 'run', { data, keys, records, seed, threads }: SmokeOptions): ChildProcess =>
  fork(program, [what, data, JSON.stringify({ keys, records, seed }), String(threads)], { stdio: 'inherit' });

/** Rejects unless the process ends by itself, with success. */
const ended = async (child: ChildProcess): Promise<void> => {
  const [code, signal] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  if (code !== 0) throw new Error(`a process of the smoke run ended with ${code ?? signal}`);
};

/** Kills the process when it has read so many records, `delayMs` later; earlier where there is nothing left to do.
 *  Answers what it told last. */
const killed = async (child: ChildProcess, after: number | undefined, delayMs: number): Promise<Told> => {
  let told: Told = { read: 0, idle: false };
  const due =
    after === undefined
      ? Promise.resolve()
      : new Promise<void>((resolve, reject) => {
          child.on('message', (message: Told) => {
            told = message;
            if (told.read >= after || told.idle) resolve();
          });
          child.on('exit', (code) => reject(new Error(`a process of the smoke run ended with ${code} by itself`)));
        });
  await due;
  await pause(delayMs);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  return told;
};

/** About how many records the tasks read, those of internal topics included. */
const readsOf = ({ keys, records }: Sizes): number => Math.round(keys * records * 3.2);

export const smoke = async (options: SmokeOptions): Promise<Smoke> => {
  const { kills, data, seed, threads, print = () => undefined } = options;
  const random = new Random(seed, 1);
  print(`seed ${seed}: ${options.keys} keys x ${options.records} records, ${kills} kills, in ${data}`);
  await ended(start('produce', options));
  let left = readsOf(options);
  let underLoad = 0;
  for (let kill = 0; kill < kills; kill++) {
    const atStart = random.float() < 0.2;
    const share = Math.round((left / (kills - kill + 1)) * (0.2 + 1.4 * random.float()));
    const delayMs = random.below(atStart ? 600 : 30);
    const told = await killed(start('run', options), atStart ? undefined : share, delayMs);
    left = Math.max(0, left - told.read);
    if (!told.idle) underLoad++;
    const when = atStart ? `${delayMs} ms after its start` : told.idle ? 'at rest' : `after ${told.read} records`;
    print(`kill ${kill + 1}: ${when}`);
  }
  await ended(start('run', options));
  const millrace = await open({ data });
  try {
    const streams = await millrace.streams(appOf(threads));
    await streams.awaitIdle();
    const faults = await compare(millrace, streams, options, (part) => print(`comparing: ${part}`));
    return { underLoad, faults };
  } finally {
    await millrace.close();
  }
};
