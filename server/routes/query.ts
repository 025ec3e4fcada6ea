/** POST /query: the older endpoint for the rows of one SELECT: the request of /ksql, and a JSON array that is streamed
 *  element by element. */

import { answerQuery } from '../answer-query.ts';
import { objectField, readJsonBody, textField } from '../body.ts';
import { commandBefore } from '../command-before.ts';
import type { Route } from '../route.ts';
import { shapeFor } from '../row-shapes.ts';

export const queryRoute: Route = (app, context) => {
  app.post('/query', async (request, reply) => {
    const body = await readJsonBody(request.raw, context.limits);
    await commandBefore(body, context.engine, context.limits);
    return answerQuery(context, request, reply, {
      sql: textField(body, 'ksql'),
      properties: objectField(body, 'streamsProperties'),
      variables: objectField(body, 'sessionVariables'),
      shape: shapeFor('/query', request.headers.accept),
    });
  });
};
