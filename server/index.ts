/**
 * server: the engine over HTTP, in the dialect of the ksqlDB REST API.
 *
 * A request enters at `app.ts`, goes to one file of `routes/`, and from there to the interface of the SQL layer; rows
 * leave through `row-json.ts`. The shapes on the wire are in `protocol.ts`, the one file that the terminal and the
 * console may import. Read `app.ts` first.
 *
 * `startServer` opens a data directory and listens. Nothing here holds state of its own but the list of open queries.
 */

import { readdirSync } from 'node:fs';
import { type AddressInfo, isIP } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { messageOf, UserError } from '../base/index.ts';
import type { LaunchedThreads } from '../engine/runtime/worker.ts';
import { type Millrace, type OpenOptions, openWith } from '../library/index.ts';
import { addressesOf, isLoopback, LOOPBACK, listenAlsoAt } from './addresses.ts';
import { createApp } from './app.ts';
import { defaultWorkers } from './default-workers.ts';
import { defaultLimits, type ServerLimits } from './route.ts';

export { defaultLimits, type ServerLimits } from './route.ts';

export interface ServerOptions {
  /** Data directory; made when missing. */
  readonly data: string;
  /** An address of this machine, or a name of one; `localhost` is 127.0.0.1 and ::1. Default: 127.0.0.1. */
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  /** Worker threads for queries, started with the first one; 0 runs them on this thread. Default: one less than there
   *  are cores, at least 1. */
  readonly workers?: number;
  /** Memory for the state of all queries, in bytes. Default: a quarter of what the process may use. */
  readonly stateMemoryBytes?: number;
  readonly logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly limits?: Partial<ServerLimits>;
  /** Origins of web pages that may call the server; see `access.ts`. Default: none, and on the loopback interface those
   *  of that interface. */
  readonly allowedOrigins?: readonly string[];
  /** Host names that the server may be called by; see `access.ts`. Default: none but its addresses and those of the
   *  loopback interface. */
  readonly allowedHosts?: readonly string[];
  /** A folder of modules of functions: each file `.js`, `.mjs`, `.ts` or `.mts` in it is one. Their code runs with
   *  limits (`OpenOptions.functionLimits`). Default: none. */
  readonly functions?: string;
  readonly functionLimits?: NonNullable<OpenOptions['functionLimits']>;
  /** Properties of SQL that hold unless a request gives others. */
  readonly properties?: NonNullable<OpenOptions['properties']>;
  /** Memory for rows that wait for the clients of push queries. */
  readonly push?: NonNullable<OpenOptions['push']>;
  /** An external registry of schemas; the embedded one when left out. */
  readonly schemaRegistry?: NonNullable<OpenOptions['schemaRegistry']>;
}

export interface RunningServer {
  readonly url: string;
  /** Where it listens; more than one for `localhost`. */
  readonly addresses: readonly string[];
  readonly millrace: Millrace;
  /** Ends open queries, commits what is under way, closes the log cleanly. */
  close(): Promise<void>;
}

/** The files of a folder of functions, by name. */
const functionFiles = (folder: string): readonly string[] => {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new UserError(
      'FUNCTION_FOLDER_INVALID',
      `the folder of functions ${folder} cannot be read: ${messageOf(error)}`,
      {
        hint: 'Give the path of a folder that exists.',
        cause: error,
      },
    );
  }
  const files = names.filter((name) => /\.m?[jt]s$/.test(name) && !/\.d\.m?ts$/.test(name)).sort();
  return files.map((name) => join(folder, name));
};

/** Throws a `UserError` when the directory cannot be used or the port is in use. `launched`: threads for its data
 *  directory (`launch.ts`). */
export const startServer = async (options: ServerOptions, launched?: LaunchedThreads): Promise<RunningServer> => {
  const { data, port, host = LOOPBACK } = options;
  const logger = pino({ level: options.logLevel ?? 'info', base: null }, pino.destination(2));
  const opening: OpenOptions = {
    data,
    workers: options.workers ?? defaultWorkers(),
    ...(options.stateMemoryBytes === undefined ? {} : { stateMemoryBytes: options.stateMemoryBytes }),
    ...(options.properties === undefined ? {} : { properties: options.properties }),
    ...(options.push === undefined ? {} : { push: options.push }),
    ...(options.schemaRegistry === undefined ? {} : { schemaRegistry: options.schemaRegistry }),
    ...(options.functions === undefined
      ? {}
      : { functions: functionFiles(options.functions), functionLimits: options.functionLimits ?? {} }),
    onEvent: ({ level, message, ...fields }) => logger[level](fields, message),
  };
  const millrace = await openWith(opening, launched);
  const app = createApp({
    engine: millrace.engine,
    logger,
    limits: { ...defaultLimits, ...options.limits },
    version: millrace.version,
    dataDirectory: data,
    allowedOrigins: options.allowedOrigins ?? [],
    allowedHosts: options.allowedHosts ?? [],
    loopbackOnly: isLoopback(host),
  });
  const [first, ...others] = addressesOf(host);
  const addresses: string[] = [first];
  let bound = port;
  const closeOthers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    const closed = closeOthers.map((closeOne) => closeOne());
    await app.close();
    await Promise.all(closed);
    await millrace.close();
  };
  try {
    await app.listen({ host: first, port });
    bound = (app.server.address() as AddressInfo).port;
    for (const other of others) {
      const closeOne = await listenAlsoAt(app.server, other, bound);
      if (closeOne === undefined) continue;
      addresses.push(other);
      closeOthers.push(closeOne);
    }
  } catch (error) {
    await close();
    throw listenFault(error, host, bound);
  }
  return { url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`, addresses, millrace, close };
};

const listenFault = (error: unknown, host: string, port: number): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new UserError('PORT_IN_USE', `port ${port} on ${host} is in use by another process`, {
        hint: 'Stop that process, or choose another port with --port (0: any free one).',
        cause: error,
      });
    case 'EACCES':
      return new UserError('PORT_NOT_ALLOWED', `this user may not listen on port ${port}`, {
        hint: 'Choose a port above 1023 with --port.',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError('HOST_UNKNOWN', `"${host}" is not an address of this machine`, {
        hint: 'Use 127.0.0.1 for this machine only, or 0.0.0.0 for every interface.',
        cause: error,
      });
    default:
      return error;
  }
};
