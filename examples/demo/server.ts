/** The server of the demonstration: a real `millrace server` process that can be started, killed without warning, and
 *  started again. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** A free port that stays free while the server is away: the system gives ports from 32768 on to whatever asks for
 *  any, and would give one of those to another process between a kill and the next start. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error('no free port on the loopback interface');
};

export class Server {
  readonly url: URL;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;

  constructor(options: { readonly dataDirectory: string; readonly port: number }) {
    this.url = new URL(`http://127.0.0.1:${options.port}`);
    this.#arguments = [
      main,
      'server',
      '--data',
      options.dataDirectory,
      '--port',
      String(options.port),
      '--log-level',
      'error',
    ];
  }

  /** Milliseconds from spawn to the first answered request. */
  async start(): Promise<number> {
    const started = performance.now();
    const child = spawn(process.execPath, this.#arguments, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}: ${said}`);
      const answered = await fetch(new URL('/healthcheck', this.url)).then(
        (response) => response.ok,
        () => false,
      );
      if (answered) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** SIGKILL: no shutdown code runs. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
