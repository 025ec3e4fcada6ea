/**
 * POST /query-stream: the rows of one SELECT, push or pull, as they come; or the lines of one PRINT, as plain text.
 *
 * Delimited by default (a header line, then a JSON array a line); `Accept: application/json` gets the same as one JSON
 * array, `application/vnd.ksql.v1+json` the shape of /query.
 */

import { answerQuery } from '../answer-query.ts';
import { objectField, parametersField, positionField, readJsonBody, textField } from '../body.ts';
import type { Route } from '../route.ts';
import { shapeFor } from '../row-shapes.ts';

export const queryStreamRoute: Route = (app, context) => {
  app.post('/query-stream', async (request, reply) => {
    const body = await readJsonBody(request.raw, context.limits);
    return answerQuery(context, request, reply, {
      sql: textField(body, 'sql'),
      // A client that also speaks to /ksql may send them by the name that they have there.
      properties: { ...objectField(body, 'streamsProperties'), ...objectField(body, 'properties') },
      variables: objectField(body, 'sessionVariables'),
      parameters: parametersField(body),
      from: positionField(body, 'from'),
      shape: shapeFor('/query-stream', request.headers.accept),
    });
  });
};
