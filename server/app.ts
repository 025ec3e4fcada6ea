/**
 * The HTTP server: routes over one open engine.
 *
 * A request is a statement, a query or rows; how it is carried out is the SQL layer's work. Decided here: who may send
 * requests (`access.ts`), how large a body may be and how long it may take, how many queries may be open, and how a
 * fault looks. Logs name routes, codes and sizes, never contents.
 */

import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { acceptedType } from './accept.ts';
import { checkAccess, isPreflight } from './access.ts';
import { faultOf, RequestError } from './errors.ts';
import { stopReading } from './exchange.ts';
import { createListener } from './listener.ts';
import { Methods } from './methods.ts';
import { OpenQueries } from './open-queries.ts';
import { errorCodes } from './protocol.ts';
import type { AppOptions, RouteContext } from './route.ts';
import { routes } from './routes/index.ts';

/** No route has a schema. Left out, Fastify would load its makers of validators and serializers at each start. */
const noSchemas = (): never => {
  throw new Error('routes have no schemas: bodies are read and written by their own code');
};

export const createApp = (options: AppOptions): FastifyInstance => {
  const app = Fastify({
    serverFactory: (handler) => createListener(handler, options.limits),
    loggerInstance: options.logger,
    bodyLimit: options.limits.maxBodyBytes,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // A path may name a stream or a property of any length; Node bounds the length of the whole.
    routerOptions: { maxParamLength: 16_384 },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  app.addHook('onRequest', async (request, reply) => {
    checkAccess(request.raw, reply.raw, options);
    if (isPreflight(request.raw)) return reply.code(204).send();
    const { produces } = request.routeOptions.config;
    if (produces !== undefined) reply.type(acceptedType(request.headers.accept, produces));
  });

  app.setErrorHandler((error, request, reply) => {
    const { status, body } = faultOf(error);
    // By its path alone: a query string may hold secrets.
    if (status >= 500) request.log.error({ err: error, route: request.url.split('?')[0] }, 'request failed');
    stopReading(request.raw, reply.raw);
    return reply.code(status).type('application/json').send(JSON.stringify(body));
  });
  const methods = new Methods();
  app.addHook('onRoute', ({ method, url }) => methods.add(method, url));
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const others = methods.of(url.split('?')[0] as string);
    if (others.length > 0) reply.header('allow', others.join(', '));
    if (others.length > 0 && method === 'OPTIONS') return reply.code(204).send();
    throw others.length === 0
      ? new RequestError(errorCodes.notFound, `there is no ${method} ${url}`)
      : new RequestError(
          errorCodes.methodNotAllowed,
          `there is no ${method} ${url}: the methods of this path are ${others.join(', ')}`,
        );
  });

  const context: RouteContext = { ...options, openQueries: new OpenQueries(options.limits.maxOpenQueries) };
  for (const route of routes) route(app, context);
  app.addHook('preClose', async () => context.openQueries.closeAll());
  return app;
};
