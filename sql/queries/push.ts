/**
 * Push queries: rows as they come, until LIMIT, until the client leaves.
 *
 * The query runs as a transient topology, in a worker thread where there are any. Its rows come back as record batches
 * in the encoding of stores (`resultEncoding`), and become rows when the client takes them. Batches that the client has
 * not taken count against the query's window (`push-buffers.ts`), and beyond it the query waits.
 */

import { UserError } from '../../base/index.ts';
import type { QuerySpec, RowSink, Runtime } from '../../engine/index.ts';
import { decodeBatch, RecordColumns } from '../../storage/index.ts';
import type { RowEncoding } from '../types/row-encoding.ts';
import type { Row } from '../types/value.ts';
import type { BufferedQuery, PushBuffers } from './push-buffers.ts';

export interface PushQueryOptions {
  readonly id: string;
  readonly runtime: Runtime;
  readonly buffers: PushBuffers;
  /** How the plan's result writes rows. */
  readonly encoding: RowEncoding;
  /** Each row gets one value more: whether it was deleted. */
  readonly deletions: boolean;
  /** Rows after which the query ends. */
  readonly limit: number | undefined;
}

export class PushQuery implements BufferedQuery {
  readonly #id: string;
  readonly #runtime: Runtime;
  readonly #buffers: PushBuffers;
  readonly #encoding: RowEncoding;
  readonly #deletions: boolean;
  readonly #columns = new RecordColumns(64);
  #left: number;
  #waiting: Uint8Array[] = [];
  #bufferedBytes = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: Error | undefined;
  #started = false;
  #stopping: Promise<void> | undefined;

  constructor({ id, runtime, buffers, encoding, deletions, limit }: PushQueryOptions) {
    this.#id = id;
    this.#runtime = runtime;
    this.#buffers = buffers;
    this.#encoding = encoding;
    this.#deletions = deletions;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  readonly #sink: RowSink = {
    rows: (batch) => {
      if (this.#ended) return;
      this.#waiting.push(batch);
      this.#count(batch.buffer.byteLength);
      this.#wake?.();
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

  async start(spec: Pick<QuerySpec, 'topology' | 'plan' | 'offsetReset' | 'closing'>): Promise<void> {
    this.#buffers.join(this);
    this.#started = true;
    try {
      const transient = { sink: this.#sink, window: this.#buffers.window };
      await this.#runtime.start({ ...spec, id: this.#id, transient });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  setWindow(bytes: number): void {
    this.#runtime.setWindow(this.#id, bytes);
  }

  endSlow(): void {
    const bytes = this.#bufferedBytes;
    this.#drop();
    this.#fail(
      new UserError('QUERY_SLOW_CLIENT', `${bytes} bytes of rows waited for the client, and the query was ended`, {
        hint: 'Take rows faster, ask for fewer (WHERE, LIMIT), or raise the memory for push queries.',
      }),
    );
  }

  #count(bytes: number): void {
    this.#bufferedBytes += bytes;
    this.#buffers.add(bytes);
  }

  #drop(): void {
    this.#waiting = [];
    this.#count(-this.#bufferedBytes);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#ended = true;
    this.#wake?.();
  }

  async *rows(): AsyncGenerator<readonly Row[], void, undefined> {
    try {
      while (this.#left > 0) {
        const batch = this.#waiting.shift();
        if (batch !== undefined) {
          const rows = this.#decode(batch);
          this.#left -= rows.length;
          yield rows;
          continue;
        }
        if (this.#ended) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      await this.close();
    }
  }

  #decode(batch: Uint8Array): readonly Row[] {
    const columns = this.#columns;
    columns.reset(batch);
    decodeBatch(batch, 0, columns, 0);
    const { keyStart, valueStart, valueEnd } = columns;
    const rows: Row[] = [];
    for (let i = 0; i < columns.count && i < this.#left; i++) {
      const row = this.#encoding.read(batch, valueStart[i] as number, valueEnd[i] as number);
      if (this.#deletions) row.push((keyStart[i] as number) >= 0);
      rows.push(row);
    }
    this.#count(-batch.buffer.byteLength);
    this.#runtime.acknowledge(this.#id, batch);
    return rows;
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#drop();
    this.#wake?.();
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (!this.#started) return;
    this.#buffers.leave(this);
    if (this.#runtime.knows(this.#id)) await this.#runtime.stop(this.#id);
  }
}
