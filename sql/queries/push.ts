/**
 * Push queries: rows as they come, until LIMIT, until the client leaves.
 *
 * The query runs as a transient topology on this thread. Its last step collects rows; they are handed on when the runtime says that they are
 * final. The client's own pace rules: when the buffer holds more than it should, the query is paused, and goes on when the client has caught up. A
 * buffer that grows beyond any measure all the same (one step may bring many rows) ends the query with an error.
 */

import { UserError } from '../../base/index.ts';
import type { ProcessorSupplier, PushSink, QuerySpec, Runtime, Topology } from '../../engine/index.ts';
import type { Row } from '../types/value.ts';

/** Rows waiting for the client at which the query is paused, and at which it goes on. */
const highWater = 8192;
const lowWater = 2048;
/** Rows at which it ends. */
const hardLimit = 1_000_000;

export class PushQuery {
  readonly #id: string;
  readonly #runtime: Runtime;
  #left: number;
  #pending: Row[] = [];
  #ready: Row[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: Error | undefined;
  #paused = false;
  #started = false;
  #stopping: Promise<void> | undefined;

  constructor(id: string, runtime: Runtime, limit: number | undefined) {
    this.#id = id;
    this.#runtime = runtime;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  /** The last step of the topology. A deletion has no row to show. */
  readonly result: ProcessorSupplier<Row, never> = () => ({
    process: (record) => {
      if (record.value !== null) this.#pending.push(record.value.slice());
    },
  });

  readonly #sink: PushSink = {
    deliver: () => {
      if (this.#pending.length === 0) return;
      this.#ready = this.#ready.length === 0 ? this.#pending : [...this.#ready, ...this.#pending];
      this.#pending = [];
      if (this.#ready.length > hardLimit) {
        this.#fail(
          new UserError(
            'QUERY_SLOW_CLIENT',
            `the client is ${this.#ready.length} rows behind, and the query was ended`,
            {
              hint: 'Take rows faster, or ask for fewer: WHERE, LIMIT.',
            },
          ),
        );
      } else if (this.#ready.length > highWater) this.#pause();
      this.#wake?.();
    },
    discard: () => {
      this.#pending = [];
    },
    ended: (error) => {
      const { hint } = error as { readonly hint?: unknown };
      this.#fail(
        new UserError('QUERY_FAILED', `the query ended: ${error.message}`, {
          ...(typeof hint === 'string' ? { hint } : {}),
          cause: error,
        }),
      );
    },
  };

  async start(topology: Topology, startFrom: NonNullable<QuerySpec['startFrom']>): Promise<void> {
    await this.#runtime.start({ id: this.#id, topology, transient: true, startFrom, sink: this.#sink });
    this.#started = true;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#ended = true;
    this.#wake?.();
  }

  #pause(): void {
    if (this.#paused || this.#ended || !this.#started) return;
    this.#paused = true;
    this.#runtime.pause(this.#id);
  }

  #resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#runtime.resume(this.#id);
  }

  async *rows(): AsyncGenerator<readonly Row[], void, undefined> {
    try {
      while (this.#left > 0) {
        if (this.#ready.length === 0) {
          if (this.#ended) break;
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
          continue;
        }
        const batch = this.#ready.splice(0, Math.min(lowWater, this.#left));
        this.#left -= batch.length;
        if (this.#ready.length < lowWater) this.#resume();
        yield batch;
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#ready = [];
    this.#wake?.();
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (!this.#started) return;
    await this.#runtime.stop(this.#id);
  }
}
