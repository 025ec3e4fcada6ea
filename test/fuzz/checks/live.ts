/** A case in the real engine: a log and state in memory, which can be closed and opened again with or without what its
 *  stores had written. */

import { ManualClock, Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import { Runtime } from '../../../engine/index.ts';
import {
  LocalRegistry,
  openSqlEngine,
  type QueryColumn,
  type Row,
  type SqlEngine,
  type SqlEngineOptions,
} from '../../../sql/index.ts';
import { consumeRecords, type Log, openMemoryLog, type Producer, produceRecords } from '../../../storage/index.ts';
import { Shards } from '../../engine/runtime/support.ts';
import { type Event, recordOf } from '../sources.ts';
import type { Case } from './case.ts';
import { type Line, lineOf, type Result } from './compare.ts';
import { base } from './driver.ts';

export interface LiveOptions {
  /** Of every topic; default 1. */
  readonly partitions?: number;
  /** The rules that rewrite plans; all of them when left out. */
  readonly rules?: SqlEngineOptions['rules'];
}

/** What a SELECT has given. */
export interface Answer {
  readonly columns: readonly QueryColumn[];
  readonly rows: readonly Row[];
}

const clock = new ManualClock(1_000_000);

export class Live {
  readonly #one: Case;
  readonly #options: LiveOptions;
  readonly #log: Log;
  readonly #producer: Producer;
  readonly #registry = new LocalRegistry();
  readonly #shards = new Shards();
  #runtime!: Runtime;
  #engine!: SqlEngine;

  private constructor(one: Case, options: LiveOptions, log: Log, producer: Producer) {
    this.#one = one;
    this.#options = options;
    this.#log = log;
    this.#producer = producer;
  }

  /** With the sources of the case, and no query yet. */
  static async open(one: Case, options: LiveOptions = {}): Promise<Live> {
    const log = await openMemoryLog({ clock, random: new Random(7) });
    const live = new Live(one, options, log, await log.producer());
    await live.#start();
    await live.execute(one.sources.replaceAll('PARTITIONS=1', `PARTITIONS=${options.partitions ?? 1}`));
    await live.#checkSchemas();
    return live;
  }

  async #start(): Promise<void> {
    this.#runtime = new Runtime({
      log: this.#log,
      clock: systemClock,
      timers: systemClock,
      soon: setImmediate,
      random: new Random(1),
      openShard: this.#shards.open,
    });
    const { rules } = this.#options;
    this.#engine = await openSqlEngine({
      log: this.#log,
      runtime: this.#runtime,
      clock,
      timers: systemClock,
      random: new Random(2),
      registry: this.#registry,
      settings: { 'auto.offset.reset': 'earliest' },
      ...(rules === undefined ? {} : { rules }),
    });
  }

  /** The records of the history name schemas by the ids that the test driver gave them. */
  async #checkSchemas(): Promise<void> {
    const { schemas } = base(this.#one).planned;
    for (let id = 1, known = schemas.byId(id); known !== undefined; known = schemas.byId(++id)) {
      const own = await this.#registry.byId(id);
      if (own !== undefined && own.schema !== known.schema)
        throw new Error(`schema ${id} is another one in the registry`);
    }
  }

  async execute(sql: string): Promise<void> {
    await this.#engine.execute(sql);
  }

  /** Writes them and waits until all queries have read them, and what they make of them. `each`: one after the other. */
  async feed(events: readonly Event[], how: 'each' | 'together' = 'each'): Promise<void> {
    if (how === 'together') {
      for (const event of events) await this.#produce(event);
      await this.idle();
      return;
    }
    for (const event of events) {
      await this.#produce(event);
      await this.idle();
    }
  }

  async #produce(event: Event): Promise<void> {
    const { topic, key, value, timestamp } = recordOf(event);
    const record = { key: key ?? null, value: value ?? null, ...(timestamp === undefined ? {} : { timestamp }) };
    await produceRecords(this.#log, this.#producer, topic, [record], { acks: 'append', now: 0 });
  }

  async idle(): Promise<void> {
    await this.#engine.awaitIdle();
    for (const { id, state, error } of await this.#engine.queries()) {
      if (state !== 'RUNNING') throw new Error(`the query ${id} is ${state}: ${error}`);
    }
  }

  /** Stops everything in good order and starts again. `losing`: the state is gone but for the changelogs. */
  async restart(losing: 'nothing' | 'state' = 'nothing'): Promise<void> {
    await this.#engine.close();
    await this.#runtime.close();
    if (losing === 'state') this.#shards.kvs.clear();
    await this.#start();
    await this.idle();
  }

  /** What the queries have written. */
  async result(): Promise<Result> {
    const lines = new Map<string, Line[]>();
    for (const { root } of base(this.#one).planned.plans) {
      if (root.kind === 'result' || !('topic' in root)) continue;
      const written: Line[] = [];
      for await (const record of consumeRecords(this.#log, root.topic, { untilEnd: true })) {
        written.push(lineOf(record, root.schema.windowed));
      }
      lines.set(root.topic, written);
    }
    return { lines, drops: [] };
  }

  async query(sql: string): Promise<Answer> {
    const handle = await this.#engine.query(sql);
    const rows: Row[] = [];
    for await (const batch of handle.rows()) rows.push(...batch.map((row) => [...row]));
    return { columns: handle.columns, rows };
  }

  async close(): Promise<void> {
    await this.#engine.close();
    await this.#runtime.close();
    await this.#log.close();
  }
}

/** Opens, runs, and closes in any case. */
export const withLive = async <T>(one: Case, options: LiveOptions, run: (live: Live) => Promise<T>): Promise<T> => {
  const live = await Live.open(one, options);
  try {
    return await run(live);
  } finally {
    await live.close();
  }
};
