/** `streams-app.ts` as a child process: its lines, awaited one after the other, and its end. */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Line = Readonly<Record<string, unknown>>;

export class StreamsProcess {
  readonly child: ChildProcess;
  /** All lines so far. */
  readonly lines: Line[] = [];
  #waiting: (() => void)[] = [];
  #errors = '';

  constructor(options: readonly (string | number)[]) {
    const program = fileURLToPath(new URL('./streams-app.ts', import.meta.url));
    this.child = spawn(process.execPath, [program, ...options.map(String)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.lines.push(JSON.parse(part) as Line);
      this.#wake();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    this.child.on('exit', () => this.#wake());
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** The first line of this kind. */
  async line(what: string): Promise<Line> {
    for (;;) {
      const found = this.lines.find((line) => line['what'] === what);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`the process ended before it was ${what}: ${this.#errors}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
