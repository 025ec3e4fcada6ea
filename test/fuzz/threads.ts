/**
 * Runs blocks in threads, and watches the threads: one that dies, or that does not come to its next text within a
 * time, is a problem of the text that it was at. The rest of that block is left out, and a new thread goes on with the
 * other blocks.
 */

import { Worker } from 'node:worker_threads';
import { AssertionError } from '../../base/index.ts';
import type { Block, Found, Tally } from './blocks.ts';

export type ToWorker = Block;
export type FromWorker =
  /** It has loaded what it needs. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'found'; readonly found: Found }
  | { readonly kind: 'done'; readonly tally: Tally };

/** Where a thread is, in memory that the watching thread sees as well. */
export interface Notice {
  /** `isNext`: the text is the next of its block, and not one that was made of it. */
  write(text: string, isNext: boolean): void;
  /** Changes with each text. */
  readonly beats: number;
  /** Texts of blocks that were begun. */
  readonly begun: number;
  readonly text: string;
}

const noticeBytes = 1 << 16;

export const noticeIn = (shared: SharedArrayBuffer): Notice => {
  const numbers = new Int32Array(shared, 0, 3);
  const bytes = Buffer.from(shared, numbers.byteLength);
  return {
    write(text, isNext) {
      numbers[0] = bytes.write(text);
      Atomics.add(numbers, 1, 1);
      if (isNext) Atomics.add(numbers, 2, 1);
    },
    get beats() {
      return Atomics.load(numbers, 1);
    },
    get begun() {
      return Atomics.load(numbers, 2);
    },
    get text() {
      return bytes.toString('utf8', 0, numbers[0]);
    },
  };
};

export interface ThreadsOptions {
  readonly blocks: readonly Block[];
  /** The differential checks that are made. */
  readonly checks: readonly string[];
  readonly workers: number;
  readonly found: (found: Found) => void;
  readonly done: (tally: Tally) => void;
  /** Comes every second with how many texts were begun. */
  readonly tick?: (begun: number) => void;
  /** How long a thread may be at one text. Default 60 s. */
  readonly hangMs?: number;
  /** The module of a thread; a test has one of its own. */
  readonly module?: URL;
}

export const runInThreads = async (options: ThreadsOptions): Promise<void> => {
  const waiting = [...options.blocks];
  const threads = new Set<Thread>();
  let left = 0;
  const oneAfterTheOther = async (): Promise<void> => {
    while (waiting.length > 0) {
      const thread = new Thread(options);
      threads.add(thread);
      try {
        for (let block = waiting.shift(); block !== undefined; block = waiting.shift()) {
          options.done(await thread.run(block));
        }
      } catch (error) {
        if (!(error instanceof Ended)) throw error;
        options.found({ problem: error.message, text: thread.notice.text });
      } finally {
        threads.delete(thread);
        left += thread.notice.begun;
        await thread.end();
      }
    }
  };
  const ticking = setInterval(() => {
    options.tick?.([...threads].reduce((sum, { notice }) => sum + notice.begun, left));
  }, 1_000);
  try {
    await Promise.all(Array.from({ length: options.workers }, oneAfterTheOther));
  } finally {
    clearInterval(ticking);
  }
};

/** The thread has died, or was ended since it hung. */
class Ended extends Error {}

class Thread {
  readonly notice: Notice;
  readonly #options: ThreadsOptions;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  #settle: { resolve(tally: Tally): void; reject(error: Error): void } | undefined;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    const shared = new SharedArrayBuffer(noticeBytes);
    this.notice = noticeIn(shared);
    this.#worker = new Worker(options.module ?? new URL('./worker.ts', import.meta.url), {
      workerData: { shared, checks: options.checks },
    });
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') this.#ready.resolve();
      else if (message.kind === 'found') options.found(message.found);
      else this.#settle?.resolve(message.tally);
    });
    const ended = (why: string): void => {
      const error = new Ended(why);
      this.#ready.reject(error);
      this.#settle?.reject(error);
    };
    this.#worker.on('error', (error) => {
      ended(`the thread died: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });
    this.#worker.on('exit', (code) => ended(`the thread ended with code ${code}`));
  }

  async run(block: Block): Promise<Tally> {
    if (this.#settle !== undefined) throw new AssertionError('a thread runs one block at a time');
    const { hangMs = 60_000 } = this.#options;
    await this.#ready.promise;
    const settled = Promise.withResolvers<Tally>();
    this.#settle = settled;
    let { beats } = this.notice;
    const watching = setInterval(() => {
      if (this.notice.beats === beats) settled.reject(new Ended(`no end within ${hangMs} ms`));
      ({ beats } = this.notice);
    }, hangMs);
    this.#worker.postMessage(block satisfies ToWorker);
    try {
      return await settled.promise;
    } finally {
      clearInterval(watching);
      this.#settle = undefined;
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
