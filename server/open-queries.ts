/** The queries that clients hold open: counted against the limit, closed by id, by their connection's end, or all at
 *  once at shutdown. */

import type { QueryHandle } from '../sql/index.ts';
import { RequestError } from './errors.ts';
import { errorCodes } from './protocol.ts';

export class OpenQueries {
  readonly #limit: number;
  readonly #open = new Map<string, QueryHandle>();
  #opening = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async open(start: () => Promise<QueryHandle>): Promise<QueryHandle> {
    if (this.#open.size + this.#opening >= this.#limit)
      throw new RequestError(
        errorCodes.tooManyQueries,
        `${this.#limit} queries are open, which is the limit. Close one (POST /close-query), or start the server with a higher --max-queries.`,
      );
    this.#opening++;
    try {
      const handle = await start();
      this.#open.set(handle.id, handle);
      return handle;
    } finally {
      this.#opening--;
    }
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** False when no such query is open. */
  async close(id: string): Promise<boolean> {
    const handle = this.#open.get(id);
    if (handle === undefined) return false;
    this.#open.delete(id);
    await handle.close();
    return true;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.close(id)));
  }
}
