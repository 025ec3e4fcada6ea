/** What the demonstration prints: headings, a progress bar, aligned tables. Colours and the moving bar only on a
 *  terminal. */

import Table from 'cli-table3';
import pc from 'picocolors';

const out = process.stdout;

/** A line; where a progress bar is being drawn, above it. */
export const say = (text = ''): void => {
  out.write(barShown ? `\r\u001b[K${text}\n` : `${text}\n`);
  barShown = false;
};

let barShown = false;

export const heading = (text: string): void => say(`\n${pc.bold(text)}`);

export const number = (value: number): string => Math.round(value).toLocaleString('en-US');

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** Numbers to the right, everything else to the left. */
export const table = (head: readonly string[], body: readonly (readonly unknown[])[]): void => {
  const isNumber = head.map((_, column) => body.every((row) => typeof row[column] === 'number'));
  const printed = new Table({
    head: [...head],
    colAligns: isNumber.map((numeric) => (numeric ? 'right' : 'left')),
    style: { head: pc.isColorSupported ? ['bold'] : [], border: [], compact: true },
  });
  for (const row of body) printed.push(row.map(cell));
  say(printed.toString());
};

const cell = (value: unknown): string => {
  if (typeof value !== 'number') return String(value);
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
};

/** One line that redraws itself on a terminal; elsewhere a line for every tenth. */
export class Progress {
  readonly #total: number;
  readonly #label: string;
  readonly #started = performance.now();
  #lastTenth = 0;
  #lastDraw = 0;

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
  }

  show(done: number): void {
    const share = this.#total === 0 ? 1 : done / this.#total;
    const now = performance.now();
    const rate = (done / Math.max(1, now - this.#started)) * 1000;
    const text = `${this.#label} ${number(done)} of ${number(this.#total)} (${Math.floor(share * 100)} %), ${number(rate)}/s`;
    if (out.isTTY) {
      if (now - this.#lastDraw < 100 && done < this.#total) return;
      this.#lastDraw = now;
      const width = 24;
      const full = Math.round(share * width);
      barShown = true;
      out.write(`\r${'█'.repeat(full)}${'░'.repeat(width - full)} ${text}\u001b[K`);
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth > this.#lastTenth) {
      this.#lastTenth = tenth;
      say(text);
    }
  }

  /** Leaves the bar as it stands and goes to the next line. */
  end(): void {
    if (barShown) out.write('\n');
    barShown = false;
  }
}
