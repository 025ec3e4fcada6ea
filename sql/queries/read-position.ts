/**
 * Reading what was written: waiting until what a query reads shows all up to a position in topics, through any number
 * of queries in between.
 *
 * A record that was written to a topic reaches a table through the queries that read the topic, those that read what
 * they write, and so on. So the queries on the way are waited for in their order: when one has committed its input up
 * to where it has to be, all that came of it lies before the ends of the topics that it writes, and those ends are the
 * position for the next one. Queries that have nothing to do with the position are not waited for.
 */

import { type Timers, UserError } from '../../base/index.ts';
import { type Position, partitionKey, type Runtime } from '../../engine/index.ts';
import type { Log } from '../../storage/index.ts';
import type { Source } from '../analyze/sources.ts';
import type { Catalog, PersistentQuery } from '../catalog.ts';
import { sourcesOf } from '../plan/plan.ts';

export interface ReadingContext {
  readonly catalog: Catalog;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly timers: Timers;
}

const pollMs = 2;
const pauseCheckMs = 50;

/** Answers when a read of these sources shows all that lies before the position. Rejects with QUERY_NOT_RUNNING when a
 *  query on the way ends before, or is paused. */
export const shown = async (sources: readonly Source[], position: Position, context: ReadingContext): Promise<void> => {
  const way = new Way(position, context);
  for (const source of sources) {
    const query = keeperOf(source, context.catalog);
    if (query === undefined) await way.readable(await way.written(source.topic));
    else await way.read(query);
  }
};

/** Where what is read now stands: of tables what their queries have committed, of streams the ends of their topics. */
export const positionOf = async (
  sources: readonly Source[],
  { catalog, runtime, log }: Omit<ReadingContext, 'timers'>,
): Promise<Position> => {
  const found = new Map<string, Position[number]>();
  for (const source of sources) {
    const query = keeperOf(source, catalog);
    const own = query === undefined ? await ends(log, source.topic) : runtime.reader(query.id).position();
    for (const one of own) {
      const key = partitionKey(one.topic, one.partition);
      const other = found.get(key);
      // Of two sources that read one topic the one that is behind.
      if (other === undefined || other.offset > one.offset) {
        found.set(key, { topic: one.topic, partition: one.partition, offset: one.offset });
      }
    }
  }
  return [...found.values()];
};

/** The query that keeps the rows of a table. */
const keeperOf = (source: Source, catalog: Catalog): PersistentQuery | undefined =>
  source.kind === 'table' && source.query !== undefined ? catalog.query(source.query) : undefined;

const ends = async (log: Log, topic: string): Promise<Position> => {
  const partitions = (await log.describeTopic(topic))?.partitions ?? 0;
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const { stable } = await log.offsets({ topic, partition });
      return { topic, partition, offset: stable };
    }),
  );
};

class Way {
  readonly #position: Position;
  readonly #context: ReadingContext;
  readonly #topics = new Map<string, Promise<Position>>();
  readonly #queries = new Map<string, Promise<boolean>>();

  constructor(position: Position, context: ReadingContext) {
    this.#position = position;
    this.#context = context;
  }

  /** How far a topic has to be read: up to the position, and behind what came of it through other queries. */
  written(topic: string): Promise<Position> {
    let known = this.#topics.get(topic);
    if (known === undefined) {
      known = this.#written(topic);
      this.#topics.set(topic, known);
    }
    return known;
  }

  async #written(topic: string): Promise<Position> {
    const { catalog, log } = this.#context;
    const own = this.#position.filter((one) => one.topic === topic);
    let isReached = false;
    for (const query of catalog.queries()) {
      if (query.kind === 'source-table' || catalog.source(query.sink)?.topic !== topic) continue;
      if (await this.read(query)) isReached = true;
    }
    return isReached ? [...own, ...(await ends(log, topic))] : own;
  }

  /** Waits for a query; whether anything before the position comes to it. */
  read(query: PersistentQuery): Promise<boolean> {
    let known = this.#queries.get(query.id);
    if (known === undefined) {
      known = this.#read(query);
      this.#queries.set(query.id, known);
    }
    return known;
  }

  async #read(query: PersistentQuery): Promise<boolean> {
    const wanted = new Map<string, Position[number]>();
    for (const { topic } of sourcesOf(query.plan)) {
      for (const one of await this.written(topic)) {
        const key = partitionKey(one.topic, one.partition);
        if ((wanted.get(key)?.offset ?? -1) < one.offset) wanted.set(key, one);
      }
    }
    if (wanted.size === 0) return false;
    const { catalog, runtime, timers } = this.#context;
    const reader = runtime.reader(query.id);
    /** A paused query does not come to what it has not read. */
    const checkPaused = (): void => {
      if (!catalog.isPaused(query.id)) return;
      const stands = new Map(reader.position().map((one) => [partitionKey(one.topic, one.partition), one.offset]));
      for (const [key, { offset }] of wanted) {
        if ((stands.get(key) ?? offset) >= offset) continue;
        throw new UserError('QUERY_NOT_RUNNING', `the query "${query.id}" is paused before the position`, {
          hint: `RESUME ${query.id}; or read without a position.`,
        });
      }
    };
    let cancel = (): void => undefined;
    const pausedMeanwhile = new Promise<never>((_, reject) => {
      const check = (): void => {
        try {
          checkPaused();
          cancel = timers.after(pauseCheckMs, check);
        } catch (error) {
          reject(error);
        }
      };
      check();
    });
    try {
      await Promise.race([reader.reached([...wanted.values()]), pausedMeanwhile]);
    } finally {
      cancel();
    }
    return true;
  }

  /** Waits until readers of committed records see all of it: a transaction may be open before it. */
  async readable(position: Position): Promise<void> {
    const { log, timers } = this.#context;
    for (const { topic, partition, offset } of position) {
      while ((await log.offsets({ topic, partition })).stable < offset) {
        await new Promise<void>((resolve) => void timers.after(pollMs, resolve));
      }
    }
  }
}
