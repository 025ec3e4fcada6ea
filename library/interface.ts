/** What `open` answers with: the calls of the library. */

import type {
  Metric,
  Position,
  Replayed,
  ReplayOptions,
  Streams,
  StreamsModuleOptions,
  StreamsOptions,
  TopicOptions,
  TypedTopic,
} from '../engine/index.ts';
import type {
  FunctionModule,
  QueryOptions,
  SqlEngine,
  StatementOptions,
  StatementResult,
  TypedRow,
} from '../sql/index.ts';
import type { Acks, ConsumedRecord, ConsumeOptions, Log, ProducedRecord } from '../storage/index.ts';

/** A row as an object: STRUCT is an object, MAP a Map, TIMESTAMP a Date, BIGINT a number while that is exact and a
 *  bigint beyond. */
export type ResultRow = Readonly<Record<string, unknown>>;

/** A row of a push query over a table that shows deletions. */
export interface RowChange<R> {
  /** Of a row that was deleted: the columns of its key; the others are null. */
  readonly row: R;
  readonly deleted: boolean;
}

/** The rows of a pull query. */
export type QueryRows<R> = readonly R[] & {
  /** What the rows show all of; they may show more. Another query that reads `from` there shows it too. */
  readonly position: Position;
};

export interface Millrace {
  readonly version: string;
  /** The interface of the SQL layer, for servers and tools. */
  readonly engine: SqlEngine;
  readonly log: Log;
  /** Runs statements one after another; all are checked before the first runs. Rejects with a `UserError`, or with an
   *  `ExecutionError` when one fails while running. */
  sql(text: string, options?: StatementOptions): Promise<readonly StatementResult[]>;
  /** All rows of a pull query, and the position that they show all of. The type parameter is the type of a row, which
   *  is not checked. */
  query<R extends ResultRow = ResultRow>(text: string, options?: QueryOptions): Promise<QueryRows<R>>;
  /** The rows of a query, push or pull, as they come; nothing is produced before it is asked for. The query starts
   *  when the first row is asked for; leaving the loop, or `return()` from elsewhere, ends it. With `deletions` each
   *  element tells whether the row was deleted: a program that puts the rows of a push query into a map by their key,
   *  and takes deleted ones out, has the table. */
  subscribe<R extends ResultRow = ResultRow>(
    text: string,
    options: QueryOptions & { readonly deletions: true },
  ): AsyncIterableIterator<RowChange<R>, void, undefined>;
  subscribe<R extends ResultRow = ResultRow>(
    text: string,
    options?: QueryOptions & { readonly deletions?: false | undefined },
  ): AsyncIterableIterator<R, void, undefined>;
  /** Adds a module of functions to those of `functions`: new statements can use them. A newer version of a module takes
   *  the place of the former one for new queries; those that run keep theirs. Queries of an earlier run that waited for
   *  the module start; like `functions`, a call is for this run alone. Rejects, and changes nothing, when the module
   *  cannot be loaded, its version is loaded already, or a name is that of a function of SQL or of another module. */
  registerFunctions(module: string | URL | FunctionModule): Promise<void>;
  /** Appends records; answers when they are on the disk (`acks`: `durable`, the default), or as `acks` defines, with
   *  the position behind them in each partition: a view of a store that is read `from` there shows them. */
  produce(topic: string, records: Iterable<ProducedRecord>, options?: { readonly acks?: Acks }): Promise<Position>;
  /** A topic with the serdes of its records; it is made where it does not exist. */
  topic<K, V>(name: string, options: TopicOptions<K, V>): Promise<TypedTopic<K, V>>;
  /** Writes rows into a stream or table, all of a call or none: each is checked against the declared columns before any
   *  is sent, and they become readable together. Answers when they are on the disk, with the position behind them: a
   *  `query` that is read `from` there shows them. Values: boolean, number, bigint,
   *  string, Date for TIMESTAMP, array, Map or object for MAP, object for STRUCT; what is left out is NULL; `ROWTIME`
   *  (Date or milliseconds) is the time of the record. Rejects with a `UserError` that names the row, counted from 0,
   *  and the column. Calls may overlap; each partition keeps their order. */
  insert(target: string, rows: Iterable<TypedRow>): Promise<Position>;
  /** Committed records of a topic, as they come. */
  consume(topic: string, options?: ConsumeOptions): AsyncIterableIterator<ConsumedRecord>;
  /** Runs a topology exactly once: on the calling thread, or where it is a module in threads of its own. Answers when
   *  it runs; with `start: false` before, so that listeners hear of everything: call `start()` then. */
  streams(app: (StreamsOptions | StreamsModuleOptions) & { readonly start?: boolean }): Promise<Streams>;
  /** Produces the records of a topic of dead letters again, to the topics that they come from or to others, each once:
   *  those that came since the last such call. */
  replayDeadLetters(topic: string, options?: ReplayOptions): Promise<Replayed>;
  /** What all queries and threads do, in numbers; `prometheusText` prints them as `/metrics` of the server does. */
  metrics(): Promise<readonly Metric[]>;
  /** Answers when every query has read and committed all there is. Rejects with the error of an application of
   *  `streams` that has failed, and was not closed since. (Queries in SQL that have failed are left out: `SHOW QUERIES`
   *  names them.) */
  awaitIdle(): Promise<void>;
  /** The directory of a partition's segment files. */
  partitionDirectory(topic: string, partition: number): Promise<string>;
  /** Commits what is under way, checkpoints, and closes the log cleanly. */
  close(): Promise<void>;
}
