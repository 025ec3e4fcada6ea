/**
 * The server, as the terminal sees it: three endpoints over HTTP, and the two ways in which a request can fail.
 *
 * Node's own `http` is used rather than `fetch`, which gives up on a body that is silent for five minutes; a push query
 * may well be. Rows come line by line as they are sent. Reading slowly holds the server back, down to the query.
 */

import type * as http from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  type CompleteRequest,
  type CompleteResponse,
  DEFAULT_PORT,
  type Entity,
  type ErrorEntity,
  type InfoResponse,
  type KsqlRequest,
  mediaTypes,
  type QueryHeader,
  type QueryRequest,
} from '../server/protocol.ts';
import { type Cell, parseCells } from './cell.ts';
import { ConnectionFault, UsageFault } from './exit.ts';

/** Not by `import`, which reads every export: one of them loads Node's client for WebSocket, 50 ms for nothing used. */
const nodeHttp = (): typeof http => process.getBuiltinModule('node:http');

/** The server answered that it will not, or could not. */
export class ServerFault extends Error {
  readonly entity: ErrorEntity;

  constructor(entity: ErrorEntity) {
    super(entity.message);
    this.name = 'ServerFault';
    this.entity = entity;
  }
}

/** What SET and DEFINE have set. */
export interface InForce {
  readonly properties: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** The rows of one query. They can be read once. */
export interface Rows {
  readonly header: QueryHeader;
  /** Rows in the parts in which they came. Throws the server's error, if one comes between them. */
  batches(): AsyncIterable<readonly (readonly Cell[])[]>;
}

/** Makes the address of a server out of what somebody typed: the scheme and the port may be left out. */
export function serverAddress(text: string | undefined): URL {
  const written = text ?? `127.0.0.1:${DEFAULT_PORT}`;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageFault(`"${written}" is not the address of a server`, 'Write it like http://127.0.0.1:8088.');
  }
  if (url.port === '' && !/:\d+\/?$/.test(full) && url.protocol === 'http:') url.port = String(DEFAULT_PORT);
  return url;
}

export class Client {
  readonly url: URL;

  constructor(url: URL) {
    this.url = url;
  }

  async info(): Promise<InfoResponse> {
    return JSON.parse(await textOf(await this.#send('GET', '/info')));
  }

  /** Runs statements that are not queries. */
  async execute(sql: string, { properties, variables }: InForce, signal?: AbortSignal): Promise<readonly Entity[]> {
    const body: KsqlRequest = { ksql: sql, streamsProperties: properties, sessionVariables: variables };
    return JSON.parse(await textOf(await this.#send('POST', '/ksql', body, signal)));
  }

  /** What can stand at the end of a text. */
  async complete(sql: string): Promise<CompleteResponse> {
    return JSON.parse(await textOf(await this.#send('POST', '/complete', { sql })));
  }

  /** Starts a query; the signal ends it. */
  async query(sql: string, { properties, variables }: InForce, signal?: AbortSignal): Promise<Rows> {
    const body: QueryRequest = { sql, properties, sessionVariables: variables };
    const response = await this.#send('POST', '/query-stream', body, signal);
    const lines = linesOf(response, signal);
    const first = await lines.next();
    const header: unknown = first.done === true ? undefined : JSON.parse(first.value[0] ?? 'null');
    if (!isHeader(header)) throw this.#foreign();
    const rest = first.value?.slice(1) ?? [];
    return {
      header,
      async *batches() {
        yield* rowsOf(rest);
        for await (const batch of lines) yield* rowsOf(batch);
      },
    };
  }

  /** The lines of a PRINT, as they come; the signal ends them. */
  async print(
    sql: string,
    { properties, variables }: InForce,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<readonly string[]>> {
    const body: QueryRequest = { sql, properties, sessionVariables: variables };
    return linesOf(await this.#send('POST', '/query-stream', body, signal), signal);
  }

  #foreign(): ConnectionFault {
    return new ConnectionFault(
      `what answers at ${this.url.origin} is not a Millrace server`,
      'Check the address and the port.',
    );
  }

  /** Sends a request and waits for the head of its answer. An answer that is not 200 becomes a fault. */
  async #send(
    method: 'GET' | 'POST',
    path: string,
    body?: KsqlRequest | QueryRequest | CompleteRequest,
    signal?: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const send = this.url.protocol === 'https:' ? httpsRequest : nodeHttp().request;
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = send(new URL(path, this.url), {
        method,
        headers: {
          accept: path === '/query-stream' ? mediaTypes.delimited : mediaTypes.ksql,
          ...(text === undefined ? {} : { 'content-type': mediaTypes.ksql, 'content-length': Buffer.byteLength(text) }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      request.on('response', resolve);
      request.on('error', (error) => reject(signal?.aborted === true ? error : this.#unreachable(error)));
      request.end(text);
    });
    if (response.statusCode === 200) return response;
    throw this.#faultIn(await textOf(response), response.statusCode ?? 0);
  }

  #unreachable(error: NodeJS.ErrnoException): ConnectionFault {
    const reasons: Readonly<Record<string, string>> = {
      ECONNREFUSED: 'nothing listens there',
      ENOTFOUND: 'the host is not known',
      ECONNRESET: 'the connection was closed',
      ETIMEDOUT: 'no answer came in time',
      EPROTO: 'it does not speak this protocol',
    };
    const reason = reasons[error.code ?? ''] ?? error.message;
    return new ConnectionFault(
      `no server could be reached at ${this.url.origin}: ${reason}`,
      'Start one with "millrace server", or give its address: millrace sql http://HOST:PORT.',
    );
  }

  #faultIn(text: string, status: number): Error {
    const entity = parsed(text);
    if (isError(entity)) return new ServerFault(entity);
    return status >= 500
      ? new ConnectionFault(`the server at ${this.url.origin} answered with HTTP ${status}`)
      : this.#foreign();
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isError = (value: unknown): value is ErrorEntity =>
  typeof value === 'object' &&
  value !== null &&
  'error_code' in value &&
  'message' in value &&
  typeof value.message === 'string';

const isHeader = (value: unknown): value is QueryHeader =>
  typeof value === 'object' && value !== null && 'columnNames' in value && Array.isArray(value.columnNames);

/** The rows of some lines, in one part. A line with an error is thrown when the rows before it are
 *  out. */
function* rowsOf(lines: readonly string[]): Generator<readonly (readonly Cell[])[]> {
  const rows: (readonly Cell[])[] = [];
  let fault: Error | undefined;
  for (const line of lines) {
    const cells = parseCells(line);
    if (Array.isArray(cells)) rows.push(cells);
    else {
      const entity = parsed(line);
      fault = isError(entity) ? new ServerFault(entity) : new ConnectionFault('the server sent a line that is no row');
      break;
    }
  }
  if (rows.length > 0) yield rows;
  if (fault !== undefined) throw fault;
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const parts: string[] = [];
  for await (const lines of linesOf(response)) parts.push(...lines);
  return parts.join('\n');
}

/** The lines of an answer, in the parts in which they come. An interruption by the signal ends them quietly. */
async function* linesOf(response: http.IncomingMessage, signal?: AbortSignal): AsyncGenerator<string[], undefined> {
  response.setEncoding('utf8');
  let open = '';
  try {
    for await (const chunk of response) {
      const lines = `${open}${String(chunk)}`.split('\n');
      open = lines.pop() ?? '';
      const full = lines.filter((line) => line !== '');
      if (full.length > 0) yield full;
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    throw new ConnectionFault('the connection to the server broke', error instanceof Error ? error.message : undefined);
  }
  if (open !== '') yield [open];
}
