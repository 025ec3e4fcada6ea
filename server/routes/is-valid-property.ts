/** GET /is_valid_property/{name}: true, or 400 when there is no such property. */

import { mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const isValidPropertyRoute: Route = (app, { engine }) => {
  app.get<{ Params: { name: string } }>(
    '/is_valid_property/:name',
    { config: { produces: [mediaTypes.json, mediaTypes.ksql] } },
    async (request, reply) => {
      await engine.execute(`UNSET '${request.params.name.replaceAll("'", "''")}';`);
      return reply.send('true');
    },
  );
};
