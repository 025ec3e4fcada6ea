/** What every endpoint is, and what it is given. */

import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { SqlEngine } from '../sql/index.ts';
import type { AccessRules } from './access.ts';
import type { OpenQueries } from './open-queries.ts';

export interface ServerLimits {
  /** Bytes of a request to /ksql or /query-stream. */
  readonly maxBodyBytes: number;
  /** Bytes of one line of /inserts-stream. */
  readonly maxRowBytes: number;
  /** Push and pull queries open at once. */
  readonly maxOpenQueries: number;
  /** Requests under way at once on one HTTP/2 connection. */
  readonly maxStreamsPerConnection: number;
  /** Bytes written to a client that it has not received yet; beyond it the query waits. */
  readonly maxUnsentBytes: number;
  /** How long a client may take to send the body of a request (of /inserts-stream: its first line). */
  readonly bodyTimeoutMs: number;
  /** How long a request waits for the command of its `commandSequenceNumber`. */
  readonly commandWaitMs: number;
}

export const defaultLimits: ServerLimits = {
  maxBodyBytes: 4 << 20,
  maxRowBytes: 1 << 20,
  maxOpenQueries: 100,
  // More than queries may be open: there is always one to close a query with.
  maxStreamsPerConnection: 128,
  maxUnsentBytes: 256 << 10,
  bodyTimeoutMs: 30_000,
  // As in ksqlDB.
  commandWaitMs: 5_000,
};

export interface AppOptions extends AccessRules {
  readonly engine: SqlEngine;
  readonly logger: FastifyBaseLogger;
  readonly limits: ServerLimits;
  readonly version: string;
  readonly dataDirectory: string;
}

/** What every route gets. */
export interface RouteContext extends AppOptions {
  readonly openQueries: OpenQueries;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The media types that an endpoint can answer with, the default first. A request that accepts none of them is
     *  refused (406) before the endpoint sees it; otherwise the type of the answer is set. */
    readonly produces?: readonly [string, ...string[]];
  }
}

/** An endpoint adds itself to the app. */
export type Route = (app: FastifyInstance, context: RouteContext) => void;
