/**
 * The interface of the SQL layer, used by the library and the HTTP server.
 *
 * One `SqlEngine` per log. `execute` runs statements, `query` one SELECT, `inserter` takes rows in bulk. Every fault of
 * the user is a `UserError`; a fault found after some statements ran is an `ExecutionError` that carries what they
 * answered.
 */

import type { Metric, Position, StateReport } from '../engine/index.ts';
import type { RecoveryReport } from '../storage/index.ts';
import type { LoadedModule } from './functions/module.ts';
import type { Parameters } from './parser/parameters.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import type { SqlType, TypeDescription } from './types/type.ts';
import type { Value } from './types/value.ts';

export interface StatementOptions {
  /** Properties in force, as SET would make them. Names with and without the prefix `ksql.streams.`. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** What `${name}` stands for in the text; DEFINE and UNDEFINE change it for the statements behind them. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface QueryOptions extends StatementOptions {
  /** What `?` stands for, in the order of the text, or `:name` by its name. A value is null, a boolean, a number, a
   *  bigint, a text, a Date, a Uint8Array, an array, a Map or a plain object. */
  readonly parameters?: Parameters | undefined;
  /** Of a pull query: it waits until it can show all that lies before this position, which `produce` and `insert`
   *  answer, however many queries are in between. Rejects with QUERY_NOT_RUNNING when one of those ends before. */
  readonly from?: Position | undefined;
  /** What the query may keep in memory, in bytes: the property millrace.query.memory.bytes. */
  readonly memoryBytes?: number | undefined;
  /** Of a push query over a table: rows that are deleted are shown as well, and count for LIMIT. */
  readonly deletions?: boolean | undefined;
}

/** What one statement answered. `kind` and fields are those of the ksqlDB REST entity of that name. */
export type StatementResult = { readonly statementText: string; readonly warnings: readonly string[] } & (
  | {
      readonly kind: 'currentStatus';
      /** ``stream/`NAME`/create`` */
      readonly commandId: string;
      readonly commandStatus: CommandStatus;
      /** Its place in the statement log. */
      readonly commandSequenceNumber: number;
    }
  | { readonly kind: 'warning_entity'; readonly message: string }
  | { readonly kind: 'streams'; readonly streams: readonly SourceRow[] }
  | { readonly kind: 'tables'; readonly tables: readonly SourceRow[] }
  | { readonly kind: 'kafka_topics'; readonly topics: readonly TopicRow[] }
  | { readonly kind: 'kafka_topics_extended'; readonly topics: readonly ExtendedTopicRow[] }
  | { readonly kind: 'queries'; readonly queries: readonly QueryRow[] }
  | {
      readonly kind: 'function_names';
      readonly functions: readonly { readonly name: string; readonly type: string; readonly category: string }[];
    }
  | ({ readonly kind: 'describe_function' } & FunctionRow)
  | { readonly kind: 'sourceDescription'; readonly sourceDescription: SourceDescription }
  | { readonly kind: 'source_descriptions'; readonly sourceDescriptions: readonly SourceDescription[] }
  | { readonly kind: 'queryDescription'; readonly queryDescription: QueryDescription }
  | { readonly kind: 'query_descriptions'; readonly queryDescriptions: readonly QueryDescription[] }
  | {
      readonly kind: 'properties';
      readonly properties: readonly PropertyRow[];
      /** Names of the properties that were set: by the host, or for the request. */
      readonly overwrittenProperties: readonly string[];
      readonly defaultProperties: readonly string[];
    }
  | { readonly kind: 'variables'; readonly variables: readonly { readonly name: string; readonly value: string }[] }
  | { readonly kind: 'type_list'; readonly types: Readonly<Record<string, TypeDescription>> }
  | { readonly kind: 'assert_topic'; readonly topicName: string; readonly exists: boolean }
  | {
      readonly kind: 'assert_schema';
      readonly subject: string | null;
      readonly id: number | null;
      readonly exists: boolean;
    }
  | { readonly kind: 'connector_list'; readonly connectors: readonly never[] }
  | { readonly kind: 'connector_plugins_list'; readonly connectorPlugins: readonly never[] }
  /** SET, UNSET: the properties in force for the statements that follow in this call. Not an entity of the REST API. */
  | { readonly kind: 'settings'; readonly properties: Readonly<Record<string, unknown>> }
  /** DEFINE, UNDEFINE: the variables from here on. Not an entity of the REST API. */
  | { readonly kind: 'defined'; readonly variables: Readonly<Record<string, string>> }
  /** INSERT VALUES: nothing to say. Not an entity of the REST API. */
  | { readonly kind: 'inserted' }
);

/** How far a command has come. */
export interface CommandStatus {
  readonly status: 'EXECUTING' | 'SUCCESS' | 'ERROR';
  readonly message: string;
  /** Of the query that it made or ended. */
  readonly queryId: string | null;
}

/** A function and its forms. */
export type FunctionRow = {
  readonly name: string;
  readonly type: 'SCALAR' | 'AGGREGATE' | 'TABLE';
  readonly description: string;
  readonly author: string;
  /** Of the module that it belongs to; empty for a built-in function. */
  readonly version: string;
  /** `internal`, or the module that it belongs to. */
  readonly path: string;
  readonly functions: readonly {
    readonly arguments: readonly {
      readonly name: string;
      readonly type: string;
      readonly description: string;
      readonly isVariadic: boolean;
    }[];
    readonly returnType: string;
    readonly description: string;
  }[];
};

export interface TopicRow {
  readonly name: string;
  /** The number of copies of each partition. */
  readonly replicaInfo: readonly number[];
}

export interface ExtendedTopicRow extends TopicRow {
  readonly consumerCount: number;
  readonly consumerGroupCount: number;
  /** What ksqlDB's entity does not have. */
  readonly millrace: TopicFigures;
}

export interface TopicFigures {
  /** From the start to the end: records, those that compaction took, and markers of transactions. How many of them are
   *  records is not kept. */
  readonly offsets: number;
  /** Of the record batches that are stored, on one copy. */
  readonly bytes: number;
  /** As the topic was configured; null: as Kafka's default. */
  readonly retentionMs: number | null;
  readonly cleanupPolicy: string;
  /** The groups that have committed positions of it, with the offsets that they have yet to read. */
  readonly groups: readonly { readonly group: string; readonly lag: number }[];
}

export interface PropertyRow {
  readonly name: string;
  readonly scope: 'KSQL';
  /** Null: not set, and there is no default. */
  readonly value: string | null;
  readonly editable: boolean;
  /** QUERY: SET sets it for the queries that are made behind it. */
  readonly level: 'QUERY' | 'SERVER';
}

export interface SourceRow {
  readonly type: 'STREAM' | 'TABLE';
  readonly name: string;
  readonly topic: string;
  readonly keyFormat: string;
  readonly valueFormat: string;
  readonly isWindowed: boolean;
}

export interface QueryRow {
  readonly id: string;
  readonly queryString: string;
  readonly sinks: readonly string[];
  readonly sinkKafkaTopics: readonly string[];
  readonly queryType: 'PERSISTENT' | 'PUSH';
  readonly state: string;
  /** What ksqlDB's entity does not have. */
  readonly millrace: QueryDrops & { readonly error?: string };
}

/** What a query has left out since it last started. */
export interface QueryDrops {
  /** Records, or parts of them, by reason; `late` are those whose window had closed. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The last of them. */
  readonly lastDropped?: {
    readonly reason: string;
    readonly detail: string;
    /** Null where the record's place is not known. */
    readonly topic: string | null;
    readonly partition: number | null;
    readonly offset: number | null;
    /** ISO 8601, UTC. */
    readonly time: string;
  };
}

export interface FieldDescription {
  readonly name: string;
  readonly schema: TypeDescription;
  readonly type?: 'KEY' | 'HEADER';
  /** Of a column that reads one header: its key. */
  readonly headerKey?: string;
}

export interface SourceDescription {
  readonly name: string;
  readonly type: 'STREAM' | 'TABLE';
  readonly windowType: string | null;
  readonly fields: readonly FieldDescription[];
  readonly timestamp: string;
  readonly keyFormat: string;
  readonly valueFormat: string;
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly statement: string;
  readonly readQueries: readonly QueryRow[];
  readonly writeQueries: readonly QueryRow[];
  readonly extended: boolean;
  readonly statistics: string;
  readonly errorStats: string;
  /** Where the queries that read it stand; empty unless EXTENDED. */
  readonly queryOffsetSummaries: readonly QueryOffsets[];
  /** The streams and tables that are made from it: it cannot be dropped before them. */
  readonly sourceConstraints: readonly string[];
  /** What ksqlDB's entity does not have: what its topic holds, where EXTENDED asks for it. */
  readonly millrace?: TopicFigures;
}

/** Where a query stands in the topic of a source. */
export interface QueryOffsets {
  readonly groupId: string;
  readonly kafkaTopic: string;
  readonly offsets: readonly {
    readonly partition: number;
    readonly logStartOffset: number;
    readonly logEndOffset: number;
    readonly consumerOffset: number;
  }[];
}

export interface QueryDescription {
  readonly id: string;
  readonly statementText: string;
  readonly windowType: string | null;
  readonly fields: readonly FieldDescription[];
  readonly sources: readonly string[];
  readonly sinks: readonly string[];
  /** The engine's topology, as text. */
  readonly topology: string;
  /** The logical and the physical plan, as text. */
  readonly executionPlan: string;
  readonly overriddenProperties: Readonly<Record<string, unknown>>;
  readonly queryType: string;
  readonly state: string | null;
  readonly queryErrors: readonly string[];
}

export interface QueryColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly isKey: boolean;
}

/** One running SELECT. Rows come in batches; nothing is read ahead of the consumer but a bounded buffer. */
export interface QueryHandle {
  readonly id: string;
  /** `print`: the lines of a PRINT, each a row of one text. */
  readonly kind: 'pull' | 'push' | 'print';
  readonly columns: readonly QueryColumn[];
  /** Each row has one value more, behind those of its columns: true where the row was deleted. Then its columns are
   *  NULL but for those of its key. */
  readonly deletions?: boolean;
  /** Of a pull query: what its rows show all of; they may show more. Empty for others. */
  readonly position: Position;
  /** Once only. Ends by itself for pull queries and at a LIMIT; leaving the loop closes the query. A batch may be
   *  empty. */
  rows(): AsyncIterable<readonly (readonly Value[])[]>;
  close(): Promise<void>;
}

export type InsertOutcome = { readonly ok: true } | { readonly ok: false; readonly error: Error };

/** Rows into one stream or table. Rows reach each partition in the order of the calls. */
export interface Inserter {
  readonly columns: readonly QueryColumn[];
  /** Rows as JSON gave them, integers beyond 2^53 as bigints; names in any case unless between backticks. The answer
   *  has one outcome a row, when all of them are on the disk or refused. Calls may overlap. */
  insert(rows: readonly Readonly<Record<string, unknown>>[]): Promise<readonly InsertOutcome[]>;
}

/** A row as a program has it: values by column name, in any case unless between backticks; columns that are left out
 *  are NULL, `ROWTIME` (a Date or epoch milliseconds) is the record's time. Which value fits which type stands in
 *  `queries/typed-values.ts`. */
export type TypedRow = Readonly<Record<string, unknown>>;

/** One persistent query as it stands. */
export interface QueryStatus extends QueryDrops {
  readonly id: string;
  readonly statement: string;
  readonly state: 'RUNNING' | 'PAUSED' | 'ERROR' | 'RESTORING';
  /** Offsets between what is committed and the readable ends of all that it reads; null while it does not run. */
  readonly lag: number | null;
  readonly recordsRead: number;
  readonly recordsWritten: number;
  /** Changelog records read to restore its stores when it last started. */
  readonly replayed: number;
  /** Why it is in ERROR; or, while it runs, why it commits nothing for now, such as a full disk: it goes on trying. */
  readonly error?: string;
  /** What can be done about the error. */
  readonly hint?: string;
}

export interface EngineReport {
  readonly recovery: RecoveryReport;
  /** Entries of the statement log that could not be applied at start: skipped, with the reason. */
  readonly failedStatements: readonly { readonly statement: string; readonly message: string }[];
  /** Internal topics and groups that belong to no query of the statement log, perhaps to a statement that could not be
   *  read. They are kept. */
  readonly unclaimed: readonly string[];
  /** What the log misses (`Log.damage`), as sentences. */
  readonly damage: readonly string[];
  /** Why the log could not free space at its last try. */
  readonly housekeepingFailure: string | undefined;
}

/** What can stand at a place of a text that is being written. */
export interface Completion {
  /** The part of the text that an item replaces: what is typed of a word so far. */
  readonly from: number;
  readonly to: number;
  /** The likeliest kinds first. */
  readonly items: readonly CompletionItem[];
}

export interface CompletionItem {
  /** As it is to be written, with the quotes that it needs. */
  readonly text: string;
  readonly kind:
    | 'column'
    | 'source'
    | 'property'
    | 'value'
    | 'type'
    | 'query'
    | 'topic'
    | 'keyword'
    | 'unit'
    | 'function';
  /** The type of a column, the signatures of a function. */
  readonly detail?: string;
}

export interface SqlEngine {
  /** The registry of schemas, embedded or external. */
  readonly registry: SchemaRegistry;
  readonly report: EngineReport;
  /** The state of all queries: memory, and damage of the state directory. */
  readonly state: StateReport;
  /** What all queries and threads do, in numbers. */
  metrics(): Promise<readonly Metric[]>;
  /** Why the log takes no writes: until it is opened again, or as long as it refuses them (the disk is full, most
   *  often); undefined in ordinary life. */
  readonly fault: Error | undefined;
  execute(sql: string, options?: StatementOptions): Promise<readonly StatementResult[]>;
  /** The commands of the statement log by their ids, such as ``stream/`NAME`/create``. */
  readonly commands: ReadonlyMap<string, CommandStatus>;
  /** Whether the command of a number has run, at the latest after so many milliseconds. */
  hasRun(commandNumber: number, withinMs: number): Promise<boolean>;
  query(sql: string, options?: QueryOptions): Promise<QueryHandle>;
  /** New statements can name the functions of the module, and queries that did not run for want of it start. Rejects,
   *  and changes nothing, with FUNCTION_MODULE_CONFLICT where a name is taken or this version is loaded. */
  addFunctions(module: LoadedModule): Promise<void>;
  /** What can stand at a place of a text, counted in UTF-16 units. The text need not be a whole statement. */
  complete(text: string, cursor: number): Promise<Completion>;
  inserter(target: string, options?: StatementOptions): Promise<Inserter>;
  queries(): Promise<readonly QueryStatus[]>;
  /** Writes typed rows into a stream or table, all or none: they are checked before any is sent, and become readable
   *  together. Resolves when they are on the disk, with the position behind them. Rejects with a `UserError` that names
   *  the row, counted from 0, and the column. */
  insert(target: string, rows: Iterable<TypedRow>): Promise<Position>;
  /** Resolves when every persistent query has read, and committed, all that was in its sources. */
  awaitIdle(): Promise<void>;
  close(): Promise<void>;
}

/** A statement failed while running, perhaps after others of the same call had run. Code and hint are those of its
 *  cause. */
export class ExecutionError extends Error {
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly done: readonly StatementResult[];
  readonly statementText: string;
  override readonly cause: Error;

  constructor(cause: Error, statementText: string, done: readonly StatementResult[]) {
    super(cause.message, { cause });
    this.name = 'ExecutionError';
    this.cause = cause;
    const { code, hint } = cause as { readonly code?: unknown; readonly hint?: unknown };
    this.code = typeof code === 'string' ? code : undefined;
    this.hint = typeof hint === 'string' ? hint : undefined;
    this.statementText = statementText;
    this.done = done;
  }
}
