/** A case in the real engine: a log and state in memory, which can be closed and opened again with or without what its
 *  stores had written. */

import { base64, ManualClock, Random, UserError } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import { Runtime } from '../../../engine/index.ts';
import { LocalRegistry, openSqlEngine, type SqlEngine, type Value } from '../../../sql/index.ts';
import type { Query } from '../../../sql/parser/ast.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import { printStatement } from '../../../sql/parser/statements/index.ts';
import type { Rule } from '../../../sql/plan/rule.ts';
import { rules } from '../../../sql/plan/rules.ts';
import { consumeRecords, type Log, openMemoryLog, type Producer, produceRecords } from '../../../storage/index.ts';
import { Shards } from '../../engine/runtime/support.ts';
import { type Event, recordOf } from '../sources.ts';
import type { Case } from './case.ts';
import { type Line, lineOf, type Result } from './compare.ts';
import { base } from './driver.ts';
import { functions } from './planned.ts';

export interface LiveOptions {
  /** Of every topic; default 1. */
  readonly partitions?: number;
}

const clock = new ManualClock(0);

/** Functions give what they give in the test driver, where the clock shows 0 and chance is 0 as well. */
class NoChance extends Random {
  override float(): number {
    return 0;
  }
}

/** What outlives a stop. */
class Kept {
  readonly log: Log;
  readonly producer: Producer;
  readonly registry = new LocalRegistry();
  readonly shards = new Shards();
  /** Those of the engine, which looks at them for each query. */
  readonly rules: Rule[] = [...rules];

  constructor(log: Log, producer: Producer) {
    this.log = log;
    this.producer = producer;
  }
}

interface Running {
  readonly runtime: Runtime;
  readonly engine: SqlEngine;
}

const start = async ({ log, registry, shards, rules: own }: Kept): Promise<Running> => {
  const runtime = new Runtime({
    log,
    clock: systemClock,
    timers: systemClock,
    soon: setImmediate,
    random: new Random(1),
    openShard: shards.open,
  });
  const engine = await openSqlEngine({
    log,
    runtime,
    clock,
    timers: systemClock,
    random: new NoChance(2),
    functions,
    registry,
    settings: { 'auto.offset.reset': 'earliest' },
    rules: own,
  });
  return { runtime, engine };
};

const stop = async ({ runtime, engine }: Running): Promise<void> => {
  await engine.close();
  await runtime.close();
};

export class Live {
  readonly #one: Case;
  readonly #kept: Kept;
  #running: Running;

  private constructor(one: Case, kept: Kept, running: Running) {
    this.#one = one;
    this.#kept = kept;
    this.#running = running;
  }

  /** With the sources of the case, and no query yet. */
  static async open(one: Case, options: LiveOptions = {}): Promise<Live> {
    const log = await openMemoryLog({ clock, random: new Random(7) });
    const kept = new Kept(log, await log.producer());
    const live = new Live(one, kept, await start(kept));
    await live.execute(one.sources.replaceAll('PARTITIONS=1', `PARTITIONS=${options.partitions ?? 1}`));
    await live.#checkSchemas();
    return live;
  }

  /** The records of the history name schemas by the ids that the test driver gave them. */
  async #checkSchemas(): Promise<void> {
    const { schemas } = base(this.#one).planned;
    for (let id = 1, known = schemas.byId(id); known !== undefined; known = schemas.byId(++id)) {
      const own = await this.#kept.registry.byId(id);
      if (own !== undefined && own.schema !== known.schema)
        throw new Error(`schema ${id} is another one in the registry`);
    }
  }

  async execute(sql: string): Promise<void> {
    await this.#running.engine.execute(sql);
  }

  /** Writes them and waits until all queries have read them, and what they make of them. `each`: one by one. */
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
    await produceRecords(this.#kept.log, this.#kept.producer, topic, [record], { acks: 'append', now: 0 });
  }

  async idle(): Promise<void> {
    await this.#running.engine.awaitIdle();
    for (const { id, state, error } of await this.#running.engine.queries()) {
      if (state !== 'RUNNING') throw new Error(`the query ${id} is ${state}: ${error}`);
    }
  }

  /** Stops everything in good order and starts again. `losing`: the state is gone but for the changelogs. */
  async restart(losing: 'nothing' | 'state' = 'nothing'): Promise<void> {
    await stop(this.#running);
    if (losing === 'state') this.#kept.shards.kvs.clear();
    this.#running = await start(this.#kept);
    await this.idle();
  }

  /** What the queries have written. */
  async result(): Promise<Result> {
    const lines = new Map<string, Line[]>();
    for (const { root } of base(this.#one).planned.plans) {
      if (root.kind === 'result' || !('topic' in root)) continue;
      const written: Line[] = [];
      for await (const record of consumeRecords(this.#kept.log, root.topic, { untilEnd: true })) {
        written.push(lineOf(record, root.schema.windowed));
      }
      lines.set(root.topic, written);
    }
    return { lines, drops: [] };
  }

  /** All rows of the tables that the queries make. */
  async tables(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { name } of base(this.#one).planned.session.catalog.sources('table')) {
      if (!name.startsWith('Q')) continue;
      const rows = await this.ask(parsedQuery(`SELECT * FROM ${name};`));
      found.push(...(rows ?? []).map((row) => `${name} ${row}`));
    }
    return found.toSorted();
  }

  /** The rows of a pull query, each as text; undefined: it is refused. */
  async ask(
    query: Query,
    { rules: chosen = 'all' }: { readonly rules?: 'all' | 'none' } = {},
  ): Promise<readonly string[] | undefined> {
    const text = `${printStatement({ kind: 'query', query, at: query.at })};`;
    if (chosen === 'none') this.#kept.rules.length = 0;
    try {
      const handle = await this.#running.engine.query(text);
      const rows: string[] = [];
      for await (const batch of handle.rows()) rows.push(...batch.map(rowText));
      return rows;
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    } finally {
      if (chosen === 'none') this.#kept.rules.push(...rules);
    }
  }

  /** Runs a statement; false: it is refused. */
  async accepts(sql: string): Promise<boolean> {
    try {
      await this.execute(sql);
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
    await this.idle();
    return true;
  }

  async close(): Promise<void> {
    await stop(this.#running);
    await this.#kept.log.close();
  }
}

/** How long a record may be, as hexadecimal digits: the test driver has no limit, and the log has one of a megabyte. */
const longest = 1_000_000;

/** Opens, runs, and closes in any case. Undefined where results would be refused for their size. */
export const withLive = async <T>(
  one: Case,
  options: LiveOptions,
  run: (live: Live) => Promise<T>,
): Promise<T | undefined> => {
  for (const lines of base(one).result.lines.values()) {
    if (lines.some(({ key, value }) => key.length + value.length > longest)) return undefined;
  }
  const live = await Live.open(one, options);
  try {
    return await run(live);
  } finally {
    await live.close();
  }
};

export const parsedQuery = (text: string): Query => {
  const [parsed] = parseStatements(text);
  if (parsed?.statement.kind !== 'query') throw new Error('a pull query is a SELECT');
  return parsed.statement.query;
};

/** A row as JSON, in which values that differ differ. Zeros of both signs are equal in this dialect, and JSON is read
 *  without negative ones. */
const rowText = (row: readonly Value[]): string =>
  JSON.stringify(row, (_, value: unknown) => {
    if (typeof value === 'bigint') return { big: String(value) };
    if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
    if (value instanceof Uint8Array) return { bytes: base64(value) };
    if (value instanceof Map) return { map: [...value] };
    return value;
  });
