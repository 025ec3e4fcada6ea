/** POST /close-query: ends a query by its id; 400 when no such query is open. */

import { readJsonBody, textField } from '../body.ts';
import { RequestError } from '../errors.ts';
import { errorCodes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const closeQueryRoute: Route = (app, { openQueries, limits }) => {
  app.post('/close-query', async (request, reply) => {
    const id = textField(await readJsonBody(request.raw, limits), 'queryId');
    if (!(await openQueries.close(id)))
      throw new RequestError(errorCodes.badRequest, `no query with the id "${id}" is open`);
    return reply.code(200).send();
  });
};
