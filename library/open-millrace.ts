/** The library over what `open` has put together: log, runtime, SQL engine, threads. */

import { join } from 'node:path';
import { UserError } from '../base/index.ts';
import { type GuardedThread, systemClock } from '../base/node/index.ts';
import {
  ensureTopic,
  type Metric,
  originTimeHeader,
  type Position,
  type Replayed,
  type ReplayOptions,
  type Runtime,
  replayDeadLetters,
  Streams,
  type TopicOptions,
  TypedTopic,
  withoutOriginTime,
} from '../engine/index.ts';
import type { LaunchedThreads } from '../engine/runtime/worker.ts';
import {
  checkNotInternal,
  type FunctionModule,
  type LoadedModule,
  objectOf,
  type QueryHandle,
  type QueryOptions,
  type SqlEngine,
  type StatementOptions,
  type StatementResult,
  type TypedRow,
} from '../sql/index.ts';
import {
  type Acks,
  type ConsumedRecord,
  type ConsumeOptions,
  consumeRecords,
  type Log,
  type ProducedRecord,
  produceRecords,
} from '../storage/index.ts';
import type { Millrace, QueryRows, ResultRow, RowChange } from './interface.ts';
import { packageVersion } from './version.ts';

/** Loads the modules of functions that a program gives. */
export type LoadModules = (given: unknown) => Promise<readonly LoadedModule[]>;

/** Threads beside those of the runtime. */
export interface OwnThreads {
  readonly launched: LaunchedThreads;
  /** Runs functions of users that have limits. */
  readonly guarded: GuardedThread | undefined;
}

export class OpenMillrace implements Millrace {
  readonly version = packageVersion();
  readonly engine: SqlEngine;
  readonly log: Log;
  readonly #directory: string;
  readonly #runtime: Runtime;
  /** By id: those that were started, and not closed since. */
  readonly #streams = new Map<string, Streams>();
  readonly #producer: () => ReturnType<Log['producer']>;
  readonly #threads: OwnThreads;
  readonly #loadModules: LoadModules;
  #closing: Promise<void> | undefined;

  constructor(
    directory: string,
    log: Log,
    runtime: Runtime,
    engine: SqlEngine,
    threads: OwnThreads,
    loadModules: LoadModules,
  ) {
    this.#threads = threads;
    this.#loadModules = loadModules;
    this.engine = engine;
    this.log = log;
    this.#directory = directory;
    this.#runtime = runtime;
    let producer: ReturnType<Log['producer']> | undefined;
    // One that could not be opened is asked for again.
    const open = (): ReturnType<Log['producer']> =>
      log.producer().catch((error: unknown) => {
        producer = undefined;
        throw error;
      });
    this.#producer = () => (producer ??= open());
  }

  sql(text: string, options: StatementOptions = {}): Promise<readonly StatementResult[]> {
    return this.engine.execute(text, options);
  }

  async query<R extends ResultRow = ResultRow>(text: string, options: QueryOptions = {}): Promise<QueryRows<R>> {
    const handle = await this.engine.query(text, options);
    if (handle.kind === 'push') {
      await handle.close();
      throw new UserError('SQL_PUSH_QUERY', 'a query with EMIT CHANGES has no end', {
        hint: 'Follow it with subscribe(), or leave EMIT CHANGES out to ask once.',
      });
    }
    const toObject = objectOf(handle.columns);
    const found: R[] = [];
    for await (const batch of handle.rows()) for (const row of batch) found.push(toObject(row) as R);
    // The position is no element of the rows: it is not listed.
    return Object.defineProperty(found as unknown as QueryRows<R>, 'position', { value: handle.position });
  }

  readonly subscribe: Millrace['subscribe'] = (text: string, options?: QueryOptions) => {
    let opening: Promise<QueryHandle> | undefined;
    const start = (): Promise<QueryHandle> => (opening = this.engine.query(text, options));
    const rows = rowsOf(start, options?.deletions === true);
    return {
      next: () => rows.next(),
      // A generator would first wait for the row that was asked for last, which may never come.
      return: async () => {
        await opening?.then(
          (handle) => handle.close(),
          () => {},
        );
        return rows.return();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };

  async produce(
    topic: string,
    records: Iterable<ProducedRecord>,
    options: { readonly acks?: Acks } = {},
  ): Promise<Position> {
    checkNotInternal(topic, 'written', undefined);
    const { acks = 'durable' } = options;
    const checked = withoutReservedHeaders(records);
    return produceRecords(this.log, await this.#producer(), topic, checked, { acks, now: systemClock.now() });
  }

  async topic<K, V>(name: string, options: TopicOptions<K, V>): Promise<TypedTopic<K, V>> {
    checkNotInternal(name, 'written', undefined);
    await ensureTopic(this.log, name, options.partitions);
    return new TypedTopic(name, options, {
      produce: (topic, records) => this.produce(topic, records),
      consume: (topic, consuming) => this.consume(topic, consuming),
    });
  }

  async registerFunctions(module: string | URL | FunctionModule): Promise<void> {
    for (const loaded of await this.#loadModules([module])) await this.engine.addFunctions(loaded);
  }

  insert(target: string, rows: Iterable<TypedRow>): Promise<Position> {
    return this.engine.insert(target, rows);
  }

  async *consume(topic: string, options: ConsumeOptions = {}): AsyncGenerator<ConsumedRecord, void, undefined> {
    for await (const record of consumeRecords(this.log, topic, options)) {
      yield { ...record, headers: withoutOriginTime(record.headers) };
    }
  }

  async streams({ start = true, ...options }: Parameters<Millrace['streams']>[0]): Promise<Streams> {
    const streams = await Streams.of(this.#runtime, options);
    streams.on('state', (state) => {
      if (state === 'rebalancing') this.#streams.set(streams.id, streams);
      else if (state === 'closed') this.#forgetStreams(streams);
    });
    if (!start) return streams;
    try {
      await streams.start();
      return streams;
    } catch (error) {
      // The caller hears of it here.
      this.#forgetStreams(streams);
      throw error;
    }
  }

  #forgetStreams(streams: Streams): void {
    if (this.#streams.get(streams.id) === streams) this.#streams.delete(streams.id);
  }

  replayDeadLetters(topic: string, options?: ReplayOptions): Promise<Replayed> {
    return replayDeadLetters(this.log, topic, options);
  }

  metrics(): Promise<readonly Metric[]> {
    return this.engine.metrics();
  }

  async awaitIdle(): Promise<void> {
    await this.#runtime.awaitIdle();
    for (const { error } of this.#streams.values()) if (error !== undefined) throw error;
  }

  async partitionDirectory(topic: string, partition: number): Promise<string> {
    const description = await this.log.describeTopic(topic);
    if (description === undefined) throw new UserError('TOPIC_UNKNOWN', `there is no topic "${topic}"`);
    return join(this.#directory, 'topics', description.id, String(partition));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.engine.close();
    await this.#runtime.close();
    await this.#threads.launched.end();
    await this.#threads.guarded?.end();
    await this.log.close();
  }
}

/** The rows of a query as objects, of the type that the caller names, which is not checked; `asChanges`: each as a
 *  `RowChange`. */
async function* rowsOf(start: () => Promise<QueryHandle>, asChanges: boolean): AsyncGenerator<never, void, undefined> {
  const handle = await start();
  const { columns, deletions = false } = handle;
  const toObject = objectOf(columns);
  try {
    for await (const batch of handle.rows()) {
      for (const row of batch) {
        const object = toObject(row);
        const given: ResultRow | RowChange<ResultRow> = asChanges
          ? { row: object, deleted: deletions && row[columns.length] === true }
          : object;
        yield given as never;
      }
    }
  } finally {
    await handle.close();
  }
}

/** Refuses the header that the engine keeps for itself. */
function* withoutReservedHeaders(records: Iterable<ProducedRecord>): Generator<ProducedRecord> {
  for (const record of records) {
    if (record.headers?.some(({ key }) => key === originTimeHeader)) {
      throw new UserError('HEADER_RESERVED', `the header "${originTimeHeader}" is written by queries only`, {
        hint: 'Use another name.',
      });
    }
    yield record;
  }
}
