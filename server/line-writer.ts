/**
 * Lines of a streamed answer, as the client takes them.
 *
 * Lines are asked for one by one and made only then: what is held of a large answer is what the client has not received
 * of `maxUnsentBytes`. Over HTTP/2 there is a second form, of frames: `frames.ts`.
 */

import type { Writable } from 'node:stream';
import { drained } from './drained.ts';

export interface LineWriter {
  /** What comes before the lines; sent at once. */
  head(text: string): Promise<void>;
  /** Resolves when the client can take more, or is gone. */
  lines(lines: Iterable<string>): Promise<void>;
  /** Sends what is left, and ends the answer. */
  end(): Promise<void>;
}

export class PlainWriter implements LineWriter {
  readonly #out: Writable;
  readonly #maxUnsentBytes: number;

  constructor(out: Writable, maxUnsentBytes: number) {
    this.#out = out;
    this.#maxUnsentBytes = maxUnsentBytes;
  }

  head(text: string): Promise<void> {
    return this.lines([text]);
  }

  async lines(lines: Iterable<string>): Promise<void> {
    let text = '';
    for (const line of lines) {
      text += line;
      if (text.length < this.#maxUnsentBytes) continue;
      await this.#write(text);
      text = '';
      if (this.#out.destroyed) return;
    }
    await this.#write(text);
  }

  async end(): Promise<void> {
    if (!this.#out.destroyed) this.#out.end();
  }

  /** Never an empty text: see `startAnswer`. */
  async #write(text: string): Promise<void> {
    if (text !== '' && !this.#out.destroyed && !this.#out.write(text)) await drained(this.#out);
  }
}
