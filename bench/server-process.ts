/** A built server as a child process: started, asked, killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const home = fileURLToPath(new URL('..', import.meta.url));

/** When a file of the product was changed last. */
const lastChangeMs = (): number =>
  globSync('{base,storage,engine,sql,library,server,cli}/**/*.ts', { cwd: home }).reduce(
    (last, path) => Math.max(last, statSync(join(home, path)).mtimeMs),
    0,
  );

export class BenchServer {
  readonly #data: string;
  #url = '';
  #child: ChildProcess | undefined;

  constructor(data: string) {
    if (!existsSync(main)) throw new Error('dist/ is missing: run `npm run build` first');
    if (statSync(main).mtimeMs < lastChangeMs())
      throw new Error('dist/ is older than the code: run `npm run build` first');
    this.#data = data;
  }

  get url(): string {
    return this.#url;
  }

  /** Milliseconds from spawn to the first request that `ready` is content with; any answer of /info when left out. */
  async start(ready: (url: string) => Promise<boolean> = answersInfo): Promise<number> {
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    const started = performance.now();
    this.#child = spawn(
      process.execPath,
      [main, 'server', '--data', this.#data, '--port', String(port), '--log-level', 'error'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let output = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2000);
    });
    for (;;) {
      if (this.#child.exitCode !== null)
        throw new Error(`the server ended with code ${this.#child.exitCode}: ${output}`);
      if ((await isListening(port)) && (await ready(this.#url).catch(() => false))) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** Open files and sockets, as /proc has them. */
  openHandles(): number {
    return readdirSync(`/proc/${this.#child?.pid}/fd`).length;
  }

  /** Processor time of all its threads, in milliseconds, as /proc has it. */
  processorMs(): number {
    const fields = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    // Fields 14 and 15 count ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** As /proc has it. */
  residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }
}

const answersInfo = async (url: string): Promise<boolean> => (await fetch(`${url}/info`)).ok;

/** Looks without costing much: where both share a core, what the observer spends is time that the server lacks. */
const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket
      .on('error', () => resolve(false))
      .on('connect', () => {
        socket.destroy();
        resolve(true);
      });
  });

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
};
