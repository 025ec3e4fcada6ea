/**
 * The HTTP face: routes over one open engine.
 *
 * A request is a statement, a query or rows; everything that decides is below, in the SQL room. What is decided here: how large a body may
 * be, how many queries may be open, who may talk to a server on the loopback interface (only pages and tools that name it as such: a
 * foreign Host or Origin is a rebinding attempt), and how a fault looks. Logs name routes, codes and sizes, never contents.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { SqlEngine } from '../sql/index.ts';
import { faultOf, RequestError } from './errors.ts';
import { OpenQueries } from './open-queries.ts';
import { errorCodes } from './protocol.ts';
import { routes } from './routes/index.ts';

export interface ServerLimits {
  /** Bytes of a request to /ksql or /query-stream. */
  readonly maxBodyBytes: number;
  /** Bytes of one line of /inserts-stream. */
  readonly maxRowBytes: number;
  /** Push and pull queries open at once. */
  readonly maxOpenQueries: number;
  /** Bytes written to a client that it has not taken yet; beyond it the query waits. */
  readonly maxUnsentBytes: number;
}

export const defaultLimits: ServerLimits = {
  maxBodyBytes: 4 << 20,
  maxRowBytes: 1 << 20,
  maxOpenQueries: 100,
  maxUnsentBytes: 256 << 10,
};

export interface AppOptions {
  readonly engine: SqlEngine;
  readonly logger: FastifyBaseLogger;
  readonly limits: ServerLimits;
  readonly version: string;
  readonly dataDirectory: string;
  /** Reached over the loopback interface only: Host and Origin must name it. */
  readonly loopbackOnly: boolean;
}

/** What every route gets. */
export interface RouteContext extends AppOptions {
  readonly openQueries: OpenQueries;
}

export const createApp = (options: AppOptions): FastifyInstance => {
  const app = Fastify({
    loggerInstance: options.logger,
    bodyLimit: options.limits.maxBodyBytes,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  if (options.loopbackOnly) app.addHook('onRequest', async (request) => checkLoopback(request.headers));

  app.setErrorHandler((error, request, reply) => {
    const { status, body } = faultOf(error);
    if (status >= 500) request.log.error({ err: error, route: request.url }, 'request failed');
    return reply.code(status).type('application/json').send(JSON.stringify(body));
  });
  app.setNotFoundHandler((request, reply) => {
    const { body } = faultOf(new RequestError(errorCodes.notFound, `there is no ${request.method} ${request.url}`));
    return reply.code(404).type('application/json').send(JSON.stringify(body));
  });

  const context: RouteContext = { ...options, openQueries: new OpenQueries(options.limits.maxOpenQueries) };
  for (const route of routes) route(app, context);
  app.addHook('preClose', async () => context.openQueries.closeAll());
  return app;
};

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

const checkLoopback = (headers: IncomingHttpHeaders): void => {
  const named = [headers.host, headers.origin === undefined ? undefined : hostOf(headers.origin)];
  for (const host of named) {
    if (host === undefined) continue;
    if (!loopbackNames.has(host.replace(/:\d+$/, '').toLowerCase()))
      throw new RequestError(
        errorCodes.forbidden,
        `this server answers on the loopback interface only, and "${host}" is another name. Call it as localhost, or start it with --host to serve a network.`,
      );
  }
};

const hostOf = (origin: string): string => {
  try {
    return new URL(origin).host;
  } catch {
    return origin;
  }
};
