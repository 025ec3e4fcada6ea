/**
 * Schemas of writers: what formats of a schema registry need to know before they can read a record.
 *
 * Such a record is framed: a zero byte, the id of the schema that it was written with (4 bytes, big-endian), then the
 * data. Readers are synchronous and schemas lie elsewhere, so the ids of a block are looked up before it is scanned
 * (`WriterSchemas.prepare`): once per id and thread, several at a time. What a look-up finds is kept, since an id
 * always means the same schema; an id for which there is none is asked for again with each block, in case it came late.
 */

import { assert, readI32 } from '../../base/index.ts';
import type { KnownSchema } from '../registry/schema.ts';

/** The schema of an id; undefined when there is none. A rejection ends the queries that wait for it, which start again
 *  with back-off. A look-up must end, so it has a time-out of its own. */
export type SchemaLookUp = (id: number) => Promise<KnownSchema | undefined>;

/** Bytes before the data of a framed record. */
export const framingBytes = 5;

/** The schema id that a record's bytes name; −1: they are not framed. */
export const schemaIdAt = (bytes: Uint8Array, start: number, end: number): number =>
  end - start >= framingBytes && bytes[start] === 0 ? readI32(bytes, start + 1) : -1;

/** The schemas that the readers of one thread have seen. Formats keep what they make of one by the object: an id is
 *  always the same object here. */
export class WriterSchemas {
  readonly #lookUp: SchemaLookUp;
  readonly #known = new Map<number, KnownSchema>();
  readonly #asked = new Map<number, Promise<void>>();

  constructor(lookUp: SchemaLookUp) {
    this.#lookUp = lookUp;
  }

  /** The schema of an id that was looked up; undefined: there is none. */
  get(id: number): KnownSchema | undefined {
    return this.#known.get(id);
  }

  /** Begins to look up the ids of records `[from, to)` that are not known; undefined: all are. The bytes are read
   *  before this returns. */
  prepare(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    from: number,
    to: number,
  ): Promise<void> | undefined {
    assert(from >= 0 && to <= starts.length && to <= ends.length, `there are no records ${from} to ${to}`);
    const missing = new Set<number>();
    let last = -1;
    for (let row = from; row < to; row++) {
      const start = starts[row] as number;
      if (start < 0) continue;
      const id = schemaIdAt(bytes, start, ends[row] as number);
      if (id === last) continue;
      last = id;
      if (id >= 0 && !this.#known.has(id)) missing.add(id);
    }
    if (missing.size === 0) return undefined;
    return Promise.all([...missing].map((id) => this.#ask(id))).then(() => undefined);
  }

  /** Adds a schema that is known without asking. */
  add(schema: KnownSchema): void {
    if (!this.#known.has(schema.id)) this.#known.set(schema.id, schema);
  }

  #ask(id: number): Promise<void> {
    const under = this.#asked.get(id);
    if (under !== undefined) return under;
    const asked = this.#lookUp(id)
      .then((schema) => {
        if (schema !== undefined) this.#known.set(id, schema);
      })
      .finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }
}
