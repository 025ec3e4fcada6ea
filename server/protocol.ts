/**
 * What goes over HTTP: the request and response shapes of the ksqlDB REST API that this server speaks.
 *
 * The only file of this layer that the terminal and the console may import. Field names are the wire's. Fields that
 * ksqlDB does not have are under `millrace`, so that its clients never see them by accident.
 */

export const DEFAULT_PORT = 8088;

export const mediaTypes = {
  /** Entities of /ksql. */
  ksql: 'application/vnd.ksql.v1+json',
  json: 'application/json',
  /** Rows of /query-stream, one JSON value a line: the default there. */
  delimited: 'application/vnd.ksqlapi.delimited.v1',
  /** Lines of PRINT. */
  text: 'text/plain; charset=utf-8',
} as const;

/** POST /ksql */
export interface KsqlRequest {
  readonly ksql: string;
  readonly streamsProperties?: Readonly<Record<string, unknown>>;
  /** What `${name}` stands for in the statements. */
  readonly sessionVariables?: Readonly<Record<string, unknown>>;
  /** Of an earlier answer: the request runs behind that command. */
  readonly commandSequenceNumber?: number;
}

/** POST /query-stream */
export interface QueryRequest {
  readonly sql: string;
  /** What `?` stands for, in the order of the text, or `:name` by its name. */
  readonly parameters?: readonly unknown[] | Readonly<Record<string, unknown>>;
  /** A pull query waits until it can show all that lies before these offsets. */
  readonly from?: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly sessionVariables?: Readonly<Record<string, unknown>>;
}

/** First line of a delimited answer of /query-stream; every later line is a row (a JSON array) or an `ErrorEntity`. */
export interface QueryHeader {
  readonly queryId: string;
  readonly columnNames: readonly string[];
  readonly columnTypes: readonly string[];
}

/** POST /close-query */
export interface CloseQueryRequest {
  readonly queryId: string;
}

/** POST /complete */
export interface CompleteRequest {
  readonly sql: string;
  /** In UTF-16 units; the end of the text when left out. */
  readonly cursor?: number;
}

export interface CompleteResponse {
  /** The part of the text that an item replaces. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly { readonly text: string; readonly kind: string; readonly detail?: string }[];
}

/** First line of the body of POST /inserts-stream; every later line is one row: an object of column names and
 *  values. */
export interface InsertsRequest {
  readonly target: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** One line for each row, in the order of the rows. `ok` means: on the disk. */
export type InsertAcknowledgement =
  | { readonly status: 'ok'; readonly seq: number }
  | { readonly status: 'error'; readonly seq: number; readonly error_code: number; readonly message: string };

/** An element of the answer of /ksql. `@type` names the shape, as in ksqlDB; the rest depends on it. */
export interface Entity {
  readonly '@type': string;
  readonly statementText: string;
  readonly warnings: readonly { readonly message: string }[];
  readonly [field: string]: unknown;
}

export interface ErrorEntity {
  readonly '@type': 'generic_error' | 'statement_error';
  /** HTTP status times 100, plus a detail: 40001 bad statement … */
  readonly error_code: number;
  readonly message: string;
  readonly statementText?: string;
  /** Entities of the statements that ran before the one that failed. */
  readonly entities?: readonly Entity[];
  readonly millrace?: FaultDetails & {
    /** What else is at fault in the text of the request, in its order. Left out where that is nothing. */
    readonly faults?: readonly Fault[];
  };
}

interface FaultDetails {
  /** Stable name of the error, listed in docs/errors.md. */
  readonly code: string;
  readonly hint?: string;
  /** Position in the text of the request: line and column count from 1, the offset from 0. */
  readonly at?: {
    readonly line: number;
    readonly column: number;
    readonly offset: number;
    readonly length?: number | undefined;
  };
}

export const errorCodes = {
  badRequest: 40000,
  badStatement: 40001,
  queryOnStatementEndpoint: 40002,
  tooManyQueries: 40003,
  forbidden: 40300,
  notFound: 40400,
  methodNotAllowed: 40500,
  notAcceptable: 40600,
  timedOut: 40800,
  tooLarge: 41300,
  unsupportedMediaType: 41500,
  assertionFailed: 41700,
  serverError: 50000,
  commandLate: 50301,
  notReady: 50302,
  shuttingDown: 50303,
  storageFull: 50700,
} as const;

/** A fault besides the first. */
export interface Fault extends FaultDetails {
  readonly message: string;
}

/** GET /info */
export interface InfoResponse {
  readonly KsqlServerInfo: {
    readonly version: string;
    readonly kafkaClusterId: string;
    readonly ksqlServiceId: string;
    readonly serverStatus: string;
  };
  readonly millrace: {
    readonly dataDirectory: string;
    /** What the last start found and repaired. */
    readonly recovery: {
      readonly cleanShutdown: boolean;
      readonly durationMs: number;
      readonly partitionsRecovered: number;
      readonly bytesTruncated: number;
      /** Damaged bytes that were copied to `quarantine/` in the data directory and are not served any more. */
      readonly bytesQuarantined: number;
      readonly abortedTransactions: readonly string[];
      readonly completedTransactions: readonly string[];
    };
    /** Statements of the statement log that could not be applied at start, with the reason. */
    readonly failedStatements: readonly { readonly statement: string; readonly message: string }[];
    /** Internal topics and groups that belong to no known query; they are kept. */
    readonly unclaimed: readonly string[];
    /** What was acknowledged and is missing in the log, until its loss is accepted (`millrace repair`). */
    readonly damage: readonly string[];
    /** Why old files could not be deleted or compacted at the last try; it is repeated by itself. */
    readonly housekeepingFailure: string | null;
    /** The state of all queries: memory in bytes, and what of the state directory was found damaged since the start,
     *  and rebuilt. */
    readonly state: {
      readonly memory: { readonly usedBytes: number; readonly limitBytes: number };
      readonly damage: readonly {
        /** Epoch milliseconds. */
        readonly time: number;
        readonly queryId: string | undefined;
        readonly message: string;
      }[];
    };
    readonly queries: readonly QueryInfo[];
  };
}

export interface QueryInfo {
  readonly id: string;
  readonly state: string;
  /** Offsets between what is committed and the readable ends of all that it reads; null while it does not run. */
  readonly lag: number | null;
  readonly recordsRead: number;
  readonly recordsWritten: number;
  /** Changelog records read to restore its stores when it last started. */
  readonly replayed: number;
  /** Records left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The last of them; topic, partition and offset are null where they are not known. */
  readonly lastDropped?: {
    readonly reason: string;
    readonly detail: string;
    readonly topic: string | null;
    readonly partition: number | null;
    readonly offset: number | null;
    readonly time: string;
  };
  /** Why it is in ERROR; or, while it runs, why it commits nothing for now, such as a full disk: it goes on trying. */
  readonly error?: string;
  /** What can be done about the error. */
  readonly hint?: string;
}

/** GET /status/{type}/{entity}/{action} */
export interface CommandStatusResponse {
  readonly status: 'EXECUTING' | 'SUCCESS' | 'ERROR';
  readonly message: string;
  readonly queryId: string | null;
}

/** GET /status */
export interface CommandStatusesResponse {
  /** By command id, such as ``stream/`NAME`/create``. */
  readonly commandStatuses: Readonly<Record<string, CommandStatusResponse['status']>>;
}

export interface HealthOfPart {
  readonly isHealthy: boolean;
  /** Why it is not. */
  readonly message?: string;
}

/** GET /healthcheck */
export interface HealthResponse {
  readonly isHealthy: boolean;
  readonly details: Readonly<Record<string, HealthOfPart>>;
  readonly serverState: string;
}
