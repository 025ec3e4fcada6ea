/**
 * Where output goes: data to standard output, every message about it to standard error, so that a pipe holds data
 * alone.
 *
 * Writing waits for a slow reader. When the reader of standard output goes away (`| head`), that is no error: the
 * signal `closed` fires, whatever runs stops, and the command ends as if it had finished.
 */

import type { Writable } from 'node:stream';
import colors from 'picocolors';
import { whenReaderLeaves } from './closed-pipe.ts';
import type { TableStyle } from './table.ts';

interface Stream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Colors = ReturnType<typeof colors.createColors>;

export class Terminal {
  readonly #out: Stream;
  readonly #err: Stream;
  readonly #closed = new AbortController();
  /** Colours of messages on standard error. */
  readonly colors: Colors;
  readonly #outColors: Colors;

  constructor(out: Stream, err: Stream) {
    this.#out = out;
    this.#err = err;
    this.colors = colors.createColors(colors.isColorSupported && err.isTTY === true);
    this.#outColors = colors.createColors(colors.isColorSupported && out.isTTY === true);
    whenReaderLeaves(out, () => this.#closed.abort());
    // There is no reader any more.
    err.on('error', () => {});
  }

  /** Fires when nobody reads standard output any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** How tables are drawn here, at the width that the terminal has now. */
  get tableStyle(): TableStyle {
    const isTerminal = this.#out.isTTY === true;
    return {
      width: isTerminal ? this.#out.columns : undefined,
      boxes: isTerminal,
      bold: this.#outColors.bold,
      dim: this.#outColors.dim,
    };
  }

  /** Writes data; resolves when more can be written. */
  async write(text: string): Promise<void> {
    if (text === '' || this.closed.aborted || this.#out.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#out.off('drain', done);
        this.closed.removeEventListener('abort', done);
        resolve();
      };
      this.#out.on('drain', done);
      this.closed.addEventListener('abort', done);
    });
  }

  /** Writes a message, one line, to standard error. */
  message(text: string): void {
    this.#err.write(`${text}\n`);
  }
}
