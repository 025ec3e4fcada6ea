/**
 * Questions to hosts: reads and scans of stores, and whatever else a host answers by the number of the request.
 *
 * Every question is answered once, by its host or, when that has ended, by a refusal. A scan is answered page by page:
 * the host continues when a page was consumed. A scan during which a task moves to another thread is refused: entries
 * would be missing, or come twice.
 */

import { UserError } from '../../base/index.ts';
import type { ScanRange } from '../stores/state-store.ts';
import { errorOf } from './error-report.ts';
import type { EntryRange, FromHost, Run, StoreEntry, ThreadReport, ToHost } from './protocol.ts';

interface Question {
  readonly thread: number;
  page(entries: readonly StoreEntry[], done: boolean): void;
  refuse(error: Error): void;
  counted?(report: ThreadReport): void;
}

type Answer = Extract<FromHost, { readonly kind: 'page' | 'refused' | 'counted' }>;

const moved = (): UserError =>
  new UserError('QUERY_NOT_RUNNING', 'a task of the query was moved to another thread while its state was read', {
    hint: 'Ask again.',
  });

interface Page {
  readonly entries: readonly StoreEntry[];
  readonly done: boolean;
}

/** One store of a run, on all hosts that have tasks of it. */
export interface AskedStore {
  readonly run: Run;
  /** Those that have tasks of it now. */
  readonly threads: () => readonly number[];
  readonly store: string;
  /** How many tasks of the run were moved to other threads so far. */
  readonly moves: () => number;
}

export class HostQuestions {
  readonly #post: (thread: number, message: ToHost) => void;
  readonly #open = new Map<number, Question>();
  #nextRequest = 1;

  constructor(post: (thread: number, message: ToHost) => void) {
    this.#post = post;
  }

  #ask(question: Question): number {
    const request = this.#nextRequest++;
    this.#open.set(request, question);
    return request;
  }

  /** Asks one thing that is answered with one page of entries. */
  ask(thread: number, message: (request: number) => ToHost): Promise<readonly StoreEntry[]> {
    return new Promise((resolve, reject) => {
      this.#post(thread, message(this.#ask({ thread, page: resolve, refuse: reject })));
    });
  }

  report(thread: number): Promise<ThreadReport> {
    return new Promise((resolve, reject) => {
      const request = this.#ask({ thread, page: () => {}, refuse: reject, counted: resolve });
      this.#post(thread, { kind: 'stats', request });
    });
  }

  /** The committed entries of one key. Asks again where a task was moved meanwhile: an answer that had to wait may have
   *  come when the task was gone. */
  async read(
    { run, threads, store, moves }: AskedStore,
    key: Uint8Array,
    range: EntryRange,
  ): Promise<readonly StoreEntry[]> {
    for (;;) {
      const before = moves();
      const answers = threads().map((thread) =>
        this.ask(thread, (request) => ({ kind: 'read', request, run, store, key, range })),
      );
      const entries = (await Promise.all(answers)).flat();
      if (moves() === before) return entries;
    }
  }

  /** All committed entries within the range, page by page, one host after another. */
  async *scan(
    { run, threads, store, moves }: AskedStore,
    range: ScanRange,
  ): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    const before = moves();
    for (const thread of threads()) {
      const pages = this.#scanHost(thread, (request) => ({ kind: 'scan', request, run, store, range }));
      for await (const page of pages) {
        if (moves() !== before) throw moved();
        yield page;
      }
      if (moves() !== before) throw moved();
    }
  }

  async *#scanHost(
    thread: number,
    message: (request: number) => ToHost,
  ): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    let arrived: ((page: Page) => void) | undefined;
    let failed: ((error: Error) => void) | undefined;
    // A refusal may come while the reader is busy with a page and does not wait for the next one.
    let refused: Error | undefined;
    const next = (): Promise<Page> =>
      new Promise((resolve, reject) => {
        arrived = resolve;
        failed = reject;
      });
    let page = next();
    const request = this.#ask({
      thread,
      page: (entries, done) => arrived?.({ entries, done }),
      refuse: (error) => {
        refused = error;
        failed?.(error);
      },
    });
    this.#post(thread, message(request));
    let done = false;
    try {
      for (;;) {
        const got = await page;
        if (got.entries.length > 0) yield got.entries;
        if (got.done) {
          done = true;
          break;
        }
        if (refused !== undefined) throw refused;
        page = next();
        this.#post(thread, { kind: 'scan-next', request, more: true });
      }
    } finally {
      if (!done && this.#open.delete(request)) this.#post(thread, { kind: 'scan-next', request, more: false });
    }
  }

  answered(message: Answer): void {
    const question = this.#open.get(message.request);
    if (message.kind !== 'page' || message.done) this.#open.delete(message.request);
    switch (message.kind) {
      case 'page':
        question?.page(message.entries, message.done);
        return;
      case 'refused':
        question?.refuse(errorOf(message.error));
        return;
      case 'counted':
        question?.counted?.(message.report);
        return;
    }
  }

  /** The thread has ended: its open questions are refused. */
  refuseAll(thread: number, cause?: Error): void {
    for (const [request, question] of this.#open) {
      if (question.thread !== thread) continue;
      this.#open.delete(request);
      question.refuse(new UserError('QUERY_NOT_RUNNING', 'the thread that held the state has ended', { cause }));
    }
  }
}
