/** The line that shows how far a long run has come: written over itself on a terminal, a line every ten seconds where
 *  the output goes elsewhere. */

const plainEveryMs = 10_000;

export interface ProgressOptions {
  readonly what: string;
  readonly total: number;
  /** Milliseconds of a clock. */
  readonly now: () => number;
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
}

export class Progress {
  readonly #options: ProgressOptions;
  readonly #start: number;
  #lastLine: number;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#start = options.now();
    this.#lastLine = this.#start;
  }

  show(done: number): void {
    const { what, total, now, write, isTerminal } = this.#options;
    const time = now();
    if (!isTerminal && time - this.#lastLine < plainEveryMs) return;
    this.#lastLine = time;
    const rate = done / Math.max((time - this.#start) / 1000, 0.001);
    const left = rate === 0 ? 'not known yet' : `in ${durationText((total - done) / rate)}`;
    const line = `${whole(done)} of ${whole(total)} ${what}, ${whole(rate)} a second, end ${left}`;
    write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
  }

  /** Makes room for other output. */
  clear(): void {
    if (this.#options.isTerminal) this.#options.write('\r\u001b[K');
  }
}

const whole = (count: number): string => Math.round(count).toLocaleString('en');

export const durationText = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
