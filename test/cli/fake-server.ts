/**
 * A server of canned answers, for tests of the terminal alone: it keeps what it was asked and answers what it was told.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ErrorEntity } from '../../server/protocol.ts';

export interface Asked {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a statement is answered: an entity list, an error, or the lines of a result (a function writes them itself). */
export type Answer =
  | readonly Readonly<Record<string, unknown>>[]
  | { readonly error: ErrorEntity; readonly status?: number }
  | { readonly rows: readonly string[] }
  | ((response: ServerResponse) => void | Promise<void>);

export class FakeServer {
  readonly asked: Asked[] = [];
  /** Connections of answers that the client closed before their end. */
  left = 0;
  readonly #answers = new Map<string, Answer>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  /** Answers a statement (without its semicolon). */
  on(statement: string, answer: Answer): this {
    this.#answers.set(statement, answer);
    return this;
  }

  /** What a statement is answered, where that is a list. */
  entitiesOf(statement: string): readonly Readonly<Record<string, unknown>>[] {
    const answer = this.#answers.get(statement);
    return Array.isArray(answer) ? (answer as readonly Readonly<Record<string, unknown>>[]) : [];
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the test server has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableFinished) this.left++;
    });
    if (request.url === '/info') {
      response.end(JSON.stringify({ KsqlServerInfo: { version: '0.0.0-test' } }));
      return;
    }
    const body = JSON.parse(await text(request));
    this.asked.push({ path: request.url ?? '', body });
    const answer = this.#answers.get(String(body.ksql ?? body.sql).replace(/;$/, '')) ?? [];
    if (typeof answer === 'function') await answer(response);
    else if ('error' in answer) {
      response.statusCode = answer.status ?? 400;
      response.end(JSON.stringify(answer.error));
    } else response.end('rows' in answer ? `${answer.rows.join('\n')}\n` : JSON.stringify(answer));
  }
}

/** The first line of a result. */
export const header = (columns: Readonly<Record<string, string>>): string =>
  JSON.stringify({ queryId: 'q', columnNames: Object.keys(columns), columnTypes: Object.values(columns) });

export const unknownColumn: ErrorEntity = {
  '@type': 'statement_error',
  error_code: 40001,
  message: 'column "NAEM" does not exist in stream "USERS" Did you mean "NAME"?',
  statementText: 'SELECT\n  naem FROM users',
  entities: [],
  millrace: {
    code: 'SQL_UNKNOWN_COLUMN',
    hint: 'Did you mean "NAME"?',
    at: { line: 2, column: 3, offset: 9, length: 4 },
  },
};
