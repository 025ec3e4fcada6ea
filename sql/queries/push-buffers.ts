/**
 * Memory of push queries: what waits for slow clients is bounded, per query and in sum.
 *
 * A query runs ahead of its client by a window of bytes, then it waits. The window is `bytesPerQuery`, and less when so
 * many queries are open that half of `bytesInAll` would not suffice for all: then they share that half equally. The
 * other half is for what cannot be held back: the rows that one step brings beyond the window, and the windows of a
 * time when fewer queries were open. Should even that not do, the query that holds most is ended.
 */

export interface PushLimits {
  /** Bytes of encoded rows that may wait for one client before its query is held up. */
  readonly bytesPerQuery: number;
  /** Bytes that may wait for all clients together; beyond it the query that holds most ends with an error. */
  readonly bytesInAll: number;
}

export const defaultPushLimits: PushLimits = { bytesPerQuery: 1 << 20, bytesInAll: 128 << 20 };

/** A push query, as its memory is counted. */
export interface BufferedQuery {
  readonly bufferedBytes: number;
  setWindow(bytes: number): void;
  /** Ends the query: its client is too slow for the memory that there is. */
  endSlow(): void;
}

/** So much every query gets, or it would not move. */
const leastWindow = 16 << 10;

export class PushBuffers {
  readonly #limits: PushLimits;
  readonly #queries = new Set<BufferedQuery>();
  #bytes = 0;
  #window: number;

  constructor(limits: Partial<PushLimits> = {}) {
    this.#limits = { ...defaultPushLimits, ...limits };
    this.#window = this.#limits.bytesPerQuery;
  }

  /** Bytes that wait for clients now. */
  get bytes(): number {
    return this.#bytes;
  }

  get window(): number {
    return this.#window;
  }

  join(query: BufferedQuery): void {
    this.#queries.add(query);
    this.#share();
  }

  leave(query: BufferedQuery): void {
    if (this.#queries.delete(query)) this.#share();
  }

  #share(): void {
    const { bytesPerQuery, bytesInAll } = this.#limits;
    const fair = Math.floor(bytesInAll / 2 / Math.max(1, this.#queries.size));
    const window = Math.max(leastWindow, Math.min(bytesPerQuery, fair));
    if (window === this.#window) return;
    this.#window = window;
    for (const query of this.#queries) query.setWindow(window);
  }

  /** Bytes came in (or went, where negative). */
  add(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.#limits.bytesInAll) {
      let largest: BufferedQuery | undefined;
      for (const query of this.#queries) {
        if (query.bufferedBytes > (largest?.bufferedBytes ?? 0)) largest = query;
      }
      if (largest === undefined) return;
      largest.endSlow();
    }
  }
}
