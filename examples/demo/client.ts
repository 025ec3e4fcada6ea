/**
 * A client of the HTTP API, as any other program would be: it imports nothing of the server.
 *
 * `statements` posts to /ksql, `rows` reads a query of /query-stream line by line, `Inserts` keeps one /inserts-stream
 * request open: rows go up, acknowledgements come down on the same connection, in the order of the rows.
 */

import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';

export type Row = readonly unknown[];

interface ErrorBody {
  readonly message?: string;
}

const post = (base: URL, path: string, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest(new URL(path, base), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    outgoing.on('response', resolve).on('error', reject);
    outgoing.end(body);
  });

const textOf = async (response: IncomingMessage): Promise<string> => {
  response.setEncoding('utf8');
  let text = '';
  for await (const part of response as AsyncIterable<string>) text += part;
  return text;
};

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const part of response as AsyncIterable<string>) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}

/** Runs statements; answers the entities. Throws with the server's sentence when one is refused. */
export const statements = async (
  base: URL,
  sql: string,
  properties: Record<string, string> = {},
): Promise<unknown[]> => {
  const response = await post(base, '/ksql', JSON.stringify({ ksql: sql, streamsProperties: properties }));
  const text = await textOf(response);
  if (response.statusCode !== 200) throw new Error((JSON.parse(text) as ErrorBody).message ?? text);
  return JSON.parse(text) as unknown[];
};

/** The rows of one query as they come; leaving the loop ends the query. */
export async function* rows(base: URL, sql: string, properties: Record<string, string> = {}): AsyncGenerator<Row> {
  const response = await post(base, '/query-stream', JSON.stringify({ sql, properties }));
  if (response.statusCode !== 200) throw new Error((JSON.parse(await textOf(response)) as ErrorBody).message);
  try {
    let header = true;
    for await (const line of linesOf(response)) {
      const parsed = JSON.parse(line) as Row | ErrorBody;
      if (header) header = false;
      else if (Array.isArray(parsed)) yield parsed;
      else throw new Error((parsed as ErrorBody).message);
    }
  } finally {
    response.destroy();
  }
}

export const get = async (base: URL, path: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    httpRequest(new URL(path, base), (response) => {
      textOf(response).then((text) => resolve(JSON.parse(text)), reject);
    })
      .on('error', reject)
      .end();
  });

/** One open /inserts-stream request. `lost` resolves when the connection ends, for whatever reason. */
export class Inserts {
  readonly #request: ClientRequest;
  readonly lost: Promise<void>;
  /** Rows written and rows acknowledged so far. */
  sent = 0;
  acknowledged = 0;
  /** The first row that the server refused, if any: the demonstration sends none that may be. */
  refusal: string | undefined;
  #open = true;
  #progress: (() => void) | undefined;

  constructor(base: URL, target: string) {
    this.#request = httpRequest(new URL('/inserts-stream', base), {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.ksqlapi.delimited.v1' },
    });
    this.lost = new Promise((resolve) => {
      const end = (): void => {
        this.#open = false;
        this.#wake();
        resolve();
      };
      this.#request.on('error', end).on('response', (response) => {
        this.#read(response).then(end, end);
      });
    });
    this.#request.write(`${JSON.stringify({ target, properties: {} })}\n`);
  }

  get open(): boolean {
    return this.#open;
  }

  get unanswered(): number {
    return this.sent - this.acknowledged;
  }

  /** Sends rows, given as lines of JSON. Waits while the socket is full or `maxUnanswered` rows wait for their
   *  answer. */
  async send(lines: string, count: number, maxUnanswered: number): Promise<void> {
    if (!this.#open) return;
    this.sent += count;
    const flowing = this.#request.write(lines);
    if (!flowing) await new Promise<void>((resolve) => this.#onDrain(resolve));
    while (this.#open && this.unanswered > maxUnanswered) await this.progress();
  }

  /** Resolves at the next acknowledgement, or when the connection is lost. */
  progress(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#progress;
      this.#progress = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Ends the request; resolves when every row has its answer. */
  async finish(): Promise<void> {
    this.#request.end();
    await this.lost;
  }

  #onDrain(resolve: () => void): void {
    this.#request.once('drain', resolve);
    void this.lost.then(resolve);
  }

  #wake(): void {
    const wake = this.#progress;
    this.#progress = undefined;
    wake?.();
  }

  async #read(response: IncomingMessage): Promise<void> {
    for await (const line of linesOf(response)) {
      const answer = JSON.parse(line) as { status?: string; message?: string };
      if (answer.status === 'ok') this.acknowledged++;
      else this.refusal ??= answer.message ?? line;
      if (this.refusal !== undefined) this.#request.destroy();
      this.#wake();
    }
  }
}
