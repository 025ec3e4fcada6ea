/**
 * The HTTP face: routes over one open engine.
 *
 * A request is a statement, a query or rows; everything that decides is below, in the SQL room. What is decided here: how large a body may
 * be, how many queries may be open, who may talk to a server on the loopback interface (only pages and tools that name it as such: a
 * foreign Host or Origin is a rebinding attempt), and how a fault looks. Logs name routes, codes and sizes, never contents.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { faultOf, RequestError } from './errors.ts';
import { OpenQueries } from './open-queries.ts';
import { errorCodes } from './protocol.ts';
import type { AppOptions, RouteContext } from './route.ts';
import { routes } from './routes/index.ts';

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
