/**
 * What a host answers about its stores: the committed entries of one key, or a scan in pages.
 *
 * Damage that a question meets is rebuilt as if a task had met it, and the question is refused, to be asked again.
 * While a store's checkpoint is still being verified, only a value that was found can be answered: what is not found
 * may have been lost.
 */

import { UserError } from '../../base/index.ts';
import { KvError } from '../stores/ordered-kv.ts';
import type { ScanRange, StateStore } from '../stores/state-store.ts';
import { reportOf } from './error-report.ts';
import type { HostedRun } from './hosted-run.ts';
import type { EntryRange, FromHost, Post, Run, StoreEntry } from './protocol.ts';
import { copyOfOneCommit, entriesOf } from './store-questions.ts';

/** Entries of one page of a scan. */
const pageEntries = 1000;

export interface StoreAnswersOptions {
  readonly runOf: (run: Run) => HostedRun | undefined;
  readonly fail: (run: HostedRun, error: unknown) => void;
  readonly post: Post<FromHost>;
}

export class StoreAnswers {
  readonly #options: StoreAnswersOptions;
  /** Scans that wait for their page to be consumed. */
  readonly #scans = new Map<number, (more: boolean) => void>();
  #closed = false;

  constructor(options: StoreAnswersOptions) {
    this.#options = options;
  }

  /** Throws when the run has ended, or has not begun: its stores are not empty, they are not there. */
  *#storesNamed(run: Run, name: string): Generator<StateStore> {
    const found = this.#options.runOf(run);
    if (found === undefined || found.over || found.phase === 'assigning') throw notRunning();
    for (const { task } of found.readable) for (const { store } of task.stores) if (store.name === name) yield store;
    const global = found.globals?.stores.get(name);
    if (global !== undefined) yield global;
  }

  /** The committed entries of one key. */
  async read(id: Run, name: string, key: Uint8Array, range: EntryRange): Promise<readonly StoreEntry[]> {
    return this.#asked(id, async (run) => {
      const stores = (): StateStore[] => [...this.#storesNamed(id, name)];
      const read = (): StoreEntry[] => stores().flatMap((store) => store.committedEntries(key, range));
      const entries = read();
      if (run === undefined || !run.checking) return entries;
      // A value that is found has its checksum; what is not found may have been lost.
      if (entries.length > 0 && stores()[0]?.kind === 'key-value') return entries;
      await run.checked;
      return read();
    });
  }

  /** Damage that a question meets is rebuilt, as if a task had met it; the question is refused, to be asked again. */
  async #asked<T>(id: Run, answer: (run: HostedRun | undefined) => Promise<T>): Promise<T> {
    const run = this.#options.runOf(id);
    try {
      return await answer(run);
    } catch (error) {
      if (run === undefined || !(error instanceof KvError) || error.kind !== 'corrupt') throw error;
      this.#options.fail(run, error);
      throw new UserError('QUERY_NOT_RUNNING', `the state of the query "${run.assignment.queryId}" is being rebuilt`, {
        hint: 'Its state can be read while it runs.',
        cause: error,
      });
    }
  }

  /** Posts all committed entries within the range, page after page, each when the one before was consumed (`next`). */
  async scan(request: number, run: Run, name: string, range: ScanRange): Promise<void> {
    const { post } = this.#options;
    const page = (entries: readonly StoreEntry[]): Promise<boolean> =>
      new Promise((resolve) => {
        this.#scans.set(request, resolve);
        post({ kind: 'page', request, entries, done: false });
      });
    let more = true;
    try {
      await this.#asked(run, async (hosted) => {
        await hosted?.checked;
        const stores = [...this.#storesNamed(run, name)];
        const copy = hosted === undefined ? [] : await copyOfOneCommit(stores, range, () => hosted.commits);
        if (copy !== undefined) {
          for (let i = 0; i < copy.length && more; i += pageEntries) more = await page(copy.slice(i, i + pageEntries));
          return;
        }
        for (const store of stores) {
          await store.scanCommitted(range, async (chunk) => {
            for (let from = 0; from < chunk.count && more; from += pageEntries) {
              more = await page(entriesOf(store, chunk, from, Math.min(chunk.count, from + pageEntries)));
            }
            return more;
          });
          if (!more) break;
        }
      });
      if (this.#closed) throw notRunning();
      post({ kind: 'page', request, entries: [], done: true });
    } catch (error) {
      post({ kind: 'refused', request, error: reportOf(error) });
    } finally {
      this.#scans.delete(request);
    }
  }

  /** A page was consumed: the scan continues, or ends. */
  next(request: number, more: boolean): void {
    this.#scans.get(request)?.(more);
  }

  /** Ends all scans; they are refused, because what was sent of them is incomplete. */
  close(): void {
    this.#closed = true;
    for (const more of this.#scans.values()) more(false);
  }
}

const notRunning = (): UserError =>
  new UserError('QUERY_NOT_RUNNING', 'the query has ended, or is being started again', {
    hint: 'Its state can be read while it runs.',
  });
