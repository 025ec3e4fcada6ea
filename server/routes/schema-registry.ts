/** The API of Confluent's Schema Registry: /subjects, /schemas, /config, /mode, /compatibility; see
 *  `sql/registry/http-api.ts`. */

import { answerApi, schemaMediaType } from '../../sql/index.ts';
import { readJsonBody } from '../body.ts';
import type { Route } from '../route.ts';

export const schemaRegistryRoute: Route = (app, { engine, limits }) => {
  for (const first of ['subjects', 'schemas', 'config', 'mode', 'compatibility']) {
    for (const url of [`/${first}`, `/${first}/*`]) {
      app.route({
        method: ['GET', 'POST', 'PUT', 'DELETE'],
        url,
        handler: async (request, reply) => {
          const { method } = request;
          const [path = ''] = request.url.split('?');
          const query = request.query as Readonly<Record<string, string | undefined>>;
          const hasBody = method === 'POST' || method === 'PUT';
          const body = hasBody ? await readJsonBody(request.raw, limits) : undefined;
          const answer = await answerApi(engine.registry, { method, path, query, body });
          return reply.code(answer.status).type(schemaMediaType).send(JSON.stringify(answer.body));
        },
      });
    }
  }
};
